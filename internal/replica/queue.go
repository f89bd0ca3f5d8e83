package replica

import (
	"cmp"
	"math"
	"slices"
)

// queue holds the unfinished deliveries of a session at QoS 1 and 2.
type queue struct {
	next    uint64 // number of the next delivery
	offered uint64 // deliveries below this number may have been sent; those from it on have not

	slots    []numbered // by ascending number; the first one is live
	live     int        // slots that are
	replayed int        // of those, retained messages for new subscriptions
	bytes    int        // of the others
	soonest  int64      // no delivery from offered on expires before this time
}

// numbered is a place in a queue; pending is nil once the delivery with that number is done.
type numbered struct {
	number  uint64
	pending *pending
}

// pending is an unfinished delivery.
type pending struct {
	Delivery
	body     *body
	group    string // the shared subscription it came by; empty: by none
	received bool   // PUBREC came
	replayed bool   // it is a retained message for a new subscription
}

// body is a message in the queues, which may be in many. Its id tells which pending deliveries share it.
type body struct {
	id      uint64
	message *Message
	time    int64 // from which its expiry counts
	uses    int   // by pending deliveries
}

func (m *Machine) newBody(msg *Message, time int64) *body {
	m.bodies++
	return &body{id: m.bodies, message: msg, time: time}
}

// fits reports whether the session may be made to wait for one more message.
func (m *Machine) fits(s *session, b *body) bool {
	size := b.message.size()
	if m.full(s, size) && !s.connected {
		m.expireQueue(s)
	}
	return !m.full(s, size) && m.roomForBody(b)
}

func (m *Machine) full(s *session, size int) bool {
	q := &s.queue
	return q.live-q.replayed >= m.limits.Queue || q.bytes+size > m.limits.QueueBytes
}

// roomForBody reports whether all queues together have room for one more message.
func (m *Machine) roomForBody(b *body) bool {
	fresh := one(b.uses == 0) * b.message.size()
	return m.counts.Queued < m.limits.Queued && m.counts.QueuedBytes+fresh <= m.limits.QueuedBytes
}

// enqueue gives a delivery its number.
func (m *Machine) enqueue(s *session, p *pending) {
	q := &s.queue
	p.Number = q.next
	q.next++
	if s.connected {
		q.offered = q.next
	} else {
		q.expect(p)
	}
	q.slots = append(q.slots, numbered{p.Number, p})
	q.live++
	q.account(p, 1)
	m.counts.Queued++
	if p.body.uses++; p.body.uses == 1 {
		m.counts.QueuedBytes += p.body.message.size()
	}
}

// expect notes when a delivery that was not offered expires.
func (q *queue) expect(p *pending) {
	deadline := p.Message.deadline(p.Time)
	if q.next-1 == q.offered || deadline < q.soonest {
		q.soonest = deadline
	}
}

// account counts a delivery that comes, or with sign -1 goes.
func (q *queue) account(p *pending, sign int) {
	if p.replayed {
		q.replayed += sign
	} else {
		q.bytes += sign * p.Message.size()
	}
}

// find returns the place of the number, or -1 if there is no such delivery.
func (q *queue) find(number uint64) int {
	i, found := slices.BinarySearchFunc(q.slots, number, func(s numbered, n uint64) int { return cmp.Compare(s.number, n) })
	if !found || q.slots[i].pending == nil {
		return -1
	}
	return i
}

// complete takes the delivery at that place out of the queue.
func (m *Machine) complete(q *queue, place int) {
	p := q.slots[place].pending
	q.slots[place].pending = nil
	q.live--
	q.account(p, -1)
	m.counts.Queued--
	if p.body.uses--; p.body.uses == 0 {
		m.counts.QueuedBytes -= p.body.message.size()
	}
}

// tidy gives back the places of what is done, once they are many.
func (q *queue) tidy() {
	for len(q.slots) > 0 && q.slots[0].pending == nil {
		q.slots = q.slots[1:]
	}
	if len(q.slots) > 2*q.live+32 {
		q.slots = slices.DeleteFunc(q.slots, func(s numbered) bool { return s.pending == nil })
	}
	if q.live == 0 {
		q.slots = nil
	}
}

// empty forgets all deliveries.
func (m *Machine) empty(q *queue) {
	for i := range q.slots {
		if q.slots[i].pending != nil {
			m.complete(q, i)
		}
	}
	q.tidy()
}

// unfinished lists what is in the queue.
func (q *queue) unfinished() []Unfinished {
	list := make([]Unfinished, 0, q.live)
	for _, s := range q.slots {
		if s.pending != nil {
			list = append(list, Unfinished{Delivery: &s.pending.Delivery, Received: s.pending.received})
		}
	}
	return list
}

// expireQueue takes out what has expired and cannot have been sent. What may have been sent is not touched: whether it
// was is for the node to say that had the connection.
func (m *Machine) expireQueue(s *session) {
	q := &s.queue
	if q.offered == q.next || m.time < q.soonest {
		return
	}
	q.soonest = math.MaxInt64
	for i := range q.slots {
		p := q.slots[i].pending
		if p == nil || p.Number < q.offered {
			continue
		}
		deadline := p.Message.deadline(p.Time)
		if deadline <= m.time {
			m.complete(q, i)
			m.counts.QueueExpired++
		} else {
			q.soonest = min(q.soonest, deadline)
		}
	}
	q.tidy()
}

func (m *Machine) acknowledge(s *session, a *Ack) Outcome {
	q := &s.queue
	for _, number := range a.Received {
		if i := q.find(number); i >= 0 && q.slots[i].pending.QoS == 2 {
			q.slots[i].pending.received = true
		}
	}
	for _, number := range a.Done {
		if i := q.find(number); i >= 0 {
			m.complete(q, i)
		}
	}
	q.tidy()
	return Applied
}
