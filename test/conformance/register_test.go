package conformance

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/conformance.md anew")

const registerFile = "../../docs/conformance.md"

// TestRegister checks that each normative statement of both specifications has a row in docs/conformance.md, and that
// each row tells what is so: the tests that it names exist, and the file is what they and testdata make of it.
func TestRegister(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	page := []byte(r.page())
	if *update {
		if err := os.WriteFile(registerFile, page, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if old, err := os.ReadFile(registerFile); err != nil || string(old) != string(page) {
		t.Error("docs/conformance.md is out of date: go test ./test/conformance -run TestRegister -update")
	}
}

// besides are the tests of this package that are no scripts, and what they hold the server to.
var besides = []citation{
	{"conformance.TestAccess", "3.1.3-1 3.1.4-2 3.2.2-7", "3.1.3-1 3.2.2-5 3.3.5-2"},
	{
		"conformance.TestMalformed",
		"1.5.4-1 1.5.5-1 1.5.7-1 2.1.3-1 2.2.2-1 3.1.4-1 3.3.1-4 4.13.1-1 4.13.2-1",
		"1.5.3-1 2.2.2-1 2.2.2-2 3.1.4-1 3.3.1-4 4.8.0-1",
	},
}

// citation is a test and the clauses that it names.
type citation struct{ test, five, three string }

// register is what is known of the statements of both specifications.
type register struct {
	t     *testing.T
	books []*book
}

// book is one specification's part of the register.
type book struct {
	version string
	rows    []*row
	byName  map[string]*row
}

// row is what is known of one statement.
type row struct {
	clause string
	words  string   // what it asks for
	none   string   // why it needs no test
	unit   []string // tests that do not look from outside
	wire   []string // tests that do
	waits  []string // scripts that are not played yet, with what they wait for
}

func newRegister(t *testing.T) *register {
	r := &register{t: t, books: []*book{{version: "5.0"}, {version: "3.1.1"}}}
	for _, b := range r.books {
		b.read(t)
	}
	for _, c := range chapters {
		for _, s := range c.scripts {
			r.cite(citation{c.name + ": " + s.name, s.five, s.three}, c.waits)
		}
	}
	for _, c := range besides {
		r.exists(c.test)
		r.cite(c, "")
	}
	for _, b := range r.books {
		for _, row := range b.rows {
			r.judge(b, row)
		}
	}
	return r
}

// read reads the specification's clause numbers, and what is said about each.
func (b *book) read(t *testing.T) {
	t.Helper()
	b.byName = map[string]*row{}
	for _, line := range lines(t, "clauses-"+b.version+".txt") {
		row := &row{clause: strings.TrimPrefix(line, "MQTT-")}
		b.rows = append(b.rows, row)
		b.byName[row.clause] = row
	}
	for _, line := range lines(t, "statements-"+b.version+".txt") {
		fields := strings.Split(line, " | ")
		row := b.byName[fields[0]]
		if row == nil || len(fields) < 2 || len(fields) > 3 || row.words != "" {
			t.Errorf("statements-%s.txt: %s: no such clause, or the second of it, or no words", b.version, line)
			continue
		}
		row.words = fields[1]
		if len(fields) == 3 {
			row.rule(t, fields[2])
		}
	}
}

// rule heeds a ruling of testdata.
func (r *row) rule(t *testing.T, ruling string) {
	t.Helper()
	kind, rest, _ := strings.Cut(ruling, ": ")
	switch {
	case ruling == "client":
		r.none = "binds the client"
	case kind == "none" && rest != "":
		r.none = rest
	case kind == "waits" && rest != "":
		r.waits = []string{"waits for " + rest}
	case kind == "unit" && rest != "":
		r.unit = strings.Fields(rest)
	default:
		t.Errorf("%s: ruling %q", r.clause, ruling)
	}
}

// lines returns the lines of a file that are no comments.
func lines(t *testing.T, name string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Split(strings.TrimSpace(string(text)), "\n")
	return slices.DeleteFunc(all, func(line string) bool { return strings.HasPrefix(line, "#") })
}

// cite puts a test into the rows that it names.
func (r *register) cite(c citation, waits string) {
	for i, clauses := range []string{c.five, c.three} {
		for _, clause := range strings.Fields(clauses) {
			row := r.books[i].byName[clause]
			switch {
			case row == nil:
				r.t.Errorf("%s names the clause %s, which MQTT %s has not", c.test, clause, r.books[i].version)
			case waits != "":
				row.waits = append(row.waits, c.test+" (waits for "+waits+")")
			case !slices.Contains(row.wire, c.test):
				row.wire = append(row.wire, c.test)
			}
		}
	}
}

// judge checks that a row has what it must have.
func (r *register) judge(b *book, row *row) {
	tests := len(row.wire) + len(row.unit) + len(row.waits)
	switch {
	case row.words == "":
		r.t.Errorf("[MQTT-%s] of %s: statements-%s.txt has no words for it", row.clause, b.version, b.version)
	case tests == 0 && row.none == "":
		r.t.Errorf("[MQTT-%s] of %s has no test: %s", row.clause, b.version, row.words)
	case tests > 0 && row.none != "" && row.none != "binds the client":
		r.t.Errorf("[MQTT-%s] of %s has a test, though it needs none: %s", row.clause, b.version, row.none)
	}
	for _, test := range row.unit {
		r.exists(test)
	}
}

// exists checks that there is a test, which is called package.TestName.
func (r *register) exists(test string) {
	dir, name, _ := strings.Cut(test, ".")
	declared := regexp.MustCompile(`(?m)^func ` + regexp.QuoteMeta(name) + `\(t \*testing\.T\)`)
	for _, parent := range []string{"../../internal", "..", "../../cmd"} {
		files, _ := filepath.Glob(filepath.Join(parent, dir, "*_test.go")) // the pattern is a good one
		for _, file := range files {
			if text, err := os.ReadFile(file); err == nil && declared.Match(text) {
				return
			}
		}
	}
	r.t.Errorf("there is no test %s", test)
}

// page writes docs/conformance.md.
func (r *register) page() string {
	var b strings.Builder
	b.WriteString(strings.ReplaceAll(preface, "'", "`"))
	b.WriteString("| | statements | shown on the wire | by unit tests | need none | waiting |\n")
	b.WriteString("| --- | --- | --- | --- | --- | --- |\n")
	for _, book := range r.books {
		counts := map[string]int{}
		for _, row := range book.rows {
			kind, _ := row.verdict()
			counts[kind]++
		}
		fmt.Fprintf(&b, "| MQTT %s | %d | %d | %d | %d | %d |\n", book.version, len(book.rows),
			counts["wire"], counts["unit"], counts["none"], counts["waiting"])
	}
	for _, book := range r.books {
		fmt.Fprintf(&b, "\n## MQTT %s\n\n| clause | in short | shown by |\n| --- | --- | --- |\n", book.version)
		for _, row := range book.rows {
			_, text := row.verdict()
			fmt.Fprintf(&b, "| %s | %s | %s |\n", row.clause, row.words, strings.ReplaceAll(text, "|", `\|`))
		}
	}
	return b.String()
}

// verdict returns how the row counts, and what it says. What has a test on the wire may have others besides.
func (r *row) verdict() (kind, text string) {
	tests := strings.Join(slices.Concat(r.wire, r.unit, r.waits), " · ")
	switch {
	case len(r.wire) > 0:
		return "wire", tests
	case len(r.unit) > 0:
		return "unit", tests
	case len(r.waits) > 0:
		return "waiting", "**waiting**: " + tests
	}
	return "none", "needs none: " + r.none
}

// preface has ' for the backquotes of Markdown.
const preface = `# Conformance

Each normative statement of MQTT 5.0 and MQTT 3.1.1 by its number, [MQTT-x.y.z-n], with what it asks for in a few words
of ours, and the tests that hold FoxMQ to it. The page is written from the tests; 'make check' fails when it is out of
date, when a statement has no row, or when the test of a row does not exist. To write it anew:
'go test ./test/conformance -run TestRegister -update'.

A test "chapter: script" is one of 'test/conformance', which speaks to running nodes packet by packet. It plays three
times: on one node, on four nodes with all clients on one, and on four nodes with every connection on the next node. A
test "package.TestName" is a Go test. A statement about the client has a test where the server shows what it does to a
client that breaks it.

`
