package node

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"
	"sync"

	"go.uber.org/zap"

	"github.com/foxmq/foxmq/internal/event"
)

// votesKept is how many rounds' votes of each member are remembered.
const votesKept = 64

// ballots holds what the members say that their states were at the latest rounds at which they compare them.
//
// Concurrency: safe for use by many goroutines.
type ballots struct {
	self   int
	enough int // votes for a certificate
	faults int // how many members may be Byzantine

	mu    sync.Mutex
	votes [][]event.Vote // by member, ascending by round; guarded by mu
}

func newBallots(self, members int) *ballots {
	return &ballots{
		self: self, enough: certifying(members), faults: (members - 1) / 3,
		votes: make([][]event.Vote, members),
	}
}

// certifying returns how many equal votes of so many members certify a state: those of a supermajority, or of all
// others where that is everybody. A member that has lost its disk could get nothing that needs its own vote. It is more
// than may be Byzantine, so one of them is a correct member's.
func certifying(members int) int { return max(1, min(2*members/3+1, members-1)) }

// add takes a vote whose signature is its creator's, in place of an earlier one on the same round. Of a member that
// votes on more rounds than are kept the latest count.
func (b *ballots) add(v event.Vote) {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := b.votes[v.Creator]
	at, found := search(list, v.Round)
	if found {
		list[at] = v
		return
	}
	list = slices.Insert(list, at, v)
	if len(list) > votesKept {
		list = slices.Delete(list, 0, 1)
	}
	b.votes[v.Creator] = list
}

// search finds the place of the vote on a round.
func search(votes []event.Vote, round uint64) (at int, found bool) {
	return slices.BinarySearchFunc(votes, round, func(v event.Vote, round uint64) int { return cmp.Compare(v.Round, round) })
}

// has reports whether the vote says what is known.
func (b *ballots) has(v *event.Vote) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := b.votes[v.Creator]
	at, found := search(list, v.Round)
	return found && list[at].Digest == v.Digest
}

// on returns the votes on a round, at most one of each member. The caller holds mu.
func (b *ballots) on(round uint64) (votes []event.Vote) {
	for _, list := range b.votes {
		if at, found := search(list, round); found {
			votes = append(votes, list[at])
		}
	}
	return votes
}

// certificate returns the votes on that state at the round if they certify it, else nil.
func (b *ballots) certificate(round uint64, digest [sha256.Size]byte) []event.Vote {
	b.mu.Lock()
	defer b.mu.Unlock()
	votes := slices.DeleteFunc(b.on(round), func(v event.Vote) bool { return v.Digest != digest })
	if len(votes) < b.enough {
		return nil
	}
	return votes
}

// own returns what this node has voted, the latest last.
func (b *ballots) own() []ownVote {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := make([]ownVote, len(b.votes[b.self]))
	for i, v := range b.votes[b.self] {
		list[i] = ownVote{v.Round, v.Digest}
	}
	return list
}

// signed returns this node's votes, to be sent to a peer.
func (b *ballots) signed() []event.Vote {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.votes[b.self])
}

// verdict is how a node's state compares with what the others say.
type verdict int

const (
	agreed   verdict = iota // or too little is known
	disputed                // somebody says otherwise
	outvoted                // so many say the same other thing that one of them is correct, and more than agree
)

// judge compares this node's state at the round with those of the others.
func (b *ballots) judge(round uint64) verdict {
	b.mu.Lock()
	defer b.mu.Unlock()
	counts := map[[sha256.Size]byte]int{}
	var mine *event.Vote
	for _, v := range b.on(round) {
		counts[v.Digest]++
		if v.Creator == b.self {
			mine = &v
		}
	}
	if mine == nil || len(counts) < 2 {
		return agreed
	}
	most := 0 // an order does not matter: the largest of numbers
	for digest, n := range counts {
		if digest != mine.Digest {
			most = max(most, n)
		}
	}
	if most > b.faults && most > counts[mine.Digest] {
		return outvoted
	}
	return disputed
}

// vote casts this node's vote on its state at a round and tells all peers.
func (n *Node) vote(round uint64, digest [sha256.Size]byte) {
	v := event.Vote{Creator: n.cfg.Self, Round: round, Digest: digest}
	if err := v.Sign(n.cfg.Key, n.cfg.Domain); err != nil {
		n.cfg.Logger.Error("vote cannot be signed", zap.Error(err))
		return
	}
	n.ballots.add(v)
	n.tellAll([]event.Vote{v})
	n.compare(round)
}

// tellAll sends votes of this node to all peers. What is lost with them the loop sends again.
func (n *Node) tellAll(votes []event.Vote) {
	m := &event.Message{Votes: votes}
	for peer := range n.peers {
		if peer != n.cfg.Self && !n.transport.Send(peer, m) {
			n.peers[peer].dropped.Store(true)
			n.wake()
		}
	}
}

// tellVotes sends this node's latest votes to a peer that has come, or that may have lost some.
func (n *Node) tellVotes(peer int) {
	if votes := n.ballots.signed(); len(votes) > 0 {
		n.transport.Send(peer, &event.Message{Votes: votes})
	}
}

// hearVotes takes in a peer's own votes. It runs on the peer's goroutine.
func (n *Node) hearVotes(from int, votes []event.Vote) error {
	for i := range votes {
		v := &votes[i]
		if v.Creator == from && n.ballots.has(v) { // peers say again what they say when they connect
			continue
		}
		n.slow(from, verifyCost)
		if v.Creator != from || v.Round%snapshotEvery != 0 || !v.Verify(n.cfg.Keys[from], n.cfg.Domain) {
			n.intake.bad.Add(1)
			n.peers[from].bad.Add(1)
			return errForgedVote
		}
		n.ballots.add(*v)
		n.compare(v.Round)
	}
	return nil
}

// compare looks whether the members agree on a round. A node that is outvoted fences itself: one of those who say the
// same other thing is correct, as no more than f are not.
func (n *Node) compare(round uint64) {
	switch n.ballots.judge(round) {
	case agreed:
	case disputed:
		n.disputes.Add(1)
		n.disputed.Do(func() {
			n.cfg.Logger.Warn("members disagree about the state", zap.Uint64("round", round),
				zap.Uint64("index", n.applied.Load()))
		})
	case outvoted:
		n.fail(n.divergence(round))
	}
}

// divergence returns the error of a node that is outvoted at a round. While it reads its log it has no index yet.
func (n *Node) divergence(round uint64) error {
	err := fmt.Errorf("%w: at round %d", ErrDiverged, round)
	if index := n.applied.Load(); index > 0 {
		err = fmt.Errorf("%w, at or before index %d", err, index)
	}
	return err
}
