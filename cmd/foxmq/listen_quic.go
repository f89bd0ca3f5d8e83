package main

import (
	"crypto/ecdsa"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"math"
	"time"

	"github.com/foxmq/foxmq/internal/quicdoor"
	"github.com/foxmq/foxmq/internal/tlsutil"
)

// openQUIC opens the listener for MQTT over QUIC. The key is the node's.
func (d *doors) openQUIC(key *ecdsa.PrivateKey) error {
	reset, err := resetKey(key)
	if err != nil {
		return err
	}
	config := quicdoor.Config{
		TLS: d.certificates.TLS(quicdoor.Protocol), HandshakeTimeout: d.cfg.ConnectTimeout,
		IdleTimeout: quicIdleTimeout(d.cfg.MaxKeepAlive), ResetKey: reset,
	}
	if d.cfg.TLSUsernameFromCert {
		config.ClientName = tlsutil.ClientName
	}
	if d.quic, err = quicdoor.Listen(d.cfg.QUICAddr, config); err != nil {
		return fmt.Errorf("listen for MQTT clients over QUIC: %w", err)
	}
	d.announce("mqtt::quic", d.quic)
	d.add(d.guard.Listen(d.quic, nil))
	return nil
}

// resetKey derives from the node's key the one with which a node that was killed and started again tells clients that
// their QUIC connections are dead.
func resetKey(key *ecdsa.PrivateKey) (*[32]byte, error) {
	secret, err := key.Bytes()
	if err != nil {
		return nil, fmt.Errorf("derive reset key: %w", err)
	}
	derived, err := hkdf.Key(sha256.New, secret, nil, "foxmq mqtt stateless reset", 32)
	if err != nil {
		return nil, fmt.Errorf("derive reset key: %w", err)
	}
	return (*[32]byte)(derived), nil
}

// quicIdleTimeout leaves it to MQTT's keep alive to end the connection of a silent client: that gives one and a half times
// the longest keep alive, in seconds [MQTT-3.1.2-22], and QUIC a minute more.
func quicIdleTimeout(maxKeepAlive uint16) time.Duration {
	if maxKeepAlive == 0 { // no cap
		maxKeepAlive = math.MaxUint16
	}
	return time.Duration(maxKeepAlive)*1500*time.Millisecond + time.Minute
}
