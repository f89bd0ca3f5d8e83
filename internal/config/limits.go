package config

import (
	"errors"
	"math"
	"time"

	"github.com/spf13/pflag"
)

const (
	// mostBytes is the largest size that may be set: 1 TiB, or what a small machine can count.
	mostBytes = min(1<<40, math.MaxInt)
	// mostLevels is one more than the longest topic has bytes, so that it bounds nothing. Filters have a bound of their
	// own, whatever a node's setting: topic.MaxLevels.
	mostLevels = 1 << 16
	// messageOverhead in bytes is the most that a message counts in a queue, or while it waits to be ordered, beside its own.
	messageOverhead = 320
)

// Limits are what a node allows its clients. docs/limits.md says what happens at each of them.
type Limits struct {
	ConnectTimeout   time.Duration // from the connection's start to CONNACK, and how long a publish may wait for room
	MaxKeepAlive     uint16        // seconds; the longest keep alive, and that of clients that ask for none; 0: no cap
	MaxSessionExpiry time.Duration

	MaxConnections           int
	MaxConnectionsPerAddress int // IPv6 addresses of one /64 count as one; 0: no bound
	MaxConnectionsPerUser    int // unless users.toml says otherwise of the user; 0: no bound
	MaxPublishRate           int // publishes a second of one client; 0: no bound
	MaxPublishBytes          int // bytes a second of these; 0: no bound

	BanAfter int           // offences within a minute that ban an address, counted as above; 0: none do
	BanTime  time.Duration // for how long

	// MaxPacketSize in bytes is that of MQTT: header, topic and properties included. The default takes a payload of
	// 8 MiB with every topic.
	MaxPacketSize    int
	MaxTopicLength   int // bytes, of topic names and filters
	MaxTopicLevels   int
	MaxSubscriptions int // of one client

	MaxInflight       int // unacknowledged QoS 1 and 2 messages of one client: our Receive Maximum
	MaxQueuedMessages int // messages that wait for one client to read them
	MaxQueuedBytes    int
	MaxQueuedTotal    int // bytes that wait for all clients together, those of one message counting once
	MaxPendingBytes   int // of this node's clients' messages that wait to be ordered, each counting 256 more
}

func defaultLimits() Limits {
	return Limits{
		ConnectTimeout:    10 * time.Second,
		MaxKeepAlive:      3600,
		MaxSessionExpiry:  7 * day,
		MaxConnections:    100_000,
		BanTime:           10 * time.Minute,
		MaxPacketSize:     8<<20 + 128<<10,
		MaxTopicLength:    math.MaxUint16,
		MaxTopicLevels:    mostLevels,
		MaxSubscriptions:  10_000,
		MaxInflight:       1024,
		MaxQueuedMessages: 65536,
		MaxQueuedBytes:    64 << 20,
		MaxQueuedTotal:    1 << 30,
		MaxPendingBytes:   32 << 20,
	}
}

func (l *Limits) bindLimits(fs *pflag.FlagSet) {
	fs.Var(number(&l.MaxConnections, 1, 1<<30), "max-connections",
		"open connections: a `number`; no more than the system lets the process open files")
	fs.Var(number(&l.MaxConnectionsPerAddress, 0, 1<<30), "max-connections-per-address",
		"open connections from one IPv4 address or one /64 of IPv6: a `number`; 0: no bound")
	fs.Var(number(&l.MaxConnectionsPerUser, 0, 1<<30), "max-connections-per-user",
		"clients that one user may have connected: a `number`; 0: no bound, but for what users.toml says")
	fs.Var(number(&l.BanAfter, 0, 1<<30), "ban-after",
		"malformed packets, wrong passwords and the like within a minute for which an address is kept out: a `number`; 0: never")
	fs.Var(seconds(&l.BanTime, time.Second, 365*day), "ban-time", "for how `long` that holds")
	fs.Var(seconds(&l.ConnectTimeout, time.Second, time.Hour), "connect-timeout",
		"`time` a client has to connect, and a publish to find room")
	fs.Var(number(&l.MaxKeepAlive, 0, 65535), "max-keep-alive",
		"longest keep alive in `seconds`, also for clients that ask for none; 0: no cap")
	fs.Var(seconds(&l.MaxSessionExpiry, 0, 1<<32*time.Second-time.Second), "max-session-expiry",
		"longest `time` that a session outlives its connection")
	fs.Var(size(&l.MaxPacketSize, 1<<10, 16<<20), "max-packet-size",
		"longest MQTT packet in `bytes`, topic and properties included")
	fs.Var(number(&l.MaxTopicLength, 1, math.MaxUint16), "max-topic-length", "longest topic name or filter in `bytes`")
	fs.Var(number(&l.MaxTopicLevels, 1, mostLevels), "max-topic-levels", "levels of a topic name or filter: a `number`")
	fs.Var(number(&l.MaxSubscriptions, 1, 1<<30), "max-subscriptions",
		"subscriptions of a client whose session ends with its connection: a `number`")
	l.bindQueues(fs)
}

func (l *Limits) bindQueues(fs *pflag.FlagSet) {
	fs.Var(number(&l.MaxPublishRate, 0, 1<<30), "max-publish-rate",
		"messages a second that a client may publish: a `number`; 0: no bound; beyond it the client has to wait")
	fs.Var(size(&l.MaxPublishBytes, 0, mostBytes), "max-publish-bytes",
		"the same in `bytes` a second, of topic, properties and payload")
	fs.Var(number(&l.MaxInflight, 1, 65535), "max-inflight",
		"unacknowledged publishes of one client (Receive Maximum): a `number`")
	fs.Var(number(&l.MaxQueuedMessages, 1, 1<<30), "max-queued-messages",
		"messages that wait for one client to read them: a `number`")
	fs.Var(size(&l.MaxQueuedBytes, 1<<10, mostBytes), "max-queued-bytes",
		"the same in `bytes`; a full queue drops QoS 0 and ends the connection at QoS 1 and 2")
	fs.Var(size(&l.MaxQueuedTotal, 1<<10, mostBytes), "max-queued-bytes-total",
		"`bytes` that wait for all clients together; near that only queues with a fair share or less have room")
	fs.Var(size(&l.MaxPendingBytes, 1<<10, mostBytes), "max-pending-bytes",
		"`bytes` of messages that wait to be ordered, each counting 256 more; clients are made to wait at this limit")
}

func (l *Limits) validateLimits() error {
	longest := l.MaxPacketSize + messageOverhead
	switch {
	case l.MaxQueuedBytes < longest:
		return errors.New("max-queued-bytes is less than max-packet-size and 320 bytes")
	case l.MaxQueuedTotal < longest:
		return errors.New("max-queued-bytes-total is less than max-packet-size and 320 bytes")
	case l.MaxPendingBytes < longest:
		return errors.New("max-pending-bytes is less than max-packet-size and 320 bytes")
	}
	return nil
}
