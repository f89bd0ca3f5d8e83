package node

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/foxmq/foxmq/internal/consensus/driver"
	"github.com/foxmq/foxmq/internal/event"
	"github.com/foxmq/foxmq/internal/fair"
	"github.com/foxmq/foxmq/internal/replica"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"
)

// Transport carries messages to peers.
type Transport interface {
	// Send hands a message to a peer's queue and never blocks. False says that the message was dropped, and maybe
	// others that waited in the queue.
	Send(to int, m *event.Message) bool
	// Request asks a peer that is connected, whose node answers by Serve. The caller closes the answer.
	Request(ctx context.Context, peer int, request []byte) (io.ReadCloser, error)
}

// Consumer takes what has been applied.
type Consumer interface {
	// Restored is called before everything else, with the state that the node starts with. The machine is not to be kept.
	Restored(m *replica.Machine)
	// Applied is called with consecutive results of the stream, on one goroutine, and must not block. The slice
	// and its Effects are valid until it returns.
	Applied(results []replica.Result)
}

// Errors with which Run returns though nothing is wrong with the program.
var (
	// ErrInstalled: a peer's checkpoint is on the disk now; the node is to start again from it.
	ErrInstalled = errors.New("a checkpoint of the cluster has been installed")
	// ErrDiverged: the other members agree on another state than this node's. Its data directory is to be put aside,
	// and the node is to start again without.
	ErrDiverged = errors.New("the state differs from that of the other members")
)

// Config is what a node is made of. Self, Keys, Key and Domain must be set.
type Config struct {
	Self   int                // this node's index in the address book
	Keys   []*ecdsa.PublicKey // of all members, in the order of the address book
	Key    *ecdsa.PrivateKey  // of this node
	Domain event.Domain       // of the address book

	Disk   Disk          // nil: everything is kept in memory only
	Policy driver.Policy // zero: the driver's defaults
	Limits driver.Limits // likewise
	// NodeTimeout is how long a peer with clients may be away before this node takes it to be dead; 0: it never does.
	NodeTimeout time.Duration
	// PoolBytes bounds what was submitted here and is not applied yet, each transaction counting its bytes and 256
	// more; default 64 MiB, which is at most 262,144 transactions.
	PoolBytes int
	// Now reads the clock, in ns since 1970. The default follows the system's clock, but no step of it after the
	// start, so that a corrected clock does not stall the node.
	Now    func() int64
	Logger *zap.Logger // nil: silent
}

func (c *Config) validate() error {
	switch {
	case len(c.Keys) == 0 || len(c.Keys) > event.MaxMembers:
		return fmt.Errorf("%d members", len(c.Keys))
	case c.Self < 0 || c.Self >= len(c.Keys):
		return fmt.Errorf("self %d of %d members", c.Self, len(c.Keys))
	case c.Key == nil || !c.Key.PublicKey.Equal(c.Keys[c.Self]):
		return errors.New("the key is not that of self")
	}
	return nil
}

// Node is one member's share in the stream. Its fields without a word on their guard never change.
type Node struct {
	cfg     Config
	quorum  int // members that a supermajority takes
	pool    *pool
	backlog *backlog
	intake  intake
	peers   []*mailbox    // by member; the own place is unused
	calls   chan call     // what Do asks the applier
	wakes   chan struct{} // capacity 1: something happened that the loop should look at
	stopped chan struct{} // closed when Run returns
	once    sync.Once     // closes stopped

	ballots   *ballots
	transport Transport          // set by Run before anything uses it
	fatal     chan error         // capacity 1: why Run is to end
	strays    chan struct{}      // capacity 1: the node lacks what peers may keep on their disks
	installs  chan *installation // what is fetched, for the loop
	served    served             // what peers fetch
	tails     tails              // and ask for then
	disputed  sync.Once          // logs the first time that members disagree
	turn      int                // places behind the own one in the book at which the first peer is asked; fetch's own

	connected atomic.Int32                   // peers
	picture   atomic.Pointer[driver.Status]  // as of the loop's last turn; nil before the first
	waiting   atomic.Int64                   // since when nothing is applied though something was submitted; 0: that is not so
	chain     atomic.Pointer[chain]          // as of the last event that was applied
	applied   atomic.Uint64                  // index of the last transaction that the Consumer has seen
	stale     atomic.Uint64                  // own events that went stale
	counts    atomic.Pointer[replica.Counts] // as of the applier's last batch
	deadline  atomic.Pointer[deadline]       // likewise; nil: the machine waits for no time
	standings atomic.Pointer[[]standing]     // likewise, by member; nil before the state is restored
	last      atomic.Pointer[event.Event]    // the newest own event
	disk      atomic.Pointer[string]         // why nothing can be written; nil: it can
	disputes  atomic.Uint64                  // votes by which a member disagreed with this node or others
	kept      atomic.Pointer[ownVote]        // the last checkpoint on the disk; nil: there is none, or it was not read yet
	unkept    atomic.Pointer[error]          // why the last checkpoint is not on the disk yet; nil: it was not tried yet
	replayed  atomic.Uint64                  // index that was reached while the log was replayed
	restored  atomic.Bool                    // what the disk held has been read
	installed atomic.Bool                    // it held a peer's checkpoint and no log yet, and no peer has handed that out
	fetched   atomic.Pointer[fetchProgress]  // of the checkpoint that is being fetched; nil: none is

	// The records of a checkpoint are being fetched. Meanwhile a node that is lost has no use for what its peers send, and asking for
	// what they do not have would only delay the answer.
	fetching  atomic.Bool
	following atomic.Bool // the log of a peer is being read

	checkpointing  atomic.Bool  // a checkpoint is under way: set by the loop, reset by the checkpointer
	checkpointTook atomic.Int64 // how long the last one kept the disk, in ns
	ticking        atomic.Bool  // a tick of this node is on its way; set by the loop, reset by the applier
	suspecting     atomic.Int32 // suspicions of this node on their way; added by the loop, subtracted by the applier
}

