package sim

import "github.com/foxmq/foxmq/internal/event"

// Load is what a scenario says of what nodes submit: each correct one a transaction every Gap ns on average. With
// Bursts it falls silent now and then.
type Load struct {
	Gap    int64
	Bursts bool
}

// submit hands in a transaction, if the node can be reached, and schedules the next.
func (h *host) submit() {
	w := h.w
	if w.ended {
		return
	}
	h.whenAwake(h.hand)
	gap := int64(w.rng.ExpFloat64() * float64(w.sc.Gap))
	if w.sc.Bursts && w.chance(0.02) {
		gap += w.between(0, 100*w.sc.Delay)
	}
	w.after(gap, h.submit)
}

// hand submits a transaction, if the node can be reached.
func (h *host) hand() {
	if h.crashed {
		return
	}
	h.source.submit()
	if !h.stuck {
		h.driver.Submitted(h.clock())
		h.settle()
	}
}

// source is a node's clients and what they submit. What was not answered when the node died they submit again.
type source struct {
	host    *host
	calls   []call   // by the number under which the clients know them
	queue   []uint64 // those submitted in this incarnation, by their number in it
	next    int      // the next one of the queue to hand out
	tag     uint64   // this incarnation, 0 before its first event with payload
	waiting int      // calls that are not answered
}

// call is a transaction as its client sees it.
type call struct {
	at       int64 // when it was first submitted, in virtual time
	tries    int   // how often it was submitted
	effects  int   // how often it took effect
	answered bool
}

func (s *source) submit() {
	s.queue = append(s.queue, uint64(len(s.calls)))
	s.calls = append(s.calls, call{at: s.host.w.now, tries: 1})
	s.waiting++
}

// again submits what nobody answered, to a node that has started anew.
func (s *source) again() {
	s.queue, s.next, s.tag = s.queue[:0], 0, 0
	for i := range s.calls {
		if c := &s.calls[i]; !c.answered {
			c.tries++
			s.queue = append(s.queue, uint64(i))
		}
	}
}

// Waiting implements driver.Source.
func (s *source) Waiting() bool {
	return s.next < len(s.queue) && (s.host.correct || !s.host.w.ended)
}

// Fill implements driver.Source.
func (s *source) Fill(dst []byte, incarnation uint64, limit int) []byte {
	s.tag = incarnation
	for s.next < len(s.queue) && len(dst)+transactionSize+1 <= limit {
		tx := transaction{s.host.index, incarnation, uint64(s.next), s.queue[s.next]}
		dst = event.AppendTransaction(dst, tx.encode())
		s.next++
	}
	return dst
}

// answer notes that a transaction was applied. The client of one from before the last start is gone.
func (s *source) answer(tx transaction) {
	if c := &s.calls[tx.client]; tx.incarnation == s.tag && !c.answered {
		c.answered = true
		s.waiting--
	}
}

// back goes back to the first transaction that was not applied: a later one never will be as it was sent.
func (s *source) back(t turn) {
	s.next = 0
	if t.incarnation == s.tag {
		s.next = int(t.number)
	}
}
