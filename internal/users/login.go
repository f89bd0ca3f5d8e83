package users

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"hash/maphash"
	"runtime"
	"sync"
	"time"
)

// How long a successful login is remembered after it was last used, and how many are.
const (
	rememberFor = 10 * time.Minute
	rememberMax = 65536
)

// login checks passwords. A check costs milliseconds of a core and megabytes of memory on purpose, so no more than
// half of the cores work on checks at a time, and a login that succeeded a short while ago is recognised without:
// when a thousand clients reconnect at once, MQTT goes on.
type login struct {
	slots  chan struct{} // one for each check at work
	secret [32]byte      // of this process: what is remembered is of no use to another
	seed   maphash.Seed
	now    func() time.Time

	mu         sync.Mutex
	remembered map[proof]time.Time // mu; until when
}

// proof stands for a user, a password and the hash that they matched.
type proof [sha256.Size]byte

func newLogin() *login {
	l := &login{
		slots:      make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2)),
		seed:       maphash.MakeSeed(),
		now:        time.Now,
		remembered: map[proof]time.Time{},
	}
	_, _ = rand.Read(l.secret[:]) // never fails
	return l
}

// authenticate tells whether the password is the user's. It waits for its turn until ctx ends, which is a no. The
// answer about a user who does not exist takes as long as that about one who does: there the hash of somebody
// else, always of the same one, is computed. Without any users there is nothing to hide.
func (l *login) authenticate(ctx context.Context, a *accounts, user string, password []byte) bool {
	if len(a.names) == 0 {
		return false
	}
	h, known := a.hashes[user]
	if !known {
		h = a.hashes[a.names[maphash.String(l.seed, user)%uint64(len(a.names))]]
	}
	p := l.proof(user, h, password)
	if known && l.recall(p) {
		return true
	}
	select {
	case l.slots <- struct{}{}:
		defer func() { <-l.slots }()
	case <-ctx.Done():
		return false
	}
	if known && l.recall(p) { // by somebody with the same name, who was at work while we waited
		return true
	}
	if !h.matches(password) || !known {
		return false
	}
	l.remember(p)
	return true
}

func (l *login) proof(user string, h *hash, password []byte) (p proof) {
	mac := hmac.New(sha256.New, l.secret[:])
	var length [4]byte
	for _, part := range [][]byte{[]byte(user), h.salt, h.key, password} {
		binary.BigEndian.PutUint32(length[:], uint32(len(part)))
		mac.Write(length[:])
		mac.Write(part)
	}
	mac.Sum(p[:0])
	return p
}

// recall tells whether the login is remembered, and remembers it for longer.
func (l *login) recall(p proof) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	until, ok := l.remembered[p]
	if !ok || now.After(until) {
		return false
	}
	l.remembered[p] = now.Add(rememberFor)
	return true
}

// remember makes room, if it must, by forgetting what is due, or else anyone.
func (l *login) remember(p proof) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if len(l.remembered) >= rememberMax {
		for other, until := range l.remembered {
			if now.After(until) {
				delete(l.remembered, other)
			}
		}
	}
	for other := range l.remembered {
		if len(l.remembered) < rememberMax {
			break
		}
		delete(l.remembered, other)
	}
	l.remembered[p] = now.Add(rememberFor)
}
