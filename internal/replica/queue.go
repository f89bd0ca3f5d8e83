package replica

import (
	"cmp"
	"container/heap"
	"slices"
)

// queue holds the unfinished deliveries of a session at QoS 1 and 2.
type queue struct {
	next    uint64 // number of the next delivery
	offered uint64 // deliveries below this number may have been sent; those from it on have not

	recorded uint64 // the unfinished deliveries below this number have their records

	slots    []numbered // by ascending number; the first one is live
	live     int        // slots that are
	replayed int        // of those, retained messages for new subscriptions
	bytes    int        // of the others
	expiring expiries   // deliveries from offered on that expire, some of which may be done
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
	record   *queued
}

// body is a message in the queues, which may be in many. Its id tells which pending deliveries share it.
type body struct {
	*mark   // nil before the first Flush that finds it in a queue
	id      uint64
	message *Message
	time    int64 // from which its expiry counts
	uses    int   // by pending deliveries
}

func (m *Machine) newBody(msg *Message, time int64) *body {
	m.bodies++
	return &body{id: m.bodies, message: msg, time: time}
}

// fits reports whether the session may be made to wait for one more message, with so many bytes of its own.
func (m *Machine) fits(s *session, b *body, own int) bool {
	m.expireQueue(s)
	return m.roomInQueue(&s.queue, b, own)
}

func (m *Machine) roomInQueue(q *queue, b *body, own int) bool {
	return q.live-q.replayed < m.limits.Queue && q.bytes+b.message.size()+own <= m.limits.QueueBytes &&
		m.roomForBody(b, own)
}

// own is what a delivery takes beside its message: the subscription identifiers, and the name of the shared subscription
// that its record repeats.
func (p *pending) own() int { return ownBytes(p.group, len(p.IDs)) }

func ownBytes(group string, ids int) int { return len(group) + 4*ids }

// roomForBody reports whether all queues together have room for one more message.
func (m *Machine) roomForBody(b *body, own int) bool {
	fresh := one(b.uses == 0)*b.message.size() + own
	return m.counts.Queued < m.limits.Queued && m.counts.QueuedBytes+fresh <= m.limits.QueuedBytes
}

// enqueue gives a delivery its number.
func (m *Machine) enqueue(s *session, p *pending) {
	q := &s.queue
	p.Number = q.next
	q.next++
	switch {
	case s.connected:
		q.offered = q.next
	case p.Message.HasExpiry:
		q.expires(p)
	}
	if s.place == 0 { // what touch would find, without a call for each delivery
		m.changes.touch(s)
	}
	m.admit(q, p)
}

// admit puts a delivery, which has the highest number so far, into the queue.
func (m *Machine) admit(q *queue, p *pending) {
	q.slots = append(q.slots, numbered{p.Number, p})
	q.live++
	q.account(p, 1)
	m.counts.Queued++
	m.counts.QueuedBytes += p.own()
	if p.body.uses++; p.body.uses == 1 {
		m.counts.QueuedBytes += p.body.message.size()
		if p.body.mark != nil {
			m.changes.revive(p.body)
		}
	}
}

// withdraw notes that deliveries from this number on have not been sent after all, so that they may expire, and come
// without DUP when they come.
func (q *queue) withdraw(number uint64) {
	if number >= q.offered {
		return
	}
	q.offered = number
	for _, s := range q.slots {
		if p := s.pending; p != nil && p.Number >= number && p.Message.HasExpiry {
			q.expires(p)
		}
	}
}

// expires notes that a delivery expires if nobody is offered it in time.
func (q *queue) expires(p *pending) {
	heap.Push(&q.expiring, expiry{p.Message.deadline(p.Time), p.Number})
}

// account counts a delivery that comes, or with sign -1 goes.
func (q *queue) account(p *pending, sign int) {
	if p.replayed {
		q.replayed += sign
	} else {
		q.bytes += sign * (p.Message.size() + p.own())
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
	m.counts.QueuedBytes -= p.own()
	if p.record != nil {
		m.changes.drop(p.record)
	}
	if p.body.uses--; p.body.uses == 0 {
		m.counts.QueuedBytes -= p.body.message.size()
		if p.body.mark != nil {
			m.changes.drop(p.body)
		}
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

// fromGroups lists what is in the queue from shared subscriptions.
func (q *queue) fromGroups() (list []*pending) {
	for _, s := range q.slots {
		if s.pending != nil && s.pending.group != "" {
			list = append(list, s.pending)
		}
	}
	return list
}

// expireQueue takes out what has expired and cannot have been sent. What may have been sent is not touched: whether it
// was is for the node to say that had the connection.
func (m *Machine) expireQueue(s *session) {
	q := &s.queue
	for len(q.expiring) > 0 && q.expiring[0].at <= m.time {
		next := heap.Pop(&q.expiring).(expiry)
		if i := q.find(next.number); i >= 0 {
			m.complete(q, i)
			m.counts.QueueExpired++
		}
	}
	q.tidy()
}

// offer notes that all that waits may be sent from now on, and returns the number from which on it is the first time.
func (q *queue) offer() uint64 {
	first := q.offered
	q.offered, q.expiring = q.next, nil
	return first
}

func (m *Machine) acknowledge(s *session, a *Ack) Outcome {
	q := &s.queue
	for _, number := range a.Received {
		if i := q.find(number); i >= 0 && q.slots[i].pending.QoS == 2 {
			m.receive(q.slots[i].pending)
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

// receive notes that PUBREC came.
func (m *Machine) receive(p *pending) {
	p.received = true
	if p.record != nil {
		m.changes.touch(p.record)
	}
}

// expiry is when a delivery expires that nobody was offered.
type expiry struct {
	at     int64 // consensus time, ns
	number uint64
}

// expiries is a heap, the earliest one in front. Which of several at the same time comes first makes no difference.
type expiries []expiry

func (e expiries) Len() int           { return len(e) }
func (e expiries) Less(i, j int) bool { return e[i].at < e[j].at }
func (e expiries) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }

// Push implements heap.Interface.
func (e *expiries) Push(x any) { *e = append(*e, x.(expiry)) }

// Pop implements heap.Interface.
func (e *expiries) Pop() any {
	last := len(*e) - 1
	x := (*e)[last]
	*e = (*e)[:last]
	return x
}
