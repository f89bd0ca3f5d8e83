package node

// queue is a first-in first-out queue of transactions. Each has a place, one more than its predecessor's, by
// which it is found while it is in the queue. The zero value is an empty queue.
type queue struct {
	ring  []transaction // its length is 0 or a power of two
	head  uint64        // place of the oldest transaction
	count uint64
}

func (q *queue) len() int { return int(q.count) }

// begin returns the place of the oldest transaction.
func (q *queue) begin() uint64 { return q.head }

// end returns the place of the next transaction to be pushed.
func (q *queue) end() uint64 { return q.head + q.count }

// at returns the transaction at that place, which is in the queue.
func (q *queue) at(place uint64) *transaction { return &q.ring[place&uint64(len(q.ring)-1)] }

func (q *queue) push(t transaction) {
	if q.count == uint64(len(q.ring)) {
		q.grow()
	}
	*q.at(q.end()) = t
	q.count++
}

// pop takes the oldest transaction out of a queue that is not empty.
func (q *queue) pop() transaction {
	t := q.at(q.head)
	popped := *t
	*t = transaction{}
	q.head++
	q.count--
	return popped
}

func (q *queue) grow() {
	larger := queue{ring: make([]transaction, max(64, 2*len(q.ring))), head: q.head, count: q.count}
	for place := q.begin(); place < q.end(); place++ {
		*larger.at(place) = *q.at(place)
	}
	*q = larger
}
