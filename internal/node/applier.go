package node

import (
	"context"

	"github.com/foxmq/foxmq/internal/consensus"
	"github.com/foxmq/foxmq/internal/replica"
)

// Bounds on one call of Consumer.Applied.
const (
	batchResults = 256
	batchBytes   = 1 << 20 // of transactions, and up to one transaction more
)

// batchCalls is how many functions Do runs between two batches: one may take as long as a batch.
const batchCalls = 4

// tick is the consensus time between two transactions of one event, in ns.
const tick = 1000

// keptEffects is the largest capacity of a result's Effects that is kept for reuse.
const keptEffects = 64

// call is a function that Do wants run; done is closed when it has.
type call struct {
	f    func(*replica.Machine)
	done chan struct{}
}

// Do runs f on the goroutine that owns the machine, between two transactions: every result up to Machine.Index has
// been given to the Consumer, and none after. It returns when f has; ErrStopped if f is never run.
func (n *Node) Do(f func(*replica.Machine)) error {
	c := call{f: f, done: make(chan struct{})}
	select {
	case n.calls <- c:
		<-c.done
		return nil
	case <-n.stopped:
		return ErrStopped
	}
}

// applier is the goroutine that owns the machine.
type applier struct {
	node     *Node
	consumer Consumer
	machine  *replica.Machine
	results  []replica.Result // the batch so far, with the Effects' memory kept beyond its length
	bytes    int              // of the batch's transactions
	done     int              // weight of the events that were applied since the last batch
	effects  []byte           // of the event so far, in canonical form

	standings []standing // memory for the members' as of the batch

	changes map[string][]byte // of the machine's records since the last checkpoint; nil: the record is gone
	jobs    chan<- job        // to the checkpointer, which is idle when one is due
}

func newApplier(n *Node, c Consumer, jobs chan<- job) *applier {
	return &applier{
		node:     n,
		consumer: c,
		machine:  replica.New(len(n.cfg.Keys), replica.DefaultLimits),
		results:  make([]replica.Result, 0, batchResults),
		changes:  map[string][]byte{},
		jobs:     jobs,
	}
}

func (a *applier) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case c := <-a.node.calls:
			a.serve(c)
		case <-a.node.backlog.ready:
			a.rounds(ctx)
		}
	}
}

func (a *applier) serve(c call) {
	defer close(c.done)
	c.f(a.machine)
}

// rounds applies what waits in the backlog, until ctx is done.
func (a *applier) rounds(ctx context.Context) {
	for _, s := range a.node.backlog.take() {
		for i := range s.Events {
			if ctx.Err() != nil {
				a.flush()
				return
			}
			a.event(&s.Events[i])
		}
		if s.snapshot != nil {
			a.take(&s)
		}
	}
	a.flush()
	if a.node.backlog.Bytes() == 0 {
		a.node.pool.Idle()
	}
}

func (a *applier) event(o *consensus.Ordered) {
	a.effects = a.effects[:0]
	o.Event.EachTransaction(func(i int, tx []byte) {
		last := len(a.results)
		a.results = a.results[:last+1]
		a.machine.Apply(o.Time+int64(i)*tick, o.Event.Creator, tx, &a.results[last])
		a.effects = a.results[last].AppendDigest(a.effects)
		a.bytes += len(tx)
		if len(a.results) == batchResults || a.bytes >= batchBytes {
			a.flush()
		}
	})
	a.link(o)
	a.done += weight(o)
}

// link lengthens the stream's hash by an event that was applied.
func (a *applier) link(o *consensus.Ordered) {
	if o.Event.Transactions() > 0 {
		a.node.chain.Store(a.node.chain.Load().next(o, a.machine.Index(), a.effects))
	}
}

// flush hands the batch on and then runs what Do asked for meanwhile.
func (a *applier) flush() {
	if len(a.results) > 0 {
		a.node.watchDeadline(a.machine)
		a.watchMembers()
		a.node.pool.Complete(a.results, a.node.cfg.Self)
		a.node.ownDone(a.results)
		a.consumer.Applied(a.results)
		a.publishProgress()
		a.release()
	}
	a.node.backlog.done(a.done) // when the pool knows: what it has in events is in the backlog, or elsewhere
	a.done = 0
	for range batchCalls {
		select {
		case c := <-a.node.calls:
			a.serve(c)
		default:
			return
		}
	}
}

// publishProgress tells Status how far the machine has come.
func (a *applier) publishProgress() {
	a.node.waiting.Store(0)
	a.node.applied.Store(a.machine.Index())
	counts := a.machine.Counts()
	a.node.counts.Store(&counts)
}

// release empties the batch and lets go of the messages and tokens in it.
func (a *applier) release() {
	for i := range a.results {
		effects := a.results[i].Effects
		clear(effects)
		if cap(effects) > keptEffects {
			effects = nil
		}
		a.results[i] = replica.Result{Effects: effects}
	}
	a.results, a.bytes = a.results[:0], 0
}
