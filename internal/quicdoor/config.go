package quicdoor

import (
	"crypto/tls"
	"errors"
	"time"

	"github.com/quic-go/quic-go"
)

// Protocol is the ALPN name of MQTT, which a client must offer.
const Protocol = "mqtt"

// maxStreams is how many streams a client may open while its connection lasts. The first carries MQTT, the others are
// refused; one more ends the connection (STREAM_LIMIT_ERROR, RFC 9000 §4.6).
const maxStreams = 8

// How much of one client may wait to be read, in bytes. It begins small, so that many clients of which nobody reads cannot
// fill the memory, and grows for one that is read fast.
const (
	firstWindow = 32 << 10
	maxWindow   = 1 << 20
)

// keepAlive is how long a connection may be silent before the other side is asked whether it is there. The bindings of many
// NATs last no longer than 30 s for UDP (RFC 9308 §3.2).
const keepAlive = 20 * time.Second

// Config says how a Listener works. For every field that is left zero and has a default, Listen takes the default.
type Config struct {
	// TLS is the server's side of TLS, with its certificate; required. What it says of ALPN protocols does not count, and
	// no version before 1.3 is spoken.
	TLS *tls.Config
	// ClientName tells the name that the client's certificate has proven, "" if none; nil: no client has one.
	ClientName func(tls.ConnectionState) string
	// HandshakeTimeout is how long a client may take for its handshake, and then again for its stream. Default 10 s.
	HandshakeTimeout time.Duration
	// IdleTimeout is how long nothing may be heard of a client, not even an answer to a question of QUIC's own, before
	// its connection ends, if the client does not want less. It should be no less than the longest time that MQTT's keep
	// alive gives. Default 2 h.
	IdleTimeout time.Duration
	// MaxHandshakes bounds the connections whose stream is not there yet. What comes above is refused
	// (CONNECTION_REFUSED). Default 4,096.
	MaxHandshakes int
	// ValidateFrom is how many such connections there must be for new ones to have to prove their address first
	// (RFC 9000 §8.1.2), which costs them a round trip, and keeps forged addresses from using up the others.
	// Default 128.
	ValidateFrom int
	// ResetKey lets a listener that begins anew with the same key tell clients of the last one that their connections are
	// dead (RFC 9000 §10.3); nil: it cannot.
	ResetKey *[32]byte
}

// withDefaults returns a copy in which defaults stand for zero fields.
func (c Config) withDefaults() (Config, error) {
	if c.TLS == nil {
		return c, errors.New("listen for QUIC: no TLS configuration")
	}
	orDefault(&c.HandshakeTimeout, 10*time.Second)
	orDefault(&c.IdleTimeout, 2*time.Hour)
	orDefault(&c.MaxHandshakes, 4096)
	orDefault(&c.ValidateFrom, 128)
	return c, nil
}

func orDefault[T int | time.Duration](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}

// quic returns what quic-go is told. It gives a handshake twice the idle time.
func (c *Config) quic() *quic.Config {
	return &quic.Config{
		HandshakeIdleTimeout:           c.HandshakeTimeout / 2,
		MaxIdleTimeout:                 c.IdleTimeout,
		KeepAlivePeriod:                keepAlive,
		InitialStreamReceiveWindow:     firstWindow,
		MaxStreamReceiveWindow:         maxWindow,
		InitialConnectionReceiveWindow: 2 * firstWindow,
		MaxConnectionReceiveWindow:     maxWindow + firstWindow,
		MaxIncomingStreams:             maxStreams,
		MaxIncomingUniStreams:          -1, // none
		RequireStreamCreditRelease:     true,
	}
}

// serverTLS returns a configuration for MQTT over QUIC that is otherwise like c.
func serverTLS(c *tls.Config) *tls.Config {
	c = c.Clone()
	c.NextProtos = []string{Protocol}
	c.MinVersion = tls.VersionTLS13
	if choose := c.GetConfigForClient; choose != nil {
		c.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			chosen, err := choose(hello)
			if chosen == nil || err != nil {
				return nil, err
			}
			return serverTLS(chosen), nil
		}
	}
	return c
}
