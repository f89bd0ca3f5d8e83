package sim

import (
	"encoding/binary"

	"github.com/foxmq/foxmq/internal/consensus/driver"
	"github.com/foxmq/foxmq/internal/event"
)

// Load is what a scenario says of what nodes submit: each correct one a transaction every Gap ns on average. With
// Bursts it falls silent now and then.
type Load struct {
	Gap    int64
	Bursts bool
}

// submit hands in a transaction, and schedules the next.
func (h *host) submit() {
	w := h.w
	if h.crashed || w.ended {
		return
	}
	h.whenAwake(h.hand)
	gap := int64(w.rng.ExpFloat64() * float64(w.sc.Gap))
	if w.sc.Bursts && w.chance(0.02) {
		gap += w.between(0, 100*w.sc.Delay)
	}
	w.after(gap, h.submit)
}

// hand submits a transaction.
func (h *host) hand() {
	h.source.submit()
	h.driver.Submitted(h.clock())
	h.settle()
}

// source is a node's load. A transaction is its node and its number; it takes effect only if it is the node's next.
type source struct {
	host      *host
	submitted []int64 // when, in virtual time, by number
	next      int     // the next one to hand out
}

// transaction sizes in bytes: node and number.
const transactionSize = 9

func (s *source) submit() { s.submitted = append(s.submitted, s.host.w.now) }

// Waiting implements driver.Source.
func (s *source) Waiting() bool {
	return s.next < len(s.submitted) && (s.host.correct || !s.host.w.ended)
}

// Fill implements driver.Source.
func (s *source) Fill(dst []byte, incarnation uint64, limit int) []byte {
	if incarnation != 1 && s.host.correct {
		s.host.w.check.fail(Incarnation, "a node that never restarted has a later one")
	}
	for s.next < len(s.submitted) && len(dst)+transactionSize+1 <= limit {
		tx := make([]byte, 0, transactionSize)
		tx = append(tx, byte(s.host.index))
		tx = binary.BigEndian.AppendUint64(tx, uint64(s.next))
		dst = event.AppendTransaction(dst, tx)
		s.next++
	}
	return dst
}

// take notes what of the node's own has taken effect, and goes back if some never will as it was sent.
func (s *source) take(r *driver.Ready) {
	if s.host.correct && len(r.Stale) > 0 {
		s.next = s.host.log.applied[s.host.index]
	}
}
