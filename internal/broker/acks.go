package broker

import (
	"errors"

	"github.com/foxmq/foxmq/internal/mqtt"
	"github.com/foxmq/foxmq/internal/replica"
	"github.com/foxmq/foxmq/internal/session"
)

// acknowledge answers a publish of the client at QoS 1 or 2. The caller wakes the writer. It may be called from any
// goroutine; MQTT asks for no order among a server's acknowledgements.
func (c *client) acknowledge(token replica.Token, code mqtt.ReasonCode) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase != connected {
		return
	}
	c.session.Answer(token.PacketID, token.Kind, code >= 0x80)
	if token.Kind == tokenPublish1 {
		c.control = (&mqtt.Puback{PacketID: token.PacketID, Code: code}).Append(c.control, c.version)
	} else {
		c.control = (&mqtt.Pubrec{PacketID: token.PacketID, Code: code}).Append(c.control, c.version)
	}
	c.change.Broadcast()
}

// progress lets the session take in an acknowledgement. What is not in flight is counted and returned as
// session.ErrUnknownID; what does not fit ends the connection.
func (c *client) progress(take func(*session.Session[outgoing]) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase != connected {
		return errClosing
	}
	err := take(c.session)
	c.input.acked = true
	switch {
	case errors.Is(err, session.ErrUnknownID):
		c.broker.counters.unknownAcks.Add(1)
	case errors.Is(err, session.ErrWrongAck):
		return &mqtt.Error{Code: mqtt.ProtocolError}
	}
	return err
}

// wakeAcked lets the writer use the places in the window that acknowledgements have made, and the stream know of them.
// Those that were read together do so together, so that the writer sends many messages at once and not one for each.
func (c *client) wakeAcked() {
	if !c.input.acked {
		return
	}
	c.input.acked = false
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase == connected {
		c.reportDue()
		c.wakeWriter()
	}
}

// ignoreUnknown is for acknowledgements that nothing answers.
func ignoreUnknown(err error) error {
	if errors.Is(err, session.ErrUnknownID) {
		return nil
	}
	return err
}

func (c *client) onPuback(p *mqtt.Puback) error {
	return ignoreUnknown(c.progress(func(s *session.Session[outgoing]) error { return s.PubAck(p.PacketID) }))
}

func (c *client) onPubcomp(p *mqtt.Pubcomp) error {
	return ignoreUnknown(c.progress(func(s *session.Session[outgoing]) error { return s.PubComp(p.PacketID) }))
}

// onPubrec answers with PUBREL, unless the client has refused the message [MQTT-4.3.3-4] or the stream has to know
// first.
func (c *client) onPubrec(p *mqtt.Pubrec) error {
	var next session.Receipt
	err := c.progress(func(s *session.Session[outgoing]) (err error) {
		next, err = s.PubRec(p.PacketID, p.Code >= 0x80)
		return err
	})
	switch {
	case errors.Is(err, session.ErrUnknownID):
		return c.reply(&mqtt.Pubrel{PacketID: p.PacketID, Code: mqtt.PacketIdentifierNotFound})
	case err == nil && next == session.Release:
		return c.reply(&mqtt.Pubrel{PacketID: p.PacketID})
	default:
		return err
	}
}

// onPubrel answers with PUBCOMP: at once in a local session, of which nobody else needs to know, and from the stream in a
// lasting one (docs/semantics.md, "Publishing").
func (c *client) onPubrel(p *mqtt.Pubrel) error {
	if c.lasting {
		c.held.release(p.PacketID)
		if err := c.awaitControl(); err != nil {
			return err
		}
		token := replica.Token{Owner: c, PacketID: p.PacketID, Kind: tokenRelease}
		return c.order(&replica.Release{Connection: c.number, PacketID: p.PacketID}, token, entryOverhead)
	}
	err := c.progress(func(s *session.Session[outgoing]) error { return s.Release(p.PacketID) })
	answer := &mqtt.Pubcomp{PacketID: p.PacketID}
	if errors.Is(err, session.ErrUnknownID) {
		answer.Code = mqtt.PacketIdentifierNotFound
	} else if err != nil {
		return err
	}
	return c.reply(answer)
}

// released answers a PUBREL that the stream has seen.
func (c *client) released(id uint16, outcome replica.Outcome) {
	answer := &mqtt.Pubcomp{PacketID: id}
	if outcome == replica.Unknown {
		c.broker.counters.unknownAcks.Add(1)
		answer.Code = mqtt.PacketIdentifierNotFound
	}
	c.mu.Lock()
	if c.phase == connected {
		_ = c.session.Release(id) // unknown here if an earlier connection brought the PUBLISH
	}
	c.mu.Unlock()
	c.sendControl(answer)
}
