package node

import (
	"context"
	"crypto/rand"
	"fmt"
	"runtime"
	"time"

	"github.com/foxmq/foxmq/internal/consensus"
	"github.com/foxmq/foxmq/internal/consensus/driver"
	"github.com/foxmq/foxmq/internal/event"
	"github.com/foxmq/foxmq/internal/replica"
	"go.uber.org/zap"
)

// loop is the goroutine that owns the driver. It sleeps until something happened, looks at everything that
// happened, and then lets the driver act once on all of it.
type loop struct {
	node      *Node
	transport Transport
	driver    *driver.Driver
	timer     *time.Timer
	due       int64    // when the timer fires; 0: it is not set
	newest    uint64   // sequence number of the newest own event
	ticked    int64    // when the last replica.Tick was submitted
	flown     uint64   // what newest was when the pool's transactions were last made to fly again
	buffer    []byte   // the events that are written, one behind the other
	ends      []int    // where each of them ends
	records   [][]byte // and each by itself
	logged    int      // bytes written since the last checkpoint
	segment   uint64   // of the log, begun for the checkpoint that Ready lists; 0: none
	stuck     bool     // what Ready lists cannot be written
	silent    bool     // what was to be sent was not, because records are fetched
	orphans   bool     // the machine has connections of an earlier boot of this node
	failed    bool     // it has been logged that ordering has stopped

	checkpointed int64 // when the last checkpoint was asked for
	lost         bool  // what was last logged of being lost
	quorum       bool  // what was last logged of the quorum
}

func newLoop(n *Node, t Transport) *loop {
	l := &loop{node: n, transport: t, timer: time.NewTimer(time.Hour)}
	l.timer.Stop()
	l.driver = driver.New(l.config())
	return l
}

func (l *loop) config() driver.Config {
	n := l.node
	return driver.Config{
		Members: len(n.cfg.Keys),
		Self:    n.cfg.Self,
		Domain:  n.cfg.Domain,
		Source:  source{n},
		Sign:    func(e *event.Event) error { return e.Sign(n.cfg.Key) },
		Coin:    coin,
		Engine:  consensus.Config{SnapshotEvery: snapshotEvery},
		Policy:  n.cfg.Policy,
	}
}

// coin draws the byte that an own event contributes to coin rounds.
func coin() byte {
	var b [1]byte
	rand.Read(b[:]) // never fails
	return b[0]
}

func (l *loop) run(ctx context.Context) error {
	defer l.timer.Stop()
	if err := l.pace(); err != nil {
		return err
	}
	for ctx.Err() == nil {
		if !l.stuck {
			l.hear()
		}
		l.act()
		if l.sleep(ctx) {
			return ErrInstalled
		}
	}
	return nil
}

// hear tells the driver what happened since the last turn.
func (l *loop) hear() {
	now := l.node.cfg.Now()
	l.tick(now)
	l.announce()
	l.speak(now)
	if l.node.backlog.Bytes() < hardBacklog {
		for peer, box := range l.node.peers {
			for range len(box.mail) {
				l.open(peer, <-box.mail, now)
			}
		}
	}
	if l.node.backlog.Bytes() < softBacklog && l.node.pool.News() {
		l.driver.Submitted(now)
	}
	if next := l.driver.NextTick(); next != 0 && next <= now {
		l.driver.Tick(now)
	}
}

// announce submits a transaction as soon as the node may create events, if connections of an earlier boot are still
// there: the first one of a new boot ends them.
func (l *loop) announce() {
	p := l.node.picture.Load()
	if !l.orphans || p == nil || p.State != driver.Active {
		return
	}
	l.orphans = l.node.pool.TrySubmit(&replica.Tick{}, replica.Token{}) != nil
}

func (l *loop) open(peer int, m mail, now int64) {
	switch box := l.node.peers[peer]; {
	case m.message != nil:
		l.driver.Receive(peer, m.message, now)
	case m.connected && !box.connected:
		box.connected = true
		l.node.connected.Add(1)
		l.driver.Connected(peer, now)
		l.node.tellVotes(peer)
	case !m.connected && box.connected:
		box.connected = false
		l.node.connected.Add(-1)
		l.driver.Disconnected(peer)
	}
}

