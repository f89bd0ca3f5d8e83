package abuse

import (
	"fmt"

	"github.com/foxmq/foxmq/internal/mqtt"
)

// Attacks by doing one thing again and again.

// wrongPasswords guesses passwords.
func wrongPasswords(a *attacker) {
	a.crowd(a.size(200, 1000), func(i int) error {
		p := clean()
		p.HasUsername, p.Username, p.HasPassword, p.Password = true, "alice", true, fmt.Append(nil, i)
		g, err := a.enter(p)
		if err == nil {
			g.Close()
		}
		return err
	})
}

// connectStorm connects and leaves.
func connectStorm(a *attacker) {
	a.crowd(50, func(i int) error {
		p := clean()
		p.ClientID = fmt.Sprint("storm-", i)
		g, err := a.enter(p)
		if err != nil {
			return err
		}
		defer g.Close()
		return g.send(&mqtt.Disconnect{})
	})
}

// takeovers lets many fight for one client id, and a session.
func takeovers(a *attacker) {
	a.crowd(50, func(int) error {
		p := &mqtt.Connect{Version: mqtt.V5, ClientID: "fought-for", SessionExpiry: 60}
		p.Will = &mqtt.Will{Topic: "wills/fight", Payload: []byte("lost")}
		g, err := a.enter(p)
		if err == nil {
			a.linger(g)
		}
		return err
	})
}

// wills comes with a will and leaves without a word, and subscribes to them all.
func wills(a *attacker) {
	a.subscriber("wills/#")
	a.crowd(20, func(i int) error {
		p := clean()
		p.Will = &mqtt.Will{Topic: fmt.Sprint("wills/", i), Payload: make([]byte, 1000), QoS: 1}
		g, err := a.enter(p)
		if err == nil {
			g.Close()
		}
		return err
	})
}

// garbage connects and then sends what is no packet.
func garbage(a *attacker) {
	a.crowd(50, func(int) error {
		g, err := a.enter(clean())
		if err != nil {
			return err
		}
		if err := g.write([]byte{0x00, 0xff, 0x00, 0xff}); err != nil {
			return err
		}
		g.drain()
		return nil
	})
}

// tlsFlood makes one handshake after the other, for nothing.
func tlsFlood(a *attacker) {
	a.crowd(50, func(int) error {
		conn, err := a.secure()
		if err == nil {
			conn.Close()
		}
		return err
	})
}

// pings sends PINGREQ after PINGREQ.
func pings(a *attacker) {
	a.ping(func(g *guest) { g.drain() })
}

// deafPings does so and does not read the answers.
func deafPings(a *attacker) {
	a.ping(func(g *guest) { <-a.ctx.Done(); g.Close() })
}

func (a *attacker) ping(read func(*guest)) {
	var many []byte
	for range 1000 {
		many = (&mqtt.Pingreq{}).Append(many, mqtt.V5)
	}
	a.crowd(10, func(int) error {
		g, err := a.enter(clean())
		if err != nil {
			return err
		}
		go read(g)
		for err == nil {
			err = g.write(many)
		}
		return err
	})
}
