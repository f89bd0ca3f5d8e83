package roam

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/foxmq/foxmq/internal/mqtt"
	"github.com/foxmq/foxmq/test/chaos/verdict"
)

// Config says what a client is like.
type Config struct {
	Name    string // client identifier
	World   *World
	Load    Load
	Version mqtt.Version
	Seed    uint64
	Hop     time.Duration // mean time until it leaves a node by itself; 0: it does not
	Home    int           // the node that it connects to first
}

// retryAfter is how long a client waits before it tries another node.
const retryAfter = 100 * time.Millisecond

// sessionExpiry is how long sessions last without a connection, in seconds.
const sessionExpiry = 24 * 3600

// roamer is what publishers and subscribers have in common.
type roamer struct {
	cfg  Config
	rng  *rand.Rand
	node int       // the one to connect to next
	hop  time.Time // when to leave; zero: not by itself

	mu         sync.Mutex
	conns      []verdict.Conn // guarded by mu
	complaints []string       // guarded by mu
	goodbyes   map[string]int // refused CONNECTs and DISCONNECTs by reason; guarded by mu
}

func newRoamer(cfg Config) roamer {
	return roamer{cfg: cfg, rng: rand.New(rand.NewPCG(cfg.Seed, 0)), node: cfg.Home, goodbyes: map[string]int{}}
}

// run connects again and again and lets serve do its work, until that says that it is done or ctx ends.
func (c *roamer) run(ctx context.Context, serve func(ctx context.Context, l *link) (done bool)) {
	for ctx.Err() == nil {
		l := c.connect()
		if l != nil {
			done := serve(ctx, l)
			l.close()
			if done {
				return
			}
		}
		c.node = c.rng.IntN(len(c.cfg.World.addrs))
		select {
		case <-ctx.Done():
		case <-time.After(retryAfter):
		}
	}
}

// connect connects to c.node, and returns nil if that fails.
func (c *roamer) connect() *link {
	boot := c.cfg.World.boot(c.node)
	p := &mqtt.Connect{Version: c.cfg.Version, ClientID: c.cfg.Name, ReceiveMaximum: uint16(8 + c.rng.IntN(200))}
	if p.Version == mqtt.V5 {
		p.SessionExpiry = sessionExpiry
	}
	l, ack, err := open(c.cfg.World.addrs[c.node], p)
	if err != nil {
		return nil
	}
	if ack.Code != mqtt.Success {
		c.refused(ack.Code)
		l.close()
		return nil
	}
	if c.cfg.World.boot(c.node) != boot {
		l.close() // nobody knows which process this is
		return nil
	}
	c.connected(ack, boot)
	return l
}

func (c *roamer) refused(code mqtt.ReasonCode) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.goodbyes["CONNECT: "+code.String()]++
	if code != mqtt.ServerUnavailable && code != mqtt.ServerBusy && code != mqtt.ServerShuttingDown {
		c.complain("CONNECT to node %d is refused: %s", c.node, code)
	}
}

func (c *roamer) connected(ack *mqtt.Connack, boot int) {
	if c.cfg.Hop > 0 {
		c.hop = time.Now().Add(time.Duration(c.rng.ExpFloat64() * float64(c.cfg.Hop)))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.conns) > 0 && !ack.SessionPresent {
		c.complain("node %d does not know the session", c.node)
	}
	c.conns = append(c.conns, verdict.Conn{Node: c.node, Boot: boot})
}

// complain writes down what must not happen; mu is held.
func (c *roamer) complain(format string, args ...any) {
	c.complaints = append(c.complaints, fmt.Sprintf(format, args...))
}

func (c *roamer) complainNow(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.complain(format, args...)
}

// goodbye takes in a DISCONNECT. A node says so when it stops, when it comes back and finds that its clients were given
// up, and when the client has connected elsewhere.
func (c *roamer) goodbye(p *mqtt.Disconnect) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.goodbyes["DISCONNECT: "+p.Code.String()]++
	switch p.Code {
	case mqtt.ServerShuttingDown, mqtt.SessionTakenOver, mqtt.ServerUnavailable, mqtt.ServerBusy:
	default:
		c.complain("node %d says %s", c.node, p.Code)
	}
}

// leaves tells whether the client is to leave the node now, of itself or since nothing comes from it. Of itself it now
// and then says so.
func (c *roamer) leaves(l *link) bool {
	now := time.Now()
	if !l.alive(now) {
		return true
	}
	if c.hop.IsZero() || now.Before(c.hop) {
		return false
	}
	if c.rng.IntN(3) == 0 {
		_ = l.send(&mqtt.Disconnect{})
	}
	return true
}

// Conns returns how often the client has connected.
func (c *roamer) Conns() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.conns)
}

// Goodbyes returns how often nodes refused or ended a connection, by reason.
func (c *roamer) Goodbyes() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := map[string]int{}
	for reason, n := range c.goodbyes {
		all[reason] = n
	}
	return all
}
