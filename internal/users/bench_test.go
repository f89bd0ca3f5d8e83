package users

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

// BenchmarkReconnect is the login of one of 10,000 clients, each with a name and a password of its own, who were
// connected a short while ago.
func BenchmarkReconnect(b *testing.B) {
	const clients = 10_000
	var file strings.Builder
	h := cheap("secret")
	for i := range clients {
		file.WriteString(Record(fmt.Sprint("client", i), h))
	}
	a, err := parseAccounts("f", []byte(file.String()))
	if err != nil {
		b.Fatal(err)
	}
	l := newLogin()
	for i := range clients {
		if err := try(l, a, here, fmt.Sprint("client", i), "secret"); err != nil {
			b.Fatal(err)
		}
	}
	checked, from := 0, netip.MustParseAddr(here)
	l.room.free = 0 // a check would wait for ever
	password := []byte("secret")
	for b.Loop() {
		if _, _, err := l.authenticate(b.Context(), a, from, a.names[checked%clients], password); err != nil {
			b.Fatal(err)
		}
		checked++
	}
}

// BenchmarkCheck is one password checked with the parameters of our own hashes: what a core can do in a second.
func BenchmarkCheck(b *testing.B) {
	h, err := parseHash(Hash([]byte("secret")))
	if err != nil {
		b.Fatal(err)
	}
	password := []byte("secret")
	for b.Loop() {
		if !h.matches(password) {
			b.Fatal("it does not match")
		}
	}
}
