package sim

import (
	"encoding/binary"

	"github.com/foxmq/foxmq/internal/consensus"
	"github.com/foxmq/foxmq/internal/consensus/driver"
	"github.com/foxmq/foxmq/internal/event"
)

// host is one running node: a driver and what stands around it. A liar may run two of them under one name.
type host struct {
	w         *World
	index     int // in the address book
	correct   bool
	driver    *driver.Driver
	source    *source
	skew      int64 // its clock less the world's
	started   bool
	crashed   bool
	connected []bool // by member: what its driver has been told
	audience  []bool // by member: whom it talks with; nil means all
	timer     uint64 // counts the timers set; only the last one counts
	log       *log   // of what it has had ordered
}

// populate makes what stands for a member.
func (w *World) populate(index int) {
	m := &w.members[index]
	switch {
	case index < w.sc.Twins:
		a, b := w.newHost(index), w.newHost(index)
		m.hosts = []*host{a, b}
		w.splitAudience(a, b)
	case index < w.sc.liars():
		m.puppet = newPuppet(w, index)
	case index >= w.sc.Members-w.sc.Dead:
		m.hosts = []*host{{w: w, index: index, crashed: true}}
	default:
		h := w.newHost(index)
		h.correct = true
		m.hosts = []*host{h}
		w.check.join(h)
	}
}

func (w *World) newHost(index int) *host {
	h := &host{w: w, index: index, connected: make([]bool, w.sc.Members)}
	h.source = &source{host: h}
	h.skew = w.between(-w.sc.Skew, w.sc.Skew+1)
	coin := func() byte { return byte(w.rng.Uint32()) }
	h.driver = driver.New(driver.Config{
		Members: w.sc.Members,
		Self:    index,
		Source:  h.source,
		Coin:    coin,
		Sign:    func(e *event.Event) error { e.Signature[1] = coin(); return nil },
		Engine:  consensus.Config{Mutation: w.sc.Mutation},
	})
	start := int64(0)
	if w.sc.Late {
		start = w.between(0, 100*w.sc.Delay)
	}
	w.after(start, h.start)
	return h
}

// splitAudience shows the two halves of the cluster different twins, and later other halves.
func (w *World) splitAudience(a, b *host) {
	if w.ended {
		return
	}
	a.audience, b.audience = make([]bool, w.sc.Members), make([]bool, w.sc.Members)
	for p := range w.members {
		both := w.chance(0.1)
		first := w.chance(0.5)
		a.audience[p] = first || both
		b.audience[p] = !first || both
	}
	w.after(w.between(50*w.sc.Delay, 300*w.sc.Delay), func() { w.splitAudience(a, b) })
}

// hears tells whether a message of the member reaches this host.
func (h *host) hears(from int) bool {
	return h.started && !h.crashed && (h.audience == nil || h.audience[from])
}

// clock is the time as this node knows it.
func (h *host) clock() int64 { return max(1, h.w.now+h.skew) }

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
	if h.w.sc.Steps {
		h.w.after(h.w.between(0, 100*h.w.sc.Delay), h.stepClock)
	}
}

// crash stops the node for good.
func (h *host) crash() {
	h.crashed = true
	h.w.note('c', h.index, 0, nil)
	h.w.eachHost(func(o *host) { o.connect(h.index, false) })
}

// stepClock sets the clock to another time, forwards or backwards.
func (h *host) stepClock() {
	if h.w.ended || h.crashed {
		return
	}
	h.skew = h.w.between(-h.w.sc.Skew, h.w.sc.Skew+1)
	h.settle()
	h.w.after(h.w.between(20*h.w.sc.Delay, 200*h.w.sc.Delay), h.stepClock)
}

// connect tells the driver whether a peer can be reached. A member that has crashed cannot.
func (h *host) connect(peer int, up bool) {
	m := &h.w.members[peer]
	if up && m.puppet == nil && m.hosts[0].crashed {
		return
	}
	if h.connected[peer] == up {
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
	h.driver.Receive(from, m, h.clock())
	h.settle()
}

// submit hands in a transaction, and schedules the next.
func (h *host) submit() {
	w := h.w
	if h.crashed || w.ended {
		return
	}
	h.source.submit()
	h.driver.Submitted(h.clock())
	h.settle()
	gap := int64(w.rng.ExpFloat64() * float64(w.sc.Gap))
	if w.sc.Bursts && w.chance(0.02) {
		gap += w.between(0, 100*w.sc.Delay)
	}
	w.after(gap, h.submit)
}

// settle does what the driver says is ready, until nothing is, and sets the timer.
func (h *host) settle() {
	r := h.driver.Ready()
	h.w.check.ready(h, &r)
	h.source.take(&r)
	for _, s := range r.Send {
		if h.audience == nil || h.audience[s.To] {
			h.w.net.send(h.index, s.To, s.Message)
		}
	}
	h.driver.Advance()
	h.timer++
	next := h.driver.NextTick()
	if next == 0 {
		return
	}
	mine := h.timer
	h.w.after(max(next-h.clock(), 1000), func() {
		if h.timer == mine && !h.crashed {
			h.w.note('t', h.index, 0, nil)
			h.driver.Tick(h.clock())
			h.settle()
		}
	})
}

// source is a node's load. A transaction is its node and its number; it takes effect only if it is the node's next.
type source struct {
	host      *host
	submitted []int64 // when, in virtual time, by number
	next      int     // the next one to hand out
}

// transaction sizes in bytes: node and number.
const transactionSize = 9

func (s *source) submit() { s.submitted = append(s.submitted, s.host.w.now) }

// Waiting implements driver.Source.
func (s *source) Waiting() bool {
	return s.next < len(s.submitted) && (s.host.correct || !s.host.w.ended)
}

// Fill implements driver.Source.
func (s *source) Fill(dst []byte, incarnation uint64, limit int) []byte {
	if incarnation != 1 && s.host.correct {
		s.host.w.check.fail("incarnation", "a node that never restarted has a later one")
	}
	for s.next < len(s.submitted) && len(dst)+transactionSize+1 <= limit {
		tx := make([]byte, 0, transactionSize)
		tx = append(tx, byte(s.host.index))
		tx = binary.BigEndian.AppendUint64(tx, uint64(s.next))
		dst = event.AppendTransaction(dst, tx)
		s.next++
	}
	return dst
}

// take notes what of the node's own has taken effect, and goes back if some never will as it was sent.
func (s *source) take(r *driver.Ready) {
	if s.host.correct && len(r.Stale) > 0 {
		s.next = s.host.log.applied[s.host.index]
	}
}
