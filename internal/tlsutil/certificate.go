// Package tlsutil makes X.509 certificates from P-256 keys, the TLS configuration with which peers prove their keys to
// each other, and that of a server for everybody, see [Server].
//
// Among peers there is no certificate authority and there are no host names: a certificate is a mere wrapping for a public key,
// and all that counts is that the other side proves to hold the private half, which TLS 1.3 does for the leaf
// certificate of either side. Whether a proven key is welcome is the caller's decision; see [Mutual].
//
// # Concurrency
//
// All functions may be called concurrently; a *tls.Config is not changed once it is returned.
package tlsutil

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// Peers do not look at validity dates: clocks may be wrong, and a key is valid while it is in the address book.
// RFC 5280 §4.1.2.5 gives the last date for certificates that do not end.
var (
	notBefore = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	notAfter  = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
)

// Certificate returns a self-signed certificate of the key. The name becomes its common name, at most 64 bytes
// (RFC 5280, ub-common-name); it proves nothing to anybody.
func Certificate(key *ecdsa.PrivateKey, name string) (tls.Certificate, error) {
	if key.Curve != elliptic.P256() {
		return tls.Certificate{}, errors.New("make certificate: not a P-256 key")
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("draw serial number: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    notBefore,
		NotAfter:     notAfter,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
