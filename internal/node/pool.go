package node

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/foxmq/foxmq/internal/event"
	"github.com/foxmq/foxmq/internal/replica"
)

// Errors of Submit and TrySubmit.
var (
	// ErrFull: as much waits to be ordered as may wait.
	ErrFull = errors.New("too much waits to be ordered")
	// ErrTooLarge: the command is larger than any transaction may be.
	ErrTooLarge = errors.New("command too large")
	// ErrStopped: the node stops or has stopped.
	ErrStopped = errors.New("node stopped")
)

// transactionOverhead is what a transaction counts in the pool beside its bytes. It stands for the memory that
// tracking it takes, and so one bound in bytes bounds the number of transactions too.
const transactionOverhead = 256

// chunk is the size in bytes of the blocks of memory that waiting commands are packed into.
const chunk = 64 << 10

// pool holds the transactions that were submitted here and are not applied yet, in submission order. They pass
// two queues: waiting, not yet in any event; and flying, in an event, with a number. A flying transaction stays
// until it is applied, for the event may go stale: then it flies again, in another event, with the same number.
//
// Concurrency: safe for use by many goroutines.
type pool struct {
	room *room  // taken by Submit, given back when the transaction is applied
	wake func() // called without mu held when there is news
	// incarnation of this boot, 0 before the first event of it is made.
	incarnation atomic.Uint64

	mu          sync.Mutex
	waiting     queue                    // guarded by mu
	flying      queue                    // guarded by mu
	first       uint64                   // number of the oldest flying transaction; guarded by mu
	next        int                      // of flying, how many the newest events carry; the rest fly again; guarded by mu
	news        bool                     // something came to wait since News was last called; guarded by mu
	withdrawals map[replica.Token]uint64 // where in waiting the CONNECTs stand; guarded by mu
	withdrawn   int                      // how many in waiting are; guarded by mu
	bytes       int                      // of all transactions here, with overhead; guarded by mu
	block       []byte                   // the chunk being filled; guarded by mu
}

// transaction is a command in the pool. One that was withdrawn has no command.
type transaction struct {
	command []byte
	token   replica.Token
}

func (t *transaction) cost() int { return len(t.command) + transactionOverhead }

func newPool(bytes int, wake func()) *pool {
	return &pool{
		room:        newRoom(bytes),
		wake:        wake,
		withdrawals: map[replica.Token]uint64{},
	}
}

// scratch holds buffers for encoding commands outside the lock.
var scratch = sync.Pool{New: func() any { return new([]byte) }}

// submit adds a command; it takes its room by acquire.
func (p *pool) submit(cmd replica.Command, token replica.Token, acquire func(cost int64) error) error {
	buf := scratch.Get().(*[]byte)
	defer scratch.Put(buf)
	*buf = cmd.Append((*buf)[:0])
	cost := int64(len(*buf) + transactionOverhead)
	if len(*buf) > replica.MaxCommand || cost > p.room.size {
		return fmt.Errorf("submit %d bytes: %w", len(*buf), ErrTooLarge)
	}
	if err := acquire(cost); err != nil {
		return err
	}
	_, connect := cmd.(*replica.Connect)
	if p.add(*buf, token, connect) {
		p.wake()
	}
	return nil
}

// Submit waits for room until ctx is done.
func (p *pool) Submit(ctx context.Context, cmd replica.Command, token replica.Token) error {
	return p.submit(cmd, token, func(cost int64) error { return p.room.take(ctx, cost) })
}

// TrySubmit returns ErrFull if there is no room.
func (p *pool) TrySubmit(cmd replica.Command, token replica.Token) error {
	return p.submit(cmd, token, func(cost int64) error {
		if !p.room.tryTake(cost) {
			return ErrFull
		}
		return nil
	})
}

// add copies the command to the end of the waiting queue and reports whether that is news.
func (p *pool) add(command []byte, token replica.Token, connect bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if connect {
		p.withdrawals[token] = p.waiting.end()
	}
	idle := !p.news
	t := transaction{command: p.pack(command), token: token}
	p.bytes += t.cost()
	p.news = true
	p.waiting.push(t)
	return idle
}

// pack copies the command into a chunk. A command is not worth a place in a chunk if it takes most of one.
func (p *pool) pack(command []byte) []byte {
	if len(command) > chunk/4 {
		return append([]byte(nil), command...)
	}
	if len(command) > cap(p.block)-len(p.block) {
		p.block = make([]byte, 0, chunk)
	}
	start := len(p.block)
	p.block = append(p.block, command...)
	return p.block[start:len(p.block):len(p.block)]
}

// waits reports whether there is something for an event to carry. The caller holds mu.
func (p *pool) waits() bool { return p.next < p.flying.len() || p.waiting.len() > 0 }

// Waiting reports whether there is something for an event to carry.
func (p *pool) Waiting() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.skipWithdrawn()
	return p.waits()
}

// News reports whether something came to wait since it was last called.
func (p *pool) News() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
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
	var tx []byte
	for empty := len(payload) == 0; ; empty = false {
		p.skipWithdrawn()
		if !p.waits() {
			return payload
		}
		again := p.next < p.flying.len()
		t := p.waiting.front()
		if again {
			t = p.flying.at(p.flying.begin() + uint64(p.next))
		}
		if !empty && len(payload)+len(t.command)+replica.MaxHeader+8 > limit {
			return payload
		}
		header := replica.Header{Incarnation: incarnation, Number: p.first + uint64(p.next)}
		tx = append(header.Append(tx[:0]), t.command...)
		payload = event.AppendTransaction(payload, tx)
		if !again {
			p.launch()
		}
		p.next++
	}
}

// launch moves the foremost waiting transaction to the flying. The caller holds mu.
func (p *pool) launch() {
	t := p.waiting.pop()
	if len(p.withdrawals) > 0 {
		delete(p.withdrawals, t.token)
	}
	p.flying.push(t)
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
		p.bytes -= t.cost()
		p.room.give(int64(t.cost()))
		p.first++
		p.next = max(p.next-1, 0)
	}
}

// Load returns how many transactions the pool holds, and their bytes with overhead.
func (p *pool) Load() (count, bytes int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.waiting.len() - p.withdrawn + p.flying.len(), p.bytes
}
