// Package session holds the quality-of-service state of one connected client: the messages that wait to be sent to
// it, the packet identifiers in flight in either direction, and what a repeated PUBLISH at QoS 2 means.
//
// A session is local or lasting (docs/semantics.md, "Sessions"). A local one gives out packet identifiers itself, and its
// messages end with their acknowledgements. In a lasting one the stream gives each message at QoS 1 and 2 a delivery number,
// from which its packet identifier follows, and that the client has a message or is done with it counts when it is
// ordered. What a local one gets from a shared subscription is numbered too, so that the stream learns of its end.
//
// It decides and does nothing: it knows no socket, no clock and no encoding, and the message is an opaque type
// parameter. The broker feeds it with what it received and sends what it returns.
//
// # Concurrency
//
// A Session has no lock of its own. The broker guards it with the mutex of its connection.
package session

import "iter"

// Limits bound a session. Every field must be at least 1, except that Receive 0 stands for no bound.
type Limits struct {
	// Send is how many messages at QoS 1 and 2 may be in flight to the client: the Receive Maximum of its CONNECT
	// [MQTT-3.3.4-9], or the server's own bound if that is lower. At most 65,535.
	Send int
	// Receive is the Receive Maximum that the server announced. MQTT 3.1.1 knows none: 0.
	Receive int
	// QueueMessages and QueueBytes bound what waits to be sent.
	QueueMessages int
	QueueBytes    int
}

// Session is one client's state. M is what the broker knows of a message.
type Session[M any] struct {
	limits Limits

	queue  ring[Entry[M]]
	queued int // how many in queue count
	bytes  int // of those
	extra  int // how many in queue are free and have no number
	front  []Entry[M]

	out    window
	unsent uint64 // lasting: no delivery from this number on has been sent
	report Report
	urgent bool // it names messages that were never sent
	in     inbound
}

// New returns the state of a local session that has just begun.
func New[M any](limits Limits) *Session[M] {
	return &Session[M]{limits: limits, out: window{limit: limits.Send}, in: inbound{maximum: limits.Receive}}
}

// NewLasting returns the state of a lasting session that nothing has been sent to on this connection, and on earlier ones
// no delivery from that number on. What those have left is pushed before anything else.
func NewLasting[M any](limits Limits, unsent uint64) *Session[M] {
	s := New[M](limits)
	s.out.lasting, s.unsent = true, unsent
	return s
}

// Unsent returns the number of a lasting session from which on no delivery has been sent, on this connection or earlier.
func (s *Session[M]) Unsent() uint64 { return s.unsent }

// Entry is a message in the outbound queue.
type Entry[M any] struct {
	Message M
	Size    int // what the entry counts against QueueBytes
	// Expires is the moment, on the caller's clock, from which the message must not be sent any more; 0 is never.
	Expires int64
	// Number is the delivery number, which ascends; only with Numbered. In a lasting session all messages at QoS 1 and 2
	// have one, in a local one those of shared subscriptions.
	Number   uint64
	Numbered bool
	QoS      byte
	// Retain: the message goes with RETAIN [MQTT-3.3.1-8].
	Retain bool
	// Again: an earlier connection may have sent the message, so it goes with DUP [MQTT-3.3.1-1], and does not expire.
	Again bool
	// Received: the client has the message, and PUBREL is to be sent in place of PUBLISH.
	Received bool
	// Free: the entry does not count against the bounds of the queue. Somebody else bounds it: the stream what has a
	// number, and otherwise what one command may replay, so that MaxExtra bounds a client that subscribes again and
	// again and reads nothing.
	Free bool
	// Withheld: the client is not to get it, say because it takes no packet as large. The message's turn finishes its delivery number, and that is all.
	Withheld bool
	// Mark says that the entry is no message but a place in the queue which means something to the broker. Its turn
	// comes without a packet identifier, and it is never dropped.
	Mark bool
}

// MaxExtra is how many free entries without a number may wait: twice what one command may replay.
const MaxExtra = 1 << 17

// Sending is an entry whose turn has come.
type Sending[M any] struct {
	Entry[M]
	PacketID uint16 // 0 at QoS 0 and for what is not sent
	Expired  bool   // it is not to be sent, only counted
}

// Verdict is what became of an entry that was pushed.
type Verdict uint8

