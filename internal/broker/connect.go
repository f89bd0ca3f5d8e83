package broker

import (
	"crypto/rand"
	"errors"
	"time"

	"github.com/foxmq/foxmq/internal/mqtt"
	"github.com/foxmq/foxmq/internal/replica"
	"github.com/foxmq/foxmq/internal/session"
)

// quorumPoll is how often a CONNECT that waits to be ordered looks whether the quorum is still there.
const quorumPoll = 250 * time.Millisecond

// errRefused is a CONNECT that has been answered.
var errRefused = errors.New("connect refused")

// handshake takes a client from its first byte to CONNACK with success. After an error the client has got what it
// will get.
func (c *client) handshake() error {
	p, err := c.readConnect()
	if err == nil {
		err = c.check(p)
	}
	if err != nil {
		offence := c.isOffence(err)
		c.refuse(err)
		c.reportOffence(offence)
		return errRefused
	}
	c.pause()
	c.releaseEmptyBuffer() // many may wait to be admitted
	c.prepare(p)
	if !c.fits(len(c.connack.Append(nil, c.version))) {
		c.refuse(&mqtt.Error{Code: mqtt.PacketTooLarge})
		return errRefused
	}
	if err := c.announce(p); err != nil {
		return err
	}
	c.recheckLogin()
	if c.screened.Load() {
		c.leaveGroups()
	}
	return nil
}

// readConnect reads the first packet, which must be CONNECT [MQTT-3.1.0-1] and come in time.
func (c *client) readConnect() (*mqtt.Connect, error) {
	c.setPatience(c.broker.config.ConnectTimeout)
	packet, err := c.next()
	var bad *mqtt.Error
	if errors.As(err, &bad) {
		c.version = bad.Version // of an answer, if one would be understood
	}
	if err != nil {
		return nil, err
	}
	p, ok := packet.(*mqtt.Connect)
	if !ok {
		return nil, errNoConnect
	}
	c.version, c.maxPacket = p.Version, int(p.MaximumPacketSize)
	return p, nil
}

// errNoConnect is a first packet that is no CONNECT. It is not answered.
var errNoConnect = errors.New("first packet is not CONNECT")

// check decides whether the client may come in, apart from the stream's opinion.
func (c *client) check(p *mqtt.Connect) error {
	if p.AuthMethod != "" {
		return &mqtt.Error{Code: mqtt.BadAuthenticationMethod}
	}
	if err := c.identify(p); err != nil {
		return err
	}
	if err := c.logIn(p); err != nil {
		return err
	}
	if c.broker.isBanned(c) || c.broker.config.Watch.Banned(c.address) {
		c.broker.counters.bannedConnects.Add(1)
		return &mqtt.Error{Code: mqtt.Banned}
	}
	if err := c.checkWill(p.Will); err != nil {
		return err
	}
	return c.openAccount()
}

// checkWill holds the will to what a PUBLISH of it would be held to.
func (c *client) checkWill(w *mqtt.Will) error {
	switch {
	case w == nil:
	case !c.broker.takesTopic(w.Topic):
		c.broker.counters.refusedTopics.Add(1)
		return lawful{&mqtt.Error{Code: mqtt.TopicNameInvalid}}
	case !c.mayPublish(w.Topic):
		return lawful{&mqtt.Error{Code: mqtt.NotAuthorized}}
	case !mqtt.FitsPayload(w.Forward, w.Payload):
		c.broker.counters.invalidPayloads.Add(1)
		return &mqtt.Error{Code: mqtt.PayloadFormatInvalid}
	}
	return nil
}

// identify assigns a client id where the client left it out [MQTT-3.1.3-6]. MQTT 3.1.1 allows that for clean sessions
// only [MQTT-3.1.3-8 of 3.1.1], and MQTT 3.1 not at all.
func (c *client) identify(p *mqtt.Connect) error {
	c.id = p.ClientID
	if c.id != "" {
		return nil
	}
	if p.Version == mqtt.V31 || p.Version == mqtt.V311 && !p.CleanStart {
		return &mqtt.Error{Code: mqtt.ClientIdentifierNotValid}
	}
	c.id = "auto-" + rand.Text()
	return nil
}

// refuse answers CONNECT with the error's reason code, unless errors are to be met with silence, or the client would
// not understand, or takes no packets as large as that [MQTT-3.1.2-24], or has gone.
func (c *client) refuse(err error) {
	c.broker.counters.refusedConnects.Add(1)
	var answer *mqtt.Error
	known := errors.As(err, &answer) && c.version != 0 && !c.broker.config.SilentConnectErrors()
	c.finish(func(dst []byte, p phase) []byte {
		if !known || p != connecting {
			return dst
		}
		connack := (&mqtt.Connack{Code: answer.Code}).Append(nil, c.version)
		if !c.fits(len(connack)) {
			return dst
		}
		return append(dst, connack...)
	})
}

// prepare makes everything that admit needs.
func (c *client) prepare(p *mqtt.Connect) {
	c.from = turnsOf(c)
	config := &c.broker.config
	keepAlive := p.KeepAlive
	if limit := config.MaxKeepAlive; limit > 0 && (keepAlive == 0 || keepAlive > limit) {
		keepAlive = limit
	}
	// One and a half times the keep alive [MQTT-3.1.2-22].
	c.setPatience(time.Duration(keepAlive) * 1500 * time.Millisecond)
	c.limits = session.Limits{
		Send:          config.SendMaximum,
		QueueMessages: config.MaxQueueMessages,
		QueueBytes:    config.MaxQueueBytes,
	}
	if c.version == mqtt.V5 {
		c.limits.Send = min(c.limits.Send, int(p.ReceiveMaximum))
		c.limits.Receive = config.ReceiveMaximum
	}
	c.sent.most = min(int(p.TopicAliasMaximum), config.TopicAliasMaximum)
	c.clean, c.expiry, c.prolongs = p.CleanStart, c.grantedExpiry(p), p.SessionExpiry > 0
	if c.mortal = p.Will != nil || c.expiry > 0; c.mortal {
		c.goodbye = &goodbye{applied: make(chan struct{})}
	}
	c.connack = c.acceptance(p, keepAlive)
}

// grantedExpiry is for how many seconds the session may outlive the connection. MQTT 3 knows only as long as possible
// and not at all.
func (c *client) grantedExpiry(p *mqtt.Connect) uint32 {
	if c.version == mqtt.V5 {
		return c.broker.longest(p.SessionExpiry)
	}
	if p.CleanStart {
		return 0
	}
	return c.broker.longest(replica.Never)
}

// longest returns the session expiry interval, or the longest one if that is less.
func (b *Broker) longest(expiry uint32) uint32 {
	return uint32(min(int64(expiry), int64(b.config.MaxSessionExpiry/time.Second)))
}

// acceptance is the CONNACK for a client that is let in. It names what differs from what the client asked for or from
// MQTT's defaults. Whether a session is present is not known yet.
func (c *client) acceptance(p *mqtt.Connect, keepAlive uint16) *mqtt.Connack {
	config := &c.broker.config
	ack := &mqtt.Connack{
		HasSessionExpiry:   c.expiry != p.SessionExpiry,
		SessionExpiry:      c.expiry,
		ReceiveMaximum:     uint16(config.ReceiveMaximum),
		MaximumPacketSize:  uint32(config.MaxPacketSize),
		TopicAliasMaximum:  uint16(config.TopicAliasMaximum),
		HasServerKeepAlive: keepAlive != p.KeepAlive,
		ServerKeepAlive:    keepAlive,
	}
	if p.ClientID == "" {
		ack.AssignedClientID = c.id
	}
	return ack
}
