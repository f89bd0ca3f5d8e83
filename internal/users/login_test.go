package users

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
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

// try tells whether the login succeeds.
func try(l *login, a *accounts, from, user, password string) error {
	_, _, err := l.authenticate(context.Background(), a, netip.MustParseAddr(from), user, []byte(password))
	return err
}

const here = "192.0.2.1"

func TestAuthenticate(t *testing.T) {
	a := accountsOf(t, map[string]string{"alice": "a", "bob": "b", "a b.c": "", "ü\"": "x"})
	l := newLogin()
	for i, test := range []struct {
		user, password string
		want           error
	}{
		{"alice", "a", nil},
		{"alice", "b", ErrWrong},
		{"alice", "", ErrWrong},
		{"bob", "b", nil},
		{"bob", "a", ErrWrong},
		{"a b.c", "", nil},
		{"ü\"", "x", nil},
		{"nobody", "a", ErrWrong},
		{"nobody", "b", ErrWrong},
		{"", "", ErrWrong},
	} {
		from := fmt.Sprintf("192.0.2.%d", i) // each from its own, so that none is slowed
		for range 2 {                        // the second time, a success is remembered
			if got := try(l, a, from, test.user, test.password); !errors.Is(got, test.want) {
				t.Errorf("%q with %q: %v", test.user, test.password, got)
			}
		}
	}
	if try(l, &accounts{}, here, "alice", "a") == nil {
		t.Error("a user is known where there are none")
	}
}

// TestNobodyTakesAsMuchWork: all memory that a login takes is the hash's, so that tells whether one was computed.
func TestNobodyTakesAsMuchWork(t *testing.T) {
	const size = 4 << 20
	h := hash{memory: size >> 10, passes: 1, lanes: 1, salt: []byte("somesalt")}
	h.key = h.derive([]byte("a"), keyLength)
	a, err := parseAccounts("f", []byte(Record("alice", h.String())))
	if err != nil {
		t.Fatal(err)
	}
	l := newLogin()
	for _, user := range []string{"alice", "nobody", ""} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if err := try(l, a, here, user, "guess"); !errors.Is(err, ErrWrong) {
			t.Errorf("%q: %v", user, err)
		}
		runtime.ReadMemStats(&after)
		if taken := after.TotalAlloc - before.TotalAlloc; taken < size || taken > 2*size {
			t.Errorf("%q takes %d bytes", user, taken)
		}
	}
}

// busy tries a login while no slot is free: what is not remembered waits in vain.
func busy(l *login, a *accounts, user, password string) error {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	slots := l.room.free
	l.room.free = 0
	defer func() { l.room.free = slots }()
	_, _, err := l.authenticate(ctx, a, netip.MustParseAddr(here), user, []byte(password))
	return err
}

func TestASuccessIsRememberedForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := accountsOf(t, map[string]string{"alice": "a"})
		l := newLogin()
		if busy(l, a, "alice", "a") == nil {
			t.Fatal("a password was accepted unseen")
		}
		if try(l, a, here, "alice", "a") != nil || busy(l, a, "alice", "a") != nil {
			t.Fatal("a success was not remembered")
		}
		if busy(l, a, "alice", "b") == nil || busy(l, a, "bob", "a") == nil {
			t.Error("somebody else's success counts")
		}
		time.Sleep(rememberFor)
		if busy(l, a, "alice", "a") != nil {
			t.Error("a success was forgotten early")
		}
		time.Sleep(rememberFor + 1)
		if busy(l, a, "alice", "a") == nil {
			t.Error("a success is remembered for ever")
		}
		_ = try(l, a, here, "alice", "a")
		a = accountsOf(t, map[string]string{"alice": "new"})
		if busy(l, a, "alice", "a") == nil {
			t.Error("an old password is good for a user who has a new one")
		}
	})
}

