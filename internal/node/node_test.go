package node_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/foxmq/foxmq/internal/event"
	"github.com/foxmq/foxmq/internal/fair"
	"github.com/foxmq/foxmq/internal/node"
	"github.com/foxmq/foxmq/internal/replica"
	"github.com/foxmq/foxmq/internal/store"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

func TestOneNode(t *testing.T) {
	c := newCluster(t, 1, nil)
	if ready, reason := c.members[0].node.Ready(); ready || reason != "starting" {
		t.Errorf("before it runs: %v, %q", ready, reason)
	}
	c.start(0)
	c.submit(0, 0, 999)
	c.awaitAgreement(1000, 0)
	c.expectTokens(0, 1000)
	if ready, reason := c.members[0].node.Ready(); !ready {
		t.Errorf("not ready: %s", reason)
	}
	eventually(t, "nothing is left to do", func() bool {
		s := c.members[0].node.Status()
		return s.Index == 1000 && s.PoolCount == 0 && s.PoolBytes == 0 && s.BacklogBytes == 0
	})
	if s := c.members[0].node.Status(); !s.Quorum || s.State != "active" {
		t.Errorf("status: %+v", s)
	}
}

// TestFourNodesOneOrder submits at every node at once: all four see the same, and each its own in order.
func TestFourNodesOneOrder(t *testing.T) {
	c := newCluster(t, 4, nil)
	c.start(0, 1, 2, 3)
	const each = 500
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() { c.submit(i, 0, each-1) })
	}
	all.Wait()
	c.awaitAgreement(4*each, 0, 1, 2, 3)
	for i := range 4 {
		c.expectTokens(i, each)
	}
	mark := func(i int) node.Mark { return c.members[i].node.Status().Stream }
	for i := range 4 {
		eventually(t, "the stream is marked to its end", func() bool { return mark(i).Index == 4*each })
		if mark(i) != mark(0) || mark(i).Hash == "" {
			t.Errorf("of one stream, node %d has the mark %+v, node 0 %+v", i, mark(i), mark(0))
		}
	}
}

// TestOneOfFourDies: the other three go on. When a second one dies, the quorum is lost, and the log names who is
// missing.
func TestOneOfFourDies(t *testing.T) {
	logs, entries := observer.New(zap.InfoLevel)
	c := newCluster(t, 4, func(i int, cfg *node.Config) {
		if i == 0 {
			cfg.Logger = zap.New(logs)
		}
	})
	c.start(0, 1, 2, 3)
	for i := range 4 {
		c.submit(i, 0, 49)
	}
	c.awaitAgreement(200, 0, 1, 2, 3)
	c.kill(3)
	for i := range 3 {
		c.submit(i, 50, 49)
	}
	c.awaitAgreement(350, 0, 1, 2)
	for i := range 3 {
		c.expectTokens(i, 100)
	}
	c.kill(2)
	eventually(t, "no quorum", func() bool { return !c.members[0].node.Quorum() })
	if !c.members[0].node.Stalled() {
		t.Error("without a quorum the stream is not stalled")
	}
	if ready, reason := c.members[0].node.Ready(); ready || reason != "no quorum" {
		t.Errorf("ready: %v, %q", ready, reason)
	}
	lost := func() []observer.LoggedEntry { return entries.FilterMessage("quorum lost").All() }
	eventually(t, "the log says so", func() bool { return len(lost()) == 1 })
	if who := fmt.Sprint(lost()[0].ContextMap()["missing_members"]); who != "[2 3]" {
		t.Errorf("missing: %s", who)
	}
}

