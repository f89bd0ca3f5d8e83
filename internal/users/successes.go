package users

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"time"
)

// How long a successful login is remembered after it was last used, and how many are.
const (
	rememberFor = 10 * time.Minute
	rememberMax = 1 << 17
)

// forgetAmong is among how many one is looked for that may be forgotten, where room is needed for another.
const forgetAmong = 16

// successes recognises logins that succeeded a short while ago.
type successes struct {
	secret [32]byte // of this process: what is remembered is of no use to another

	mu    sync.Mutex
	until map[proof]time.Time // guarded by mu
}

// proof stands for a user, a password and the hash that they matched.
type proof [sha256.Size]byte

func newSuccesses() *successes {
	s := &successes{until: map[proof]time.Time{}}
	_, _ = rand.Read(s.secret[:]) // never fails
	return s
}

func (s *successes) proof(user string, h *hash, password []byte) (p proof) {
	mac := hmac.New(sha256.New, s.secret[:])
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
func (s *successes) recall(p proof) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	until, ok := s.until[p]
	if !ok || now.After(until) {
		return false
	}
	s.until[p] = now.Add(rememberFor)
	return true
}

// remember makes room, if it must, by forgetting one that is due among a few, or else any.
func (s *successes) remember(p proof) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, looked := time.Now(), 0
	for other, until := range s.until {
		if len(s.until) < rememberMax {
			break
		}
		if looked++; now.After(until) || looked > forgetAmong {
			delete(s.until, other)
		}
	}
	s.until[p] = now.Add(rememberFor)
}
