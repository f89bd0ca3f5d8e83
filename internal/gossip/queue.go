package gossip

import "sync"

// queue holds what waits to be written to one peer on one connection.
type queue struct {
	maxMessages, maxBytes int

	ready chan struct{} // holds a token while messages may wait

	mu    sync.Mutex
	items []*outgoing // guarded by mu; those before head are gone
	head  int         // guarded by mu
	bytes int         // of the items from head on, guarded by mu
}

func newQueue(maxMessages, maxBytes int) *queue {
	return &queue{maxMessages: maxMessages, maxBytes: maxBytes, ready: make(chan struct{}, 1)}
}

// push appends a message. If there is no room, everything in the queue and the message are dropped, for a peer
// that lacks one event has no use for those that build on it; push then returns how many messages that were.
func (q *queue) push(o *outgoing) (dropped int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	waiting := len(q.items) - q.head
	if waiting == q.maxMessages || q.bytes+o.size > q.maxBytes {
		q.items, q.head, q.bytes = nil, 0, 0
		return waiting + 1
	}
	if len(q.items) == cap(q.items) && q.head > 0 {
		n := copy(q.items, q.items[q.head:])
		clear(q.items[n:])
		q.items, q.head = q.items[:n], 0
	}
	q.items = append(q.items, o)
	q.bytes += o.size
	select {
	case q.ready <- struct{}{}:
	default:
	}
	return 0
}

// take moves messages from the front of the queue to dst: the first, and more as long as their sizes add up to at
// most limit bytes. What it leaves is announced on ready again.
func (q *queue) take(dst []*outgoing, limit int) []*outgoing {
	q.mu.Lock()
	defer q.mu.Unlock()
	for total := 0; q.head < len(q.items); {
		o := q.items[q.head]
		if total += o.size; total > limit && len(dst) > 0 {
			select {
			case q.ready <- struct{}{}:
			default:
			}
			return dst
		}
		dst = append(dst, o)
		q.items[q.head] = nil
		q.head++
		q.bytes -= o.size
	}
	q.items, q.head = q.items[:0], 0
	return dst
}
