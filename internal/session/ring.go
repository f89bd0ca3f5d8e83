package session

// block is how many items lie together in a ring that holds more.
const block = 64

// ring is a queue that reuses its memory. Behind the items of the ring itself, which are a block at most, others wait in
// blocks of their own: so a long queue is never copied, and takes little more than its items do.
type ring[T any] struct {
	items []T // as many as a power of two
	start int
	size  int // of those in items

	later [][]T // each but the last one is full
	spare []T   // an empty block, or nil
}

func (r *ring[T]) len() int {
	last := len(r.later) - 1
	if last < 0 {
		return r.size
	}
	return r.size + last*block + len(r.later[last])
}

func (r *ring[T]) push(item T) {
	switch {
	case len(r.later) > 0 || r.size == block:
		r.pushLater(item)
		return
	case r.size == len(r.items):
		r.grow()
	}
	r.items[(r.start+r.size)&(len(r.items)-1)] = item
	r.size++
}

func (r *ring[T]) pushLater(item T) {
	last := len(r.later) - 1
	if last < 0 || len(r.later[last]) == block {
		fresh := r.spare
		if r.spare = nil; fresh == nil {
			fresh = make([]T, 0, block)
		}
		r.later = append(r.later, fresh)
		last++
	}
	r.later[last] = append(r.later[last], item)
}

// at returns the item that has i older ones.
func (r *ring[T]) at(i int) *T {
	if i < r.size {
		return &r.items[(r.start+i)&(len(r.items)-1)]
	}
	i -= r.size
	return &r.later[i/block][i%block]
}

// first returns the oldest item, nil if there is none.
func (r *ring[T]) first() *T {
	if r.size == 0 {
		return nil
	}
	return r.at(0)
}

// pop drops the oldest item.
func (r *ring[T]) pop() {
	var zero T
	r.items[r.start] = zero
	r.start = (r.start + 1) & (len(r.items) - 1)
	r.size--
	if r.size == 0 && len(r.later) > 0 {
		r.next()
	}
}

// next takes the first block of those that wait in place of the items, of which none is left.
func (r *ring[T]) next() {
	next := r.later[0]
	r.spare = r.items[:0]
	r.items, r.start, r.size = next[:block], 0, len(next)
	r.later[0] = nil
	if r.later = r.later[1:]; len(r.later) == 0 {
		r.later, r.spare = nil, nil
	}
}

// grow moves the items to an array twice as long.
func (r *ring[T]) grow() {
	items := make([]T, max(8, 2*len(r.items)))
	for i := range r.size {
		items[i] = *r.at(i)
	}
	r.items, r.start = items, 0
}
