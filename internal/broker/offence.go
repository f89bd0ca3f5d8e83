package broker

import (
	"crypto/tls"
	"errors"
	"net/netip"
	"os"

	"github.com/foxmq/foxmq/internal/mqtt"
)

// Watch keeps addresses out from which comes what no honest client sends. Its methods do not wait.
type Watch interface {
	// Offend notes an offence of the address, which may be zero, and reports whether that is kept out now.
	Offend(from netip.Addr) bool
	// Banned reports whether an address is kept out.
	Banned(from netip.Addr) bool
}

// nobodyWatches is a Watch that keeps nobody out.
type nobodyWatches struct{}

func (nobodyWatches) Offend(netip.Addr) bool { return false }
func (nobodyWatches) Banned(netip.Addr) bool { return false }

// reportOffence says whether a connection has ended with an offence. When its address is kept out for that, the other
// connections are closed that have not come in yet.
func (c *client) reportOffence(offence bool) {
	if !offence || !c.broker.config.Watch.Offend(c.address) {
		return
	}
	for _, other := range c.broker.everyone() {
		if !other.isConnected() && c.broker.config.Watch.Banned(other.address) && other.close(0) {
			c.broker.counters.bannedConnections.Add(1)
		}
	}
}

// isOffence tells errors that honest clients do not cause, before the connection is closed for them, from others: a packet that breaks the rules, another protocol,
// a wrong password, and no CONNECT in time. It is no offence to want more than there is room for.
func (c *client) isOffence(err error) bool {
	var answer *mqtt.Error
	var plain tls.RecordHeaderError
	var mishap lawful
	switch {
	case errors.As(err, &mishap):
		return false
	case errors.As(err, &answer):
		return offences[answer.Code]
	case errors.Is(err, os.ErrDeadlineExceeded):
		return !c.announced.Load() && c.ctx.Err() == nil
	}
	return errors.Is(err, errNoConnect) || errors.As(err, &plain)
}

// lawful is an error that an honest client may happen upon, though its code is one of offences.
type lawful struct{ refusal *mqtt.Error }

func (e lawful) Error() string { return e.refusal.Error() }
func (e lawful) Unwrap() error { return e.refusal }

// offences are the reason codes of what no honest client does.
var offences = map[mqtt.ReasonCode]bool{
	mqtt.MalformedPacket:            true,
	mqtt.ProtocolError:              true,
	mqtt.UnsupportedProtocolVersion: true,
	mqtt.BadUserNameOrPassword:      true,
	mqtt.NotAuthorized:              true,
	mqtt.BadAuthenticationMethod:    true,
	mqtt.TopicNameInvalid:           true,
	mqtt.ReceiveMaximumExceeded:     true,
	mqtt.TopicAliasInvalid:          true,
	mqtt.PacketTooLarge:             true,
}
