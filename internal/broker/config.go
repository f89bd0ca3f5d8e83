package broker

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"time"

	"go.uber.org/zap"
)

// Config says how a Broker works and what it refuses. For every field that is left zero and has a default, New takes
// the default.
type Config struct {
	Stream Stream        // required
	State  State         // required
	Users  Authenticator // required
	// Permissions decides what a user may do; nil allows everything.
	Permissions Authorizer
	// Watch keeps out whom it has heard too much of; nil keeps nobody out.
	Watch Watch
	Log   *zap.Logger // nil logs nothing

	// AllowAnonymous tells whether clients that name no user are let in; nil is no. It is asked at every CONNECT.
	AllowAnonymous func() bool
	// UsersChanged returns a channel that is closed when users, permissions or AllowAnonymous change after the call; nil
	// if they never do. Clients that would not be let in again are then closed (0x87).
	UsersChanged func() <-chan struct{}
	// SilentConnectErrors tells whether refused connections are closed without a CONNACK; nil is no.
	SilentConnectErrors func() bool

	// ConnectTimeout is how long a client may take to send CONNECT, how long its login may wait for its turn (then 0x97)
	// and its CONNECT to be ordered (then 0x88), and how long a publish may wait for a place in the stream (then 0x97). Default 10 s.
	ConnectTimeout time.Duration
	// MaxKeepAlive in seconds is the longest keep alive, and the one of clients that ask for none. 0 is no bound:
	// its default is set by the caller, 3,600 by the command line.
	MaxKeepAlive uint16
	// MaxSessionExpiry is the longest that a session outlives its connection, and how long those of MQTT 3 that do not
	// start clean do. 0 is not at all: its default is set by the caller, 7 days by the command line.
	MaxSessionExpiry time.Duration
	// WriteTimeout is how long the network may take nothing from us before a client is given up. Default 30 s.
	WriteTimeout time.Duration

	// StallDispatchLocal hands what is published during a stall at once to this node's own local sessions, at QoS 0,
	// and not again when it is ordered.
	StallDispatchLocal bool

	// SystemInterval is how often subscribers of the $SYS topics are sent what these say; 0 is never, even when they
	// subscribe. Its default is set by the caller, 10 s by the command line. System adds to what the broker knows
	// itself; nil adds nothing. It is called on the apply goroutine and must not wait.
	SystemInterval time.Duration
	System         func() []SystemValue

	// Readers bounds the clients whose packets are handled at the same time; others wait for their turn, which is short.
	// Default as many as processors that Go may use, but one.
	Readers int
	// MaxConnections bounds the connections, those without CONNECT included. What comes above is closed at once.
	// Default 100,000.
	MaxConnections int
	// UserLimits returns what a user may do on this node, as it is now; nil: no user has limits of its own. When that
	// changes, UsersChanged tells so.
	UserLimits func(user string) UserLimits
	// MaxConnectionsPerUser bounds the clients of a user whose UserLimits do not (else 0x97). 0 is no bound, the default.
	MaxConnectionsPerUser int
	// MaxPublishRate and MaxPublishBytes are how many publishes a second a client may send, and how many bytes of them.
	// One that sends more is not read on for a while, and after a minute of that closed (0x96). 0 is no bound, the
	// default.
	MaxPublishRate  int
	MaxPublishBytes int
	// MaxPacketSize in bytes is the longest packet taken from a client, header included (else 0x95). Default 8 MiB
	// and 128 KiB: a payload of 8 MiB goes with every topic.
	MaxPacketSize int
	// ReceiveMaximum is how many publishes at QoS 1 and 2 may wait for their acknowledgement per client (else 0x93);
	// an MQTT 3.1.1 client, which is not told, is not read on meanwhile. Default 1,024, at most 65,535.
	ReceiveMaximum int
	// SendMaximum bounds the publishes at QoS 1 and 2 that wait for the client's acknowledgement, if the client's
	// own Receive Maximum does not. Default 1,024, at most 65,535.
	SendMaximum int
	// TopicAliasMaximum bounds the topic aliases a client may define (else 0x94), and those it is sent if it takes as
	// many. Default 32, at most 65,535.
	TopicAliasMaximum int
	// MaxTopicLength in bytes and MaxTopicLevels bound topic names, those of wills included (else 0x90), and filters
	// (else 0x8F), which have at most topic.MaxLevels anyway. Default 65,535 and 65,536, which bound nothing.
	MaxTopicLength int
	MaxTopicLevels int
	// MaxSubscriptions bounds the subscriptions of one local session (else 0x97); those of lasting ones, and shared
	// ones, are the state machine's to bound. Default 10,000.
	MaxSubscriptions int
	// MaxQueueMessages and MaxQueueBytes bound what waits to be sent to one client. When they are full, a message at
	// QoS 0 is dropped and one above closes the connection with 0x97. Default 65,536 and 32 MiB.
	MaxQueueMessages int
	MaxQueueBytes    int
	// MaxQueueBytesTotal bounds what waits to be sent to all clients together, messages for several counting once. While
	// half of it is free, a queue may hold as much as is left to the half; the rest is for queues that hold no more than
	// their fair share of it. Others count as full, but none that holds 64 KiB at most. Default 1 GiB.
	MaxQueueBytesTotal int
}

