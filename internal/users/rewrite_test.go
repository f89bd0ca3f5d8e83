package users

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// spellings are ways to write a file with alice, bob and carol, where H is a hash of each one's name.
var spellings = map[string]string{
	"tables": "# top\n[auth] # quiet\nsilent-connect-errors = true\n\n" +
		"# about alice\n[users.alice]\npassword-hash = \"A\"\n# hers\nmax-connections = 3 # three\n\n" +
		"# about bob\n[users.\"bob\"]\npublish-rate = 4\npassword-hash = 'B'\n\n[users.carol]\npassword-hash = \"C\"",
	"one table": "[users]\nalice = { password-hash = \"A\", max-connections = 3 }\n" +
		"bob.password-hash = \"B\"\ncarol.password-hash = \"C\"\nbob.publish-rate = 4\n",
	"no table": "users.alice.max-connections = 3\r\nusers.alice.password-hash = \"A\"\r\n\r\n" +
		"users.bob.password-hash = \"B\"\r\nusers.bob.publish-rate = 4\r\n\r\nusers.carol.password-hash = \"C\"\r\n",
}

// spelled writes a file in one of the ways.
func spelled(t *testing.T, how string) (path, text string) {
	t.Helper()
	text = strings.NewReplacer("A", cheap("alice"), "B", cheap("bob"), "C", cheap("carol")).Replace(spellings[how])
	path = filepath.Join(t.TempDir(), "users.toml")
	if err := os.WriteFile(path, []byte(text), 0o640); err != nil {
		t.Fatal(err)
	}
	return path, text
}

func mustList(t *testing.T, path string) []Entry {
	t.Helper()
	list, err := List(path)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestRemoveAndSetHashInEverySpelling(t *testing.T) {
	alice := Entry{"alice", Limits{Connections: 3}}
	bob := Entry{"bob", Limits{PublishRate: 4}}
	carol := Entry{Name: "carol"}
	for how := range spellings {
		for removed, want := range map[string][]Entry{"alice": {bob, carol}, "bob": {alice, carol}, "carol": {alice, bob}} {
			path, _ := spelled(t, how)
			if err := Remove(path, removed); err != nil {
				t.Errorf("%s: remove %s: %v", how, removed, err)
			}
			if got := mustList(t, path); !reflect.DeepEqual(got, want) {
				t.Errorf("%s: without %s there are %v", how, removed, got)
			}
		}
		for _, name := range []string{"alice", "bob", "carol"} {
			path, before := spelled(t, how)
			h := cheap("new")
			if err := SetHash(path, name, h); err != nil {
				t.Errorf("%s: password of %s: %v", how, name, err)
			}
			if got, want := readFile(t, path), strings.Replace(before, cheap(name), h, 1); got != want {
				t.Errorf("%s: the file holds\n%s\nwant\n%s", how, got, want)
			}
		}
	}
}

func TestRemoveKeepsWhatIsThere(t *testing.T) {
	path, before := spelled(t, "tables")
	if err := Remove(path, "alice"); err != nil {
		t.Fatal(err)
	}
	first, rest, _ := strings.Cut(before, "[users.alice]\n")
	_, last, _ := strings.Cut(rest, "# three\n")
	if got, want := readFile(t, path), first+last; got != want {
		t.Errorf("the file holds\n%s\nwant\n%s", got, want)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// What Add has appended, Remove takes away without a trace.
func TestRemoveUndoesAdd(t *testing.T) {
	path, _ := spelled(t, "one table")
	before := readFile(t, path)
	for _, name := range []string{"a.b c", `q"uote\`, "ü"} {
		if err := Add(path, name, cheap("x")); err != nil {
			t.Fatal(err)
		}
		if err := Remove(path, name); err != nil {
			t.Fatal(err)
		}
		if got := readFile(t, path); got != before {
			t.Errorf("the file holds\n%q\nwant\n%q", got, before)
		}
	}
}

func TestRewriteChangesNothingOnAnError(t *testing.T) {
	for what, test := range map[string]struct {
		before string
		want   error
	}{
		"no such user":      {Record("alice", cheap("a")), ErrUnknown},
		"no file":           {"", ErrUnknown},
		"in one expression": {"users = { bob = { password-hash = '" + cheap("b") + "' } }\n", ErrSpelling},
		"other digits": {
			Record("bob", strings.Replace(cheap("b"), "m=8", "m=08", 1)), ErrSpelling,
		},
	} {
		for _, change := range []func(path string) error{
			func(path string) error { return Remove(path, "bob") },
			func(path string) error { return SetHash(path, "bob", cheap("new")) },
		} {
			path := filepath.Join(t.TempDir(), "users.toml")
			if what != "no file" {
				if err := os.WriteFile(path, []byte(test.before), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			err := change(path)
			if err == nil && what == "other digits" { // it can be removed
				continue
			}
			if !errors.Is(err, test.want) || !strings.HasPrefix(err.Error(), path+": user \"bob\"") {
				t.Errorf("%s: %v", what, err)
			}
			if data, _ := os.ReadFile(path); string(data) != test.before {
				t.Errorf("%s: the file holds %q", what, data)
			}
		}
	}
}
