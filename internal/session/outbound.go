package session

// PubAck ends a message at QoS 1.
func (s *Session[M]) PubAck(id uint16) error {
	state, err := s.out.find(id)
	if err != nil {
		return err
	}
	if *state != awaitsAck {
		return ErrWrongAck
	}
	s.finish(id, state)
	return nil
}

// Receipt is what a PUBREC asks for.
type Receipt uint8

// The receipts.
const (
	// Done: nothing follows, or it is under way.
	Done Receipt = iota + 1
	// Release: PUBREL is the answer.
	Release
	// Record: that the client has the message must be ordered before PUBREL may go. Then Recorded is called.
	Record
)

// PubRec notes that the client has a message at QoS 2. If it refused the message (reason code 0x80 and above), that
// ends here and no PUBREL follows [MQTT-4.3.3-4]. A repeated PUBREC gets its PUBREL again.
func (s *Session[M]) PubRec(id uint16, refused bool) (Receipt, error) {
	state, err := s.out.find(id)
	switch {
	case err != nil:
		return 0, err
	case *state == awaitsAck:
		return 0, ErrWrongAck
	case refused && *state == awaitsRec:
		s.finish(id, state)
		return Done, nil
	case refused || *state == awaitsOrder:
		return Done, nil
	case *state == awaitsComp:
		return Release, nil
	case s.out.lasting:
		*state = awaitsOrder
		return Record, nil
	default:
		*state = awaitsComp
		return Release, nil
	}
}

// Recorded notes that a PUBREC has been ordered: its PUBREL goes now.
func (s *Session[M]) Recorded(id uint16) error {
	state, err := s.out.find(id)
	if err != nil {
		return err
	}
	if *state != awaitsOrder {
		return ErrWrongAck
	}
	*state = awaitsComp
	return nil
}

// PubComp ends a message at QoS 2.
func (s *Session[M]) PubComp(id uint16) error {
	state, err := s.out.find(id)
	if err != nil {
		return err
	}
	if *state != awaitsComp {
		return ErrWrongAck
	}
	s.finish(id, state)
	return nil
}

// finish ends a message. A lasting session's has an end only when that is ordered.
func (s *Session[M]) finish(id uint16, state *progress) {
	s.out.used--
	if !s.out.lasting {
		*state = idle
		return
	}
	*state = finished
	s.finished = append(s.finished, s.out.flights.number(id))
}

// Finished returns the delivery numbers that are complete for the client, or will never be sent, and of which the
// stream has not been told. Each is returned once; when their completion is ordered, Completed is called.
func (s *Session[M]) Finished() []uint64 {
	numbers := s.finished
	s.finished = nil
	return numbers
}

// Unreported returns how many numbers Finished would return.
func (s *Session[M]) Unreported() int { return len(s.finished) }

// Completed notes that the completion of the numbers has been ordered: their packet identifiers are free again.
func (s *Session[M]) Completed(numbers []uint64) {
	for _, number := range numbers {
		s.out.flights.land(number)
	}
}
