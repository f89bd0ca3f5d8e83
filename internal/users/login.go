package users

import (
	"context"
	"errors"
	"hash/maphash"
	"net/netip"
	"runtime"
	"sync/atomic"

	"golang.org/x/sync/singleflight"
)

// Why a login failed.
var (
	ErrWrong = errors.New("wrong user name or password")
	ErrBusy  = errors.New("too many logins wait for their turn")
)

// login checks passwords. A check costs milliseconds of a core and megabytes of memory on purpose, so no more than
// half of the cores work on checks at a time, and a login that succeeded a short while ago is recognised without:
// when a thousand clients reconnect at once, MQTT goes on.
type login struct {
	room      *room
	successes *successes
	failures  failures
	checks    singleflight.Group
	seed      maphash.Seed
	counters  struct {
		checking                atomic.Int64
		failed, slowed, refused atomic.Uint64
	}
}

func newLogin() *login {
	return &login{
		room:      newRoom(max(1, runtime.GOMAXPROCS(0)/2)),
		successes: newSuccesses(),
		failures:  failures{from: map[netip.Addr]*offender{}},
		seed:      maphash.MakeSeed(),
	}
}

// Login is a user who has given the right password.
type Login struct {
	store *Store
	user  string
	hash  *hash
	proof proof
}

// Stands tells whether the same password would be right now.
func (l *Login) Stands() bool {
	h := l.store.accounts.Load().hashes[l.user]
	return h != nil && h.equal(l.hash)
}

// Leave says that the connection which the login was for has ended. The user's next login, if it comes soon, needs no
// check.
func (l *Login) Leave() {
	if l.Stands() {
		l.store.login.successes.remember(l.proof)
	}
}

// authenticate checks the password of a user, for somebody at that address, in its turn; ctx bounds the wait. The
// answer about a user who does not exist takes as long as that about one who does: there the hash of somebody else,
// always of the same one, is computed. Without any users there is nothing to hide.
func (l *login) authenticate(
	ctx context.Context, a *accounts, from netip.Addr, user string, password []byte,
) (*hash, proof, error) {
	from = origin(from)
	if len(a.names) == 0 {
		return nil, proof{}, l.fail(ctx, from)
	}
	h, known := a.hashes[user]
	if !known {
		h = a.hashes[a.names[maphash.String(l.seed, user)%uint64(len(a.names))]]
	}
	p := l.successes.proof(user, h, password)
	if known && l.successes.recall(p) {
		return h, p, nil
	}
	right, err := l.checkOnce(ctx, from, p, h, password)
	switch {
	case err != nil:
		l.counters.refused.Add(1)
		return nil, proof{}, err
	case !right || !known:
		return nil, proof{}, l.fail(ctx, from)
	}
	l.successes.remember(p)
	return h, p, nil
}

// origin is the address by which somebody is known: of IPv6, where everybody has many, the network.
func origin(from netip.Addr) netip.Addr {
	if from = from.Unmap(); !from.Is6() {
		return from
	}
	network, _ := from.Prefix(64) // fails for no IPv6 address
	return network.Addr()
}

// fail holds back the answer if failures from the address are slowed.
func (l *login) fail(ctx context.Context, from netip.Addr) error {
	l.counters.failed.Add(1)
	if l.failures.slow(ctx, from) {
		l.counters.slowed.Add(1)
	}
	return ErrWrong
}

// checkOnce checks the password once for all who come from the address with the same one at the same time, as a herd
// does. If whoever waited for the others has to give up, one of these waits on.
func (l *login) checkOnce(
	ctx context.Context, from netip.Addr, p proof, h *hash, password []byte,
) (right bool, err error) {
	for {
		leads := false
		got, err, _ := l.checks.Do(string(p[:])+from.String(), func() (any, error) {
			leads = true
			right, err := l.check(ctx, from, p, h, password)
			return right, err
		})
		if err == nil || leads || ctx.Err() != nil {
			return got.(bool), err
		}
	}
}

// check computes the hash when it is its turn.
func (l *login) check(ctx context.Context, from netip.Addr, p proof, h *hash, password []byte) (right bool, err error) {
	if err := l.room.enter(ctx, from, l.failures.allowance(from)); err != nil {
		return false, err
	}
	defer l.room.leave(from)
	if l.successes.recall(p) { // from somewhere else the same login was checked while we waited
		return true, nil
	}
	l.counters.checking.Add(1)
	defer l.counters.checking.Add(-1)
	return h.matches(password), nil
}
