package users

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// cheap is a hash of the password that costs next to nothing.
func cheap(password string) string {
	h := hash{memory: 8, passes: 1, lanes: 1, salt: []byte("somesalt")}
	h.key = h.derive([]byte(password), keyLength)
	return h.String()
}

func accountsOf(t testing.TB, passwords map[string]string) *accounts {
	t.Helper()
	var b strings.Builder
	for name, password := range passwords {
		b.WriteString(Record(name, cheap(password)))
	}
	a, err := parseAccounts("f", []byte(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAuthenticate(t *testing.T) {
	a := accountsOf(t, map[string]string{"alice": "a", "bob": "b", "a b.c": "", "ü\"": "x"})
	l := newLogin()
	for _, test := range []struct {
		user, password string
		want           bool
	}{
		{"alice", "a", true},
		{"alice", "b", false},
		{"alice", "", false},
		{"bob", "b", true},
		{"bob", "a", false},
		{"a b.c", "", true},
		{"ü\"", "x", true},
		{"nobody", "a", false},
		{"nobody", "b", false},
		{"", "", false},
	} {
		for range 2 { // the second time, a success is remembered
			if got := l.authenticate(t.Context(), a, test.user, []byte(test.password)); got != test.want {
				t.Errorf("%q with %q: %v", test.user, test.password, got)
			}
		}
	}
	if l.authenticate(t.Context(), &accounts{}, "alice", []byte("a")) {
		t.Error("a user is known where there are none")
	}
}

func TestASuccessIsRememberedForAWhile(t *testing.T) {
	a := accountsOf(t, map[string]string{"alice": "a"})
	l := newLogin()
	now := time.Unix(0, 0)
	l.now = func() time.Time { return now }
	busy := func(user, password string) bool { // all slots are taken: what is not remembered waits in vain
		for range cap(l.slots) {
			l.slots <- struct{}{}
		}
		defer func() {
			for range cap(l.slots) {
				<-l.slots
			}
		}()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		return l.authenticate(ctx, a, user, []byte(password))
	}
	if busy("alice", "a") {
		t.Fatal("a password was accepted unseen")
	}
	if !l.authenticate(t.Context(), a, "alice", []byte("a")) || !busy("alice", "a") {
		t.Fatal("a success was not remembered")
	}
	if busy("alice", "b") || busy("bob", "a") {
		t.Error("somebody else's success counts")
	}
	now = now.Add(rememberFor)
	if !busy("alice", "a") {
		t.Error("a success was forgotten early")
	}
	now = now.Add(rememberFor + 1)
	if busy("alice", "a") {
		t.Error("a success is remembered for ever")
	}
	l.authenticate(t.Context(), a, "alice", []byte("a"))
	a = accountsOf(t, map[string]string{"alice": "new"})
	if busy("alice", "a") {
		t.Error("an old password is good for a user who has a new one")
	}
}

func TestWhatIsRememberedIsBounded(t *testing.T) {
	l := newLogin()
	for i := range rememberMax + 10 {
		l.remember(l.proof(fmt.Sprint(i), &hash{}, nil))
	}
	if n := len(l.remembered); n != rememberMax {
		t.Errorf("%d logins are remembered", n)
	}
}

func TestChecksWaitForASlot(t *testing.T) {
	a := accountsOf(t, map[string]string{"alice": "a"})
	l := newLogin()
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			if got := l.authenticate(t.Context(), a, "alice", []byte("ab"[i%2:i%2+1])); got != (i%2 == 0) {
				t.Errorf("login %d: %v", i, got)
			}
		})
	}
	group.Wait()
	if len(l.slots) > 0 {
		t.Error("a slot is still taken")
	}
}

func TestBadAccountsNameTheLine(t *testing.T) {
	good := Record("alice", cheap("a"))
	for _, test := range []struct{ in, want string }{
		{"[auth]\nallow-anonymous = true\n", `f:2: unknown key "auth.allow-anonymous"`},
		{good + "password = 'x'\n", `f:3: unknown key "users.alice.password"`},
		{good + good, `f:3: `},
		{good + "[users.bob]\n\n", `f:3: user "bob": not a hash`},
		{good + "[users.bob]\npassword-hash = 'x'\n", `f:4: user "bob": not a hash`},
		{good + "[users.'*']\npassword-hash = 'x'\n", `f:3: a user name has`},
		{"[auth]\nallow-anonymous-login = 'yes'\n", `f:2: "auth.allow-anonymous-login" cannot be of the type string`},
		{good + "max-connections = -1\n", `f:3: user "alice": max-connections = -1: want 0`},
		{good + "\npublish-bytes = 1_000_000_000_000\n", `f:4: user "alice": publish-bytes = 1000000000000: want 0`},
		{good + "publish-rate = 0.5\n", `f:3: "users.alice.publish-rate" cannot be of the type float`},
		{"[users", `f:1: `},
	} {
		if _, err := parseAccounts("f", []byte(test.in)); err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%q: %v, want %s", test.in, err, test.want)
		}
	}
}

func FuzzAccounts(f *testing.F) {
	f.Add([]byte("[auth]\nallow-anonymous-login = true\n" + Record("alice", cheap("a"))))
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := parseAccounts("f", data)
		if err == nil && len(a.names) != len(a.hashes) {
			t.Errorf("%d names of %d users", len(a.names), len(a.hashes))
		}
	})
}