// New makes a node. It does nothing before Run.
func New(cfg Config) (*Node, error) {
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("make node: %w", err)
	}
	cfg.defaults()
	members := len(cfg.Keys)
	n := &Node{
		cfg:      cfg,
		quorum:   2*members/3 + 1,
		peers:    make([]*mailbox, members),
		calls:    make(chan call),
		wakes:    make(chan struct{}, 1),
		stopped:  make(chan struct{}),
		fatal:    make(chan error, 1),
		strays:   make(chan struct{}, 1),
		installs: make(chan *installation),
		ballots:  newBallots(cfg.Self, members),
	}
	n.pool = newPool(cfg.PoolBytes, n.wake)
	n.backlog = newBacklog(n.wake)
	n.intake.keys = cfg.Keys
	n.counts.Store(&replica.Counts{})
	n.chain.Store(&chain{})
	for i := range n.peers {
		n.peers[i] = newMailbox()
	}
	return n, nil
}

func (c *Config) defaults() {
	if c.PoolBytes == 0 {
		c.PoolBytes = 64 << 20
	}
	if c.Now == nil {
		c.Now = steadyClock()
	}
	if c.Logger == nil {
		c.Logger = zap.NewNop()
	}
}

// steadyClock returns a clock that starts with the system's time and goes on by its monotonic clock.
func steadyClock() func() int64 {
	start := time.Now()
	return func() int64 { return start.UnixNano() + int64(time.Since(start)) }
}

// Run drives the node until ctx is done, which is no error, or it cannot go on. First it restores what the disk holds. It
// is called once, and returns after its goroutines have.
func (n *Node) Run(ctx context.Context, transport Transport, consumer Consumer) error {
	defer n.stop()
	n.transport = transport
	n.turn = rand.IntN(len(n.peers))
	c := &checkpointer{node: n, jobs: make(chan job, 1)}
	l := newLoop(n, transport)
	a := newApplier(n, consumer, c.jobs)
	switch err := n.restore(ctx, l, a); {
	case ctx.Err() != nil:
		return nil
	case err != nil:
		return fmt.Errorf("run node: %w", err)
	}
	a.watchMembers()
	consumer.Restored(a.machine)
	n.restored.Store(true)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return l.run(ctx) })
	group.Go(func() error { a.run(ctx); return nil })
	group.Go(func() error { c.run(ctx); return nil })
	group.Go(func() error { return n.fetch(ctx) })
	group.Go(func() error { return n.awaitFatal(ctx) })
	err := group.Wait()
	n.served.close()
	n.tails.close()
	if err != nil {
		return fmt.Errorf("run node: %w", err)
	}
	return nil
}

// awaitFatal returns what ends Run from outside of its goroutines.
func (n *Node) awaitFatal(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-n.fatal:
		return err
	}
}

// fail makes Run return the error.
func (n *Node) fail(err error) {
	select {
	case n.fatal <- err:
	default:
	}
}

func (n *Node) stop() { n.once.Do(func() { close(n.stopped) }) }

// wake makes the loop take a turn.
func (n *Node) wake() {
	select {
	case n.wakes <- struct{}{}:
	default:
	}
}

// Submit puts a command into the stream, for that client; the node's own are for the zero Key. It waits until there is room
// in the pool or ctx is done, and does not wait for the order: the command comes back to the Consumer as an Own result with
// the token. Clients take turns, and a client's commands that one goroutine submits take effect in that order.
func (n *Node) Submit(ctx context.Context, from fair.Key, cmd replica.Command, token replica.Token) error {
	if n.isStopped() {
		return ErrStopped
	}
	return n.pool.Submit(ctx, from, cmd, token)
}

// TrySubmit is Submit that returns ErrFull where Submit would wait.
func (n *Node) TrySubmit(from fair.Key, cmd replica.Command, token replica.Token) error {
	if n.isStopped() {
		return ErrStopped
	}
	return n.pool.TrySubmit(from, cmd, token)
}

// Withdraw takes back a client's replica.Connect that was submitted with that token, unless it has gone into an event
// already. True says that it is as if it had never been submitted. The token's Owner must be comparable.
func (n *Node) Withdraw(from fair.Key, token replica.Token) bool { return n.pool.Withdraw(from, token) }

func (n *Node) isStopped() bool {
	select {
	case <-n.stopped:
		return true
	default:
		return false
	}
}

// Mine reports whether the connection is one of this node since its boot.
func (n *Node) Mine(c replica.Conn) bool {
	return c.Node == n.cfg.Self && c.Incarnation == n.pool.incarnation.Load()
}
