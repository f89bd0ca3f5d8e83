package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/pflag"
)

// Bounds on the token of the admin listener, in bytes. A shorter one could be guessed.
const (
	leastToken = 16
	mostToken  = 1024
)

// Admin is the settings of the admin listener, and of those who ask it.
type Admin struct {
	AdminAddr      string // TCP, HTTP
	AdminToken     string // what whoever asks must know
	AdminTokenFile string // file with it; at most one of the two is set, and without either nothing needs to be known
}

// BindToken adds the flags of the token to fs.
func (a *Admin) BindToken(fs *pflag.FlagSet) {
	fs.StringVar(&a.AdminTokenFile, "admin-token-file", a.AdminTokenFile,
		"`file` with the token that requests to the admin listener must bear")
	orNone := func(s string) (string, error) {
		if s == "" {
			return "", nil
		}
		return parseToken(s)
	}
	fs.Var(&value[string]{&a.AdminToken, orNone, same, "text"}, "admin-token",
		"the token itself, a `text`; better in FOXMQ_ADMIN_TOKEN, since others see a command line")
}

// ReadToken returns the token, "" if there is none.
func (a *Admin) ReadToken() (string, error) {
	if a.AdminToken != "" && a.AdminTokenFile != "" {
		return "", errors.New("both admin-token and admin-token-file are set")
	}
	if a.AdminTokenFile == "" {
		return a.AdminToken, nil
	}
	token, err := readToken(a.AdminTokenFile)
	if err != nil {
		return "", fmt.Errorf("admin-token-file: %w", err)
	}
	return token, nil
}

func readToken(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }() // it was only read
	data, err := io.ReadAll(io.LimitReader(f, mostToken+3))
	if err != nil {
		return "", err
	}
	token, err := parseToken(string(bytes.TrimRight(data, "\r\n")))
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return token, nil
}

// parseToken takes what a header can carry as one word.
func parseToken(s string) (string, error) {
	if len(s) < leastToken || len(s) > mostToken {
		return "", fmt.Errorf("want a token of %d to %d characters, such as openssl rand -hex 32 writes", leastToken, mostToken)
	}
	for _, c := range []byte(s) {
		if c <= ' ' || c > '~' {
			return "", errors.New("want a token of ASCII characters without spaces, on one line")
		}
	}
	return s, nil
}
