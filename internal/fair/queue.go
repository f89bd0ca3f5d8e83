package fair

import "net/netip"

// maxIdle is of how many clients without a request it is remembered what they have had.
const maxIdle = 4096

// Queue holds requests, each with a cost, in the order in which they are to be served: those of one client first in, first
// out. What it takes is bounded by what waits and some hundred bytes for each of maxIdle clients.
//
// Concurrency: for one goroutine at a time.
type Queue[T any] struct {
	root      *flow[T]
	addresses map[netip.Addr]*flow[T]
	clients   map[Key]*flow[T]
	recent    *flow[T] // the client that was looked for last; nil: none
	count     int
}

// NewQueue returns an empty queue. Credit is how much is served at once to somebody who comes after a pause: before it has
// had that much, it waits for none of those who have been there all the time.
func NewQueue[T any](credit int64) *Queue[T] {
	root := &flow[T]{credit: uint64(credit), now: uint64(credit)}
	return &Queue[T]{root: root, addresses: map[netip.Addr]*flow[T]{}, clients: map[Key]*flow[T]{}}
}

// Len returns how many requests wait.
func (q *Queue[T]) Len() int { return q.count }

// Push adds a request.
func (q *Queue[T]) Push(key Key, value T, cost int64) {
	f := q.client(key)
	f.requests.push(request[T]{value, cost})
	q.count++
	f.awake()
}

// Front returns the request that is next and what it costs; ok is false if none is.
func (q *Queue[T]) Front() (value T, cost int64, ok bool) {
	if q.count == 0 {
		return value, 0, false
	}
	r := q.root.leaf().requests.front()
	return r.value, r.cost, true
}

// Pop takes out the request that is next. There is one.
func (q *Queue[T]) Pop() T {
	f := q.root.leaf()
	for up := f; up.parent != nil; up = up.parent {
		up.parent.now = max(up.parent.now, up.start)
	}
	r := f.requests.pop()
	q.count--
	f.served(uint64(r.cost))
	return r.value
}

// Ahead reports whether the client's next request would be the first, if it came now.
func (q *Queue[T]) Ahead(key Key) bool {
	if q.count == 0 {
		return true
	}
	address := q.addresses[key.Address]
	if address == nil || !address.waiting() {
		return q.root.ahead(address)
	}
	client := q.clients[key]
	return q.root.line[0] == address && (client == nil || !client.waiting()) && address.ahead(client)
}

// Charge counts against a client what it has had beside its requests. While nobody waits nothing is counted.
func (q *Queue[T]) Charge(key Key, cost int64) {
	if q.count > 0 {
		q.client(key).charge(uint64(cost))
	}
}

// Remove takes out the client's last request that matches, as if it had never come; ok is false if there is none.
func (q *Queue[T]) Remove(key Key, matches func(*T) bool) (value T, ok bool) {
	f := q.clients[key]
	if f == nil {
		return value, false
	}
	value, ok = f.requests.remove(matches)
	if !ok {
		return value, false
	}
	q.count--
	for f.parent != nil && f.empty() {
		f.parent.leave(f)
		f = f.parent
	}
	return value, true
}

// client returns the client's flow.
func (q *Queue[T]) client(key Key) *flow[T] {
	if q.recent != nil && q.recent.key == key {
		return q.recent
	}
	f := q.clients[key]
	if f == nil {
		if len(q.clients) >= q.count+maxIdle {
			q.forget()
		}
		address := q.addresses[key.Address]
		if address == nil {
			address = q.root.below(Key{Address: key.Address})
			q.addresses[key.Address] = address
		}
		f = address.below(key)
		q.clients[key] = f
	}
	q.recent = f
	return f
}

// forget forgets all for whom nothing waits. Since they would be served too early when they came again, time goes on to
// where they would have been served.
func (q *Queue[T]) forget() {
	for key, f := range q.clients {
		if !f.waiting() {
			f.forgotten()
			delete(q.clients, key)
		}
	}
	for key, f := range q.addresses {
		if !f.waiting() {
			f.forgotten()
			delete(q.addresses, key)
		}
	}
	q.recent = nil
}
