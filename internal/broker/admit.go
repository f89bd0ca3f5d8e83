package broker

import (
	"time"

	"github.com/foxmq/foxmq/internal/mqtt"
	"github.com/foxmq/foxmq/internal/replica"
	"github.com/foxmq/foxmq/internal/session"
)

// announce submits the CONNECT and waits until it is applied: only then the client is connected, everywhere.
func (c *client) announce(p *mqtt.Connect) error {
	c.awaitGoodbye()
	cmd := &replica.Connect{Connection: c.number, ClientID: c.id, Clean: c.clean, Expiry: c.expiry}
	if p.Will != nil {
		cmd.Will, cmd.WillDelay = will(p.Will), p.Will.Delay
	}
	c.submitConnect(cmd)
	return c.awaitAdmission(cmd)
}

func (c *client) submitConnect(cmd *replica.Connect) {
	c.announced.Store(true)
	if c.broker.config.Stream.TrySubmit(c.from, cmd, c.connectToken()) != nil {
		c.postpone(postponed{cmd: cmd, token: c.connectToken()})
	}
}

// will is the message that goes if the client does not say goodbye.
func will(w *mqtt.Will) *replica.Message {
	return &replica.Message{
		Topic:      w.Topic,
		Payload:    w.Payload,
		Properties: w.Forward,
		Expiry:     w.Expiry,
		HasExpiry:  w.HasExpiry,
		QoS:        w.QoS,
		Retain:     w.Retain,
	}
}

// awaitAdmission waits until the CONNECT is applied, at most the connect time-out. Without a quorum local sessions are
// let in at once: nobody else can know better (docs/semantics.md, "Losing the quorum").
func (c *client) awaitAdmission(cmd *replica.Connect) error {
	timeout := time.NewTimer(c.broker.config.ConnectTimeout)
	defer timeout.Stop()
	poll := time.NewTicker(quorumPoll)
	defer poll.Stop()
	for {
		if c.expiry == 0 && c.broker.config.State.Stalled() && c.startClean(cmd) {
			c.broker.admitUnordered(c)
		}
		select {
		case <-c.admitted:
			return nil
		case <-c.ctx.Done():
			return errRefused
		case <-timeout.C:
			c.broker.counters.connectTimeouts.Add(1)
			c.refuse(&mqtt.Error{Code: mqtt.ServerUnavailable})
			return errRefused
		case <-poll.C:
		}
	}
}

// startClean makes the CONNECT of a client for which nothing is stored one that starts clean, and reports whether it
// does. What such a client is told before the order is known, that no session is present, must hold in the order too.
func (c *client) startClean(cmd *replica.Connect) bool {
	if cmd.Clean {
		return true
	}
	stored := true
	err := c.broker.config.State.Do(func(m *replica.Machine) { stored = m.Stored(c.id) })
	if err != nil || stored || !c.broker.config.Stream.Withdraw(c.from, c.connectToken()) {
		return false
	}
	cmd.Clean = true
	c.submitConnect(cmd)
	return true
}

// admit makes the client connected, with what a lasting session brings with it; nil is a local session. It runs on the
// apply goroutine.
func (c *client) admit(stored *replica.Session, resumed []session.Entry[outgoing]) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase != connecting {
		return false
	}
	c.phase = connected
	c.session = session.New[outgoing](c.limits)
	if stored != nil {
		c.lasting, c.connack.SessionPresent = true, stored.Present
		c.session = session.NewLasting[outgoing](c.limits, stored.Offered)
		for _, e := range resumed {
			c.session.Push(e)
		}
		if len(stored.Unreleased) > 0 {
			c.held = &held{stored.Unreleased}
		}
	}
	c.control = c.connack.Append(c.control, c.version)
	c.connack = nil
	c.wakeWriter()
	close(c.admitted)
	return true
}
