package topic

import (
	"iter"
	"math"
	"slices"
	"strings"
)

// Names holds topic names with a value each, sorted byte by byte. Its zero value is empty and ready.
//
// The names lie in chunks, so that a change moves little memory however many there are.
type Names[V any] struct {
	chunks [][]named[V] // none is empty
	size   int
}

type named[V any] struct {
	name  string
	value V
}

// maxChunk is the length at which a chunk is split.
const maxChunk = 512

// Len returns the number of names.
func (n *Names[V]) Len() int { return n.size }

// place is where a name is or would be: chunks[chunk][at]. It is past the end if chunk is len(chunks).
type place struct{ chunk, at int }

// find returns the place of the first name that is not less than the given one, and whether it is that one.
func (n *Names[V]) find(name string) (place, bool) {
	c, _ := slices.BinarySearchFunc(n.chunks, name, func(chunk []named[V], name string) int {
		return strings.Compare(chunk[len(chunk)-1].name, name)
	})
	if c == len(n.chunks) {
		return place{chunk: c}, false
	}
	at, found := slices.BinarySearchFunc(n.chunks[c], name, func(e named[V], name string) int {
		return strings.Compare(e.name, name)
	})
	return place{c, at}, found
}

// Get returns the value of a name, and whether there is one.
func (n *Names[V]) Get(name string) (V, bool) {
	p, found := n.find(name)
	if !found {
		var none V
		return none, false
	}
	return n.chunks[p.chunk][p.at].value, true
}

// Set sets the value of a name, and reports whether there was none.
func (n *Names[V]) Set(name string, value V) bool {
	p, found := n.find(name)
	if found {
		n.chunks[p.chunk][p.at].value = value
		return false
	}
	n.size++
	if len(n.chunks) == 0 {
		n.chunks = [][]named[V]{nil}
	}
	if p.chunk == len(n.chunks) {
		p = place{p.chunk - 1, len(n.chunks[p.chunk-1])}
	}
	chunk := slices.Insert(n.chunks[p.chunk], p.at, named[V]{name, value})
	n.chunks[p.chunk] = chunk
	if len(chunk) >= maxChunk {
		half := len(chunk) / 2
		n.chunks = slices.Insert(n.chunks, p.chunk+1, slices.Clone(chunk[half:]))
		n.chunks[p.chunk] = slices.Delete(chunk, half, len(chunk))
	}
	return true
}

// Delete takes a name away, and reports whether it was there.
func (n *Names[V]) Delete(name string) bool {
	p, found := n.find(name)
	if !found {
		return false
	}
	n.size--
	n.chunks[p.chunk] = slices.Delete(n.chunks[p.chunk], p.at, p.at+1)
	n.merge(p.chunk)
	return true
}

// merge joins a chunk with the next one if both are short, and drops it if it is empty, so that the memory follows the
// number of names downwards too.
func (n *Names[V]) merge(c int) {
	chunk := n.chunks[c]
	switch {
	case len(chunk) == 0:
		n.chunks = slices.Delete(n.chunks, c, c+1)
	case c+1 < len(n.chunks) && len(chunk)+len(n.chunks[c+1]) <= maxChunk/4:
		n.chunks[c] = append(slices.Clone(chunk), n.chunks[c+1]...)
		n.chunks = slices.Delete(n.chunks, c+1, c+2)
	}
}

// Match calls f with each name that a valid filter matches and that is greater than after, in order, until f returns
// false. With after empty it starts from the first, with the last name that f got it goes on. f must not change n.
//
// The time it takes depends on the names that match and on those that a + might have matched, not on all of them.
func (n *Names[V]) Match(filter, after string, f func(name string, value V) bool) {
	steps := math.MaxInt
	n.MatchSome(filter, after, &steps, f)
}

// MatchSome is Match that looks at no more than so many names, and takes what it needs from steps. It returns the name to
// go on from, and whether there may be more.
func (n *Names[V]) MatchSome(filter, after string, steps *int, f func(name string, value V) bool) (last string, more bool) {
	p, found := n.find(after)
	if found {
		p.at++
	}
	for *steps > 0 {
		*steps--
		e := n.entry(&p)
		if e == nil {
			return after, false
		}
		bound, ok := successor(filter, e.name)
		if !ok {
			return after, false
		}
		after = e.name
		switch {
		case bound != e.name:
			p, _ = n.find(bound)
		case !f(e.name, e.value):
			return after, true
		default:
			p.at++
		}
	}
	return after, true
}

// All yields each name and its value, in order. n must not be changed meanwhile.
func (n *Names[V]) All() iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		for _, chunk := range n.chunks {
			for _, e := range chunk {
				if !yield(e.name, e.value) {
					return
				}
			}
		}
	}
}

// entry returns the entry at p, or nil past the end. It moves p to the next chunk if p is behind the last of one.
func (n *Names[V]) entry(p *place) *named[V] {
	if p.chunk < len(n.chunks) && p.at == len(n.chunks[p.chunk]) {
		p.chunk, p.at = p.chunk+1, 0
	}
	if p.chunk == len(n.chunks) {
		return nil
	}
	return &n.chunks[p.chunk][p.at]
}
