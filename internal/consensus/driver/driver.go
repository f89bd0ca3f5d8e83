// Package driver stands between the consensus engine and the world: it takes in what peers send, keeps what the
// engine cannot use yet, decides when this node creates an event, and says what to write and what to send to whom.
//
// It does no I/O, starts no goroutine, reads no clock and draws no randomness; time comes in as an argument and
// everything that must happen comes out of [Driver.Ready]. So one and the same driver runs over QUIC in the daemon
// and under the simulator. Its user's life is a loop:
//
//	d.Receive(...) or d.Tick(...) or d.Submitted(...) or d.Connected(...)   // any number of them
//	r := d.Ready()
//	write r.Persist                      // before anything else of r leaves
//	send r.Send; apply r.Ordered, then submit again what r.Stale lost
//	d.Advance()
//	set a timer to d.NextTick()
//
// A node that wrote down what it took in begins as follows. Snapshots are for keeping the log short: one of those in
// r.Snapshots stands for all that was written before r.Persist, so a new log that begins with r.Persist leads on from
// it. One that comes while a log is replayed is of no use for that: the rest of that log is still to be read.
//
//	d := New(...) or Restore(..., snapshot, ...)
//	for each piece of the log: d.Replay(...); r := d.Ready(); apply r.Ordered; d.Advance()
//
// A node whose disk was lost, and one whose State is Lost, takes a snapshot of a peer's, whose Anchor a supermajority
// has signed: decode, Adopt, verify the signatures, AddLast of its Own event. It writes that down, and restores from it
// with an empty log. In any case the node observes first: the peers know which own event was the last, whatever the
// disk says.
//
// Times are nanoseconds since 1970 by this node's clock. A clock that steps backwards is borne: what was waiting
// goes on waiting for as long as it still had to.
//
// # Concurrency
//
// A Driver belongs to one goroutine.
package driver

import (
	"cmp"
	"math"

	"github.com/foxmq/foxmq/internal/consensus"
	"github.com/foxmq/foxmq/internal/event"
)

// Config is what a driver needs to know. Members, Self, Domain and Source must be set.
type Config struct {
	Members int          // nodes in the address book, 1 to event.MaxMembers
	Self    int          // this node's index in the address book
	Domain  event.Domain // of the address book
	Source  Source       // of the payload of own events

	// Unsure says that what was replayed may lack own events that were sent: the machine has lost power before they were
	// synced. If more members than may be faulty have lost theirs, n−f need not know which number to go on from, and
	// those who knew would see forks by more than may fork. So such a node waits a while for all members to tell it.
	Unsure bool
	// Sign signs a sealed own event; nil leaves it unsigned. After an error the event is not made, and the driver
	// tries again with the next Tick.
	Sign func(*event.Event) error
	// Coin draws the coin byte of an own event; nil draws 0. It should be unpredictable.
	Coin func() byte

	Engine   consensus.Config // Members is filled in
	Policy   Policy
	Limits   Limits
	Mutation Mutation
}

// Source holds the transactions of this node that wait to go into an event. The driver calls it from within its
// own methods.
type Source interface {
	// Waiting tells whether a transaction waits.
	Waiting() bool
	// Fill appends waiting transactions to the payload dst with event.AppendTransaction and returns it. It keeps
	// the payload within limit bytes, except that one transaction alone may be larger, up to event.MaxPayload.
	// What it appended is on its way: it is either ordered or comes back in Ready.Stale. Incarnation is the
	// sequence number of this node's first event after its boot, the same in every call.
	Fill(dst []byte, incarnation uint64, limit int) []byte
}

