package broker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/foxmq/foxmq/internal/fair"
	"github.com/foxmq/foxmq/internal/mqtt"
)

// Broker serves MQTT clients. See the package comment.
type Broker struct {
	config   Config
	counters counters
	bans     *bans
	epoch    time.Time // zero of the broker's clock, elapsed
	numbers  atomic.Uint64
	quit     context.Context // ends when the broker stops
	giveUp   context.CancelFunc
	accounts accounts
	queued   queueTotal
	turns    *fair.Turns // of the readers
	dispatcher

	clients sync.WaitGroup // the readers

	mu       sync.Mutex
	open     map[*client]struct{} // guarded by mu
	mortal   map[string]*client   // the newest mortal client of each client id; guarded by mu
	stopping bool                 // guarded by mu
}

// New returns a broker that serves nobody yet.
func New(config Config) (*Broker, error) {
	config = config.withDefaults()
	if err := config.validate(); err != nil {
		return nil, err
	}
	b := &Broker{
		config: config, epoch: time.Now(), bans: newBans(), open: map[*client]struct{}{}, mortal: map[string]*client{},
	}
	b.turns = fair.NewTurns(config.Readers, turnWork)
	b.queued.most = int64(config.MaxQueueBytesTotal)
	b.accounts = accounts{config: &b.config, byUser: map[string]*account{}}
	b.quit, b.giveUp = context.WithCancel(context.Background())
	b.initDispatcher(b)
	return b, nil
}

// Run accepts connections from the listeners and serves them until ctx ends; then it closes the listeners, tells the
// clients that the server shuts down (0x8B) and returns when the last connection's goroutines have ended. While it
// stops, the Stream and the State must still work. If a listener fails, it stops likewise and returns the error.
func (b *Broker) Run(ctx context.Context, listeners ...net.Listener) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, l := range listeners {
		group.Go(func() error { return b.accept(ctx, l) })
	}
	group.Go(func() error { b.tellSystem(ctx); return nil })
	group.Go(func() error { b.followUsers(ctx); return nil })
	group.Go(func() error {
		<-ctx.Done()
		for _, l := range listeners {
			_ = l.Close() // what accept makes of it counts
		}
		b.closeAll()
		return nil
	})
	err := group.Wait()
	b.clients.Wait()
	return err
}

// accept serves the listener's connections until it is closed. A failed Accept that may be the machine's passing
// trouble, such as no file descriptor left, is tried again.
func (b *Broker) accept(ctx context.Context, l net.Listener) error {
	for {
		conn, err := l.Accept()
		switch {
		case err == nil:
			b.Handle(conn)
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("accept on %s: %w", l.Addr(), err)
		default:
			b.config.Log.Warn("accept failed", zap.Error(err))
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
		}
	}
}

// Handle serves one connection in a goroutine of its own; Run waits for it. It closes the connection at once if the
// broker is full or stops, or the address is banned.
func (b *Broker) Handle(conn net.Conn) {
	c := newClient(b, conn)
	if b.bans.keepOut("", "", c.address) {
		b.counters.bannedConnections.Add(1)
		conn.Close()
		return
	}
	if !b.enter(c) {
		conn.Close()
		return
	}
	go func() {
		defer b.leave(c)
		c.serve()
	}()
}

func (b *Broker) enter(c *client) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stopping || len(b.open) >= b.config.MaxConnections {
		b.counters.refusedConnections.Add(1)
		return false
	}
	b.open[c] = struct{}{}
	b.clients.Add(1)
	b.counters.connections.Add(1)
	return true
}

func (b *Broker) leave(c *client) {
	b.mu.Lock()
	delete(b.open, c)
	if b.mortal[c.id] == c {
		delete(b.mortal, c.id)
	}
	b.mu.Unlock()
	b.counters.connections.Add(-1)
	b.clients.Done()
}

// closeAll begins the end of all connections and lets no new one in.
func (b *Broker) closeAll() {
	b.mu.Lock()
	b.stopping = true
	b.giveUp()
	b.mu.Unlock()
	for _, c := range b.everyone() {
		c.close(mqtt.ServerShuttingDown)
	}
}

// everyone returns the clients whose connections are open, those without an accepted CONNECT included.
func (b *Broker) everyone() []*client {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Collect(maps.Keys(b.open))
}

// elapsed is the broker's clock in ns. It runs evenly, whatever happens to the time of day, and is never 0.
func (b *Broker) elapsed() int64 { return int64(time.Since(b.epoch)) + 1 }
