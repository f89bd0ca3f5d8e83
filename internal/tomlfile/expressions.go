package tomlfile

import (
	"bytes"
	"slices"

	"github.com/pelletier/go-toml/v2/unstable"
)

// Expression is a table's header or a key with its value, as it stands in a document.
type Expression struct {
	Path  []string // of the table, or of the key with its table's before it
	First int      // line, 1-based
	Last  int      // line; the value may have several
}

// Expressions returns what stands in a document that Decode accepts, in order. Comments and empty lines belong to none.
func Expressions(data []byte) []Expression {
	var (
		all   []Expression
		table []string
		p     unstable.Parser
	)
	p.Reset(data)
	for p.NextExpression() {
		e := p.Expression()
		path, offset := keyOf(e)
		if e.Kind == unstable.KeyValue {
			path = slices.Concat(table, path)
		} else {
			table = path
		}
		all = append(all, Expression{Path: path, First: 1 + bytes.Count(data[:offset], []byte{'\n'})})
	}
	lines := bytes.Split(data, []byte{'\n'})
	for i := range all {
		next := len(lines) + 1
		if i+1 < len(all) {
			next = all[i+1].First
		}
		all[i].Last = lastLine(lines[:next-1])
	}
	return all
}

// keyOf returns the parts of an expression's key, and where in the document that begins.
func keyOf(e *unstable.Node) (parts []string, offset uint32) {
	for key := e.Key(); key.Next(); {
		if parts == nil {
			offset = key.Node().Raw.Offset
		}
		parts = append(parts, string(key.Node().Data))
	}
	return parts, offset
}

// lastLine returns the number of the last line that is neither empty nor a comment.
func lastLine(lines [][]byte) int {
	for n := len(lines); n > 0; n-- {
		if line := bytes.TrimSpace(lines[n-1]); len(line) > 0 && line[0] != '#' {
			return n
		}
	}
	return 0
}
