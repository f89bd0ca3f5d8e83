package main

import (
	"github.com/foxmq/foxmq/internal/listener"
	"github.com/foxmq/foxmq/internal/websocket"
)

// doorStats is what all listeners have counted of connections that were not with the broker yet.
type doorStats struct {
	TLS   listener.HandshakeStats
	Proxy listener.ProxyStats
	Web   websocket.Stats
}

func (d *doors) stats() doorStats {
	s := doorStats{TLS: d.handshakes.Stats()}
	for _, p := range d.proxied {
		one := p.Stats()
		s.Proxy.Waiting += one.Waiting
		s.Proxy.Refused += one.Refused
	}
	for _, web := range d.websockets {
		one := web.Stats()
		s.Web.Waiting += one.Waiting
		s.Web.Refused += one.Refused
	}
	return s
}
