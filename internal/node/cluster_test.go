package node_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/foxmq/foxmq/internal/event"
	"github.com/foxmq/foxmq/internal/fair"
	"github.com/foxmq/foxmq/internal/node"
	"github.com/foxmq/foxmq/internal/replica"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must come at last. No test depends on how soon it comes.
const patience = time.Minute

// cluster is a number of nodes in this process, with a network of channels between them.
type cluster struct {
	t       testing.TB
	members []*member
}

// member is a node with its consumer and its side of the network.
type member struct {
	node *node.Node
	seen *record
	net  *network
	stop func() error  // waits until the node has stopped; nil while it does not run
	done chan struct{} // closed when the node has stopped

	consumer  node.Consumer  // what the node is given instead of seen, if set
	transport node.Transport // and instead of net
}

// run runs the node until ctx is done.
func (m *member) run(ctx context.Context) error {
	consumer, transport := node.Consumer(m.seen), node.Transport(m.net)
	if m.consumer != nil {
		consumer = m.consumer
	}
	if m.transport != nil {
		transport = m.transport
	}
	return m.node.Run(ctx, transport, consumer)
}

// ended reports whether the node has stopped by itself.
func (m *member) ended() bool {
	select {
	case <-m.done:
		return true
	default:
		return false
	}
}

// newCluster makes n nodes; start starts them. Each config may be changed before.
func newCluster(t testing.TB, n int, change func(i int, cfg *node.Config)) *cluster {
	t.Helper()
	c := &cluster{t: t}
	keys, public := make([]*ecdsa.PrivateKey, n), make([]*ecdsa.PublicKey, n)
	for i := range keys {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		keys[i], public[i] = key, &key.PublicKey
	}
	for i := range keys {
		cfg := node.Config{Self: i, Keys: public, Key: keys[i]}
		if change != nil {
			change(i, &cfg)
		}
		nd, err := node.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		c.members = append(c.members, &member{node: nd, seen: newRecord()})
	}
	for i, m := range c.members {
		m.net = newNetwork(i, c.members)
	}
	t.Cleanup(func() {
		for i, m := range c.members {
			if t.Failed() {
				t.Logf("node %d: %+v", i, m.node.Status())
			}
		}
		for i := range c.members {
			c.kill(i)
		}
	})
	return c
}

// start runs the members and connects them with all that run already.
func (c *cluster) start(members ...int) {
	for _, i := range members {
		m := c.members[i]
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		m.done = done
		var err error
		go func() {
			defer close(done)
			err = m.run(ctx)
		}()
		m.stop = func() error {
			cancel()
			<-done
			return err
		}
		for j := range c.members {
			if j != i && c.members[j].stop != nil {
				c.connect(i, j)
			}
		}
	}
}

func (c *cluster) connect(i, j int) {
	c.members[i].net.open(j)
	c.members[j].net.open(i)
}

func (c *cluster) disconnect(i, j int) {
	c.members[i].net.close(j)
	c.members[j].net.close(i)
}

// kill stops a member and cuts it off. It may be dead already.
func (c *cluster) kill(i int) {
	m := c.members[i]
	if m.stop == nil {
		return
	}
	for j := range c.members {
		if j != i && c.members[j].stop != nil {
			c.disconnect(i, j)
		}
	}
	if err := m.stop(); err != nil {
		c.t.Errorf("node %d: %v", i, err)
	}
	m.stop = nil
}

// network is one member's side of the network: a queue and a goroutine for each peer that it is connected to.
type network struct {
	self    int
	members []*member

	mu    sync.Mutex
	links []*link // guarded by mu; nil where not connected
}

type link struct {
	queue chan []byte
	done  chan struct{}
}

func newNetwork(self int, members []*member) *network {
	return &network{self: self, members: members, links: make([]*link, len(members))}
}

// open starts carrying messages to the peer and tells the node.
func (n *network) open(peer int) {
	l := &link{queue: make(chan []byte, 256), done: make(chan struct{})}
	n.mu.Lock()
	n.links[peer] = l
	n.mu.Unlock()
	go func() {
		defer close(l.done)
		for b := range l.queue {
			m, err := event.DecodeMessage(b, event.Domain{})
			if err != nil {
				panic(err)
			}
			if err := n.members[peer].node.Message(n.self, m); err != nil {
				panic(err) // no member misbehaves here
			}
		}
	}()
	n.members[n.self].node.Connected(peer)
}

// close waits until what was sent has arrived.
func (n *network) close(peer int) {
	n.mu.Lock()
	l := n.links[peer]
	n.links[peer] = nil
	if l != nil {
		close(l.queue)
	}
	n.mu.Unlock()
	if l != nil {
		<-l.done
		n.members[n.self].node.Disconnected(peer)
	}
}

