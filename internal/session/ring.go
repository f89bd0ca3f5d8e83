package session

// smallRing is the capacity below which a ring gives nothing back.
const smallRing = 64

// ring is a queue that reuses its memory. Its capacity is a power of two.
type ring[T any] struct {
	items []T
	start int
	size  int
}

func (r *ring[T]) len() int { return r.size }

func (r *ring[T]) push(item T) {
	if r.size == len(r.items) {
		r.grow()
	}
	r.items[(r.start+r.size)&(len(r.items)-1)] = item
	r.size++
}

// at returns the item that has i older ones.
func (r *ring[T]) at(i int) *T { return &r.items[(r.start+i)&(len(r.items)-1)] }

// first returns the oldest item, nil if there is none.
func (r *ring[T]) first() *T {
	if r.size == 0 {
		return nil
	}
	return r.at(0)
}

// pop drops the oldest item. A ring that had grown gives memory back as it drains.
func (r *ring[T]) pop() {
	var zero T
	r.items[r.start] = zero
	r.start = (r.start + 1) & (len(r.items) - 1)
	r.size--
	if len(r.items) > smallRing && r.size <= len(r.items)/8 {
		r.resize(len(r.items) / 4)
	}
}

func (r *ring[T]) grow() { r.resize(max(8, 2*len(r.items))) }

// resize moves the items to an array that holds so many.
func (r *ring[T]) resize(capacity int) {
	items := make([]T, capacity)
	for i := range r.size {
		items[i] = *r.at(i)
	}
	r.items, r.start = items, 0
}