// Policy says when own events are created; see docs/consensus.md. A zero field means its default.
type Policy struct {
	// MinInterval and MaxInterval bound, in ns, the time that passes before an event that advances neither the
	// round nor its echo follows the last one. Between them it is 0.45 times the measured one-way delay.
	// Defaults 500 µs and 40 ms.
	MinInterval, MaxInterval int64
	// MaxBreath bounds, in ns, half of the time that passes before an own event of any kind follows the last but
	// one. Up to it that half is a twelfth of the delay to the slowest connected peer, which could not follow
	// otherwise; default 40 ms.
	MaxBreath int64
	// MaxPayload is the payload limit handed to the Source, in bytes; default 1 MiB.
	MaxPayload int
	// MaxUnechoed is how many own events may follow the last one that a supermajority has echoed; default 4.
	MaxUnechoed int
	// BusyTips and IdleTips are the ns between two exchanges of tips with a peer while there is news and while
	// there is none; defaults 500 ms and 2 s. Each member's exchanges are spread by its index.
	BusyTips, IdleTips int64
	// Reunion is for how many ns a node that is Unsure waits for all members when it could start; default 10 s.
	Reunion int64
}

// Limits bounds what a driver holds and what it says at once. A zero field means its default.
type Limits struct {
	// WaitingEvents and WaitingBytes bound, per sending peer, the events that wait for a parent or for a future
	// round; defaults 4,096 and 64 MiB. Beyond them those of the farthest future are forgotten.
	WaitingEvents, WaitingBytes int
	// Branches is how many branches of one creator's chain are taken in before other events refer to one;
	// default 4.
	Branches int
	// CreatorEvents bounds the events of one creator that are not ancient, but for what other events refer to;
	// default 4,096.
	CreatorEvents int
	// KeptEvents and KeptBytes bound the ancient events kept for peers that lag; defaults 65,536 and 64 MiB.
	KeptEvents, KeptBytes int
	// MessageEvents and MessageBytes bound the events of one message, but for one event that alone is larger;
	// defaults 512 and 2 MiB.
	MessageEvents, MessageBytes int
}

// Ready is what has to be done. Its slices are the driver's and valid until Advance.
type Ready struct {
	// Persist lists events newly taken in and newly created, parents first. They must be written before Send is
	// sent and before Ordered is acted on.
	Persist []*event.Event
	// Send lists messages in the order in which they must leave. A message that cannot be sent is simply lost; if
	// a whole queue of messages was lost, tell Lost.
	Send []Send
	// Ordered lists newly decided rounds, without their snapshots.
	Ordered []consensus.Round
	// Snapshots has one for each round of Ordered whose number is a multiple of Config.Engine.SnapshotEvery: the
	// driver's as of that round, whatever else was decided or taken in since. A log that begins with all of this Persist leads on
	// from each of them, though some of these events are in it already.
	Snapshots []Snapshot
	// Stale lists own events of this incarnation that will never be ordered, by ascending sequence number. When
	// Ordered has been applied, the user submits again from its first unapplied number on. No own event is created
	// before Advance.
	Stale []*event.Event
}

// Send is one message to one peer.
type Send struct {
	To      int
	Message *event.Message // immutable
}

// defaults of Policy and Limits.
const (
	defaultMinInterval   = 500e3
	defaultMaxInterval   = 40e6
	defaultMaxBreath     = 40e6
	defaultMaxPayload    = 1 << 20
	defaultMaxUnechoed   = 4
	defaultBusyTips      = 500e6
	defaultIdleTips      = 2e9
	defaultReunion       = 10e9
	defaultWaitingEvents = 4096
	defaultWaitingBytes  = 64 << 20
	defaultBranches      = 4
	defaultCreatorEvents = 4096
	defaultKeptEvents    = 65536
	defaultKeptBytes     = 64 << 20
	defaultMessageEvents = 512
	defaultMessageBytes  = 2 << 20
)

// withDefaults returns the policy with its zero fields filled in.
func (p Policy) withDefaults() Policy {
	p.MinInterval = cmp.Or(p.MinInterval, defaultMinInterval)
	p.MaxInterval = cmp.Or(p.MaxInterval, defaultMaxInterval)
	p.MaxBreath = cmp.Or(p.MaxBreath, defaultMaxBreath)
	p.MaxPayload = cmp.Or(p.MaxPayload, defaultMaxPayload)
	p.MaxUnechoed = cmp.Or(p.MaxUnechoed, defaultMaxUnechoed)
	p.BusyTips = cmp.Or(p.BusyTips, defaultBusyTips)
	p.IdleTips = cmp.Or(p.IdleTips, defaultIdleTips)
	p.Reunion = cmp.Or(p.Reunion, defaultReunion)
	return p
}

