package tomlfile

import (
	"bytes"
	"strconv"

	"github.com/pelletier/go-toml/v2/unstable"
)

// Lines gives the line on which each key of a document stands, by its path: "auth.allow-anonymous-login",
// "addresses[1].addr". The document must be one that Decode accepts; of another, the keys up to the first error
// are known.
func Lines(data []byte) map[string]int {
	w := walker{data: data, lines: map[string]int{}, counts: map[string]int{}}
	var p unstable.Parser
	p.Reset(data)
	for p.NextExpression() {
		switch e := p.Expression(); e.Kind {
		case unstable.Table:
			w.table = w.path("", e.Key())
		case unstable.ArrayTable:
			w.enterArray(e.Key())
		case unstable.KeyValue:
			w.keyValue(w.table, e)
		}
	}
	return w.lines
}

type walker struct {
	data   []byte
	lines  map[string]int
	counts map[string]int // elements so far of each array of tables, by its path
	table  string         // path of the table that key-values belong to
}

// path appends a key's parts to a path and notes the line of each. A part that names an array of tables means
// its last element.
func (w *walker) path(path string, key unstable.Iterator) string {
	for key.Next() {
		path = join(path, string(key.Node().Data))
		if n := w.counts[path]; n > 0 {
			path += index(n - 1)
		}
		w.note(path, key.Node())
	}
	return path
}

func (w *walker) enterArray(key unstable.Iterator) {
	path := ""
	for key.Next() {
		path = join(path, string(key.Node().Data))
		if key.IsLast() {
			w.counts[path]++
		}
		if n := w.counts[path]; n > 0 {
			path += index(n - 1)
		}
		w.note(path, key.Node())
	}
	w.table = path
}

func (w *walker) keyValue(table string, kv *unstable.Node) {
	w.value(w.path(table, kv.Key()), kv.Value())
}

// value notes the keys inside a value.
func (w *walker) value(path string, v *unstable.Node) {
	children := v.Children()
	for i := 0; children.Next(); i++ {
		switch c := children.Node(); {
		case v.Kind == unstable.InlineTable && c.Kind == unstable.KeyValue:
			w.keyValue(path, c)
		case v.Kind == unstable.Array:
			w.note(path+index(i), c)
			w.value(path+index(i), c)
		}
	}
}

// note keeps the first line of a path. A value without text of its own, such as an empty array, has no place.
func (w *walker) note(path string, n *unstable.Node) {
	if _, known := w.lines[path]; known || n.Raw.Length == 0 {
		return
	}
	w.lines[path] = 1 + bytes.Count(w.data[:n.Raw.Offset], []byte{'\n'})
}

func index(i int) string { return "[" + strconv.Itoa(i) + "]" }

func join(path, part string) string {
	if path == "" {
		return part
	}
	return path + "." + part
}
