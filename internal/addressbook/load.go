package addressbook

import (
	"errors"
	"fmt"
	"os"

	"github.com/foxmq/foxmq/internal/tomlfile"
)

// file is the form of address-book.toml.
type file struct {
	Addresses []struct {
		Key  string `toml:"key"`
		Addr string `toml:"addr"`
	} `toml:"addresses"`
}

// Load reads and checks an address book. An error about its content names the file and the line.
func Load(path string) (*Book, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read address book: %w", err)
	}
	return parse(path, data)
}

func parse(path string, data []byte) (*Book, error) {
	var f file
	if err := tomlfile.Decode(path, data, &f); err != nil {
		return nil, err
	}
	b, err := f.book()
	if err != nil {
		return nil, locate(path, data, err)
	}
	return b, nil
}

func (f *file) book() (*Book, error) {
	b := &Book{Members: make([]Member, len(f.Addresses))}
	for i, a := range f.Addresses {
		key, err := parsePublicKey(a.Key)
		if err != nil {
			return nil, &memberError{i, "key", err}
		}
		b.Members[i] = Member{Key: key, Addr: a.Addr}
	}
	return b, b.validate()
}

// locate gives an error the place of what it is about: the member's field, or the member if that field is missing.
func locate(path string, data []byte, err error) error {
	line := 0
	if m, ok := errors.AsType[*memberError](err); ok {
		lines := tomlfile.Lines(data)
		member := fmt.Sprintf("addresses[%d]", m.index)
		if line = lines[member+"."+m.field]; line == 0 {
			line = lines[member]
		}
	}
	return &tomlfile.Error{File: path, Line: line, Err: err}
}
