package fair

import "slices"

// keptRequests is how many requests' memory a client keeps for which nothing waits.
const keptRequests = 16

// request is something that waits, and what serving it costs.
type request[T any] struct {
	value T
	cost  int64
}

// fifo holds the requests of one client, first in, first out. The zero value is empty.
type fifo[T any] struct {
	all  []request[T]
	head int // of all, how many have been taken out
}

func (f *fifo[T]) len() int { return len(f.all) - f.head }

func (f *fifo[T]) front() *request[T] { return &f.all[f.head] }

func (f *fifo[T]) push(r request[T]) {
	if len(f.all) == cap(f.all) && f.head > len(f.all)/2 {
		f.all = slices.Delete(f.all, 0, f.head)
		f.head = 0
	}
	f.all = append(f.all, r)
}

// pop takes out the first of some requests.
func (f *fifo[T]) pop() request[T] {
	r := f.all[f.head]
	f.all[f.head] = request[T]{}
	f.head++
	f.tidy()
	return r
}

// remove takes out the last request that matches; ok is false if there is none.
func (f *fifo[T]) remove(matches func(*T) bool) (value T, ok bool) {
	for at := len(f.all) - 1; at >= f.head; at-- {
		if value = f.all[at].value; matches(&value) {
			f.all = slices.Delete(f.all, at, at+1)
			f.tidy()
			return value, true
		}
	}
	return *new(T), false
}

// tidy reuses the memory of a fifo that is empty, unless that is much.
func (f *fifo[T]) tidy() {
	if f.len() > 0 {
		return
	}
	f.all, f.head = f.all[:0], 0
	if cap(f.all) > keptRequests {
		f.all = nil
	}
}
