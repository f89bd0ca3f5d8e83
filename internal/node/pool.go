package node

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/foxmq/foxmq/internal/event"
	"github.com/foxmq/foxmq/internal/fair"
	"github.com/foxmq/foxmq/internal/replica"
)

// transactionOverhead is what a transaction counts in the pool beside its bytes. It stands for the memory that
// tracking it takes, and so one bound in bytes bounds the number of transactions too.
const transactionOverhead = 256

// credit is how much of clients who want little passes those who always want more, in bytes with overhead.
const credit = 1 << 20

// pool holds the transactions that were submitted here and are not applied yet. They pass two queues: waiting, not yet in any
// event, where clients take turns; and flying, in an event, with a number. A flying transaction stays until it is applied,
// for the event may go stale: then it flies again, in another event, with the same number.
//
// Concurrency: safe for use by many goroutines.
type pool struct {
	room *room  // taken by Submit, given back when the transaction is applied
	wake func() // called without mu held when there is news
	// incarnation of this boot, 0 before the first event of it is made.
	incarnation atomic.Uint64

	mu      sync.Mutex
	waiting *fair.Queue[transaction] // guarded by mu
	flying  queue                    // guarded by mu
	first   uint64                   // number of the oldest flying transaction; guarded by mu
	next    int                      // of flying, how many the newest events carry; the rest fly again; guarded by mu
	news    bool                     // something came to wait since News was last called; guarded by mu
	bytes   int                      // of all transactions here, with overhead; guarded by mu
	window  window                   // of the flying ones; guarded by mu
}

// transaction is a command in the pool.
type transaction struct {
	command []byte
	token   replica.Token
	connect bool
	cost    int // the room that it has taken
}

func newPool(bytes int, wake func()) *pool {
	return &pool{
		room:    newRoom(bytes),
		wake:    wake,
		waiting: fair.NewQueue[transaction](credit),
		window:  window{size: firstWindow},
	}
}

// Withdraw takes a client's CONNECT back, if it is in no event yet.
func (p *pool) Withdraw(from fair.Key, token replica.Token) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	t, ok := p.waiting.Remove(from, func(t *transaction) bool { return t.connect && t.token == token })
	if ok {
		p.bytes -= t.cost
		p.room.give(int64(t.cost))
	}
	return ok
}

// waits reports whether there is something for an event to carry. The caller holds mu.
func (p *pool) waits() bool {
	return p.next < p.flying.len() || p.waiting.Len() > 0 && !p.window.shut
}

// Waiting reports whether there is something for an event to carry.
func (p *pool) Waiting() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.waits()
}

// News reports whether something came to wait since it was last called.
func (p *pool) News() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiting.Len() > 0 && !p.waits() {
		return false // it is news still when more may fly, and wake is called then
	}
	news := p.news
	p.news = false
	return news && p.waits()
}

// Fill appends to payload what waits, as transactions of that incarnation, as long as the payload stays within
// limit bytes; but at least one.
func (p *pool) Fill(payload []byte, incarnation uint64, limit int) []byte {
	p.incarnation.Store(incarnation)
	p.mu.Lock()
	defer p.mu.Unlock()
	first, size := p.next, len(payload)
	for p.waits() {
		again := p.next < p.flying.len()
		var t transaction
		if again {
			t = *p.flying.at(p.flying.begin() + uint64(p.next))
		} else {
			t, _, _ = p.waiting.Front()
		}
		more := len(t.command) + replica.MaxHeader + 8
		if size > 0 && size+more > limit {
			break
		}
		size += more
		if !again {
			p.flying.push(p.waiting.Pop())
			p.window.take(t.cost, p.flying.len())
		}
		p.next++
	}
	payload = slices.Grow(payload, size-len(payload)) // the event keeps all of it
	var number []byte
	for i := first; i < p.next; i++ {
		header := replica.Header{Incarnation: incarnation, Number: p.first + uint64(i)}
		number = header.Append(number[:0])
		payload = event.AppendTransaction(payload, number, p.flying.at(p.flying.begin()+uint64(i)).command)
	}
	return payload
}

// Again makes all flying transactions wait for another event: one that carried some of them went stale.
func (p *pool) Again() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next = 0
	p.news = true
}

// Complete marks each of the results whose transaction was submitted here in this boot as Own, with its token,
// and forgets the transaction.
func (p *pool) Complete(results []replica.Result, self int) {
	if p.complete(results, self) {
		p.wake()
	}
}

// complete reports whether what waits need not be held any more.
func (p *pool) complete(results []replica.Result, self int) (news bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	incarnation := p.incarnation.Load()
	for i := range results {
		r := &results[i]
		mine := r.Node == self && r.Header.Incarnation == incarnation && r.Outcome != replica.Ignored
		if !mine || r.Header.Number != p.first || p.flying.len() == 0 {
			continue
		}
		t := p.flying.pop()
		r.Own, r.Token = true, t.token
		p.bytes -= t.cost
		p.window.give(t.cost)
		p.room.give(int64(t.cost))
		p.first++
		p.next = max(p.next-1, 0)
	}
	return p.window.opens()
}

// Idle says that the applier has nothing to do.
func (p *pool) Idle() {
	if p.grow((*window).idle) {
		p.wake()
	}
}

// Starved says that the applier waits for what flies.
func (p *pool) Starved() {
	if p.grow(func(w *window) bool { return w.starved(int(p.room.size)) }) {
		p.wake()
	}
}

// grow reports whether what waits need not be held any more.
func (p *pool) grow(by func(*window) bool) (news bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return by(&p.window)
}

// Load returns how many transactions the pool holds, and their bytes with overhead.
func (p *pool) Load() (count, bytes int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.waiting.Len() + p.flying.len(), p.bytes
}