// withDefaults returns a copy in which defaults stand for zero fields.
func (c Config) withDefaults() Config {
	orDefault(&c.ConnectTimeout, 10*time.Second)
	orDefault(&c.WriteTimeout, 30*time.Second)
	orDefault(&c.Readers, max(1, runtime.GOMAXPROCS(0)-1))
	orDefault(&c.MaxConnections, 100_000)
	orDefault(&c.MaxPacketSize, 8<<20+128<<10)
	orDefault(&c.ReceiveMaximum, 1024)
	orDefault(&c.SendMaximum, 1024)
	orDefault(&c.TopicAliasMaximum, 32)
	orDefault(&c.MaxTopicLength, math.MaxUint16)
	orDefault(&c.MaxTopicLevels, math.MaxUint16+1)
	orDefault(&c.MaxSubscriptions, 10_000)
	orDefault(&c.MaxQueueMessages, 1<<16)
	orDefault(&c.MaxQueueBytes, 32<<20)
	orDefault(&c.MaxQueueBytesTotal, 1<<30)
	if c.Log == nil {
		c.Log = zap.NewNop()
	}
	if c.AllowAnonymous == nil {
		c.AllowAnonymous = never
	}
	if c.SilentConnectErrors == nil {
		c.SilentConnectErrors = never
	}
	if c.Watch == nil {
		c.Watch = nobodyWatches{}
	}
	if c.Permissions == nil {
		c.Permissions = everythingAllowed{}
	}
	return c
}

func never() bool { return false }

func orDefault[T int | time.Duration](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}

// validate checks a Config with its defaults.
func (c *Config) validate() error {
	if c.Stream == nil || c.State == nil || c.Users == nil {
		return errors.New("broker: stream, state and users are required")
	}
	for _, f := range []struct {
		name  string
		value int64
		most  int64
	}{
		{"connect timeout", int64(c.ConnectTimeout), math.MaxInt64},
		{"maximum session expiry", int64(c.MaxSessionExpiry/time.Second) + 1, math.MaxUint32 + 1},
		{"write timeout", int64(c.WriteTimeout), math.MaxInt64},
		{"readers", int64(c.Readers), math.MaxInt},
		{"maximum connections", int64(c.MaxConnections), math.MaxInt},
		{"maximum connections per user", int64(c.MaxConnectionsPerUser) + 1, math.MaxInt},
		{"maximum publish rate", int64(c.MaxPublishRate) + 1, math.MaxInt},
		{"maximum publish bytes", int64(c.MaxPublishBytes) + 1, math.MaxInt},
		{"maximum packet size", int64(c.MaxPacketSize), 1 << 28},
		{"receive maximum", int64(c.ReceiveMaximum), math.MaxUint16},
		{"send maximum", int64(c.SendMaximum), math.MaxUint16},
		{"topic alias maximum", int64(c.TopicAliasMaximum), math.MaxUint16},
		{"maximum topic length", int64(c.MaxTopicLength), math.MaxUint16},
		{"maximum topic levels", int64(c.MaxTopicLevels), math.MaxUint16 + 1},
		{"maximum subscriptions", int64(c.MaxSubscriptions), math.MaxInt},
		{"maximum queue messages", int64(c.MaxQueueMessages), math.MaxInt},
		{"maximum queue bytes", int64(c.MaxQueueBytes), math.MaxInt},
		{"maximum queue bytes in total", int64(c.MaxQueueBytesTotal), math.MaxInt},
	} {
		if f.value < 1 || f.value > f.most {
			return fmt.Errorf("broker: %s %d is not between 1 and %d", f.name, f.value, f.most)
		}
	}
	return nil
}
