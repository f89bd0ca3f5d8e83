package topic

import (
	"slices"
	"strings"
)

// A filter that has more levels or wildcards than these lies in branching instead of the tree. So a name visits at most
// 3,213 nodes of the tree for filters with +, however many there are: one for each way to put plusLevels wildcards at most
// into the beginnings of branchLevels levels.
const (
	branchLevels = 16
	plusLevels   = 3
)

// branches tells whether a filter has so many wildcards that many like it, with little in common, could match a name.
func branches(filter string) bool {
	plus := strings.Count(filter, "+") // a level of its own each
	return plus > plusLevels || plus > 0 && strings.Count(filter, "/") >= branchLevels
}

// branching holds filters and their subscribers so that it takes the less to look at one of them, the more there are. For
// each place and each level that stands there in some filter, a bitmap says in which; so all filters are compared with a
// level of a name at once, 64 in one step. (Lakshman and Stiliadis classify packets like that, "High-speed policy-based
// packet forwarding using efficient multi-dimensional range matching", SIGCOMM 1998.)
//
// Its zero value is empty and ready.
type branching[K comparable, V any] struct {
	numbers map[string]int      // of each filter
	filters []subscribers[K, V] // by number; empty: the number is free
	free    []int
	columns []column

	left, found bitset // memory for match
	keep        []int  // likewise
}

// column knows which filters have what at one place. At each place up to its end a filter is in one of the sets.
type column struct {
	exact map[string]*members // by level
	plus  bitset              // those with +
	all   bitset              // those with #
	end   bitset              // those that ended at the place before
}

func (b *branching[K, V]) set(filter string, key K, value V) bool {
	number, known := b.numbers[filter]
	if !known {
		number = b.number()
		filter = strings.Clone(filter)
		if b.numbers == nil {
			b.numbers = map[string]int{}
		}
		b.numbers[filter] = number
		b.each(filter, func(c *column, level string) { c.add(level, number) }, func(c *column) { c.end.add(number) })
	}
	return b.filters[number].set(key, value)
}

// number returns one that no filter has.
func (b *branching[K, V]) number() int {
	if last := len(b.free) - 1; last >= 0 {
		number := b.free[last]
		b.free = b.free[:last]
		return number
	}
	b.filters = append(b.filters, subscribers[K, V]{})
	return len(b.filters) - 1
}

func (b *branching[K, V]) remove(filter string, key K) bool {
	number, known := b.numbers[filter]
	if !known || !b.filters[number].remove(key) {
		return false
	}
	if b.filters[number].len() > 0 {
		return true
	}
	b.each(filter, func(c *column, level string) { c.remove(level, number) }, func(c *column) { c.end.remove(number) })
	if delete(b.numbers, filter); len(b.numbers) == 0 {
		*b = branching[K, V]{}
		return true
	}
	b.free = append(b.free, number)
	return true
}

// each calls at with the column of each level of a filter, and ends with the one behind the last, unless that is #.
func (b *branching[K, V]) each(filter string, at func(*column, string), ends func(*column)) {
	i := 0
	for level := range strings.SplitSeq(filter, "/") {
		at(b.column(i), level)
		i++
	}
	if !strings.HasSuffix(filter, "#") {
		ends(b.column(i))
	}
}

// column returns the column of a place, and makes it if it is the next.
func (b *branching[K, V]) column(i int) *column {
	if i == len(b.columns) {
		b.columns = append(b.columns, column{})
	}
	return &b.columns[i]
}

func (c *column) add(level string, number int) {
	switch level {
	case "+":
		c.plus.add(number)
	case "#":
		c.all.add(number)
	default:
		m := c.exact[level]
		if m == nil {
			if c.exact == nil {
				c.exact = map[string]*members{}
			}
			m = &members{}
			c.exact[strings.Clone(level)] = m // a part of the filter would keep all of it in memory
		}
		m.add(number)
	}
}

func (c *column) remove(level string, number int) {
	switch level {
	case "+":
		c.plus.remove(number)
	case "#":
		c.all.remove(number)
	default:
		m := c.exact[level]
		if m.remove(number); m.size == 0 {
			delete(c.exact, level)
		}
	}
}

// match calls f with the subscribers of each filter that matches a name, in the order of their numbers.
func (b *branching[K, V]) match(name string, f func(K, V)) {
	if len(b.numbers) == 0 {
		return
	}
	b.start(name)
	rest, more := name, true
	for i := range b.columns {
		c := &b.columns[i]
		b.found.include(b.left, c.all)
		if !more {
			b.found.include(b.left, c.end)
			break
		}
		var level string
		level, rest, more = strings.Cut(rest, "/")
		if b.narrow(c, level); len(b.left) == 0 {
			break
		}
	}
	b.found.each(func(number int) { b.filters[number].each(f) })
}

// start makes left those filters that may match the name as far as they begin with a wildcard, and found nothing.
func (b *branching[K, V]) start(name string) {
	words := (len(b.filters) + 63) / 64
	b.left, b.found = slices.Grow(b.left[:0], words)[:words], slices.Grow(b.found[:0], words)[:words]
	for i := range b.left {
		b.left[i] = ^uint64(0)
	}
	clear(b.found)
	if hidden(name) {
		b.left.exclude(b.columns[0].plus)
		b.left.exclude(b.columns[0].all)
	}
}

// narrow takes from left those filters that have another level in the column. What is left is empty or ends with a word
// that is not 0.
func (b *branching[K, V]) narrow(c *column, level string) {
	m := c.exact[level]
	switch {
	case m == nil:
		b.left = b.left.intersect(c.plus, nil)
		return
	case m.many != nil:
		b.left = b.left.intersect(c.plus, m.many)
		return
	}
	keep := b.keep[:0]
	for _, number := range m.few {
		if b.left.has(number) {
			keep = append(keep, number)
		}
	}
	room := b.left
	left := room.intersect(c.plus, nil)
	for _, number := range keep {
		if word := number / 64; word >= len(left) {
			clear(room[len(left) : word+1])
			left = room[:word+1]
		}
		left.add(number)
	}
	b.left, b.keep = left, keep
}
