package gossip

import (
	"sync/atomic"
	"time"
)

// counters count what went on with a peer since the start.
type counters struct {
	connects, messagesIn, messagesOut, bytesIn, bytesOut atomic.Uint64
	dropped, overflows, malformedIn, breaches, crowdings atomic.Uint64
	requestsServed, requestsRefused, requestsDelayed     atomic.Uint64
	bytesServed                                          atomic.Uint64
}

// Stats tells how crowded it is at the socket, by whomever. The counts are since the start.
type Stats struct {
	Inbound    int    // connections that peers have opened, or that somebody tries to open
	TurnedAway uint64 // attempts for which there was no room; a correct peer tries again
	Reserved   uint64 // attempts from a member's address for which only that member's own room was left
	Strangers  uint64 // handshakes with a key that is no other member's
}

// Stats returns the transport's figures that are of no peer.
func (t *Transport) Stats() Stats {
	return Stats{
		Inbound: t.entrance.inbound(), TurnedAway: t.turnedAway.Load(), Reserved: t.reserved.Load(),
		Strangers: t.strangers.Load(),
	}
}

// PeerStatus tells how one other member is doing. The counts are since the start, over all connections.
type PeerStatus struct {
	Member     int
	Addr       string // as the address book has it
	Connected  bool
	RemoteAddr string        // whence the connection comes, "" if there is none
	RTT        time.Duration // smoothed round-trip time, 0 if it is not known

	Connects                uint64 // connections made, in either direction
	MessagesIn, MessagesOut uint64
	BytesIn, BytesOut       uint64 // of messages, with their lengths, without what QUIC adds
	Dropped                 uint64 // messages not sent because the queue overflowed or they were too large
	Overflows               uint64 // times that the queue overflowed
	Malformed               uint64 // connections closed because the peer sent what is malformed
	Breaches                uint64 // connections closed because it sent what no correct peer sends
	Crowdings               uint64 // times that it was kept away because it came with a new connection too often

	KeptAway time.Duration // for how long no connection with the peer is wanted, because it misbehaved

	RequestsServed  uint64 // the peer's requests that were answered
	RequestsRefused uint64 // those that were not, or not to the end
	RequestsDelayed uint64 // those that were heard later, because it asks too often
	BytesServed     uint64 // of answers, whole and broken off, and of refusals
}

// Peers returns the status of all other members, in the address book's order.
func (t *Transport) Peers() []PeerStatus {
	all := make([]PeerStatus, 0, len(t.peers))
	for _, p := range t.peers {
		if p != nil {
			all = append(all, p.status())
		}
	}
	return all
}

func (p *peer) status() PeerStatus {
	s := PeerStatus{
		Member: p.index, Addr: p.addr,
		Connects:   p.connects.Load(),
		MessagesIn: p.messagesIn.Load(), MessagesOut: p.messagesOut.Load(),
		BytesIn: p.bytesIn.Load(), BytesOut: p.bytesOut.Load(),
		Dropped: p.dropped.Load(), Overflows: p.overflows.Load(), Malformed: p.malformedIn.Load(),
		Breaches: p.breaches.Load(), Crowdings: p.crowdings.Load(), KeptAway: max(0, p.shunnedFor()),
		RequestsServed: p.requestsServed.Load(), RequestsRefused: p.requestsRefused.Load(),
		RequestsDelayed: p.requestsDelayed.Load(), BytesServed: p.bytesServed.Load(),
	}
	if l := p.present(); l != nil {
		s.Connected = true
		s.RemoteAddr = l.conn.RemoteAddr().String()
		s.RTT = l.conn.ConnectionStats().SmoothedRTT
	}
	return s
}
