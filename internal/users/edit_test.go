package users

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func readFile(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestAddKeepsWhatIsThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users.toml")
	before := "# my users\n[auth]\nsilent-connect-errors = true # quiet\n\n" + Record("alice", cheap("a"))
	before = strings.TrimSuffix(before, "\n")
	if err := os.WriteFile(path, []byte(before), 0o640); err != nil {
		t.Fatal(err)
	}
	h := cheap("b")
	if err := Add(path, "bob", h); err != nil {
		t.Fatal(err)
	}
	if got, want := readFile(t, path), before+"\n\n"+Record("bob", h); got != want {
		t.Errorf("the file holds\n%s\nwant\n%s", got, want)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestAddMakesAPrivateFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users.toml")
	for _, name := range []string{"alice", "a.b c", `q"uote\`, "ü", "\U000e0001\u200b", "-", "1"} {
		if err := Add(path, name, cheap(name)); err != nil {
			t.Fatalf("%q: %v", name, err)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	a, err := parseAccounts(path, []byte(readFile(t, path)))
	if err != nil || len(a.names) != 7 || !a.hashes[`q"uote\`].matches([]byte(`q"uote\`)) {
		t.Errorf("users %q, %v", a.names, err)
	}
}

func TestAddChangesNothingOnAnError(t *testing.T) {
	for what, before := range map[string]string{
		"the user exists":         Record("bob", cheap("old")),
		"the file does not parse": "[users",
		"no record can follow":    "users = {}\n",
	} {
		path := filepath.Join(t.TempDir(), "users.toml")
		if err := os.WriteFile(path, []byte(before), 0o600); err != nil {
			t.Fatal(err)
		}
		err := Add(path, "bob", cheap("b"))
		if err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", what, err)
		}
		if errors.Is(err, ErrExists) != (what == "the user exists") {
			t.Errorf("%s: %v", what, err)
		}
		if got := readFile(t, path); got != before {
			t.Errorf("%s: the file holds %q", what, got)
		}
	}
}

func TestReplaceDropsTheOthers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users.toml")
	for _, name := range []string{"alice", "bob"} {
		if err := Replace(path, name, cheap("x")); err != nil {
			t.Fatal(err)
		}
	}
	if got := readFile(t, path); got != Record("bob", cheap("x")) {
		t.Errorf("the file holds %q", got)
	}
}