// withDefaults returns the limits with their zero fields filled in.
func (l Limits) withDefaults() Limits {
	l.WaitingEvents = cmp.Or(l.WaitingEvents, defaultWaitingEvents)
	l.WaitingBytes = cmp.Or(l.WaitingBytes, defaultWaitingBytes)
	l.Branches = cmp.Or(l.Branches, defaultBranches)
	l.CreatorEvents = cmp.Or(l.CreatorEvents, defaultCreatorEvents)
	l.KeptEvents = cmp.Or(l.KeptEvents, defaultKeptEvents)
	l.KeptBytes = cmp.Or(l.KeptBytes, defaultKeptBytes)
	l.MessageEvents = min(cmp.Or(l.MessageEvents, defaultMessageEvents), event.MaxMessageEvents)
	l.MessageBytes = cmp.Or(l.MessageBytes, defaultMessageBytes)
	return l
}

// margin is for how many decided rounds a missing parent must have been ancient before own events build on its
// child. Where another creator's event lies in between, which had the same margin to keep, half of it will do: nodes
// decide a round at different times, and if all kept the same margin, each could wait for the next.
const margin = 4

// never is a time that does not come.
const never = math.MaxInt64

// Driver is the state machine that the package comment describes.
type Driver struct {
	cfg    Config
	policy Policy
	limits Limits
	self   int
	faults int // how many members may be Byzantine
	quorum int // a supermajority
	engine *consensus.Engine

	wall int64 // what the user last said the time is
	time int64 // the driver's own time in ns, which never steps back

	peers      []peer // by member; this node's own is not used
	window     *window
	waiting    *waiting
	arrivals   []arrival // to be taken in now
	sweep      bool      // a round was decided: what waits has to be gone through
	expired    *recentIDs
	wants      wants
	ahead      []uint64       // by creator: the highest birth round that any of its events bore
	decidedAt  int64          // when a round was last decided, in the driver's own time
	doubted    int64          // the decidedAt after which what was refused was last asked for afresh
	behindAt   int64          // since when it has been behind, in the driver's own time; 0 if it is not
	wary       bool           // it has been for a while without a decided round
	thresholds [margin]uint64 // below which events were ancient after the latest decided rounds, the oldest first
	idleAt     int64          // when there was no work last, in the driver's own time
	changes    uint64         // counts the events taken in
	visit      uint64         // counts the walks through the window
	dropped    uint64

	creator creator
	boot    boot
	ready   Ready
}

// New returns a driver that observes: it creates no event before enough peers have told it its own last one.
// With one member it starts with the first call.
func New(cfg Config) *Driver {
	cfg.Engine.Members = cfg.Members
	return newDriver(cfg, consensus.New(cfg.Engine))
}

func newDriver(cfg Config, engine *consensus.Engine) *Driver {
	d := &Driver{
		cfg:     cfg,
		policy:  cfg.Policy.withDefaults(),
		limits:  cfg.Limits.withDefaults(),
		self:    cfg.Self,
		faults:  faulty(cfg.Members),
		quorum:  cfg.Members*2/3 + 1,
		engine:  engine,
		peers:   make([]peer, cfg.Members),
		expired: newRecentIDs(),
		wants:   wants{byID: make(map[event.ID]*want), due: never},
		ahead:   make([]uint64, cfg.Members),
	}
	d.window = newWindow(cfg.Members, &d.limits)
	d.waiting = newWaiting(cfg.Members, &d.limits)
	d.creator = creator{seen: make([]*vertex, cfg.Members), last: math.MinInt64 / 2}
	for i := range d.peers {
		d.peers[i].delay = firstDelay
	}
	for i := range d.thresholds {
		d.thresholds[i] = d.window.ancient
	}
	d.setIntervals()
	return d
}

