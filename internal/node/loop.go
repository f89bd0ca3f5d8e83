package node

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/foxmq/foxmq/internal/consensus"
	"github.com/foxmq/foxmq/internal/consensus/driver"
	"github.com/foxmq/foxmq/internal/event"
	"github.com/foxmq/foxmq/internal/fair"
	"github.com/foxmq/foxmq/internal/replica"
	"github.com/foxmq/foxmq/internal/store"
)

// loop is the goroutine that owns the driver. It sleeps until something happened, looks at everything that
// happened, and then lets the driver act once on all of it.
type loop struct {
	node      *Node
	transport Transport
	driver    *driver.Driver
	timer     *time.Timer
	due       int64          // when the timer fires; 0: it is not set
	newest    uint64         // sequence number of the newest own event
	ticked    int64          // when the last replica.Tick was submitted
	absences  absences       // of peers that may be dead
	flown     uint64         // what newest was when the pool's transactions were last made to fly again
	records   []store.Record // the events that are written
	logged    int            // bytes written since the last checkpoint
	segment   uint64         // of the log, begun for the checkpoint that Ready lists; 0: none
	stuck     bool           // what Ready lists cannot be written
	silent    bool           // what was to be sent was not, because records are fetched
	orphans   bool           // the machine has connections of an earlier boot of this node
	failed    bool           // it has been logged that ordering has stopped

	checkpointed int64  // when the last checkpoint was asked for
	joined       bool   // a peer was connected in this turn
	lost         bool   // what was last logged of being lost
	quorum       bool   // what was last logged of the quorum
	forked       []bool // by member: what was logged of its forks
}

func newLoop(n *Node, t Transport) *loop {
	l := &loop{node: n, transport: t, timer: time.NewTimer(time.Hour), forked: make([]bool, len(n.peers))}
	l.timer.Stop()
	l.absences = absences{timeout: int64(n.cfg.NodeTimeout), since: make([]int64, len(n.cfg.Keys))}
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
		Unsure:  n.cfg.Disk != nil && n.cfg.Disk.Recovered().Unsure,
		Sign:    func(e *event.Event) error { return e.Sign(n.cfg.Key) },
		Coin:    coin,
		Engine:  consensus.Config{SnapshotEvery: snapshotEvery},
		Policy:  n.cfg.Policy,
		Limits:  n.cfg.Limits,
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
	l.makeUp(now)
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
	l.orphans = l.node.pool.TrySubmit(fair.Key{}, &replica.Tick{}, replica.Token{}) != nil
}

func (l *loop) open(peer int, m mail, now int64) {
	switch box := l.node.peers[peer]; {
	case m.message != nil:
		l.receive(peer, m, now)
	case m.connected && !box.connected:
		box.connected, l.joined = true, true
		l.node.connected.Add(1)
		l.driver.Connected(peer, now)
		l.node.tellVotes(peer)
	case !m.connected && box.connected:
		box.connected = false
		l.node.connected.Add(-1)
		l.driver.Disconnected(peer)
	}
}

// receive tells the driver of a message, and has the peer's throttle take note of what that costs in vain.
func (l *loop) receive(peer int, m mail, now int64) {
	start := l.node.cfg.Now()
	handed, again := l.driver.Handed(peer)
	dropped := l.driver.Dropped()
	l.driver.Receive(peer, m.message, now)
	nowHanded, nowAgain := l.driver.Handed(peer)
	cost := handCost*int64(nowHanded-handed) + (againCost-handCost)*int64(nowAgain-again)
	cost += verifyCost * int64(min(l.driver.Dropped()-dropped, uint64(m.fresh)))
	if msg := m.message; len(msg.Events) == 0 || len(msg.Want) > 0 || len(msg.Tips) > 0 || msg.Boot || msg.Answer {
		cost += min(l.node.cfg.Now()-start, mostAsked)
	}
	l.node.peers[peer].throttle.asked.Add(cost)
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
	l.starve()
	for _, peer := range lost {
		l.repeat(peer, l.node.cfg.Now())
	}
	l.show()
	l.suspect(l.node.cfg.Now())
}

// starve tells the pool when the applier has nothing to do, and what flies is not on its way to it: then it is among the
// peers, or waits for a slow disk.
func (l *loop) starve() {
	if l.node.backlog.Bytes() == 0 {
		l.node.pool.Starved()
	}
}

// send hands messages to the transport and returns the peers to which one was lost. While a lost node fetches a
// checkpoint, or reads the log of a peer, it says nothing.
func (l *loop) send(messages []driver.Send) (lost []int) {
	if l.mute() {
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

// makeUp makes up for what was lost outside of send.
func (l *loop) makeUp(now int64) {
	for peer, box := range l.node.peers {
		if box.dropped.Swap(false) && box.connected {
			l.repeat(peer, now)
		}
	}
}

// repeat says again what matters to a peer to which messages were lost.
func (l *loop) repeat(peer int, now int64) {
	l.driver.Lost(peer, now)
	l.node.tellVotes(peer)
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