// act does what the driver wants done, unless that cannot be written down first. Then nothing is done, as if the node
// were gone, until it can.
func (l *loop) act() {
	r := l.driver.Ready()
	err := l.persist(&r)
	l.showDisk(err)
	if l.stuck = err != nil; l.stuck {
		return
	}
	lost := l.send(r.Send)
	l.node.backlog.put(stages(&r, l.segment))
	l.segment = 0
	l.again(r.Stale)
	l.driver.Advance()
	for _, peer := range lost {
		l.driver.Lost(peer, l.node.cfg.Now())
	}
	l.show()
}

// send hands messages to the transport and returns the peers to which one was lost. While a lost node fetches a
// checkpoint, it says nothing.
func (l *loop) send(messages []driver.Send) (lost []int) {
	if l.node.fetching.Load() && l.driver.State() == driver.Lost {
		l.silent = true
		return nil
	}
	for _, s := range messages {
		if !l.transport.Send(s.To, s.Message) {
			lost = append(lost, s.To)
		}
	}
	return lost
}

// speak begins anew with every peer when the fetching has come to nothing.
func (l *loop) speak(now int64) {
	if !l.silent || l.node.fetching.Load() {
		return
	}
	l.silent = false
	for peer, box := range l.node.peers {
		if box.connected {
			l.driver.Lost(peer, now)
		}
	}
}

// persist writes what Ready lists to the log, in a new segment if a checkpoint is due.
func (l *loop) persist(r *driver.Ready) error {
	if why := l.node.unkept.Load(); why != nil && l.logged >= unkeptBytes {
		return fmt.Errorf("the log has become too long: %w", *why)
	}
	if l.segment == 0 {
		var err error
		if l.segment, err = l.rotate(r); err != nil {
			return err
		}
	}
	if err := l.write(r.Persist); err != nil {
		return err
	}
	for _, e := range r.Persist {
		l.node.note(e)
		if e.Creator == l.node.cfg.Self {
			l.newest = max(l.newest, e.Seq)
		}
	}
	return nil
}

// write appends the events to the log. Own events are urgent, for nobody else has them, and with them all that came
// before, what they refer to among it. What was learned since then can be lost: it is as if it had not come yet. It may
// have decided rounds, which the peers' events decide again, and alike; and what these rounds contain had to reach a
// supermajority's own events first.
func (l *loop) write(events []*event.Event) error {
	if l.node.cfg.Disk == nil || len(events) == 0 {
		return nil
	}
	l.buffer, l.ends = l.buffer[:0], l.ends[:0]
	urgent := false
	for _, e := range events {
		urgent = urgent || e.Creator == l.node.cfg.Self
		l.buffer = e.Append(l.buffer)
		l.ends = append(l.ends, len(l.buffer))
	}
	l.records = l.records[:0]
	start := 0
	for _, end := range l.ends {
		l.records = append(l.records, l.buffer[start:end])
		start = end
	}
	if err := l.node.cfg.Disk.Append(l.records, urgent); err != nil {
		return fmt.Errorf("write events: %w", err)
	}
	l.logged += len(l.buffer)
	if cap(l.buffer) > keptBuffer {
		l.buffer = nil
	}
	return nil
}

// keptBuffer is the largest buffer for writing that is kept for the next time, in bytes.
const keptBuffer = 4 << 20

// retryDisk is after how long what could not be written is tried again, in ns.
const retryDisk = int64(250 * time.Millisecond)

// showDisk publishes whether the disk takes what is written, and logs when that changes.
func (l *loop) showDisk(err error) {
	switch {
	case err != nil && !l.stuck:
		l.node.cfg.Logger.Error("the disk does not take what must be written; this node takes no part until it does",
			zap.Error(err))
		reason := err.Error()
		l.node.disk.Store(&reason)
	case err == nil && l.stuck:
		l.node.cfg.Logger.Info("the disk takes what is written again")
		l.node.disk.Store(nil)
	}
}

// again makes the transactions of stale events fly again, and with them all later ones: the machine ignores those
// until the stale ones are applied. Events made before the last time need not: what they carried flies already.
func (l *loop) again(stale []*event.Event) {
	l.node.stale.Add(uint64(len(stale)))
	if len(stale) == 0 || stale[len(stale)-1].Seq <= l.flown {
		return
	}
	l.node.pool.Again()
	l.flown = l.newest
	l.node.wake()
}