// TestWithoutQuorumThePoolFills: what is submitted waits up to the bound and is ordered when the others come.
func TestWithoutQuorumThePoolFills(t *testing.T) {
	c := newCluster(t, 4, func(_ int, cfg *node.Config) { cfg.PoolBytes = 100 * 512 })
	c.start(0)
	n := c.members[0].node
	eventually(t, "it observes", func() bool { return n.Status().State == "observing" })
	if n.Stalled() {
		t.Error("a node that does not know yet where the stream stands says that it stands still")
	}
	withdrawn := replica.Token{PacketID: 9999}
	if err := n.TrySubmit(fair.Key{}, &replica.Connect{Connection: 1, ClientID: "gone"}, withdrawn); err != nil {
		t.Fatal(err)
	}
	connect := &replica.Connect{Connection: 2, ClientID: "stays"}
	count := 0
	var err error
	for err = n.TrySubmit(fair.Key{}, connect, replica.Token{}); err == nil; count++ {
		message := replica.Message{Topic: "t", Payload: fmt.Append(nil, count)}
		err = n.TrySubmit(fair.Key{}, &replica.Publish{Connection: 2, Message: message}, replica.Token{PacketID: uint16(count + 1)})
	}
	if !errors.Is(err, node.ErrFull) || count < 100 || count > 200 {
		t.Fatalf("after %d transactions: %v", count, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := n.Submit(ctx, fair.Key{}, connect, replica.Token{}); !errors.Is(err, context.Canceled) {
		t.Errorf("submit with a done context: %v", err)
	}
	if !n.Withdraw(fair.Key{}, withdrawn) {
		t.Error("not withdrawn")
	}
	c.start(1, 2, 3)
	c.awaitAgreement(count, 0, 1, 2, 3)
	c.expectTokens(0, count)
}

// TestStaleEventsAreSubmittedAgain cuts a node off while the others go on until its events are ancient. When it is
// back, what it had submitted takes effect everywhere, once and in order.
func TestStaleEventsAreSubmittedAgain(t *testing.T) {
	c := newCluster(t, 4, nil)
	c.start(0, 1, 2, 3)
	c.submit(3, 0, 9)
	c.awaitAgreement(10, 0, 1, 2, 3)
	for i := range 3 {
		c.disconnect(3, i)
	}
	c.submit(3, 10, 9)
	count, first := 10, 0
	before := c.members[0].node.Status().Round
	for c.members[0].node.Status().Round < before+60 {
		c.submit(0, first, 0)
		first++
		count++
		c.members[0].seen.await(t, count)
	}
	for i := range 3 {
		c.connect(3, i)
	}
	c.submit(3, 20, 9)
	c.awaitAgreement(count+20, 0, 1, 2, 3)
	c.expectTokens(3, 30)
	if c.members[3].node.Status().StaleEvents == 0 {
		t.Error("no event went stale: the test shows nothing")
	}
	c.expectTokens(0, first)
}

// TestDoRunsBetweenTransactions: a function given to Do sees the machine exactly where the consumer is.
func TestDoRunsBetweenTransactions(t *testing.T) {
	c := newCluster(t, 1, nil)
	c.start(0)
	m := c.members[0]
	var submitting sync.WaitGroup
	submitting.Go(func() { c.submit(0, 0, 4999) })
	for done := false; !done; {
		err := m.node.Do(func(machine *replica.Machine) {
			m.seen.mu.Lock()
			defer m.seen.mu.Unlock()
			if int(machine.Index()) != len(m.seen.lines) {
				t.Errorf("the machine is at %d, the consumer at %d", machine.Index(), len(m.seen.lines))
			}
			done = machine.Index() == 5000
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	submitting.Wait()
}

func TestStopped(t *testing.T) {
	c := newCluster(t, 1, nil)
	c.start(0)
	c.submit(0, 0, 0)
	c.awaitAgreement(1, 0)
	c.kill(0)
	n := c.members[0].node
	if err := n.Do(func(*replica.Machine) { t.Error("ran") }); !errors.Is(err, node.ErrStopped) {
		t.Errorf("do: %v", err)
	}
	end := &replica.End{Connection: 1}
	if err := n.Submit(context.Background(), fair.Key{}, end, replica.Token{}); !errors.Is(err, node.ErrStopped) {
		t.Errorf("submit: %v", err)
	}
	if err := n.TrySubmit(fair.Key{}, end, replica.Token{}); !errors.Is(err, node.ErrStopped) {
		t.Errorf("try to submit: %v", err)
	}
}

// TestForgedEventsAreDropped: a peer that sends events with bad signatures is told apart, and harms nobody.
func TestForgedEventsAreDropped(t *testing.T) {
	c := newCluster(t, 4, nil)
	c.start(0, 1, 2, 3)
	for range 3 {
		forged := &event.Event{Creator: 2, Seq: 1, BirthRound: 1}
		if err := forged.Seal(event.Domain{}); err != nil {
			t.Fatal(err)
		}
		if err := c.members[0].node.Message(1, &event.Message{Events: []*event.Event{forged}}); err == nil {
			t.Error("taken")
		}
	}
	c.submit(2, 0, 9)
	c.awaitAgreement(10, 0, 1, 2, 3)
	s := c.members[0].node.Status()
	if s.BadSignatures != 3 || s.Peers[0].BadSignatures != 3 || s.Peers[1].BadSignatures != 0 {
		t.Errorf("bad signatures counted: %d, %+v", s.BadSignatures, s.Peers)
	}
}

// TestMine tells the node's own connections from those of other nodes and boots.
func TestMine(t *testing.T) {
	c := newCluster(t, 1, nil)
	c.start(0)
	c.submit(0, 0, 0)
	c.awaitAgreement(1, 0)
	n := c.members[0].node
	if !n.Mine(replica.Conn{Node: 0, Incarnation: 1, Number: 1}) {
		t.Error("not its own")
	}
	if n.Mine(replica.Conn{Node: 1, Incarnation: 1}) || n.Mine(replica.Conn{Node: 0, Incarnation: 2}) {
		t.Error("takes others' for its own")
	}
}

// witnessed is a disk that remembers the ids of the events that were written to it, and fails when it is told to.
type witnessed struct {
	node.Disk
	mu   sync.Mutex
	have map[event.ID]bool // guarded by mu
	err  error             // guarded by mu
}

func witness(t testing.TB) *witnessed {
	t.Helper()
	s, err := store.Open(store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return &witnessed{Disk: s, have: map[event.ID]bool{}}
}

// Append implements node.Disk.
func (w *witnessed) Append(records []store.Record, urgent bool) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return w.err
	}
	for _, r := range records {
		e, _, err := event.Decode(r.Append(nil), event.Domain{})
		if err != nil {
			return err
		}
		w.have[e.ID()] = true
	}
	return w.Disk.Append(records, urgent)
}

func (w *witnessed) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.err = err
}

func (w *witnessed) has(e *event.Event) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.have[e.ID()]
}

// auditor is a transport that checks that every event was in the log before it left.
type auditor struct {
	node.Transport
	t   testing.TB
	log *witnessed
}

func (a *auditor) Send(to int, m *event.Message) bool {
	for _, e := range m.Events {
		if !a.log.has(e) {
			a.t.Errorf("event %v left before it was in the log", e.ID())
		}
	}
	return a.Transport.Send(to, m)
}

func TestEventsAreInTheLogBeforeTheyLeave(t *testing.T) {
	log := witness(t)
	c := newCluster(t, 4, func(i int, cfg *node.Config) {
		if i == 0 {
			cfg.Disk = log
		}
	})
	c.members[0].transport = &auditor{t: t, log: log, Transport: c.members[0].net}
	c.start(0, 1, 2, 3)
	c.submit(0, 0, 20)
	c.submit(1, 0, 20)
	c.awaitAgreement(42, 0, 1, 2, 3)
}

// TestADiskThatFails: a node that cannot write takes no part and keeps what is submitted, the others go on, and when its
// disk is well it goes on with them.
func TestADiskThatFails(t *testing.T) {
	log := witness(t)
	c := newCluster(t, 4, func(i int, cfg *node.Config) {
		if i == 0 {
			cfg.Disk = log
		}
	})
	c.start(0, 1, 2, 3)
	c.submit(0, 0, 9)
	c.awaitAgreement(10, 0, 1, 2, 3)
	log.fail(errors.New("disk on fire"))
	c.submit(0, 10, 9)
	c.submit(1, 0, 9)
	c.awaitAgreement(20, 1, 2, 3)
	n := c.members[0].node
	eventually(t, "it says so", func() bool { return n.Status().Disk == "write events: disk on fire" && !n.Quorum() })
	if ready, reason := n.Ready(); ready || reason != "disk: write events: disk on fire" {
		t.Errorf("ready %v, %q", ready, reason)
	}
	log.fail(nil)
	c.awaitAgreement(30, 0, 1, 2, 3)
	c.expectTokens(0, 20)
	eventually(t, "it is ready again", func() bool { ready, _ := n.Ready(); return ready && n.Status().Disk == "" })
}

func TestConfigIsChecked(t *testing.T) {
	var good node.Config
	newCluster(t, 2, func(i int, cfg *node.Config) { good = *cfg })
	for name, spoil := range map[string]func(*node.Config){
		"no members":    func(cfg *node.Config) { cfg.Keys = nil },
		"self too high": func(cfg *node.Config) { cfg.Self = 2 },
		"another's key": func(cfg *node.Config) { cfg.Self = 0 },
		"no key":        func(cfg *node.Config) { cfg.Key = nil },
	} {
		cfg := good
		spoil(&cfg)
		if _, err := node.New(cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
