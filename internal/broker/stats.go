package broker

import "sync/atomic"

// Stats is what the broker has counted since it was made. Each refusal of semantics.md, "Bad input" has a counter.
type Stats struct {
	Clients     int64 // connected now
	Connections int64 // open now, those without an accepted CONNECT included

	QueuedBytes int64 // what waits for all clients to read it, as MaxQueueBytesTotal counts it

	Received  uint64 // PUBLISH packets from clients
	Delivered uint64 // PUBLISH packets to clients

	BytesReceived uint64
	BytesSent     uint64

	RefusedConnections uint64 // closed at once: MaxConnections
	RefusedConnects    uint64 // CONNECT answered with an error, or with silence
	BadLogins          uint64 // of those, for the user or the password
	CrowdedUsers       uint64 // of those, because the user has as many connections as it may
	ConnectTimeouts    uint64 // of those, for want of an order in time
	BannedConnects     uint64 // of those, for a ban
	BannedConnections  uint64 // closed for a ban: at once, or when it was made
	Protocol           uint64 // connections closed for malformed packets and other breaches
	KeepAlive          uint64 // connections closed because the client was silent
	Superseded         uint64 // connections closed because the client connected again
	SlowReaders        uint64 // connections closed because the client did not read: full queue or write time-out
	TooFast            uint64 // connections closed because the client published too fast for a minute
	Expelled           uint64 // connections closed because their user is gone, or has a new password

	TurnsAwaited        uint64 // times that a client's packets had to wait for a turn, since those of others were handled
	HeldUp              uint64 // times that a client was not read on because it published too fast
	DeniedPublishes     uint64 // by permission
	DeniedSubscriptions uint64 // by permission
	DeniedDeliveries    uint64 // by a permission that is newer than the subscription
	RefusedFilters      uint64 // for other reasons: invalid, too long, too many
	RefusedPublishes    uint64 // answered 0x97: the stream or the retained messages were full
	RefusedTopics       uint64 // publishes and wills whose topic is too long or has too many levels
	InvalidPayloads     uint64 // publishes and wills whose payload is not the text that it claims to be
	QueueDropped        uint64 // messages at QoS 0 for which a client's queue had no room
	Oversized           uint64 // messages and answers larger than a client's Maximum Packet Size
	QueueTotalFull      uint64 // messages that would have had room, if all queues together had not been full
	Expired             uint64 // messages that expired in a client's queue
	UnknownAcks         uint64 // acknowledgements for packet identifiers that are not in use
}

// counters is Stats while it counts.
type counters struct {
	clients, connections atomic.Int64

	received, delivered, bytesReceived, bytesSent        atomic.Uint64
	refusedConnections, refusedConnects                  atomic.Uint64
	badLogins, connectTimeouts                           atomic.Uint64
	bannedConnects, bannedConnections                    atomic.Uint64
	protocol, keepAlive, superseded, slowReaders         atomic.Uint64
	deniedPublishes, deniedSubscriptions, refusedFilters atomic.Uint64
	refusedPublishes, queueDropped, oversized, expired   atomic.Uint64
	invalidPayloads, unknownAcks                         atomic.Uint64
	expelled, deniedDeliveries, refusedTopics            atomic.Uint64
	crowdedUsers, tooFast, heldUp, queueTotalFull        atomic.Uint64
}

// Stats returns the counters. They are read one by one, not at one moment.
func (b *Broker) Stats() Stats {
	c := &b.counters
	return Stats{
		Clients:             c.clients.Load(),
		Connections:         c.connections.Load(),
		QueuedBytes:         max(0, b.queued.taken.Load()),
		Received:            c.received.Load(),
		Delivered:           c.delivered.Load(),
		BytesReceived:       c.bytesReceived.Load(),
		BytesSent:           c.bytesSent.Load(),
		RefusedConnections:  c.refusedConnections.Load(),
		RefusedConnects:     c.refusedConnects.Load(),
		BadLogins:           c.badLogins.Load(),
		CrowdedUsers:        c.crowdedUsers.Load(),
		ConnectTimeouts:     c.connectTimeouts.Load(),
		BannedConnects:      c.bannedConnects.Load(),
		BannedConnections:   c.bannedConnections.Load(),
		Protocol:            c.protocol.Load(),
		KeepAlive:           c.keepAlive.Load(),
		Superseded:          c.superseded.Load(),
		SlowReaders:         c.slowReaders.Load(),
		TooFast:             c.tooFast.Load(),
		Expelled:            c.expelled.Load(),
		TurnsAwaited:        b.turns.Waits(),
		HeldUp:              c.heldUp.Load(),
		DeniedPublishes:     c.deniedPublishes.Load(),
		DeniedSubscriptions: c.deniedSubscriptions.Load(),
		DeniedDeliveries:    c.deniedDeliveries.Load(),
		RefusedFilters:      c.refusedFilters.Load(),
		RefusedPublishes:    c.refusedPublishes.Load(),
		RefusedTopics:       c.refusedTopics.Load(),
		InvalidPayloads:     c.invalidPayloads.Load(),
		QueueDropped:        c.queueDropped.Load(),
		QueueTotalFull:      c.queueTotalFull.Load(),
		Oversized:           c.oversized.Load(),
		Expired:             c.expired.Load(),
		UnknownAcks:         c.unknownAcks.Load(),
	}
}
