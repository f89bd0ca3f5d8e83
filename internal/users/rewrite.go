package users

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/foxmq/foxmq/internal/tomlfile"
)

// ErrUnknown is wrapped by the error about a user who is not there.
var ErrUnknown = errors.New("unknown")

// ErrSpelling is wrapped by the error about a record that has no lines of its own, or not those that Record makes.
var ErrSpelling = errors.New("the record is written in a way that only an editor can change")

// Entry is a user as List returns it.
type Entry struct {
	Name string `json:"name"`
	Limits
}

// List returns the users in the file, sorted by name.
func List(path string) ([]Entry, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read users: %w", err)
	}
	a, err := parseAccounts(path, data)
	if err != nil {
		return nil, err
	}
	list := make([]Entry, len(a.names))
	for i, name := range a.names {
		list[i] = Entry{name, a.limits[name]}
	}
	return list, nil
}

// Remove removes a user from the file. All else stays as it stands.
func Remove(path, name string) error {
	return rewrite(path, name, (*document).cut, func(a *accounts) {
		a.names = slices.DeleteFunc(a.names, func(n string) bool { return n == name })
		delete(a.hashes, name)
		delete(a.limits, name)
	})
}

// SetHash gives a user another password hash. All else stays as it stands, the user's limits included.
func SetHash(path, name, text string) error {
	h, err := parseHash(text)
	if err != nil {
		return err
	}
	var old *hash
	change := func(d *document, record lines) { d.replace(record, old.String(), text) }
	return rewrite(path, name, change, func(a *accounts) { old, a.hashes[name] = a.hashes[name], h })
}

// rewrite changes the user's record, and then the file if that says afterwards what it said before, but for the effect.
func rewrite(path, name string, change func(*document, lines), effect func(*accounts)) error {
	data, mode, err := readForEdit(path)
	if err != nil {
		return err
	}
	want, err := parseAccounts(path, data)
	if err != nil {
		return err
	}
	if want.hashes[name] == nil {
		return fmt.Errorf("%s: user %q is %w", path, name, ErrUnknown)
	}
	effect(want)
	d := document(strings.SplitAfter(string(data), "\n"))
	for _, record := range slices.Backward(recordsOf(name, data)) {
		change(&d, record)
	}
	data = []byte(strings.Join(d, ""))
	if got, err := parseAccounts(path, data); err != nil || !got.equal(want) {
		return fmt.Errorf("%s: user %q: %w", path, name, ErrSpelling)
	}
	return replace(path, data, mode)
}

// equal tells whether they say the same.
func (a *accounts) equal(other *accounts) bool {
	return a.allowAnonymous == other.allowAnonymous && a.silentErrors == other.silentErrors &&
		slices.Equal(a.names, other.names) && maps.Equal(a.limits, other.limits) &&
		maps.EqualFunc(a.hashes, other.hashes, (*hash).equal)
}

// document is the lines of a file, with their ends.
type document []string

// lines are those from first to last, counted from 1.
type lines struct{ first, last int }

// recordsOf returns the lines on which a user's record stands, with the comments inside: a table, and whatever other
// keys there are of it.
func recordsOf(name string, data []byte) (all []lines) {
	inside := false
	for _, e := range tomlfile.Expressions(data) {
		mine := len(e.Path) > 1 && e.Path[0] == "users" && e.Path[1] == name
		switch {
		case mine && inside:
			all[len(all)-1].last = e.Last
		case mine:
			all = append(all, lines{e.First, e.Last})
		}
		inside = mine
	}
	return all
}

// cut takes the lines out, and one of two empty lines that were around them.
func (d *document) cut(l lines) {
	from, to := l.first-1, l.last
	if d.isEmpty(from-1) && d.isEmpty(to) {
		if to < len(*d) && (*d)[to] != "" {
			to++
		} else if from > 0 {
			from--
		}
	}
	*d = slices.Delete(*d, from, to)
}

// isEmpty tells whether there is nothing in the line of that index, or no such line. The last one may lack its end.
func (d document) isEmpty(i int) bool {
	return i < 0 || i >= len(d) || strings.TrimSpace(d[i]) == ""
}

func (d document) replace(l lines, old, text string) {
	for i := l.first - 1; i < l.last; i++ {
		d[i] = strings.Replace(d[i], old, text, 1)
	}
}
