package tlsutil

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/tls"
	"errors"
	"fmt"
)

// Peer is the other side of a connection as its certificate shows it.
type Peer struct {
	Key  *ecdsa.PublicKey // on P-256; the peer has proved to hold the private key
	Name string           // the common name, which anybody can claim
}

// Mutual returns the configuration of either side of a connection on which both sides prove a P-256 key. Only the
// given ALPN protocol is spoken. The handshake fails with accept's error unless accept welcomes the peer.
//
// It is TLS 1.3 only, in which a handshake cannot complete without a proof by the key of the leaf certificate
// (RFC 8446 §4.4.3). Every connection is a full handshake: without tickets there is neither resumption nor early
// data, so that a key's welcome is decided anew each time.
func Mutual(cert tls.Certificate, protocol string, accept func(Peer) error) *tls.Config {
	return &tls.Config{
		Certificates:           []tls.Certificate{cert},
		MinVersion:             tls.VersionTLS13,
		NextProtos:             []string{protocol},
		ClientAuth:             tls.RequireAnyClientCert,
		InsecureSkipVerify:     true, // of chains and host names, which peers do not have; accept stands for them
		SessionTicketsDisabled: true,
		VerifyConnection: func(s tls.ConnectionState) error {
			if s.NegotiatedProtocol != protocol {
				return fmt.Errorf("peer speaks protocol %q", s.NegotiatedProtocol)
			}
			p, err := Proven(s)
			if err != nil {
				return err
			}
			return accept(p)
		},
	}
}

// Proven returns whom the handshake of the connection has shown the peer to be.
func Proven(s tls.ConnectionState) (Peer, error) {
	if len(s.PeerCertificates) == 0 {
		return Peer{}, errors.New("peer shows no certificate")
	}
	leaf := s.PeerCertificates[0]
	key, ok := leaf.PublicKey.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		return Peer{}, errors.New("peer's key is not on P-256")
	}
	return Peer{Key: key, Name: leaf.Subject.CommonName}, nil
}
