package tlsutil

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/netip"
)

// suites are those of TLS 1.2 that have forward secrecy and authenticated encryption; TLS 1.3 has no others.
var suites = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
	tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
}

// Server returns the configuration of a server that shows cert. A client may prove a name by a certificate that the
// authorities have signed, and need not; nil authorities ask for none. Such a name is proven anew at each connection:
// with authorities no session is resumed.
func Server(cert tls.Certificate, authorities *x509.CertPool) *tls.Config {
	config := &tls.Config{
		Certificates: []tls.Certificate{cert},
		MinVersion:   tls.VersionTLS12,
		CipherSuites: suites,
	}
	if authorities != nil {
		config.ClientCAs, config.ClientAuth = authorities, tls.VerifyClientCertIfGiven
		config.SessionTicketsDisabled = true
	}
	return config
}

// ClientName returns the common name of the certificate by which the client has proven who it is; "" if it has not.
func ClientName(s tls.ConnectionState) string {
	if len(s.VerifiedChains) == 0 {
		return ""
	}
	return s.VerifiedChains[0][0].Subject.CommonName
}

// SelfSigned returns the DER of a certificate with which the holder of the key serves under the names, which are host
// names and IP addresses. The same key and names give the same certificate. It is valid for ever, since a client that
// trusts it trusts this key, and it can sign no other: to trust it is to trust this node, and for these names only.
func SelfSigned(key *ecdsa.PrivateKey, names []string) ([]byte, error) {
	if len(names) == 0 {
		return nil, errors.New("make certificate: no name")
	}
	id := keyID(key)
	template := &x509.Certificate{
		SerialNumber:          serial(key, names),
		SubjectKeyId:          id,
		AuthorityKeyId:        id, // so that OpenSSL tells the nodes' certificates apart, whose subjects are the same
		Subject:               pkix.Name{CommonName: commonName(names[0])},
		NotBefore:             notBefore,
		NotAfter:              notAfter,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	for _, name := range names {
		if ip, err := netip.ParseAddr(name); err == nil {
			template.IPAddresses = append(template.IPAddresses, net.IP(ip.AsSlice()))
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(nil, template, template, &key.PublicKey, key) // nil: RFC 6979
	if err != nil {
		return nil, fmt.Errorf("make certificate: %w", err)
	}
	return der, nil
}

// keyID names the key [RFC 7093, section 2, method 1].
func keyID(key *ecdsa.PrivateKey) []byte {
	point, _ := key.PublicKey.Bytes() // fails only for a curve that no node has
	sum := sha256.Sum256(point)
	return sum[:20]
}

// serial derives a serial number of 127 bits, so that certificates of one key with other names have other numbers, as
// those who keep them by issuer and number need.
func serial(key *ecdsa.PrivateKey, names []string) *big.Int {
	h := sha256.New()
	h.Write(keyID(key))
	for _, name := range names {
		fmt.Fprintf(h, "%d %s", len(name), name)
	}
	sum := h.Sum(nil)[:16]
	sum[0] = sum[0]&0x7f | 0x40 // positive and never 0 [RFC 5280, section 4.1.2.2]
	return new(big.Int).SetBytes(sum)
}

// commonName keeps the bound of RFC 5280, ub-common-name. Nobody looks at it who looks at the names.
func commonName(name string) string { return name[:min(len(name), 64)] }

// Serves reports whether the certificate is one of the key's and has all of the names.
func Serves(cert *x509.Certificate, key *ecdsa.PrivateKey, names []string) bool {
	if !key.PublicKey.Equal(cert.PublicKey) {
		return false
	}
	for _, name := range names {
		if cert.VerifyHostname(bracketed(name)) != nil {
			return false
		}
	}
	return true
}

// bracketed is a name as VerifyHostname takes it: an IP address stands in brackets.
func bracketed(name string) string {
	if _, err := netip.ParseAddr(name); err == nil {
		return "[" + name + "]"
	}
	return name
}
