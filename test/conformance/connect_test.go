package conformance

import (
	"bytes"
	"strings"

	"github.com/foxmq/foxmq/internal/mqtt"
)

var connectScripts = []script{
	{
		"clean and not clean, nothing is present",
		"3.1.2-4 3.1.2-6 3.1.4-4 3.1.4-5 3.2.2-2 3.2.2-3 4.1.0-2", "3.1.2-6 3.1.4-3 3.1.4-4 3.2.2-1",
		inVersions(func(s *stage, v mqtt.Version) {
			for _, clean := range []bool{true, false} {
				p := s.connect(mqtt.Connect{Version: v, ClientID: "~", CleanStart: clean})
				p.gets("CONNACK")
				p.send(&mqtt.Disconnect{})
				p.gets("closed")
			}
		}),
	},
	{"an empty client id is replaced, and the client told", "3.1.3-6 3.1.3-7 3.2.2-16", "", func(s *stage) {
		ids := map[string]bool{}
		for _, clean := range []bool{true, false} {
			p := s.connect(mqtt.Connect{CleanStart: clean})
			p.accepted()
			ids[p.connack.AssignedClientID] = true
		}
		if len(ids) != 2 || ids[""] {
			s.Errorf("assigned client ids: %v", ids)
		}
	}},
	{"an empty client id in 3.1.1", "", "3.1.3-6 3.1.3-7 3.1.3-8 3.1.3-9", func(s *stage) {
		s.connect(mqtt.Connect{Version: mqtt.V311, CleanStart: true}).gets("CONNACK")
		s.connect(mqtt.Connect{Version: mqtt.V311}).gets("CONNACK 85", "closed")
		s.connect(mqtt.Connect{Version: mqtt.V31, CleanStart: true}).gets("CONNACK 85", "closed")
	}},
	{
		"client ids of all sorts",
		"1.5.4-3 3.1.3-2 3.1.3-4 3.1.3-5", "1.5.3-3 3.1.3-2 3.1.3-4 3.1.3-5",
		inVersions(func(s *stage, v mqtt.Version) {
			const letters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			for _, id := range []string{"a", letters[:23], letters, strings.Repeat("x", 65535-100), "ü/#+$ 😀", "\ufeff"} {
				s.join(mqtt.Connect{Version: v, ClientID: "~" + id})
			}
		}),
	},
	{"a second CONNECT", "3.1.0-2", "3.1.0-2 4.8.0-1", inVersions(func(s *stage, v mqtt.Version) {
		p := s.join(mqtt.Connect{Version: v, ClientID: "~"})
		p.send(&mqtt.Connect{Version: v, ClientID: "~", CleanStart: true})
		p.refused("82")
	})},
	{
		"what comes before CONNACK is served after it",
		"3.1.4-5 3.2.0-1 3.2.0-2", "3.1.4-4 3.2.0-1",
		inVersions(func(s *stage, v mqtt.Version) {
			p := s.dial(v)
			p.send(&mqtt.Connect{Version: v, ClientID: "~", CleanStart: true}, &mqtt.Pingreq{})
			p.send(&mqtt.Subscribe{PacketID: 1, Subscriptions: []mqtt.Subscription{{Filter: "~"}}})
			p.send(&mqtt.Publish{Topic: "~", Payload: []byte("early")})
			p.gets("CONNACK", "PINGRESP", "SUBACK 00")
			s.receives(p, `PUBLISH ~ "early"`)
		}),
	},
	{
		"packets come in pieces, and many in one piece",
		"3.12.4-1 4.2.0-1", "3.12.4-1 7.1.1-1",
		inVersions(func(s *stage, v mqtt.Version) {
			p := s.dial(v)
			all := p.own(&mqtt.Connect{Version: v, ClientID: "~", CleanStart: true}).Append(nil, v)
			for id := range uint16(3) {
				m := &mqtt.Publish{Topic: "~", Payload: []byte("x"), QoS: 1, PacketID: id + 1}
				all = p.own(m).Append(all, v)
			}
			for i := range all {
				p.bytes(all[i : i+1])
			}
			p.gets("CONNACK", "PUBACK", "PUBACK", "PUBACK")
			p.bytes(bytes.Repeat([]byte{0xc0, 0}, 1000))
			for range 1000 {
				p.gets("PINGRESP")
			}
		}),
	},
	{"CONNACK is true to what the server does", "3.1.2-28 4.12.0-6", "", func(s *stage) {
		p := s.join(mqtt.Connect{KeepAlive: 10})
		switch c := p.connack; {
		case c.HasMaximumQoS, c.RetainUnavailable, c.WildcardsUnavailable, c.IDsUnavailable, c.SharedUnavailable:
			s.Errorf("CONNACK denies what the server can do: %+v", c)
		case c.HasServerKeepAlive:
			s.Errorf("CONNACK changes the keep alive to %d", c.ServerKeepAlive)
		case c.ReceiveMaximum == 0, c.MaximumPacketSize == 0, c.AuthMethod != "", c.ResponseInfo != "":
			s.Errorf("CONNACK: %+v", c)
		}
		for _, seconds := range []uint16{0, 65535} {
			c := s.join(mqtt.Connect{KeepAlive: seconds}).connack
			if !c.HasServerKeepAlive || c.ServerKeepAlive != 3600 {
				s.Errorf("keep alive %d: server keep alive is %d", seconds, c.ServerKeepAlive)
			}
		}
	}},
	{"authentication that is not known", "4.12.0-1 4.12.0-7 4.12.1-2", "", func(s *stage) {
		s.connect(mqtt.Connect{AuthMethod: "SCRAM-SHA-1", AuthData: []byte("x")}).gets("CONNACK 8c", "closed")
		p := s.join(mqtt.Connect{})
		p.send(&mqtt.Auth{Code: mqtt.ReAuthenticate, AuthMethod: "SCRAM-SHA-1"})
		p.refused("82")
		p = s.join(mqtt.Connect{})
		p.hex("f0 00")
		p.refused("82")
	}},
	{
		"a re-authentication that fails ends the connection with its will",
		"4.12.0-7 4.12.1-2 4.13.1-1", "",
		func(s *stage) {
			sub := s.subscriber(mqtt.V5, "~")
			p := s.join(withWill(mqtt.V5))
			p.send(&mqtt.Auth{Code: mqtt.ReAuthenticate, AuthMethod: "x"})
			p.refused("82")
			sub.expect(`PUBLISH ~ "died"`)
		},
	},
	{"AUTH that is malformed", "2.1.3-1 3.15.1-1 3.15.2-1", "", func(s *stage) {
		for _, hex := range []string{"f1 00", "f8 00", "f0 06 01 04 15 00 01 61", "f0 06 87 04 15 00 01 61"} {
			p := s.join(mqtt.Connect{})
			p.hex(hex)
			p.refused("81")
		}
	}},
	{
		"a newer connection takes over",
		"3.1.3-2 3.1.4-3 3.14.2-2 4.13.2-1", "3.1.3-2 3.1.4-2",
		inVersions(func(s *stage, v mqtt.Version) {
			old := s.join(mqtt.Connect{Version: v, ClientID: "~"})
			s.join(mqtt.Connect{Version: mqtt.V5, ClientID: "~"}).ping()
			old.refused("8e")
			old = s.join(mqtt.Connect{Version: v, ClientID: "~"})
			s.join(mqtt.Connect{Version: mqtt.V311, ClientID: "~"}).ping()
			old.refused("8e")
		}),
	},
	{"a connection that is over does not disturb its successor", "", "", func(s *stage) {
		for range 5 {
			s.join(mqtt.Connect{ClientID: "~"}).conn.Close()
			p := s.join(mqtt.Connect{ClientID: "~"})
			p.subscribe(mqtt.Subscription{Filter: "~"})
			p.publish("~", "x", 1)
			s.receives(p, `PUBLISH ~ "x"`)
			p.conn.Close()
		}
	}},
	{"a silent client is given up", "3.1.2-22 3.2.2-22", "3.1.2-24", inVersions(func(s *stage, v mqtt.Version) {
		silent := s.join(mqtt.Connect{Version: v, ClientID: "~", KeepAlive: 1})
		silent.refused("8d")
	})},
	{"half a packet winds up no clock", "3.1.2-22", "", func(s *stage) {
		p := s.join(mqtt.Connect{KeepAlive: 1})
		p.hex("30 7f 00")
		p.refused("8d")
	}},
}
