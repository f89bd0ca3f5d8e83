package sim

import "math/rand/v2"

// stalled is a cluster of correct members on links whose delays somebody chooses who wants elections to go on for
// ever. They get as far as the coin in one run of two or so.
func stalled(s *Scenario, r *rand.Rand) {
	s.Members = pick(r, 4, 4, 4, 4, 4, 4, 5, 7)
	s.Delay, s.Jitter, s.Gap = 4e6, 0.02, 20e6
	s.Stalemate = true
}

// prolonged draws the same with liars who do what they can to keep elections open: by this scheme.
func prolonged(scheme string) func(s *Scenario, r *rand.Rand) {
	return func(s *Scenario, r *rand.Rand) {
		stalled(s, r)
		s.Schemers, s.Scheme = faults(s.Members), scheme
	}
}

// stalemate chooses the delays anew whenever another round is decided, and keeps them for as long as none is.
func (w *World) stalemate(decided uint64) {
	now := w.check.rounds()
	if w.ended {
		w.net.balance()
		return
	}
	if now > decided {
		w.net.unbalance()
	}
	w.after(w.sc.Delay, func() { w.stalemate(now) })
}

// unbalance chooses a member that is slow to reach all but one other. So some learn of its witness before they vote
// and some after, which splits the first votes; and then the electors that a member has depend on whom it hears of
// in time, which keeps them split if the delays happen to be right.
func (n *network) unbalance() {
	rng := n.w.rng
	roles := rng.Perm(len(n.lag))
	slow, confidant := roles[0], roles[len(roles)-1]
	far := 3 + rng.Int64N(15)
	for i := range n.lag {
		for j := range n.lag[i] {
			n.lag[i][j] = 1 + rng.Int64N(3)
			if i == slow && j != confidant {
				n.lag[i][j] = far + rng.Int64N(5)
			}
		}
	}
}

// balance ends all extra delays.
func (n *network) balance() {
	for i := range n.lag {
		clear(n.lag[i])
	}
}
