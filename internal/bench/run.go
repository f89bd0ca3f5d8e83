package bench

import (
	"context"
	"crypto/rand"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/foxmq/foxmq/internal/client"
	"github.com/foxmq/foxmq/internal/mqtt"
)

const (
	// dialsAtOnce is how many clients connect side by side, and dialWithin how long all of them may take.
	dialsAtOnce = 16
	dialWithin  = 30 * time.Second
	// lookEvery is how often a run looks whether it still moves.
	lookEvery = 20 * time.Millisecond
)

// run is one workload under way against one broker.
type run struct {
	workload    Workload
	broker      Broker
	warmup      time.Duration
	duration    time.Duration
	patience    time.Duration // how long nothing may arrive
	epoch       time.Time     // zero of the run's clock
	publishers  []*publisher
	subscribers []*subscriber
	measuring   atomic.Bool
	stop        chan struct{}  // closed when publishers should end
	group       sync.WaitGroup // of the publishers
	active      atomic.Int32   // publishers that have not ended

	failed  chan struct{} // closed by the first fail
	failing sync.Once
	failure string // set before failed is closed
}

func newRun(w Workload, b Broker, c *Config) *run {
	return &run{
		workload: w, broker: b,
		warmup: c.Warmup, duration: c.Duration, patience: c.Patience,
		epoch: time.Now(),
		stop:  make(chan struct{}), failed: make(chan struct{}),
	}
}

// now is the run's clock, in ns.
func (r *run) now() int64 { return int64(time.Since(r.epoch)) }

// fail ends the run with a note. The first one counts.
func (r *run) fail(note string) {
	r.failing.Do(func() {
		r.failure = note
		close(r.failed)
	})
}

// measure does the run. An error means that there is nothing to show: the broker does not let the clients in, or ctx
// has ended.
func (r *run) measure(ctx context.Context) (Result, error) {
	defer r.close()
	if err := r.connect(ctx); err != nil {
		return Result{}, err
	}
	r.active.Store(int32(len(r.publishers)))
	for _, p := range r.publishers {
		r.group.Go(p.publish)
	}
	var result Result
	if r.watch(ctx, r.warmup, never) {
		r.window(ctx, &result)
	}
	close(r.stop)
	r.drain(ctx)
	r.close()
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	r.collect(&result)
	return result, nil
}

// connect makes the clients, subscribers first.
func (r *run) connect(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, dialWithin)
	defer cancel()
	prefix := "foxmq-bench/" + rand.Text() + "/"
	w := &r.workload
	for i := range w.Publishers {
		gate := newGate(max(1, w.Window/w.Publishers), w.copies())
		r.publishers = append(r.publishers, &publisher{run: r, index: i, topic: w.topic(prefix, i), gate: gate})
	}
	for range w.Subscribers {
		r.subscribers = append(r.subscribers, &subscriber{run: r, next: make([]uint64, w.Publishers)})
	}
	err := each(ctx, r.subscribers, func(ctx context.Context, i int, s *subscriber) (err error) {
		s.client, err = r.dial(ctx, subscriberAt(r.broker.Addrs, i), s.take)
		if err != nil {
			return err
		}
		return s.client.Subscribe(ctx, w.filter(prefix, i), w.QoS)
	})
	if err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	return each(ctx, r.publishers, func(ctx context.Context, i int, p *publisher) (err error) {
		p.client, err = r.dial(ctx, publisherAt(r.broker.Addrs, i), nil)
		return err
	})
}

// each calls f for every client, a few at a time.
func each[T any](ctx context.Context, clients []T, f func(context.Context, int, T) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(dialsAtOnce)
	for i, c := range clients {
		group.Go(func() error { return f(ctx, i, c) })
	}
	return group.Wait()
}

func (r *run) dial(ctx context.Context, addr string, take func(*mqtt.Publish)) (*client.Client, error) {
	return client.Dial(ctx, addr, client.Options{
		Inflight:  r.workload.Inflight,
		OnMessage: take,
		OnClose:   func(err error) { r.fail("connection lost: " + err.Error()) },
	})
}

// window measures.
func (r *run) window(ctx context.Context, result *Result) {
	cpu := cpuTime(r.broker.PIDs)
	start := time.Now()
	r.measuring.Store(true)
	r.watch(ctx, r.duration, never)
	r.measuring.Store(false)
	result.Elapsed = time.Since(start)
	result.CPU = max(0, cpuTime(r.broker.PIDs)-cpu)
}

// drain waits until everything that was published has arrived.
func (r *run) drain(ctx context.Context) {
	r.watch(ctx, math.MaxInt64, func() bool { return r.active.Load() == 0 && r.received() >= r.expected() })
}

func (r *run) received() (n uint64) {
	for _, s := range r.subscribers {
		n += s.received.Load()
	}
	return n
}

func (r *run) expected() (n uint64) {
	for _, p := range r.publishers {
		n += p.sent.Load() * uint64(r.workload.copies())
	}
	return n
}

// watch waits until a time has passed or done says so, and reports that; false if the run has failed, which it does
// if nothing arrives for as long as its patience lasts.
func (r *run) watch(ctx context.Context, d time.Duration, done func() bool) bool {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	end := time.After(d)
	received, moved := r.received(), time.Now()
	for !done() {
		select {
		case <-ctx.Done():
			return false
		case <-r.failed:
			return false
		case <-end:
			return true
		case <-ticker.C:
		}
		if now := r.received(); now != received {
			received, moved = now, time.Now()
		} else if time.Since(moved) > r.patience {
			r.fail(fmt.Sprintf("nothing arrived for %v, %d messages are missing", r.patience, r.expected()-now))
		}
	}
	return true
}

// never is for watches that only time ends.
func never() bool { return false }

// close ends the clients and the publishers.
func (r *run) close() {
	for _, s := range r.subscribers {
		if s.client != nil {
			s.client.Close()
		}
	}
	for _, p := range r.publishers {
		if p.client != nil {
			p.client.Close()
		}
	}
	r.group.Wait()
}
