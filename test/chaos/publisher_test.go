package chaos

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/foxmq/foxmq/internal/client"
	"github.com/foxmq/foxmq/test/cluster"
)

// pace is the time between two messages of a publisher.
const pace = 10 * time.Millisecond

// publisher publishes numbered messages at all QoS in turn and notes what is acknowledged.
type publisher struct {
	name string
	node int
	dead bool // its node was killed
	c    *client.Client
	stop chan struct{} // closed to end run
	done chan struct{} // closed when it has

	mu     sync.Mutex
	sent   []string // payloads; guarded by mu
	acked  []string // those at QoS 1 and 2 whose acknowledgement has come, as it came; guarded by mu
	latest int      // number of the latest message in acked; guarded by mu
}

// publish starts a publisher on a node.
func publish(t *testing.T, addr string, node int, name string) *publisher {
	t.Helper()
	p := &publisher{name: name, node: node, stop: make(chan struct{}), done: make(chan struct{})}
	p.c = dial(t, addr, client.Options{ClientID: name, Inflight: 1000})
	go p.run()
	t.Cleanup(p.end)
	return p
}

// run publishes at a steady pace until it is told to stop or the connection ends.
func (p *publisher) run() {
	defer close(p.done)
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for i := 0; p.send(byte(i%3)) == nil; i++ {
		select {
		case <-p.stop:
			_ = p.send(2) // behind which nothing is left
			return
		case <-tick.C:
		}
	}
}

// send publishes the next message.
func (p *publisher) send(qos byte) error {
	p.mu.Lock()
	number := len(p.sent)
	payload := fmt.Sprintf("%s %d", p.name, number)
	p.sent = append(p.sent, payload)
	topic := fmt.Sprintf("chaos/%d", len(p.sent)%5)
	p.mu.Unlock()
	return p.c.PublishAsync(topic, []byte(payload), qos, func(err error) {
		if err == nil && qos > 0 {
			p.mu.Lock()
			p.acked = append(p.acked, payload)
			p.latest = max(p.latest, number)
			p.mu.Unlock()
		}
	})
}

// end ends the publisher without a word.
func (p *publisher) end() {
	select {
	case <-p.stop:
	default:
		close(p.stop)
	}
	p.c.Close()
	<-p.done
}

// finish publishes a last message and waits until everything is acknowledged.
func (p *publisher) finish(t *testing.T) {
	t.Helper()
	close(p.stop)
	ctx, cancel := context.WithTimeout(context.Background(), cluster.Patience)
	defer cancel()
	select {
	case <-p.done:
	case <-ctx.Done():
		t.Fatalf("%s cannot publish", p.name)
	}
	if err := p.c.Flush(ctx); err != nil {
		sent, acked := p.count()
		t.Fatalf("%s: %v; %d of %d acknowledged", p.name, err, acked, sent)
	}
}

// count returns how many messages were published, and how many of them acknowledged.
func (p *publisher) count() (sent, acked int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.sent), len(p.acked)
}

// passed tells whether a message was acknowledged that was not among the first so many.
func (p *publisher) passed(number int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.latest >= number
}

// last returns the payload published last.
func (p *publisher) last() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sent[len(p.sent)-1]
}
