package session

import "errors"

// ErrReceiveMaximum is a client that sent more than the server's Receive Maximum allows: 0x93 [MQTT-3.3.4-7].
var ErrReceiveMaximum = errors.New("receive maximum exceeded")

// inbound is what is in flight from the client. A message at QoS 1 counts until its PUBACK, one at QoS 2 until its
// PUBCOMP.
type inbound struct {
	maximum  int // 0: no bound
	atLeast1 int // messages at QoS 1 without PUBACK
	pending2 int // messages at QoS 2 without PUBREC
	// exactly2 are the identifiers at QoS 2 that PUBREL has not released; true once PUBREC went out.
	exactly2 map[uint16]bool
}

// Arrival is what a PUBLISH at QoS 1 or 2 means to the session.
type Arrival uint8

// The arrivals.
const (
	// Fresh: a message to publish.
	Fresh Arrival = iota + 1
	// Repeated: a message at QoS 2 that was answered already; answer it again and do nothing else [MQTT-4.3.3-10].
	Repeated
	// Pending: a message at QoS 2 that is on its way into the stream; its answer will come.
	Pending
)

// Receive takes in a PUBLISH at QoS 1 or 2.
func (s *Session[M]) Receive(id uint16, qos byte) (Arrival, error) {
	in := &s.in
	if answered, known := in.exactly2[id]; known && qos == 2 {
		if answered {
			return Repeated, nil
		}
		return Pending, nil
	}
	if in.maximum > 0 && in.atLeast1+len(in.exactly2) >= in.maximum {
		return 0, ErrReceiveMaximum
	}
	if qos == 1 {
		in.atLeast1++
		return Fresh, nil
	}
	if in.exactly2 == nil {
		in.exactly2 = make(map[uint16]bool)
	}
	in.exactly2[id] = false
	in.pending2++
	return Fresh, nil
}

// Answer notes that PUBACK or PUBREC goes out now. A PUBLISH at QoS 2 that is refused leaves no record.
func (s *Session[M]) Answer(id uint16, qos byte, refused bool) {
	in := &s.in
	if qos == 1 {
		in.atLeast1--
		return
	}
	in.pending2--
	if refused {
		delete(in.exactly2, id)
	} else {
		in.exactly2[id] = true
	}
}

// Release takes in a PUBREL; PUBCOMP is the answer in any case, with 0x92 if the error is ErrUnknownID.
func (s *Session[M]) Release(id uint16) error {
	if !s.in.exactly2[id] {
		return ErrUnknownID
	}
	delete(s.in.exactly2, id)
	return nil
}

// Unanswered returns how many messages from the client wait for their PUBACK or PUBREC.
func (s *Session[M]) Unanswered() int { return s.in.atLeast1 + s.in.pending2 }
