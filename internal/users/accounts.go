package users

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/foxmq/foxmq/internal/tomlfile"
)

// accountsFile is the form of users.toml.
type accountsFile struct {
	Auth struct {
		AllowAnonymousLogin bool `toml:"allow-anonymous-login"`
		SilentConnectErrors bool `toml:"silent-connect-errors"`
	} `toml:"auth"`
	Users map[string]struct {
		PasswordHash string `toml:"password-hash"`
		limitKeys
	} `toml:"users"`
}

// accounts is what users.toml says. It is immutable.
type accounts struct {
	allowAnonymous bool
	silentErrors   bool
	hashes         map[string]*hash
	limits         map[string]Limits // of those who have some
	names          []string          // of hashes, sorted
}

func parseAccounts(path string, data []byte) (*accounts, error) {
	var f accountsFile
	if err := tomlfile.Decode(path, data, &f); err != nil {
		return nil, err
	}
	a := &accounts{
		allowAnonymous: f.Auth.AllowAnonymousLogin,
		silentErrors:   f.Auth.SilentConnectErrors,
		hashes:         make(map[string]*hash, len(f.Users)),
		limits:         map[string]Limits{},
	}
	for name := range f.Users {
		a.names = append(a.names, name)
	}
	slices.Sort(a.names)
	for _, name := range a.names {
		if err := CheckName(name); err != nil {
			return nil, locate(path, data, "users."+name, err)
		}
		h, err := parseHash(f.Users[name].PasswordHash)
		if err != nil {
			return nil, locate(path, data, "users."+name+".password-hash", fmt.Errorf("user %q: %w", name, err))
		}
		a.hashes[name] = h
		limits, key, err := f.Users[name].limits()
		if err != nil {
			return nil, locate(path, data, "users."+name+"."+key, fmt.Errorf("user %q: %w", name, err))
		}
		if limits != (Limits{}) {
			a.limits[name] = limits
		}
	}
	return a, nil
}

// locate gives an error the line of the key that it is about, or of what holds the key if that is missing.
func locate(path string, data []byte, key string, err error) error {
	lines := tomlfile.Lines(data)
	for lines[key] == 0 && strings.Contains(key, ".") {
		key = key[:strings.LastIndexByte(key, '.')]
	}
	return &tomlfile.Error{File: path, Line: lines[key], Err: err}
}

// Everyone stands in permissions.toml for all users without an entry of their own.
const Everyone = "*"

var errName = errors.New("a user name has 1 to 65535 bytes of UTF-8 without control characters, and is not *")

// CheckName checks that a user can have that name: MQTT can say it, and it does not mean everyone.
func CheckName(name string) error {
	if name == "" || name == Everyone || len(name) > 65535 || !utf8.ValidString(name) ||
		strings.ContainsFunc(name, unicode.IsControl) {
		return errName
	}
	return nil
}
