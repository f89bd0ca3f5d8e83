package topic

import "strings"

// Trie holds subscriptions: a value for each pair of a filter and a key, where the key is the subscriber. Its zero
// value is empty and ready.
type Trie[K comparable, V any] struct {
	root node[K, V]
	size int
}

// node is a level of filters that begin alike.
type node[K comparable, V any] struct {
	exact map[string]*node[K, V] // the next levels by name; nil if there are none
	plus  *node[K, V]            // the next level + ; nil if there is none
	here  subscribers[K, V]      // of the filter that ends with this level
	below subscribers[K, V]      // of the filter that goes on with #, and ends
}

// Len returns the number of subscriptions.
func (t *Trie[K, V]) Len() int { return t.size }

// Subscribe sets the value of the key at a valid filter, and reports whether there was none.
func (t *Trie[K, V]) Subscribe(filter string, key K, value V) bool {
	n := &t.root
	for more := true; more; {
		var level string
		level, filter, more = strings.Cut(filter, "/")
		if level == "#" {
			return t.count(n.below.set(key, value))
		}
		n = n.next(level)
	}
	return t.count(n.here.set(key, value))
}

func (t *Trie[K, V]) count(added bool) bool {
	if added {
		t.size++
	}
	return added
}

// next returns the node of the level below n, which it makes if there is none.
func (n *node[K, V]) next(level string) *node[K, V] {
	if level == "+" {
		if n.plus == nil {
			n.plus = &node[K, V]{}
		}
		return n.plus
	}
	child := n.exact[level]
	if child == nil {
		child = &node[K, V]{}
		if n.exact == nil {
			n.exact = map[string]*node[K, V]{}
		}
		// A level of its own: a part of the filter would keep all of it in memory.
		n.exact[strings.Clone(level)] = child
	}
	return child
}

// Unsubscribe takes the key's value at the filter away, and reports whether there was one.
func (t *Trie[K, V]) Unsubscribe(filter string, key K) bool {
	removed := t.root.remove(filter, true, key)
	if removed {
		t.size--
	}
	return removed
}

// remove takes the key away from the filter whose levels below n are rest, if there are more, and drops the nodes that
// this leaves empty.
func (n *node[K, V]) remove(rest string, more bool, key K) bool {
	if !more {
		return n.here.remove(key)
	}
	level, rest, more := strings.Cut(rest, "/")
	if level == "#" {
		return n.below.remove(key)
	}
	child := n.exact[level]
	if level == "+" {
		child = n.plus
	}
	if child == nil || !child.remove(rest, more, key) {
		return false
	}
	if child.empty() {
		n.drop(level)
	}
	return true
}

func (n *node[K, V]) empty() bool {
	return len(n.exact) == 0 && n.plus == nil && n.here.len() == 0 && n.below.len() == 0
}

func (n *node[K, V]) drop(level string) {
	if level == "+" {
		n.plus = nil
		return
	}
	delete(n.exact, level)
	if len(n.exact) == 0 {
		n.exact = nil
	}
}

// Match calls f with every subscription whose filter matches a valid name; a key comes once for each of its filters.
// The order depends only on the calls that made the Trie. f must not change the Trie. Match allocates nothing.
func (t *Trie[K, V]) Match(name string, f func(K, V)) {
	level, rest, more := strings.Cut(name, "/")
	if !hidden(name) {
		t.root.below.each(f)
		t.root.plus.match(rest, more, f)
	}
	t.root.exact[level].match(rest, more, f)
}

// match goes on below the node n, which may be nil, with the rest of a name, if there is more.
func (n *node[K, V]) match(rest string, more bool, f func(K, V)) {
	if n == nil {
		return
	}
	n.below.each(f)
	if !more {
		n.here.each(f)
		return
	}
	level, rest, more := strings.Cut(rest, "/")
	n.plus.match(rest, more, f)
	n.exact[level].match(rest, more, f)
}
