package sim

import (
	"github.com/foxmq/foxmq/internal/consensus"
	"github.com/foxmq/foxmq/internal/consensus/driver"
	"github.com/foxmq/foxmq/internal/event"
)

// host is one running node: a driver and what stands around it. A liar may run two of them under one name.
type host struct {
	w            *World
	index        int // in the address book
	correct      bool
	driver       *driver.Driver
	source       *source
	dial         clock // its own
	started      bool
	crashed      bool
	life         int    // how often it has crashed
	stuck        bool   // it has something to write and its disk is full
	flushing     bool   // what was written will be synced
	returns      bool   // it has crashed and will start again
	replaying    bool   // it reads its log
	fetching     bool   // it is lost and looks for a snapshot
	connected    []bool // by member: what its driver has been told
	audience     []bool // by member: whom it talks with; nil means all
	liar         *liar  // if it is one by a scheme
	timer        uint64 // counts the timers set; only the last one counts
	log          *log   // of what it has had ordered
	disk         disk
	disks        uint64                      // it has had
	backup       disk                        // an earlier copy of it
	taking       *checkpoint                 // the one under way, nil if none is
	checkpointed int64                       // when the last one ended
	snapshots    map[uint64]*driver.Snapshot // by round: those of rounds that are not applied yet
	state        state                       // applied
	backlog      []consensus.Round           // decided and not applied yet
	paused       bool                        // it stands still
	held         []func()
}

// populate makes what stands for a member.
func (w *World) populate(index int) {
	m := &w.members[index]
	switch {
	case index < w.sc.Twins:
		a, b := w.newHost(index), w.newHost(index)
		m.hosts = []*host{a, b}
		w.splitAudience(a, b)
	case index < w.sc.Twins+w.sc.Puppets:
		m.puppet = newPuppet(w, index)
	case index < w.sc.liars():
		m.hosts = []*host{w.newSchemer(index, w.sc.Scheme)}
	case index >= w.sc.Members-w.sc.Dead:
		m.hosts = []*host{{w: w, index: index, crashed: true}}
	default:
		h := w.newHost(index)
		m.hosts = []*host{h}
		w.check.join(h)
		h.openDisk()
		h.correct = true
	}
}

func (w *World) newHost(index int) *host {
	h := &host{w: w, index: index, connected: make([]bool, w.sc.Members)}
	h.snapshots = make(map[uint64]*driver.Snapshot)
	h.source = &source{host: h}
	h.dial = w.newClock(index)
	h.disk, h.backup = h.newDisk(), h.newDisk()
	h.state = h.disk.state.clone()
	h.driver = driver.New(h.config())
	start := int64(0)
	if w.sc.Late {
		start = w.between(0, 100*w.sc.Delay)
	}
	w.after(start, h.start)
	return h
}

func (h *host) config() driver.Config {
	w := h.w
	coin := func() byte { return byte(w.rng.Uint32()) }
	return driver.Config{
		Members: w.sc.Members,
		Self:    h.index,
		Source:  h.source,
		Coin:    coin,
		Sign:    func(e *event.Event) error { e.Signature[1] = coin(); return nil },
		Engine: consensus.Config{
			Mutation: w.sc.Mutation, Observer: observer{h}, SnapshotEvery: w.sc.SnapshotEvery,
		},
		// Several messages have room in a transport's queue. Seed 1455 showed what becomes of a node whose answers are
		// larger than that: each is lost with all that stands in the queue, for ever.
		Limits:   driver.Limits{KeptEvents: w.sc.Kept, MessageBytes: w.sc.Queue / 4},
		Mutation: w.sc.DriverMutation,
	}
}

// up tells whether the node runs and can do something.
func (h *host) up() bool { return h.started && !h.crashed && !h.stuck }

// hears tells whether a message of the member reaches this host.
func (h *host) hears(from int) bool {
	return h.up() && (h.audience == nil || h.audience[from])
}

func (h *host) start() {
	h.started = true
	for p := range h.w.members {
		if p != h.index {
			h.connect(p, true)
		}
	}
	h.settle()
	if h.correct {
		h.w.after(h.w.between(0, 20*h.w.sc.Delay), h.submit)
	} else {
		h.w.after(0, h.submit)
	}
	h.scheduleClock()
}

// connect tells the driver whether a peer can be reached. A member that has crashed cannot.
func (h *host) connect(peer int, up bool) {
	m := &h.w.members[peer]
	if up && m.puppet == nil && m.hosts[0].crashed {
		return
	}
	if h.connected[peer] == up || !h.up() {
		return
	}
	h.connected[peer] = up
	if up {
		h.driver.Connected(peer, h.clock())
	} else {
		h.driver.Disconnected(peer)
	}
	h.settle()
}

func (h *host) receive(from int, m *event.Message) {
	h.whenAwake(func() {
		if h.up() {
			h.driver.Receive(from, m, h.clock())
			h.settle()
		}
	})
}

// settle does what the driver says is ready, as far as the process lives, and sets the timer.
func (h *host) settle() {
	if !h.up() {
		return
	}
	r := h.driver.Ready()
	late := h.w.sc.DiskBug == RotatesLate
	if !late && !h.rotate(&r) || !h.write(r.Persist) || late && !h.rotate(&r) {
		return
	}
	h.w.check.ready(h, &r)
	if h.liar != nil {
		h.liar.attend(r.Persist)
	}
	for _, s := range r.Send {
		if h.point() {
			return
		}
		h.transmit(s.To, s.Message)
	}
	if h.point() {
		return
	}
	h.take(&r)
	if h.point() {
		return
	}
	h.driver.Advance()
	h.seek()
	h.setTimer()
}

// setTimer wakes the driver when it wants to be.
func (h *host) setTimer() {
	h.timer++
	next := h.driver.NextTick()
	if next == 0 || h.dial.still > 0 {
		return
	}
	mine := h.timer
	h.w.after(max(next-h.clock(), 1000), func() {
		h.whenAwake(func() {
			if h.timer == mine && h.up() {
				h.w.note('t', h.index, 0, nil)
				h.driver.Tick(h.clock())
				h.settle()
			}
		})
	})
}

// transmit sends a message, if this is a host that talks with the peer and a liar lets it pass.
func (h *host) transmit(to int, m *event.Message) {
	if h.liar != nil {
		m = h.liar.censor(to, m)
	}
	if m != nil && (h.audience == nil || h.audience[to]) {
		h.w.net.send(h.index, to, m)
	}
}
