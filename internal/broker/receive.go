package broker

import (
	"errors"

	"github.com/foxmq/foxmq/internal/mqtt"
)

// controlLimit in bytes is how much may wait to be sent beside messages before the client is read on.
const controlLimit = 64 << 10

// Errors that end a connection without a reason code.
var (
	errClosing     = errors.New("the connection is being closed")
	errDenied      = errors.New("publish denied")
	errUnavailable = errors.New("the stream takes no more")
)

// receive reads and handles packets until the client leaves or an error ends the connection.
func (c *client) receive() error {
	for {
		packet, err := c.next()
		if err != nil {
			return afterConnect(err)
		}
		if err := c.handle(packet); err != nil {
			return err
		}
	}
}

// afterConnect makes of an error in a packet one that DISCONNECT can tell: that of a second CONNECT is a protocol error,
// whatever version or method it names [MQTT-3.1.0-2] [MQTT-3.14.2-1], and so is an AUTH that names none.
func afterConnect(err error) error {
	var bad *mqtt.Error
	if errors.As(err, &bad) && bad.Code != mqtt.MalformedPacket &&
		(bad.Packet == mqtt.TypeConnect || bad.Code == mqtt.BadAuthenticationMethod) {
		return &mqtt.Error{Code: mqtt.ProtocolError, Packet: bad.Packet, Detail: bad.Detail}
	}
	return err
}

func (c *client) handle(packet mqtt.Packet) error {
	switch p := packet.(type) {
	case *mqtt.Puback:
		return c.onPuback(p)
	case *mqtt.Pubcomp:
		return c.onPubcomp(p)
	}
	c.wakeAcked() // the others may wait for something
	switch p := packet.(type) {
	case *mqtt.Publish:
		return c.onPublish(p)
	case *mqtt.Pubrec:
		return c.onPubrec(p)
	case *mqtt.Pubrel:
		return c.onPubrel(p)
	case *mqtt.Subscribe:
		return c.onSubscribe(p)
	case *mqtt.Unsubscribe:
		return c.onUnsubscribe(p)
	case *mqtt.Pingreq:
		return c.reply(&mqtt.Pingresp{})
	case *mqtt.Disconnect:
		return c.onDisconnect(p)
	default:
		// A second CONNECT [MQTT-3.1.0-2], AUTH that nobody asked for, or what only servers send.
		return &mqtt.Error{Code: mqtt.ProtocolError}
	}
}

// onDisconnect says whether the will goes, and how long the session. The client may not give its session a life that it
// had not when it came [MQTT-3.14.2-2].
func (c *client) onDisconnect(p *mqtt.Disconnect) error {
	if p.HasSessionExpiry {
		if p.SessionExpiry > 0 && !c.prolongs {
			return &mqtt.Error{Code: mqtt.ProtocolError}
		}
		expiry := c.broker.longest(p.SessionExpiry)
		c.input.lastExpiry = &expiry
	}
	if p.Code == mqtt.NormalDisconnection {
		return errDisconnect
	}
	return errKeepWill // [MQTT-3.14.4-3]
}

// reply sends a packet that answers one of the client's, with the answers to those that were read with it.
func (c *client) reply(p mqtt.Packet) error {
	if err := c.awaitControl(); err != nil {
		return err
	}
	c.input.replied = true
	if !c.queueControl(p, false) {
		c.tooLarge()
	}
	return nil
}

// wakeReplied lets the writer send the answers to packets that were read together, which it does together.
func (c *client) wakeReplied() {
	if c.input.replied {
		c.input.replied = false
		c.wake()
	}
}

// sendControl queues a packet that is no PUBLISH. Only a connected client gets it. A client that takes no packets as
// large as this one is told so, since it waits for the answer [MQTT-3.1.2-24].
func (c *client) sendControl(p mqtt.Packet) {
	if !c.queueControl(p, true) {
		c.tooLarge()
	}
}

// tooLarge closes the connection of a client that waits for an answer larger than it takes.
func (c *client) tooLarge() {
	c.broker.counters.oversized.Add(1)
	c.close(mqtt.PacketTooLarge)
}

// queueControl wakes the writer now, or leaves that to the caller, and reports whether the client takes packets as large as
// this one.
func (c *client) queueControl(p mqtt.Packet, now bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase != connected {
		return true
	}
	before := len(c.control)
	c.control = p.Append(c.control, c.version)
	if !c.fits(len(c.control) - before) {
		c.control = c.control[:before]
		return false
	}
	if now {
		c.wakeWriter()
	}
	return true
}

// awaitControl holds up the reader of a client that does not read the answers it has got coming.
func (c *client) awaitControl() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.phase == connected && len(c.control) > controlLimit {
		c.rest()
	}
	if c.phase != connected {
		return errClosing
	}
	return nil
}