// faulty returns how many of so many members may be Byzantine.
func faulty(members int) int { return (members - 1) / 3 }

// enter notes the time at which the user calls.
func (d *Driver) enter(now int64) {
	d.time += max(0, now-d.wall)
	d.wall = now
	if d.window.unorderedEvents == 0 {
		d.idleAt = d.time
	}
}

// Connected says that messages can be sent to the peer from now on.
func (d *Driver) Connected(peer int, now int64) {
	d.enter(now)
	d.peers[peer].connected = true
	d.setIntervals()
	d.window.unmark(peer, false)
	d.listen(peer)
	d.askAfresh(peer)
	d.tellTips(peer)
	d.act()
}

// Disconnected says that they no longer can.
func (d *Driver) Disconnected(peer int) {
	d.peers[peer].connected = false
	d.peers[peer].out = nil
	d.setIntervals()
}

// Lost says that messages to the peer were dropped, a whole queue of them, say. The driver sends what matters again.
func (d *Driver) Lost(peer int, now int64) {
	d.enter(now)
	d.window.unmark(peer, false)
	d.tellTips(peer)
}

// Receive takes in a message from a peer. The signatures of its events have been verified. The driver keeps
// references to the events, and none to the message.
func (d *Driver) Receive(from int, m *event.Message, now int64) {
	d.enter(now)
	if m.Boot || m.Answer || len(m.Tips) > 0 && len(m.Want) == 0 { // a question tells tips, too, and not whether one observes
		d.heardBoot(from, m.Boot)
	}
	before := d.changes
	d.hearAnswer(from, m.Events)
	for _, e := range m.Events {
		d.receiveEvent(from, e)
	}
	if d.changes > before && d.long(m.Events) {
		d.askOn(from)
	}
	if len(m.Tips) > 0 || m.Answer {
		d.receiveTips(from, m)
	}
	if len(m.Want) > 0 {
		d.answer(from, m)
	}
	if m.Boot && !m.Answer {
		tips := d.window.allTips()
		d.peers[from].handed += uint64(len(tips) * tipSize)
		d.send(from, &event.Message{Tips: tips, Answer: true, Boot: !d.boot.active})
	}
	d.act()
}

// Submitted says that the Source has a new transaction.
func (d *Driver) Submitted(now int64) {
	d.enter(now)
	d.creator.submitted = d.wall
	d.observe()
	d.create()
}

// Tick does what is due at the time now.
func (d *Driver) Tick(now int64) {
	d.enter(now)
	for p := range d.peers {
		if d.time >= d.tipsDue(p) {
			d.tellTips(p)
		}
	}
	d.act()
}

// act does what any news may have made possible.
func (d *Driver) act() {
	d.observe()
	d.compare()
	d.reconsider()
	d.create()
	d.ask()
}

// NextTick returns the time at which Tick wants to be called, 0 if there is none. It may be in the past.
// It changes with every other call.
func (d *Driver) NextTick() int64 {
	due := min(d.wants.due, d.createDue(), d.boot.due)
	for p := range d.peers {
		due = min(due, d.tipsDue(p))
	}
	if due == never {
		return 0
	}
	return max(1, d.wall+due-d.time)
}

// SetPace sets the least ns between own events that advance neither the round nor its echo, as this machine can
// bear it; it counts where it is more than the policy's interval.
func (d *Driver) SetPace(ns int64) { d.creator.pace = ns }

// Engine returns the engine, to look at and not to change.
func (d *Driver) Engine() *consensus.Engine { return d.engine }

// Ready returns what has to be done since the last Advance. No other method but Status may be called in between.
func (d *Driver) Ready() Ready {
	for p := range d.peers {
		for _, m := range d.peers[p].out {
			d.ready.Send = append(d.ready.Send, Send{To: p, Message: m})
		}
		d.peers[p].out = nil
	}
	return d.ready
}

// Advance says that what Ready returned has been taken over.
func (d *Driver) Advance() { d.ready = Ready{} }