// show publishes how the driver is doing, and logs what whoever runs the node should know.
func (l *loop) show() {
	s := l.driver.Status()
	l.node.picture.Store(&s)
	if s.Err != nil && !l.failed {
		l.failed = true
		l.node.cfg.Logger.Error("ordering has stopped for good", zap.Error(s.Err))
	}
	l.showLost(s.State == driver.Lost)
	quorum := l.node.Quorum()
	switch {
	case quorum && !l.quorum:
		l.node.cfg.Logger.Info("quorum reached", zap.Ints("missing_members", l.missing()))
	case !quorum && l.quorum:
		l.node.cfg.Logger.Warn("quorum lost", zap.Ints("missing_members", l.missing()))
	}
	l.quorum = quorum
}

// showLost logs that the node is lost, and that it is no longer.
func (l *loop) showLost(lost bool) {
	switch {
	case lost && !l.lost:
		l.node.cfg.Logger.Warn("no peer hands out the events that this node missed; it looks for a checkpoint",
			zap.Ints("missing_members", l.missing()))
	case !lost && l.lost:
		l.node.cfg.Logger.Info("peers hand out again what this node missed")
	}
	l.lost = lost
	if lost {
		select {
		case l.node.strays <- struct{}{}:
		default:
		}
	}
}

// missing returns the members that are not connected.
func (l *loop) missing() []int {
	members := []int{}
	for i, box := range l.node.peers {
		if i != l.node.cfg.Self && !box.connected {
			members = append(members, i)
		}
	}
	return members
}

// sleep waits until something happens or something is due. It reports whether a checkpoint has taken the place of all
// that this loop works on.
func (l *loop) sleep(ctx context.Context) (installed bool) {
	l.arm()
	select {
	case <-ctx.Done():
	case <-l.node.wakes:
	case i := <-l.node.installs:
		return l.install(i)
	case <-l.timer.C:
		l.due = 0
	}
	return false
}

// arm sets the timer to the driver's next tick or the machine's, if it is not set so already.
func (l *loop) arm() {
	next := l.driver.NextTick()
	if l.stuck {
		next = l.node.cfg.Now() + retryDisk
	}
	if at := l.nextTick(); !l.stuck && (next == 0 || at != 0 && at < next) {
		next = at
	}
	if next == l.due {
		return
	}
	l.due = next
	if next == 0 {
		l.timer.Stop()
		return
	}
	l.timer.Reset(time.Duration(max(0, next-l.node.cfg.Now())))
}

// extraShare is the part of this machine's time, one in so many, that may go into verifying the events that move no
// round. Where nodes share a machine, as they do to try things out, each of them takes its part, and more of such
// events would only delay those that matter.
const extraShare = 50

// pace measures how long this machine takes to verify an event and tells the driver how far apart the events must be
// that move no round, if all members make them alike.
func (l *loop) pace() error {
	e := &event.Event{Creator: l.node.cfg.Self, Seq: 1, BirthRound: 1}
	if err := e.Seal(l.node.cfg.Domain); err != nil {
		return fmt.Errorf("measure the pace: %w", err)
	}
	if err := e.Sign(l.node.cfg.Key); err != nil {
		return fmt.Errorf("measure the pace: %w", err)
	}
	fastest := time.Hour
	for range 8 {
		start := time.Now()
		e.Verify(&l.node.cfg.Key.PublicKey)
		fastest = min(fastest, time.Since(start))
	}
	others := len(l.node.cfg.Keys) - 1
	l.driver.SetPace(extraShare * int64(fastest) * int64(others) / int64(runtime.GOMAXPROCS(0)))
	return nil
}

// source is the pool as the driver sees it: empty while the applier lags behind.
type source struct{ node *Node }

// Waiting implements driver.Source.
func (s source) Waiting() bool {
	return s.node.backlog.Bytes() < softBacklog && s.node.pool.Waiting()
}

// Fill implements driver.Source.
func (s source) Fill(dst []byte, incarnation uint64, limit int) []byte {
	if s.node.backlog.Bytes() >= softBacklog {
		return dst
	}
	return s.node.pool.Fill(dst, incarnation, limit)
}
