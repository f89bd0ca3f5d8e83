package addressbook

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"net/netip"

	"github.com/foxmq/foxmq/internal/event"
)

// Generate makes a book with a new key for each address, and returns the private keys in the book's order.
func Generate(addrs []string) (*Book, []*ecdsa.PrivateKey, error) {
	b := &Book{Members: make([]Member, len(addrs))}
	keys := make([]*ecdsa.PrivateKey, len(addrs))
	for i, addr := range addrs {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, nil, fmt.Errorf("generate key: %w", err)
		}
		keys[i] = key
		b.Members[i] = Member{Key: &key.PublicKey, Addr: addr}
	}
	if err := b.validate(); err != nil {
		return nil, nil, err
	}
	return b, keys, nil
}

// Range returns the addresses of one IP address with the ports from start to end, both included.
func Range(ip netip.Addr, start, end uint16) ([]string, error) {
	n := int(end) - int(start) + 1
	if start == 0 || n < 1 || n > event.MaxMembers {
		return nil, fmt.Errorf("from port %d to %d: want 1 to %d ports, upwards", start, end, event.MaxMembers)
	}
	addrs := make([]string, n)
	for i := range addrs {
		addrs[i] = netip.AddrPortFrom(ip, start+uint16(i)).String()
	}
	return addrs, nil
}
