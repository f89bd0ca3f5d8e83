package literal

import "fmt"

// Check makes the oracle verify, from now on and in every evaluation, what must hold in a graph with at most f
// faulty members. Violation tells the first breach.
func (o *Oracle) Check() { o.check = true }

// Violation returns the first breach since Check, or nil.
func (o *Oracle) Violation() error { return o.violation }

func (o *Oracle) verify() error {
	strong := map[seat]*vertex{}
	for _, x := range o.graph {
		if err := o.verifyEvent(x, strong); err != nil {
			return err
		}
	}
	return o.verifyElection()
}

// seat is the place among the witnesses of a round that one member has.
type seat struct {
	round   int64
	creator int
}

// verifyEvent checks one event; strong collects the witnesses that any event strongly sees.
func (o *Oracle) verifyEvent(x *vertex, strong map[seat]*vertex) error {
	if x.round < x.parentRound {
		return fmt.Errorf("a child's round ≥ its parents': %s is of round %d, a parent of %d",
			x.ID(), x.round, x.parentRound)
	}
	for _, w := range x.stronglySees {
		if w == nil {
			continue
		}
		place := seat{w.round, w.Creator}
		if other := strong[place]; other != nil && other != w {
			return fmt.Errorf("no two branches of a fork are both strongly seen: %s and %s are", w.ID(), other.ID())
		}
		strong[place] = w
	}
	return nil
}

// verifyElection checks the election of the pending round: every tally is over a supermajority, and what one
// voter decides no other decides otherwise.
func (o *Oracle) verifyElection() error {
	for _, c := range o.graph {
		if !o.candidate(c) {
			continue
		}
		settled := Undecided
		for _, v := range o.graph {
			if v.witness() && v.round >= c.round+2 {
				if yes, no := o.tally(v, c); yes+no < o.quorum {
					return fmt.Errorf("every tally has ≥ q creators: %s has %d", v.ID(), yes+no)
				}
			}
			verdict := o.verdict(v, c)
			if verdict != Undecided && settled != Undecided && verdict != settled {
				return fmt.Errorf("decided fame never flips: %s is decided both ways", c.ID())
			}
			settled = max(settled, verdict)
		}
		if o.late(c) && settled == Famous {
			return fmt.Errorf("decided fame never flips: %s is late and famous", c.ID())
		}
	}
	return nil
}
