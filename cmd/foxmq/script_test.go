package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/foxmq/foxmq/internal/store"
)

// The scripts in testdata show what a person types and sees, each in an empty directory. A line that begins with $
// is a command, and one that begins with ## a comment. Behind a command stand its output, its error output with
// "! ", and its exit code if it is not 0. Besides foxmq there are: ls DIR, cat FILE, write FILE TEXT,
// env NAME=VALUE, and stdin TEXT, which is for the next command. node NAME FILE starts a node whose status is that
// file; @NAME stands for its address. bans NAME [TOKEN] starts one that keeps a list of bans. data DIR makes a data
// directory, and flip FILE TEXT damages the first such text in a file.
//
// `go test -run TestScripts -update` writes what happens into them.

func TestScripts(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("scripts %v, %v", paths, err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) { runScript(t, path) })
	}
}

func runScript(t *testing.T, path string) {
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	path, err = filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	var got strings.Builder
	shell := shell{t: t, nodes: map[string]string{}}
	for line := range strings.Lines(string(want)) {
		switch {
		case strings.HasPrefix(line, "$ "):
			got.WriteString(line)
			got.WriteString(shell.mask(shell.do(shell.words(line[2:]))))
		case strings.HasPrefix(line, "## "):
			if got.Len() > 0 {
				got.WriteByte('\n')
			}
			got.WriteString(line)
		}
	}
	if *update {
		if err := os.WriteFile(path, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if got.String() != string(want) {
		t.Errorf("%s shows\n%s\nwant\n%s", path, got.String(), want)
	}
}

// words splits a line at spaces that are not in single quotes; \n in quotes is a new line.
func (s *shell) words(line string) []string {
	s.t.Helper()
	for name, addr := range s.nodes {
		line = strings.ReplaceAll(line, "@"+name, addr)
	}
	var all []string
	for i, part := range strings.Split(strings.TrimSpace(line), "'") {
		if i%2 == 0 {
			all = append(all, strings.Fields(part)...)
		} else {
			all = append(all, strings.ReplaceAll(part, `\n`, "\n"))
		}
	}
	return all
}

// random is what differs from run to run.
var random = []struct {
	is *regexp.Regexp
	as string
}{
	{regexp.MustCompile(`\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}`), "<hash>"},
	{regexp.MustCompile(`M[A-Za-z0-9+/]{63}\n([A-Za-z0-9+/]{64}\n)*[A-Za-z0-9+/]+={0,2}\n`), "<key>\n"},
	{regexp.MustCompile(`foxmq unknown \S+ \S+`), "foxmq unknown <system> <go>"},
}

func (s *shell) mask(out string) string {
	for name, addr := range s.nodes {
		out = strings.ReplaceAll(out, addr, "@"+name)
	}
	for _, r := range random {
		out = r.is.ReplaceAllLiteralString(out, r.as)
	}
	return out
}

// shell runs the commands of a script.
type shell struct {
	t     *testing.T
	stdin string
	nodes map[string]string // addresses by name
}

func (s *shell) do(command []string) string {
	var out, errs bytes.Buffer
	code := 0
	switch args := command[1:]; command[0] {
	case "foxmq":
		code = run(s.t.Context(), args, stdio{strings.NewReader(s.stdin), &out, &errs})
		s.stdin = ""
	case "ls":
		entries, err := os.ReadDir(args[0])
		s.check(err)
		for _, e := range entries {
			info, err := e.Info()
			s.check(err)
			fmt.Fprintln(&out, info.Mode(), e.Name())
		}
	case "cat":
		data, err := os.ReadFile(args[0])
		s.check(err)
		out.Write(data)
	case "write":
		s.check(os.MkdirAll(filepath.Dir(args[0]), 0o755))
		s.check(os.WriteFile(args[0], []byte(args[1]), 0o600))
	case "env":
		name, value, _ := strings.Cut(args[0], "=")
		s.t.Setenv(name, value)
	case "stdin":
		s.stdin = args[0]
	case "node":
		s.nodes[args[0]] = s.node(args[1])
	case "bans":
		s.nodes[args[0]] = s.banList(args[1:]...)
	case "data":
		s.check(fillStore(args[0]))
	case "flip":
		data, err := os.ReadFile(args[0])
		s.check(err)
		before, after, found := bytes.Cut(data, []byte(args[1]))
		if !found {
			s.t.Fatalf("%s is not in %s", args[1], args[0])
		}
		s.check(os.WriteFile(args[0], slices.Concat(before, bytes.ToUpper([]byte(args[1])), after), 0o600))
	default:
		s.t.Fatalf("%s is no command", command[0])
	}
	for line := range strings.Lines(errs.String()) {
		out.WriteString("! " + line)
	}
	if code != 0 {
		fmt.Fprintf(&out, "[exit %d]\n", code)
	}
	return out.String()
}

// node starts a node whose status is a file, and returns its address.
func (s *shell) node(file string) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/status" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		http.ServeFile(w, r, file)
	}))
	s.t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// fillStore makes a data directory with a checkpoint of two records between two segments of three.
func fillStore(dir string) (err error) {
	s, err := store.Open(store.Config{Dir: dir})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := s.Append(store.Records([]byte("first"), []byte("second"), []byte("third")), true); err != nil {
		return err
	}
	segment, err := s.Rotate()
	if err != nil {
		return err
	}
	err = s.Commit(store.Checkpoint{
		Segment: segment, Base: []byte("a base"), Changes: map[string][]byte{"a key": []byte("a value"), "b": []byte("another")},
	})
	return errors.Join(err, s.Append(store.Records([]byte("fourth"), []byte("fifth"), []byte("sixth")), true))
}

func (s *shell) check(err error) {
	if err != nil {
		s.t.Fatal(err)
	}
}
