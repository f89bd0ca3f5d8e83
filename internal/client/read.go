package client

import (
	"bufio"
	"fmt"
	"math"

	"github.com/foxmq/foxmq/internal/mqtt"
)

// read handles what the server sends until the connection ends, and returns why it did.
func (c *Client) read(r *bufio.Reader) error {
	in := mqtt.NewReader(r, c.version, math.MaxInt)
	for {
		p, err := in.Next()
		if err != nil {
			return err
		}
		if err := c.handle(p); err != nil {
			return err
		}
	}
}

func (c *Client) handle(p mqtt.Packet) error {
	switch p := p.(type) {
	case *mqtt.Publish:
		c.deliver(p)
		return nil
	case *mqtt.Puback:
		return c.acknowledged(p.Type(), p.PacketID, p.Code)
	case *mqtt.Pubrec:
		if p.Code.Failed() {
			return c.acknowledged(p.Type(), p.PacketID, p.Code)
		}
		c.answer(&mqtt.Pubrel{PacketID: p.PacketID})
		return nil
	case *mqtt.Pubcomp:
		return c.acknowledged(p.Type(), p.PacketID, p.Code)
	case *mqtt.Pubrel:
		delete(c.received, p.PacketID)
		c.answer(&mqtt.Pubcomp{PacketID: p.PacketID})
		return nil
	case *mqtt.Suback:
		return c.answered(p.PacketID, p)
	case *mqtt.Unsuback:
		return c.answered(p.PacketID, p)
	case *mqtt.Pingresp:
		return c.answered(pingID, p)
	case *mqtt.Disconnect:
		return &RefusedError{Packet: mqtt.TypeDisconnect, Code: p.Code}
	}
	return fmt.Errorf("unexpected %s", p.Type())
}

// deliver hands a message on, once, and acknowledges it.
func (c *Client) deliver(p *mqtt.Publish) {
	_, again := c.received[p.PacketID]
	if (p.QoS < 2 || !again) && c.options.OnMessage != nil {
		c.options.OnMessage(p)
	}
	switch p.QoS {
	case 1:
		c.answer(&mqtt.Puback{PacketID: p.PacketID})
	case 2:
		c.received[p.PacketID] = struct{}{}
		c.answer(&mqtt.Pubrec{PacketID: p.PacketID})
	}
}

// answer sends an acknowledgement. If the connection is over, nobody misses it.
func (c *Client) answer(p mqtt.Packet) {
	c.out.appendNow(func(b []byte) []byte { return p.Append(b, c.version) })
}