// Send implements node.Transport.
func (n *network) Send(to int, m *event.Message) bool {
	b := m.Append(nil)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.links[to] == nil {
		return false
	}
	select {
	case n.links[to].queue <- b:
		return true
	default:
		return false
	}
}

// Request implements node.Transport.
func (n *network) Request(ctx context.Context, peer int, request []byte) (io.ReadCloser, error) {
	n.mu.Lock()
	up := n.links[peer] != nil
	n.mu.Unlock()
	if !up {
		return nil, errors.New("not connected")
	}
	r, w := io.Pipe()
	go func() { w.CloseWithError(n.members[peer].node.Serve(ctx, n.self, request, w)) }()
	return r, nil
}

// record is a consumer that writes down what it is given.
type record struct {
	mu     sync.Mutex
	lines  []string        // guarded by mu; all that was applied, but for what was ignored
	tokens []replica.Token // guarded by mu; of own results
	grown  chan struct{}   // guarded by mu; closed when there is more
}

func newRecord() *record { return &record{grown: make(chan struct{})} }

func (*record) Restored(*replica.Machine) {}

// Applied implements node.Consumer.
func (r *record) Applied(results []replica.Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range results {
		res := &results[i]
		if res.Own {
			r.tokens = append(r.tokens, res.Token)
		}
		if res.Outcome == replica.Ignored {
			continue
		}
		line := fmt.Sprintf("%d@%d %d#%d %d", res.Index, res.Time, res.Node, res.Header.Number, res.Outcome)
		for _, e := range res.Effects {
			line += fmt.Sprintf(" %d %v %s", e.Kind, e.Conn, e.ClientID)
			if e.Message != nil {
				line += fmt.Sprintf(" %s=%s", e.Message.Topic, e.Message.Payload)
			}
		}
		r.lines = append(r.lines, line)
	}
	close(r.grown)
	r.grown = make(chan struct{})
}

// await waits until at least that many transactions have taken their numbers, and returns what was written down.
func (r *record) await(t testing.TB, count int) []string {
	t.Helper()
	deadline := time.After(patience)
	for {
		r.mu.Lock()
		lines, grown := r.lines, r.grown
		r.mu.Unlock()
		if len(lines) >= count {
			return lines
		}
		select {
		case <-grown:
		case <-deadline:
			t.Fatalf("%d of %d transactions applied", len(lines), count)
		}
	}
}

// own returns the tokens of the own results so far.
func (r *record) own() []replica.Token {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tokens
}

// submit connects a client at the member and publishes count messages in its name: count+1 transactions, with the
// tokens first, first+1, …
func (c *cluster) submit(i, first, count int) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	connection := uint64(first + 1)
	commands := []replica.Command{&replica.Connect{Connection: connection, ClientID: fmt.Sprintf("c%d-%d", i, first)}}
	for k := range count {
		commands = append(commands, &replica.Publish{Connection: connection, Message: replica.Message{
			Topic: fmt.Sprintf("from/%d", i), Payload: fmt.Append(nil, first+k+1),
		}})
	}
	for k, cmd := range commands {
		if err := c.members[i].node.Submit(ctx, fair.Key{}, cmd, replica.Token{PacketID: uint16(first + k)}); err != nil {
			c.t.Errorf("submit at node %d: %v", i, err)
			return
		}
	}
}

// awaitAgreement waits until the members have each seen count transactions, and checks that they saw the same.
func (c *cluster) awaitAgreement(count int, members ...int) {
	c.t.Helper()
	want := c.members[members[0]].seen.await(c.t, count)
	for _, i := range members[1:] {
		got := c.members[i].seen.await(c.t, count)
		for k := range min(len(got), len(want)) {
			if got[k] != want[k] {
				c.t.Fatalf("nodes %d and %d differ at %d:\n%s\n%s", members[0], i, k, want[k], got[k])
			}
		}
	}
}

// expectTokens checks that the member's own transactions have all come back, each once and in order.
func (c *cluster) expectTokens(i, count int) {
	c.t.Helper()
	tokens := c.members[i].seen.own()
	if len(tokens) != count {
		c.t.Errorf("node %d: %d of its own transactions came back, want %d", i, len(tokens), count)
	}
	for k, token := range tokens {
		if int(token.PacketID) != k {
			c.t.Fatalf("node %d: token %d came back in place of %d", i, token.PacketID, k)
		}
	}
}

// eventually waits until the condition holds.
func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}
