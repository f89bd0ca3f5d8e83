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
	idle       progress = iota
	awaitsAck           // QoS 1: PUBLISH is out
	awaitsRec           // QoS 2: PUBLISH is out
	awaitsComp          // QoS 2: PUBREL is out
)

// slot is a packet identifier in use.
type slot struct {
	id    uint16
	state progress
}

// window is what is in flight to the client. Identifiers are given out one after the other, and identifier i lives in
// slot i modulo the number of slots: an identifier whose slot is still taken is passed over. So a look-up is one
// index, and clients that acknowledge in order see consecutive identifiers.
type window struct {
	limit int
	used  int
	next  uint16
	slots []slot // a power of two of them, grown on demand
}

func newWindow(limit int) window { return window{limit: limit, next: 1} }

func (w *window) full() bool { return w.used >= w.limit }

// open takes an identifier for a message at QoS 1 or 2; it fails if the window is full.
func (w *window) open(qos byte) (uint16, bool) {
	if w.full() {
		return 0, false
	}
	if w.used == len(w.slots) {
		w.grow()
	}
	for w.next == 0 || w.at(w.next).state != idle {
		w.next++
	}
	id := w.next
	w.next++
	w.used++
	*w.at(id) = slot{id: id, state: awaitsAck}
	if qos == 2 {
		w.at(id).state = awaitsRec
	}
	return id, true
}

func (w *window) at(id uint16) *slot { return &w.slots[int(id)&(len(w.slots)-1)] }

// find returns the slot of an identifier in use.
func (w *window) find(id uint16) (*slot, error) {
	if w.used == 0 || w.at(id).id != id || w.at(id).state == idle {
		return nil, ErrUnknownID
	}
	return w.at(id), nil
}

func (w *window) close(s *slot) {
	*s = slot{}
	w.used--
}

// grow doubles the slots. Identifiers that were apart modulo the old number stay apart modulo its double.
func (w *window) grow() {
	old := w.slots
	w.slots = make([]slot, max(16, 2*len(old)))
	for _, s := range old {
		if s.state != idle {
			*w.at(s.id) = s
		}
	}
}

// PubAck ends a message at QoS 1.
func (s *Session[M]) PubAck(id uint16) error {
	found, err := s.out.find(id)
	if err != nil {
		return err
	}
	if found.state != awaitsAck {
		return ErrWrongAck
	}
	s.out.close(found)
	return nil
}

// PubRec notes that the client has a message at QoS 2; PUBREL is the answer, to a repeated PUBREC too. If the client
// refused it (reason code 0x80 and above) the message ends here and no PUBREL follows [MQTT-4.3.3-4].
func (s *Session[M]) PubRec(id uint16, refused bool) error {
	found, err := s.out.find(id)
	switch {
	case err != nil:
		return err
	case found.state == awaitsAck:
		return ErrWrongAck
	case refused && found.state == awaitsRec:
		s.out.close(found)
	default:
		found.state = awaitsComp
	}
	return nil
}

// PubComp ends a message at QoS 2.
func (s *Session[M]) PubComp(id uint16) error {
	found, err := s.out.find(id)
	if err != nil {
		return err
	}
	if found.state != awaitsComp {
		return ErrWrongAck
	}
	s.out.close(found)
	return nil
}
