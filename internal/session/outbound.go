package session

import "slices"

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
	// Record: that the client has the message must be ordered before PUBREL may go. It is in the next Report.
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
		s.report.Received = append(s.report.Received, s.out.flights.number(id))
		return Record, nil
	default:
		*state = awaitsComp
		return Release, nil
	}
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

// finish ends a message. One with a number has an end only when that is ordered.
func (s *Session[M]) finish(id uint16, state *progress) {
	if number, numbered := s.out.close(id, state); numbered {
		s.report.Done = append(s.report.Done, number)
	}
}

// Report is what the stream must be told about deliveries with a number. Both lists ascend.
type Report struct {
	Received []uint64 // PUBREC came
	Done     []uint64 // complete for the client, or never sent
}

// Report returns what has come up since it was last called. When that is ordered, Reported is called.
func (s *Session[M]) Report() Report {
	r := s.report
	s.report, s.urgent = Report{}, false
	slices.Sort(r.Received)
	slices.Sort(r.Done)
	return r
}

// Unreported returns how many messages are done in the next Report, and whether it is urgent: something is held up until
// it is ordered.
func (s *Session[M]) Unreported() (done int, urgent bool) {
	return len(s.report.Done), len(s.report.Received) > 0 || s.urgent
}

// Reported notes that a report has been ordered: the packet identifiers of what is done are free again, and what waited
// for it may be sent. PUBREL goes for what was received, in the order of Report.Received. That which has no PUBREL coming
// any more is left out.
func (s *Session[M]) Reported(r Report) (release []uint16) {
	if !s.out.lasting {
		return nil
	}
	for _, number := range r.Received {
		if state := s.out.flights.at(number); state != nil && *state == awaitsOrder {
			*state = awaitsComp
			release = append(release, PacketID(number))
		}
	}
	for _, number := range r.Done {
		s.out.land(number)
	}
	return release
}
