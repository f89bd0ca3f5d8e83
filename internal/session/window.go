package session

import "errors"

// The errors of acknowledgements.
var (
	// ErrUnknownID is a packet identifier that is not in use: 0x92 where the answer carries a reason code.
	ErrUnknownID = errors.New("packet identifier not found")
	// ErrWrongAck is an acknowledgement that does not belong to the message's quality of service: 0x82.
	ErrWrongAck = errors.New("acknowledgement does not fit the message")
)

// progress is how far a message to the client has come.
type progress uint8

const (
	idle        progress = iota // complete, and nobody needs to know any more
	awaitsAck                   // QoS 1: PUBLISH is out
	awaitsRec                   // QoS 2: PUBLISH is out
	awaitsOrder                 // QoS 2, lasting: PUBREC is in and must be ordered before PUBREL goes
	awaitsComp                  // QoS 2: PUBREL is out
	finished                    // lasting: complete for the client, but not yet in the order
	skipped                     // lasting: never sent, but that is not yet in the order
)

// begin returns where a message begins when its turn has come.
func begin[M any](e *Entry[M]) progress {
	switch {
	case e.Received:
		return awaitsComp
	case e.QoS == 2:
		return awaitsRec
	default:
		return awaitsAck
	}
}

// window is what is in flight to the client. Who gives out packet identifiers differs: in a local session the slots
// do, in a lasting one the delivery numbers.
type window struct {
	limit   int
	used    int
	slots   slots             // local
	numbers map[uint16]uint64 // local: the delivery numbers of those that have one
	flights flights           // lasting
	skipped int               // of those, the ones that were never sent
	lasting bool
}

// full tells whether a message must wait; the number is its own in a lasting session.
func (w *window) full(number uint64) bool {
	return w.used >= w.limit || !w.covers(number)
}

// covers tells whether the number may join those in flight.
func (w *window) covers(number uint64) bool { return !w.lasting || w.flights.covers(number) }

// open takes an identifier for a message that is not held up by full.
func (w *window) open(number uint64, numbered bool, state progress) (id uint16) {
	w.used++
	if w.lasting {
		w.flights.push(number, state)
		return PacketID(number)
	}
	id = w.slots.open(w.used, state)
	if numbered {
		if w.numbers == nil {
			w.numbers = map[uint16]uint64{}
		}
		w.numbers[id] = number
	}
	return id
}

// skip notes a number that will not be sent.
func (w *window) skip(number uint64) {
	if w.lasting {
		w.flights.push(number, skipped)
		w.skipped++
	}
}

// land forgets a number whose completion has been ordered.
func (w *window) land(number uint64) {
	if w.flights.land(number) == skipped {
		w.skipped--
	}
}

// close ends a message that find has found, and returns its delivery number if it has one.
func (w *window) close(id uint16, state *progress) (number uint64, numbered bool) {
	w.used--
	if w.lasting {
		*state = finished
		return w.flights.number(id), true
	}
	*state = idle
	number, numbered = w.numbers[id]
	delete(w.numbers, id)
	return number, numbered
}

// find returns the progress of an identifier in use.
func (w *window) find(id uint16) (*progress, error) {
	found := w.slots.find(id)
	if w.lasting {
		found = w.flights.find(id)
	}
	if found == nil || *found == idle || *found >= finished {
		return nil, ErrUnknownID
	}
	return found, nil
}

// slot is a packet identifier in use.
type slot struct {
	id    uint16
	state progress
}

// slots give out identifiers one after the other. Identifier i lives in slot i modulo their number, a power of two that
// grows on demand: an identifier whose slot is still taken is passed over. So a look-up is one index, and clients that
// acknowledge in order see consecutive identifiers.
type slots struct {
	next  uint16
	taken []slot
}

// open takes an identifier; used counts it already.
func (s *slots) open(used int, state progress) uint16 {
	if used > len(s.taken) {
		s.grow()
	}
	for s.next == 0 || s.at(s.next).state != idle {
		s.next++
	}
	id := s.next
	s.next++
	*s.at(id) = slot{id: id, state: state}
	return id
}

func (s *slots) at(id uint16) *slot { return &s.taken[int(id)&(len(s.taken)-1)] }

// find returns nil for an identifier that was never in its slot.
func (s *slots) find(id uint16) *progress {
	if len(s.taken) == 0 || s.at(id).id != id {
		return nil
	}
	return &s.at(id).state
}

// grow doubles the slots. Identifiers that were apart modulo the old number stay apart modulo its double.
func (s *slots) grow() {
	old := s.taken
	s.taken = make([]slot, max(16, 2*len(old)))
	for _, o := range old {
		if o.state != idle {
			*s.at(o.id) = o
		}
	}
}
