package topic

import "strings"

// Trie holds subscriptions: a value for each pair of a filter and a key, where the key is the subscriber. Its zero
// value is empty and ready.
//
// It is a radix tree of levels: there is a node where a filter ends, or where filters part, and no other. So who has many
// long filters, or ones that all match a name, has no more than two nodes for each of them made and visited. Filters with
// many wildcards, of which a name could visit very many, lie beside it.
type Trie[K comparable, V any] struct {
	root      node[K, V]
	branching branching[K, V]
	size      int
}

// node is where filters end that begin alike, or part. What is left of a filter, or a name, below a node is empty or
// begins with a slash.
type node[K comparable, V any] struct {
	path  string                 // what leads from the level by which its parent knows the node to here; no # in it
	exact map[string]*node[K, V] // what goes on, by its next level; nil if nothing does
	plus  *node[K, V]            // what goes on with the level + ; nil if nothing does
	here  subscribers[K, V]      // of the filter that ends here
	below subscribers[K, V]      // of the filter that goes on with #, and ends
}

// anyBelow is what is left of a filter that goes on with # and ends.
const anyBelow = "/#"

// Len returns the number of subscriptions.
func (t *Trie[K, V]) Len() int { return t.size }

// Subscribe sets the value of the key at a valid filter, and reports whether there was none.
func (t *Trie[K, V]) Subscribe(filter string, key K, value V) bool {
	var added bool
	if branches(filter) {
		added = t.branching.set(filter, key, value)
	} else {
		added = t.root.at(filter).set(key, value)
	}
	if added {
		t.size++
	}
	return added
}

// at returns the place of a filter in the tree of which n is the root, which it makes if there is none.
func (n *node[K, V]) at(filter string) *subscribers[K, V] {
	if filter == "#" {
		return &n.below
	}
	level, rest := head(filter)
	n, rest = n.next(level, rest)
	for rest != "" && rest != anyBelow {
		level, rest = head(rest[1:])
		n, rest = n.next(level, rest)
	}
	if rest == anyBelow {
		return &n.below
	}
	return &n.here
}

// head returns the first level, and what is left.
func head(s string) (level, rest string) {
	end := levelEnd(s, 0)
	return s[:end], s[end:]
}

// next goes down from n by a level and as much of the rest as leads to a node. It makes the node if there is none.
func (n *node[K, V]) next(level, rest string) (*node[K, V], string) {
	child := n.child(level)
	if child == nil {
		child = &node[K, V]{path: strings.Clone(strings.TrimSuffix(rest, anyBelow))}
		n.set(level, child)
		return child, rest[len(child.path):]
	}
	common := commonLevels(child.path, rest)
	if common < len(child.path) {
		child = child.split(common)
		n.set(level, child)
	}
	return child, rest[common:]
}

func (n *node[K, V]) child(level string) *node[K, V] {
	if level == "+" {
		return n.plus
	}
	return n.exact[level]
}

// set puts a child into its place, or takes it away if it is nil.
func (n *node[K, V]) set(level string, child *node[K, V]) {
	switch {
	case level == "+":
		n.plus = child
	case child == nil:
		if delete(n.exact, level); len(n.exact) == 0 {
			n.exact = nil
		}
	default:
		if n.exact == nil {
			n.exact = map[string]*node[K, V]{}
		}
		// A level of its own: a part of the filter would keep all of it in memory.
		n.exact[strings.Clone(level)] = child
	}
}

// commonLevels returns the length of the whole levels with which both strings begin.
func commonLevels(a, b string) int {
	common := 0
	for i := 0; ; i++ {
		aEnds, bEnds := i == len(a) || a[i] == '/', i == len(b) || b[i] == '/'
		if aEnds && bEnds {
			common = i
		}
		if i == len(a) || i == len(b) || a[i] != b[i] {
			return common
		}
	}
}

// split returns a new node that stands above n, behind so many bytes of its path.
func (n *node[K, V]) split(at int) *node[K, V] {
	upper := &node[K, V]{path: n.path[:at]}
	level, rest := head(n.path[at+1:])
	n.path = rest
	upper.set(level, n)
	return upper
}

// Unsubscribe takes the key's value at the filter away, and reports whether there was one.
func (t *Trie[K, V]) Unsubscribe(filter string, key K) bool {
	var removed bool
	switch {
	case branches(filter):
		removed = t.branching.remove(filter, key)
	case filter == "#":
		removed = t.root.below.remove(key)
	default:
		removed = t.root.remove(filter, key)
	}
	if removed {
		t.size--
	}
	return removed
}

// remove takes the key away from a filter below n, and the nodes that are needed no more.
func (n *node[K, V]) remove(filter string, key K) bool {
	level, rest := head(filter)
	child := n.child(level)
	if child == nil || commonLevels(child.path, rest) < len(child.path) {
		return false
	}
	rest = rest[len(child.path):]
	var removed bool
	switch rest {
	case "":
		removed = child.here.remove(key)
	case anyBelow:
		removed = child.below.remove(key)
	default:
		removed = child.remove(rest[1:], key)
	}
	if removed && child.here.len() == 0 && child.below.len() == 0 {
		n.tidy(level, child)
	}
	return removed
}

// tidy takes away a child at which no filter ends, unless filters part there.
func (n *node[K, V]) tidy(level string, child *node[K, V]) {
	switch {
	case child.plus == nil && child.exact == nil:
		n.set(level, nil)
	case child.exact == nil:
		child.plus.path = child.path + "/+" + child.plus.path
		n.set(level, child.plus)
	case child.plus == nil && len(child.exact) == 1:
		for name, only := range child.exact {
			only.path = child.path + "/" + name + only.path
			n.set(level, only)
		}
	}
}

func (n *node[K, V]) empty() bool {
	return len(n.exact) == 0 && n.plus == nil && n.here.len() == 0 && n.below.len() == 0
}

// Match calls f with every subscription whose filter matches a valid name; a key comes once for each of its filters.
// The order depends only on the calls that made the Trie. f must not change the Trie. Match allocates nothing.
func (t *Trie[K, V]) Match(name string, f func(K, V)) {
	level, rest := head(name)
	if !hidden(name) {
		t.root.below.each(f)
		t.root.plus.match(rest, f)
	}
	t.root.exact[level].match(rest, f)
	t.branching.match(name, f)
}

// match goes on at the node n, which may be nil, with what is left of a name.
func (n *node[K, V]) match(rest string, f func(K, V)) {
	if n == nil {
		return
	}
	rest, ok := follow(n.path, rest)
	if !ok {
		return
	}
	n.below.each(f)
	if rest == "" {
		n.here.each(f)
		return
	}
	level, rest := head(rest[1:])
	n.plus.match(rest, f)
	n.exact[level].match(rest, f)
}

// follow returns what is left of a name behind a path, if that matches.
func follow(path, name string) (rest string, ok bool) {
	at := 0
	for i := range len(path) {
		if path[i] == '+' { // which is a level of its own, and in no name
			at = levelEnd(name, at)
			continue
		}
		if at == len(name) || name[at] != path[i] {
			return "", false
		}
		at++
	}
	return name[at:], at == len(name) || name[at] == '/'
}
