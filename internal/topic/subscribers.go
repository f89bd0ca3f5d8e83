package topic

import "slices"

// subscribers are the keys of one filter with their values, in an order that depends only on the calls.
type subscribers[K comparable, V any] struct {
	list  []subscriber[K, V]
	index map[K]int // key to place in list; nil while the list is short
}

type subscriber[K comparable, V any] struct {
	key   K
	value V
}

// indexFrom is the length from which on a list has an index. Most filters have few subscribers.
const indexFrom = 16

func (s *subscribers[K, V]) len() int { return len(s.list) }

func (s *subscribers[K, V]) each(f func(K, V)) {
	for i := range s.list {
		f(s.list[i].key, s.list[i].value)
	}
}

// find returns the key's place, or -1.
func (s *subscribers[K, V]) find(key K) int {
	if s.index == nil {
		return slices.IndexFunc(s.list, func(e subscriber[K, V]) bool { return e.key == key })
	}
	if i, ok := s.index[key]; ok {
		return i
	}
	return -1
}

// set reports whether the key is new.
func (s *subscribers[K, V]) set(key K, value V) bool {
	if i := s.find(key); i >= 0 {
		s.list[i].value = value
		return false
	}
	s.list = append(s.list, subscriber[K, V]{key, value})
	switch {
	case s.index != nil:
		s.index[key] = len(s.list) - 1
	case len(s.list) == indexFrom:
		s.index = make(map[K]int, 2*indexFrom)
		for i := range s.list {
			s.index[s.list[i].key] = i
		}
	}
	return true
}

// remove puts the last one into the key's place. It reports whether the key was there.
func (s *subscribers[K, V]) remove(key K) bool {
	i := s.find(key)
	if i < 0 {
		return false
	}
	last := len(s.list) - 1
	s.list[i] = s.list[last]
	s.list[last] = subscriber[K, V]{}
	s.list = s.list[:last]
	if s.index != nil {
		if i < last {
			s.index[s.list[i].key] = i
		}
		delete(s.index, key)
	}
	if last == 0 {
		*s = subscribers[K, V]{}
	}
	return true
}
