package users

import (
	"bytes"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Bounds on what a password hash from a file may cost, so that a mistyped digit cannot eat the machine, and on its
// lengths in bytes.
const (
	maxMemory = 256 << 10 // KiB
	maxPasses = 64
	maxLanes  = 16
	maxWork   = 4 << 20 // KiB times passes: some seconds
	minSalt   = 8
	minKey    = 16
	maxLength = 64
)

// What Hash makes: the parameters of FoxMQ 0.3, which are OWASP's for Argon2id.
const (
	memory     = 19456 // KiB
	passes     = 2
	lanes      = 1
	saltLength = 16
	keyLength  = 32
)

// hash is a password's Argon2id hash [RFC 9106] with its parameters.
type hash struct {
	memory uint32 // KiB
	passes uint32
	lanes  uint8
	salt   []byte
	key    []byte
}

// Hash returns the hash of a password with a new salt, in PHC form: $argon2id$v=19$m=19456,t=2,p=1$salt$key.
func Hash(password []byte) string {
	h := hash{memory: memory, passes: passes, lanes: lanes, salt: make([]byte, saltLength)}
	_, _ = rand.Read(h.salt) // never fails
	h.key = h.derive(password, keyLength)
	return h.String()
}

func (h *hash) derive(password []byte, length uint32) []byte {
	return argon2.IDKey(password, h.salt, h.passes, h.memory, h.lanes, length)
}

// matches tells whether it is the password's hash, in a time that does not depend on the answer.
func (h *hash) matches(password []byte) bool {
	return subtle.ConstantTimeCompare(h.derive(password, uint32(len(h.key))), h.key) == 1
}

// equal tells whether it is the same hash, of the same password with the same salt.
func (h *hash) equal(other *hash) bool {
	return h == other || bytes.Equal(h.salt, other.salt) && bytes.Equal(h.key, other.key)
}

// String returns the PHC form.
func (h *hash) String() string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s",
		argon2.Version, h.memory, h.passes, h.lanes, b64.EncodeToString(h.salt), b64.EncodeToString(h.key))
}

var errHashForm = errors.New("not a hash of the form $argon2id$v=19$m=…,t=…,p=…$salt$key")

// parseHash reads a hash in PHC form. No error repeats it.
func parseHash(s string) (*hash, error) {
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != "v="+strconv.Itoa(argon2.Version) {
		return nil, errHashForm
	}
	var h hash
	if err := h.parseParameters(parts[3]); err != nil {
		return nil, err
	}
	var err1, err2 error
	h.salt, err1 = base64.RawStdEncoding.DecodeString(parts[4])
	h.key, err2 = base64.RawStdEncoding.DecodeString(parts[5])
	switch {
	case err1 != nil || err2 != nil:
		return nil, errHashForm
	case len(h.salt) < minSalt || len(h.salt) > maxLength:
		return nil, fmt.Errorf("the hash's salt has %d bytes, want %d to %d", len(h.salt), minSalt, maxLength)
	case len(h.key) < minKey || len(h.key) > maxLength:
		return nil, fmt.Errorf("the hash's key has %d bytes, want %d to %d", len(h.key), minKey, maxLength)
	}
	return &h, nil
}

func (h *hash) parseParameters(s string) error {
	parts := strings.Split(s, ",")
	if len(parts) != 3 {
		return errHashForm
	}
	m, err := parameter(parts[0], "m=", maxMemory)
	if err != nil {
		return err
	}
	t, err := parameter(parts[1], "t=", maxPasses)
	if err != nil {
		return err
	}
	p, err := parameter(parts[2], "p=", maxLanes)
	if err != nil {
		return err
	}
	if m < 8*p {
		return fmt.Errorf("the hash's m=%d is less than eight times its p=%d", m, p)
	}
	if m*t > maxWork {
		return fmt.Errorf("the hash's m=%d times t=%d is over the limit of %d", m, t, maxWork)
	}
	h.memory, h.passes, h.lanes = uint32(m), uint32(t), uint8(p)
	return nil
}

func parameter(s, name string, most uint64) (uint64, error) {
	digits, ok := strings.CutPrefix(s, name)
	n, err := strconv.ParseUint(digits, 10, 32)
	if !ok || err != nil || n == 0 {
		return 0, errHashForm
	}
	if n > most {
		return 0, fmt.Errorf("the hash's %s is over the limit of %d", s, most)
	}
	return n, nil
}
