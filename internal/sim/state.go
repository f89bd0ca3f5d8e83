package sim

import (
	"encoding/binary"
	"slices"

	"github.com/foxmq/foxmq/internal/consensus"
)

// transaction is what nodes submit. It takes effect only if its number is the next one of its node and incarnation.
type transaction struct {
	node        int
	incarnation uint64
	number      uint64
	client      uint64 // under which number the clients know it
}

// transactionSize in bytes.
const transactionSize = 25

func (t *transaction) encode() []byte {
	b := append(make([]byte, 0, transactionSize), byte(t.node))
	b = binary.BigEndian.AppendUint64(b, t.incarnation)
	b = binary.BigEndian.AppendUint64(b, t.number)
	return binary.BigEndian.AppendUint64(b, t.client)
}

// decode fails on what is no transaction.
func decode(b []byte) (transaction, bool) {
	if len(b) != transactionSize {
		return transaction{}, false
	}
	return transaction{
		node:        int(b[0]),
		incarnation: binary.BigEndian.Uint64(b[1:]),
		number:      binary.BigEndian.Uint64(b[9:]),
		client:      binary.BigEndian.Uint64(b[17:]),
	}, true
}

// state is what a replicated state machine remembers: up to which round it applied the log, and whose turn it is.
type state struct {
	round uint64
	turns []turn // by member
}

// turn says which of a member's transactions takes effect next, and how many have.
type turn struct {
	incarnation, number uint64
	effects             int
}

func newState(members int) state { return state{turns: make([]turn, members)} }

func (s *state) clone() state { return state{s.round, slices.Clone(s.turns)} }

// apply lets a round's transactions take effect and calls effect with each that does.
func (s *state) apply(r *consensus.Round, effect func(transaction)) {
	for i := range r.Events {
		e := r.Events[i].Event
		e.EachTransaction(func(_ int, b []byte) {
			t, ok := decode(b)
			if ok && t.node == e.Creator && s.turns[t.node].take(&t) {
				effect(t)
			}
		})
	}
	s.round = r.Number
}

// take tells whether a transaction takes effect.
func (t *turn) take(tx *transaction) bool {
	if tx.incarnation > t.incarnation {
		t.incarnation, t.number = tx.incarnation, 0
	}
	if tx.incarnation < t.incarnation || tx.number != t.number {
		return false
	}
	t.number++
	t.effects++
	return true
}