// The verdicts.
const (
	// Queued: it will be returned by Pop.
	Queued Verdict = iota + 1
	// Dropped: the queue is full and the message was at QoS 0.
	Dropped
	// Overflow: the queue is full and the message was at QoS 1 or 2, or a mark. The session must be closed with
	// 0x97, so that no reader sees a silent gap.
	Overflow
)

// Push appends an entry to the outbound queue.
func (s *Session[M]) Push(e Entry[M]) Verdict {
	switch {
	case e.Free && e.Numbered:
	case e.Free:
		if s.extra >= MaxExtra {
			return e.Refusal()
		}
		s.extra++
	default:
		if s.queued >= s.limits.QueueMessages || s.bytes+e.Size > s.limits.QueueBytes {
			return e.Refusal()
		}
		s.queued++
		s.bytes += e.Size
	}
	s.queue.push(e)
	return Queued
}

// Refusal is the verdict on the entry if there is no room for it.
func (e *Entry[M]) Refusal() Verdict {
	if e.QoS == 0 && !e.Mark {
		return Dropped
	}
	return Overflow
}

// Prepend puts entries before everything that waits; they do not count against the bounds. It serves the retained
// messages of a new subscription, of which the broker fetches a few at a time.
func (s *Session[M]) Prepend(entries []Entry[M]) {
	s.front = append(append(make([]Entry[M], 0, len(entries)+len(s.front)), entries...), s.front...)
	for i := range entries {
		s.front[i].Free = true
	}
}

// Bytes returns how much of QueueBytes is taken.
func (s *Session[M]) Bytes() int { return s.bytes }

// Counted yields the entries that wait and count, oldest first.
func (s *Session[M]) Counted() iter.Seq[*Entry[M]] {
	return func(yield func(*Entry[M]) bool) {
		for i := range s.queue.len() {
			if e := s.queue.at(i); !e.Free && !yield(e) {
				return
			}
		}
	}
}

// Pop returns the next entry that may be sent at the time now. A message that waits for the client's window holds up
// everything behind it, so that the order of the stream lasts to the last hop, whatever the mixture of qualities. In a
// lasting session so does one that is never sent, until that is ordered: else the next connection might send it after
// all, behind later ones.
func (s *Session[M]) Pop(now int64) (Sending[M], bool) {
	if !s.Ready(now) {
		return Sending[M]{}, false
	}
	head := s.head()
	sending := Sending[M]{Entry: *head, Expired: head.expired(now)}
	switch {
	case head.QoS == 0:
	case !head.lapses(now):
		sending.PacketID = s.out.open(head.Number, head.Numbered, begin(head))
		if head.Numbered {
			s.unsent = max(s.unsent, head.Number+1)
		}
	case head.Numbered:
		s.out.skip(head.Number)
		s.report.Done, s.urgent = append(s.report.Done, head.Number), s.out.lasting
	}
	s.dropHead()
	return sending, true
}

// Ready tells whether Pop would return an entry.
func (s *Session[M]) Ready(now int64) bool {
	head := s.head()
	if head == nil || head.lapses(now) {
		return head != nil
	}
	if head.Received { // PUBREL does not wait for the receive maximum [MQTT-3.3.4-10]
		return s.out.skipped == 0 && s.out.covers(head.Number)
	}
	return s.out.skipped == 0 && (head.QoS == 0 || !s.out.full(head.Number))
}

// lapses tells whether the entry is not to be sent.
func (e *Entry[M]) lapses(now int64) bool { return e.Withheld || e.expired(now) }

func (e *Entry[M]) expired(now int64) bool { return e.Expires != 0 && e.Expires <= now && !e.Again }

func (s *Session[M]) head() *Entry[M] {
	if len(s.front) > 0 {
		return &s.front[0]
	}
	return s.queue.first()
}

func (s *Session[M]) dropHead() {
	if len(s.front) > 0 {
		s.front[0] = Entry[M]{}
		if s.front = s.front[1:]; len(s.front) == 0 {
			s.front = nil
		}
		return
	}
	switch head := s.queue.first(); {
	case head.Free && head.Numbered:
	case head.Free:
		s.extra--
	default:
		s.queued--
		s.bytes -= head.Size
	}
	s.queue.pop()
}
