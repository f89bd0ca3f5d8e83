package users

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/foxmq/foxmq/internal/atomicfile"
)

// ErrExists is wrapped by the error about a user who is there already.
var ErrExists = errors.New("there already")

// newFileMode is that of a file of users: their hashes can be attacked by whoever reads them.
const newFileMode = 0o600

// Record returns what stands in users.toml about a user with that password hash.
func Record(name, hash string) string {
	return fmt.Sprintf("[users.%s]\npassword-hash = %q\n", tomlKey(name), hash)
}

// tomlKey quotes a name that is no bare key. What Go escapes in a valid name, TOML escapes in the same way.
func tomlKey(name string) string {
	bare := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_'
	}
	if strings.ContainsFunc(name, func(r rune) bool { return !bare(r) }) {
		return strconv.Quote(name)
	}
	return name
}

// Add adds a user to the file, which it makes if it is missing; all that stands in the file stays. The file is
// replaced as a whole, so that a reader finds it with or without the user.
func Add(path, name, hash string) error {
	data, mode, err := readForEdit(path)
	if err != nil {
		return err
	}
	before, err := parseAccounts(path, data)
	if err != nil {
		return err
	}
	if _, exists := before.hashes[name]; exists {
		return fmt.Errorf("%s: user %q is %w", path, name, ErrExists)
	}
	if n := len(data); n > 0 {
		if data[n-1] != '\n' {
			data = append(data, '\n')
		}
		data = append(data, '\n')
	}
	return replace(path, append(data, Record(name, hash)...), mode)
}

// Replace makes the user the only one in the file.
func Replace(path, name, hash string) error {
	_, mode, err := readForEdit(path)
	if err != nil {
		return err
	}
	return replace(path, []byte(Record(name, hash)), mode)
}

func readForEdit(path string) (data []byte, mode fs.FileMode, err error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, newFileMode, nil
	}
	if err == nil {
		data, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("read users: %w", err)
	}
	return data, info.Mode().Perm(), nil
}

// replace checks what it is about to write: a record cannot be put behind `users = { … }`, for example.
func replace(path string, data []byte, mode fs.FileMode) error {
	if _, err := parseAccounts(path, data); err != nil {
		return fmt.Errorf("with the new record the file would not parse: %w", err)
	}
	return atomicfile.Write(atomicfile.File{Path: path, Data: data, Mode: mode})
}
