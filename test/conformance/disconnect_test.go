package conformance

import (
	"github.com/foxmq/foxmq/internal/mqtt"
)

var disconnectScripts = []script{
	{
		"DISCONNECT closes, what follows is not read",
		"3.14.4-1 3.14.4-2", "3.14.4-2",
		inVersions(func(s *stage, v mqtt.Version) {
			sub, p := s.subscriber(v, "~"), s.publisher(v)
			p.send(&mqtt.Publish{Topic: "~", Payload: []byte("before")}, &mqtt.Disconnect{}, &mqtt.Publish{Topic: "~"})
			p.gets("closed")
			s.receives(sub, `PUBLISH ~ "before"`)
		}),
	},
	{"each code that a client may send", "", "", func(s *stage) {
		for _, code := range []mqtt.ReasonCode{
			0, 4, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99,
		} {
			p := s.publisher(mqtt.V5)
			p.bytes(frame(0xe0, []byte{byte(code)}))
			p.gets("closed")
		}
	}},
	{"codes that a client may not send", "3.14.2-1 4.13.1-1", "", func(s *stage) {
		for _, code := range []byte{0x01, 0x10, 0x11, 0x18, 0x84, 0x92, 0xff} {
			p := s.publisher(mqtt.V5)
			p.bytes(frame(0xe0, []byte{code}))
			p.refused("81")
		}
		for _, code := range []byte{0x87, 0x89, 0x8b, 0x8d, 0x8e, 0x9c, 0xa2} {
			p := s.publisher(mqtt.V5)
			p.bytes(frame(0xe0, []byte{code}))
			p.refused("82")
		}
	}},
	{"session expiry in DISCONNECT", "4.13.1-1", "", func(s *stage) {
		p := s.publisher(mqtt.V5)
		p.send(&mqtt.Disconnect{HasSessionExpiry: true, SessionExpiry: 10}) // it was 0 in CONNECT
		p.refused("82")
		p = s.join(mqtt.Connect{SessionExpiry: 10})
		p.send(&mqtt.Disconnect{HasSessionExpiry: true, SessionExpiry: 20})
		p.gets("closed")
	}},
	{
		"flags of DISCONNECT and PINGREQ",
		"2.1.3-1 3.14.1-1", "2.2.2-1 2.2.2-2 3.14.1-1",
		inVersions(func(s *stage, v mqtt.Version) {
			for _, first := range []byte{0xe1, 0xe2, 0xe8, 0xef, 0xc1, 0xc4} {
				p := s.publisher(v)
				p.bytes([]byte{first, 0})
				p.refused("81")
			}
		}),
	},
	{"what only servers send", "4.13.1-1", "4.8.0-1", inVersions(func(s *stage, v mqtt.Version) {
		for _, packet := range []mqtt.Packet{
			&mqtt.Connack{}, &mqtt.Suback{PacketID: 1, Codes: []mqtt.ReasonCode{0}},
			&mqtt.Unsuback{PacketID: 1, Codes: []mqtt.ReasonCode{0}}, &mqtt.Pingresp{},
		} {
			p := s.publisher(v)
			p.send(packet)
			p.refused("82")
		}
	})},
	{"types that are none", "", "4.8.0-1", versions(func(s *stage, v mqtt.Version) {
		for _, first := range []byte{0x00, 0x0f, 0xf0} {
			p := s.publisher(v)
			p.bytes([]byte{first, 0})
			p.refused("81")
		}
	}, mqtt.V311)},
	{"the first packet is no CONNECT", "3.1.0-1 3.14.0-1", "3.1.0-1 3.2.0-1", func(s *stage) {
		for _, hex := range []string{"c0 00", "30 03 00 01 61", "e0 00", "82 06 00 01 00 01 61 00", "00", "f0 00"} {
			p := s.dial(mqtt.V5)
			p.hex(hex)
			p.gets("closed")
		}
	}},
	{"other protocols", "", "", func(s *stage) {
		const tls = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
		for _, hello := range []string{"GET / HTTP/1.1\r\n\r\n", tls, "SSH-2.0-x\r\n"} {
			p := s.dial(mqtt.V5)
			p.bytes([]byte(hello))
			p.gets("closed")
		}
	}},
}
