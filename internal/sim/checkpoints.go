package sim

import (
	"math/rand/v2"

	"github.com/foxmq/foxmq/internal/consensus/driver"
	"github.com/foxmq/foxmq/internal/event"
	"github.com/foxmq/foxmq/internal/sim/picture"
)

// Checkpoints are taken as the daemon takes them. When a round that comes with a snapshot is decided and a checkpoint
// is due, the log goes on in a new segment before anything of that Ready is written: that segment leads on from the
// snapshot. When the round has been applied, what the state is then belongs to it. Some time later all of it is
// committed in the steps of store.Commit. The process may die between any two of these, and at each write to the disk.

// rotate begins a new segment if a checkpoint is due and one of the rounds that are ready can be it. It fails if the
// process dies.
func (h *host) rotate(r *driver.Ready) bool {
	due := h.w.now >= h.checkpointed+h.w.sc.CheckpointGap
	if !h.correct || h.replaying || h.taking != nil || !due || len(r.Snapshots) == 0 {
		return true
	}
	if h.point() {
		return false
	}
	s := r.Snapshots[h.w.habits.IntN(len(r.Snapshots))]
	c, err := h.disk.rotate(&s)
	if h.cut() {
		return false
	}
	if h.stuck = err != nil; h.stuck {
		h.retryLater()
		return false
	}
	h.taking = c
	return !h.point()
}

// vote tells the checker what this node says of the round that it has just applied, if that came with a snapshot, and
// goes on with a checkpoint of it.
func (h *host) vote(round uint64) {
	if s := h.snapshots[round]; s != nil {
		delete(h.snapshots, round)
		h.w.check.certify(h, s)
	}
	if h.taking != nil && h.taking.round == round {
		h.taking.state = h.state.clone()
		h.commitLater(h.disk.steps(h.taking))
	}
}

// commitLater takes the steps that are left of the checkpoint that is being taken. What fails is given up; the next
// checkpoint is tried when it is due.
func (h *host) commitLater(steps []func() error) {
	life := h.life
	h.w.after(h.w.habits.Int64N(2*h.w.sc.Delay), func() {
		h.whenAwake(func() {
			if h.life != life || h.point() {
				return
			}
			err := steps[0]()
			switch {
			case h.cut():
			case err != nil || len(steps) == 1:
				h.committed(err)
			default:
				h.commitLater(steps[1:])
			}
		})
	})
}

// committed ends a checkpoint.
func (h *host) committed(err error) {
	h.taking, h.checkpointed = nil, h.w.now
	if err == nil && h.w.habits.Float64() < 0.2 && h.w.sc.Fate == RolledBack {
		h.backup = h.disk.copied(h.w.habits.Uint64())
	}
	h.point()
}

// newHabits returns what decides when checkpoints are committed. It is apart from the rest of the world's chance, so
// that a run without deaths is the same whether checkpoints are taken or not.
func newHabits(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 6)) }

// verdict is what correct nodes say of a round that comes with a snapshot.
type verdict struct {
	anchor [32]byte
	voters map[int]bool // members
}

// certify notes that a node has applied the round of a snapshot.
func (c *checker) certify(h *host, s *driver.Snapshot) {
	if err := s.Check(c.w.sc.Members); err != nil {
		c.fail(AnchorsAgree, "node %d takes a snapshot of round %d: %v", h.index, s.Round, err)
	}
	v, anchor := c.verdicts[s.Round], s.Anchor()
	if v == nil {
		v = &verdict{anchor: anchor, voters: make(map[int]bool)}
		c.verdicts[s.Round] = v
	}
	if anchor != v.anchor {
		c.fail(AnchorsAgree, "node %d has another anchor than others of round %d", h.index, s.Round)
	}
	v.voters[h.index] = true
}

// certified returns the anchor of a round, and whether a supermajority has said so.
func (c *checker) certified(round uint64) ([32]byte, bool) {
	v := c.verdicts[round]
	if v == nil {
		return [32]byte{}, false
	}
	return v.anchor, len(v.voters) >= quorum(c.w.sc.Members)
}

// giver returns a node whose checkpoint another may go on from, nil if there is none at the moment that would help.
func (w *World) giver(h *host) *host {
	for _, i := range w.rng.Perm(len(w.check.logs)) {
		g := w.check.logs[i].host
		if _, ok := w.check.certified(g.disk.round); ok && g.up() && g.disk.round >= h.driver.Engine().Pending() {
			return g
		}
	}
	return nil
}

// adopt writes down another node's checkpoint, and this node's last event with it, and starts anew from there.
func (h *host) adopt(giver *host) {
	anchor, _ := h.w.check.certified(giver.disk.round)
	s, err := giver.disk.snapshot().Adopt(h.w.sc.Members, anchor)
	if err != nil {
		h.w.check.fail(RestoredAlike, "node %d refuses the snapshot of %d: %v", h.index, giver.index, err)
		return
	}
	f, err := h.disk.events()
	if err != nil {
		h.w.check.fail(LogHolds, "node %d: %v", h.index, err)
		return
	}
	if last := lastBy(h.index, h.disk.all(&f)); last != nil {
		s.AddLast(last)
	}
	h.w.note('f', h.index, giver.index, nil)
	h.w.say("%s takes a checkpoint of %s, of round %d", picture.Name(h.index), picture.Name(giver.index), s.Round)
	h.crash()
	full := h.disk.full
	h.disk = h.newDisk()
	h.disk.full = full
	if err := h.disk.install(checkpoint{round: s.Round, base: s, state: giver.disk.state.clone()}); err != nil {
		h.w.check.fail(LogHolds, "node %d: %v", h.index, err)
		return
	}
	h.disk.stop(false)
	h.log.forgot = true
	h.returnAfter(h.w.between(0, 10*h.w.sc.Delay))
}

// lastBy returns the member's highest event, nil if there is none.
func lastBy(member int, events []*event.Event) *event.Event {
	var last *event.Event
	for _, e := range events {
		if e.Creator == member && (last == nil || e.Seq > last.Seq) {
			last = e
		}
	}
	return last
}
