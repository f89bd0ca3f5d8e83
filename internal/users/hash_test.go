package users

import (
	"strings"
	"testing"
)

// known is of "password", from the tests of the reference implementation.
const known = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"

func TestHashesOfOthersAreUnderstood(t *testing.T) {
	h, err := parseHash(known)
	if err != nil || !h.matches([]byte("password")) || h.matches([]byte("Password")) {
		t.Errorf("the reference implementation's hash does not match, %v", err)
	}
}

func TestHashesMatchTheirPasswordOnly(t *testing.T) {
	text := Hash([]byte("secret"))
	h, err := parseHash(text)
	if err != nil {
		t.Fatal(err)
	}
	if !h.matches([]byte("secret")) || h.matches([]byte("secre")) || h.matches(nil) {
		t.Error("the wrong password matches, or the right one does not")
	}
	if h.String() != text || Hash([]byte("secret")) == text {
		t.Error("the form is not stable, or the salt is")
	}
}

func TestHashesAreBounded(t *testing.T) {
	const salt, key = "c29tZXNhbHQ", "JG8y8KMRjh7p8GrIdDBDFtbZmjA1rcg5Ia1P0JmpQj8"
	for _, test := range []struct{ in, want string }{
		{"", "not a hash"},
		{"plain", "not a hash"},
		{"$argon2i$v=19$m=19456,t=2,p=1$" + salt + "$" + key, "not a hash"},
		{"$argon2id$v=16$m=19456,t=2,p=1$" + salt + "$" + key, "not a hash"},
		{"$argon2id$v=19$m=19456,t=2$" + salt + "$" + key, "not a hash"},
		{"$argon2id$v=19$m=19456,t=0,p=1$" + salt + "$" + key, "not a hash"},
		{"$argon2id$v=19$m=-1,t=2,p=1$" + salt + "$" + key, "not a hash"},
		{"$argon2id$v=19$m=19456,t=2,p=1$!$" + key, "not a hash"},
		{"$argon2id$v=19$m=4194304,t=1,p=1$" + salt + "$" + key, "the hash's m=4194304 is over the limit of 262144"},
		{"$argon2id$v=19$m=19456,t=65,p=1$" + salt + "$" + key, "the hash's t=65 is over the limit of 64"},
		{"$argon2id$v=19$m=262144,t=64,p=1$" + salt + "$" + key, "the hash's m=262144 times t=64 is over the limit"},
		{"$argon2id$v=19$m=19456,t=2,p=17$" + salt + "$" + key, "the hash's p=17 is over the limit of 16"},
		{"$argon2id$v=19$m=8,t=2,p=2$" + salt + "$" + key, "the hash's m=8 is less than eight times its p=2"},
		{"$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$" + key, "the hash's salt has 4 bytes"},
		{"$argon2id$v=19$m=19456,t=2,p=1$" + salt + "$c2FsdA", "the hash's key has 4 bytes"},
	} {
		_, err := parseHash(test.in)
		if err == nil || !strings.HasPrefix(err.Error(), test.want) || strings.Contains(err.Error(), salt) {
			t.Errorf("%q: %v, want %s", test.in, err, test.want)
		}
	}
}

func FuzzHash(f *testing.F) {
	f.Add(known)
	f.Fuzz(func(t *testing.T, s string) {
		if h, err := parseHash(s); err == nil {
			if again, err := parseHash(h.String()); err != nil || again.String() != h.String() {
				t.Errorf("%q becomes %q, %v", s, h, err)
			}
		}
	})
}
