// Package addressbook holds the list of a cluster's members, address-book.toml, and their private keys,
// key_N.pem.
//
// The book is the same on every node: a member is known everywhere by its place in it, and the book's hash keeps
// apart the events and the handshakes of clusters with different books.
package addressbook

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/foxmq/foxmq/internal/event"
)

// Member is one node of the cluster.
type Member struct {
	Key  *ecdsa.PublicKey // P-256
	Addr string           // host:port (UDP) where its peers reach it, in the form of CanonicalAddr
}

// Book is the list of members; a member's index in it is its number in the cluster. A book that Load or Generate
// returned is valid; it is immutable and safe for concurrent use.
type Book struct {
	Members []Member
}

// hashLabel is hashed before the members. It changes whenever the form of what is hashed does.
const hashLabel = "foxmq address book 1\n"

// Hash returns the SHA-256 of what matters in the book: the number of members, and each member's key and
// address, in order. Comments, white space, line endings and the spelling of an IP address do not change it.
func (b *Book) Hash() [sha256.Size]byte {
	h := []byte(hashLabel)
	h = binary.BigEndian.AppendUint32(h, uint32(len(b.Members)))
	for _, m := range b.Members {
		point, _ := m.Key.Bytes() // fails only for a curve that validate refuses
		h = append(h, point...)
		h = binary.BigEndian.AppendUint32(h, uint32(len(m.Addr)))
		h = append(h, m.Addr...)
	}
	return sha256.Sum256(h)
}

// Domain returns what the events of the book's cluster are signed under.
func (b *Book) Domain() event.Domain { return event.Domain(b.Hash()) }

// Find returns the index of the member with that key.
func (b *Book) Find(key *ecdsa.PublicKey) (index int, ok bool) {
	for i, m := range b.Members {
		if m.Key.Equal(key) {
			return i, true
		}
	}
	return 0, false
}

// memberError is what is wrong with one member. Field is "key" or "addr".
type memberError struct {
	index int
	field string
	err   error
}

func (e *memberError) Error() string {
	return fmt.Sprintf("addresses[%d].%s: %v", e.index, e.field, e.err)
}

func (e *memberError) Unwrap() error { return e.err }

// validate checks the book and brings its addresses into canonical form. Errors about one member are of type
// *memberError.
func (b *Book) validate() error {
	if n := len(b.Members); n == 0 || n > event.MaxMembers {
		return fmt.Errorf("an address book has 1 to %d addresses, this one has %d", event.MaxMembers, n)
	}
	for i := range b.Members {
		m := &b.Members[i]
		if m.Key == nil || m.Key.Curve != elliptic.P256() {
			return &memberError{i, "key", errNotP256}
		}
		addr, err := CanonicalAddr(m.Addr)
		if err != nil {
			return &memberError{i, "addr", err}
		}
		m.Addr = addr
		for j, other := range b.Members[:i] {
			if other.Key.Equal(m.Key) {
				return &memberError{i, "key", fmt.Errorf("the same key as addresses[%d]", j)}
			}
			if other.Addr == addr {
				return &memberError{i, "addr", fmt.Errorf("%s is also the address of addresses[%d]", addr, j)}
			}
		}
	}
	return nil
}

// CanonicalAddr checks that addr is a host name, an IPv4 address or an IPv6 address in brackets, with a port
// behind it, and returns its one spelling: addresses are equal iff their canonical forms are.
func CanonicalAddr(addr string) (string, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", fmt.Errorf("%q is not an address like 192.0.2.1:19793, [2001:db8::1]:19793 or host:19793", addr)
	}
	p, err := strconv.ParseUint(port, 10, 16)
	if err != nil || p == 0 {
		return "", fmt.Errorf("%q: the port must be a number from 1 to 65535", addr)
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return netip.AddrPortFrom(ip.Unmap(), uint16(p)).String(), nil
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if err := checkHostName(host); err != nil {
		return "", fmt.Errorf("%q: %w", addr, err)
	}
	return net.JoinHostPort(host, strconv.FormatUint(p, 10)), nil
}

var errHostName = errors.New("neither an IP address nor a host name")

// checkHostName checks the form of a host name [RFC 1123, section 2.1]; underscores are let through, since
// container engines make names with them. A name whose last label is all digits is a misspelt IPv4 address.
func checkHostName(host string) error {
	if len(host) == 0 || len(host) > 253 {
		return errHostName
	}
	label := ""
	for label = range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return errHostName
		}
		for _, c := range []byte(label) {
			if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
				return errHostName
			}
		}
	}
	if strings.Trim(label, "0123456789") == "" {
		return errHostName
	}
	return nil
}