func TestALoginStandsAsLongAsItsPassword(t *testing.T) {
	running(t, func(t *testing.T, f *fixture) {
		log := func(user, password string) *Login {
			l, err := f.Authenticate(t.Context(), netip.Addr{}, user, []byte(password))
			if err != nil {
				t.Fatalf("%s: %v", user, err)
			}
			return l
		}
		alice := log("alice", "a")
		f.write("users.toml", "# moved\n"+readFile(t, f.path("users.toml"))+"max-connections = 1\n"+Record("bob", cheap("b")))
		if f.look(1); !alice.Stands() {
			t.Error("a login ends though its user and password did not change")
		}
		bob := log("bob", "b")
		f.write("users.toml", Record("bob", Hash([]byte("b"))))
		if f.look(1); alice.Stands() || bob.Stands() {
			t.Error("a removed user's login stands, or one by a password that was given anew")
		}
	})
}

// A client that was connected for hours comes back after an interruption of the network, together with all the others.
func TestWhoWasConnectedIsRemembered(t *testing.T) {
	running(t, func(t *testing.T, f *fixture) {
		alice, err := f.Authenticate(t.Context(), netip.Addr{}, "alice", []byte("a"))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * rememberFor)
		alice.Leave()
		if busy(f.login, f.accounts.Load(), "alice", "a") != nil {
			t.Error("who has just left is not remembered")
		}
		f.write("users.toml", Record("alice", cheap("new")))
		f.look(1)
		alice.Leave()
		if busy(f.login, f.accounts.Load(), "alice", "a") == nil {
			t.Error("an old password is remembered")
		}
	})
}

func TestWhatIsRememberedIsBounded(t *testing.T) {
	s := newSuccesses()
	for i := range rememberMax + 10 {
		s.remember(s.proof(strconv.Itoa(i), &hash{}, nil))
	}
	if n := len(s.until); n != rememberMax {
		t.Errorf("%d logins are remembered", n)
	}
}

// A herd of clients with one name and password, behind one address, is one check; each that fails is one failure.
func TestAHerdIsCheckedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := accountsOf(t, map[string]string{"alice": "a"})
		l := newLogin()
		var refused atomic.Int64
		herd := func(password string, n int) {
			slots := l.room.free
			l.room.free = 0
			for range n {
				go func() {
					if try(l, a, here, "alice", password) != nil {
						refused.Add(1)
					}
				}()
			}
			synctest.Wait()
			if got := l.room.waiting(); got != 1 {
				t.Errorf("%d logins of the herd wait for a check", got)
			}
			l.room.mu.Lock()
			l.room.free = slots
			l.room.callNext()
			l.room.mu.Unlock()
			time.Sleep(time.Minute)
			synctest.Wait()
		}
		if herd("a", 3*mostInLine); refused.Load() != 0 {
			t.Errorf("%d of the herd were refused", refused.Load())
		}
		if herd("b", 20); refused.Load() != 20 || l.counters.failed.Load() != 20 || l.counters.slowed.Load() != 10 {
			t.Errorf("of 20 wrong ones %d were refused, %d failed, %d were slowed",
				refused.Load(), l.counters.failed.Load(), l.counters.slowed.Load())
		}
	})
}

// A flood of wrong passwords from one address leaves the others their turn, and takes a bounded part of the memory.
func TestAFloodDelaysNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := accountsOf(t, map[string]string{"alice": "a"})
		l := newLogin()
		slots := l.room.free
		l.room.free = 0
		for i := range 10 * mostInLine {
			go func() { _ = try(l, a, here, "alice", strconv.Itoa(i)) }()
		}
		synctest.Wait()
		if got := l.room.waiting(); got != mostInLine || l.counters.refused.Load() != 9*mostInLine {
			t.Errorf("%d logins wait, %d were refused", got, l.counters.refused.Load())
		}
		good := make(chan uint64)
		go func() {
			if err := try(l, a, "192.0.2.2", "alice", "a"); err != nil {
				t.Errorf("a good login beside a flood: %v", err)
			}
			good <- l.counters.failed.Load()
		}()
		synctest.Wait()
		l.room.mu.Lock()
		l.room.free = slots
		l.room.callNext()
		l.room.mu.Unlock()
		if before := <-good; before > 2*uint64(slots)+2 {
			t.Errorf("%d checks of the flood came before the good login", before)
		}
		time.Sleep(time.Minute)
	})
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
