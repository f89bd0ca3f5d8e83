package sim

import (
	"errors"
	"math"
	"math/rand/v2"
	"path"
	"slices"

	"github.com/foxmq/foxmq/internal/consensus/driver"
	"github.com/foxmq/foxmq/internal/event"
	"github.com/foxmq/foxmq/internal/store"
	"github.com/foxmq/foxmq/internal/store/faultfs"
)

// disk is what one node writes down: the store's log, on files that suffer what the scenario has for them, and a
// checkpoint. The base of a checkpoint is the log's; its state, which the store keeps in a file of another make, is
// simulated: it replaces the one before as a whole.
type disk struct {
	files  *faultfs.FS
	synced bool       // each Append before it returns
	bug    DiskBug    // planted
	log    *store.Log // nil until open
	checkpoint
	ledger
	held   []*event.Event // that wait for urgent ones
	full   bool           // writing fails now and then, or always
	buffer []byte         // for encoding
	late   []store.Record // that a planted bug has not written yet
}

// checkpoint is where a node starts from: the state after a round, the driver's snapshot of that round, and the number
// of the segment with which the log goes on from there.
type checkpoint struct {
	round   uint64 // 0: there is none, and the log goes back to the beginning
	base    *driver.Snapshot
	read    bool // base has been read from the disk
	state   state
	segment uint64
	from    int // in the ledger, where the segment begins
}

// The log's directory and bounds: segments end by themselves after a few events, and some 200 events from before
// the checkpoint are kept for peers that lag.
const (
	logDir       = "log"
	segmentBytes = 2 << 10
	keptBytes    = 64 << 10
)

func newDisk(sc *Scenario, seed uint64) disk {
	return disk{
		files: faultfs.New(seed), synced: sc.Sync, bug: sc.DiskBug,
		checkpoint: checkpoint{state: newState(sc.Members)},
	}
}

// found is what a process finds on its disk when it starts.
type found struct{ older, tail []*event.Event }

// open opens the log and reads it. It checks that all is there that must be.
func (d *disk) open() (found, error) {
	log, what, err := store.OpenLog(store.LogConfig{
		FS: d.files, Dir: logDir, Sync: d.synced, Replicated: true, KeepBytes: keptBytes, SegmentBytes: segmentBytes,
	}, d.segment)
	if err != nil {
		return found{}, err
	}
	d.log = log
	if d.round > 0 {
		if d.base, err = driver.DecodeSnapshot(what.Base, event.Domain{}); err != nil {
			return found{}, err
		}
		d.read = true
	}
	f, err := d.events()
	if err != nil {
		return found{}, err
	}
	return f, d.reopened(&f, d.from, d.oldest())
}

// events reads what the log holds.
func (d *disk) events() (f found, err error) {
	into := func(list *[]*event.Event) func([]byte) error {
		return func(record []byte) error {
			e, _, err := event.Decode(record, event.Domain{})
			*list = append(*list, e)
			return err
		}
	}
	err = d.log.Old(d.segment, into(&f.older))
	return f, errors.Join(err, d.log.Replay(d.segment, into(&f.tail)))
}

// oldest returns the number of the oldest segment that is kept, or of the one that comes next.
func (d *disk) oldest() uint64 {
	s := d.log.Stats()
	if s.Segments == 0 {
		return max(d.segment, 1)
	}
	return s.Segment + 1 - uint64(s.Segments)
}

// append writes events to the log in one go. As Store.Append does, it holds back what is not urgent where each write
// is synced.
func (d *disk) append(events []*event.Event, urgent bool) error {
	if d.synced && !urgent {
		d.held = append(d.held, events...)
		return nil
	}
	err := d.write(slices.Concat(d.held, events))
	if err == nil {
		d.held = nil
	}
	return err
}

func (d *disk) write(events []*event.Event) error {
	d.begin(events)
	records := make([]store.Record, len(events))
	for i, e := range events {
		records[i] = e
	}
	if d.bug == WritesLate {
		records, d.late = d.late, records
	}
	err := d.log.Append(records)
	if err == nil {
		d.done(d.synced)
	}
	return err
}

// flush syncs what is written, as the store does at each interval.
func (d *disk) flush() error {
	err := d.log.SyncThrough(math.MaxUint64)
	d.flushed(err)
	return err
}

// rotate begins a new segment, with which the log goes on from this snapshot.
func (d *disk) rotate(s *driver.Snapshot) (*checkpoint, error) {
	if len(d.held) > 0 {
		if err := d.append(nil, true); err != nil {
			return nil, err
		}
	}
	segment, err := d.log.Rotate()
	return &checkpoint{round: s.Round, base: s, segment: segment, from: len(d.written)}, err
}

// steps returns what makes a checkpoint the one to start from, in the order and to the end of Store.Commit.
func (d *disk) steps(c *checkpoint) []func() error {
	return []func() error{
		func() error { return d.writeBase(c) },
		func() error {
			if d.bug == CommitsUnsynced {
				return nil
			}
			return d.log.SyncThrough(c.segment)
		},
		func() error { d.commit(c); return nil },
		func() error { return d.trim() },
	}
}

func (d *disk) writeBase(c *checkpoint) error {
	d.buffer = c.base.Append(d.buffer[:0])
	return d.log.WriteBase(c.segment, d.buffer)
}

// commit makes a checkpoint the one to start from.
func (d *disk) commit(c *checkpoint) {
	d.checkpoint = *c
	d.safe = max(d.safe, c.from)
}

// trim lets go what is too old to be of use to anybody.
func (d *disk) trim() error {
	d.kept = d.segment
	upTo := d.segment
	if d.bug == TrimsTooFar {
		upTo++
	}
	err := d.log.Trim(upTo)
	if err == nil && !d.doubtful {
		d.kept = min(d.oldest(), d.segment)
	}
	return err
}

// install makes another node's checkpoint all that the disk holds. The store's own tests let it die meanwhile.
func (d *disk) install(c checkpoint) error {
	if _, err := d.open(); err != nil {
		return err
	}
	c.segment = 1
	err := d.writeBase(&c)
	d.commit(&c)
	return err
}

// stop ends the process that has the disk. The machine may lose power.
func (d *disk) stop(power bool) {
	d.files.Restart(power)
	d.late, d.held = nil, nil
	if power {
		d.unplugged()
	}
}

// rot changes a byte of any file.
func (d *disk) rot(rng *rand.Rand) error {
	names, err := d.files.List(logDir)
	if err != nil {
		return err
	}
	for _, i := range rng.Perm(len(names)) {
		name := path.Join(logDir, names[i])
		if data, _ := d.files.ReadFile(name); len(data) > 0 {
			d.files.Flip(name, rng.Int64N(int64(len(data))), 1<<rng.IntN(8))
			break
		}
	}
	d.rotten(d.from)
	return nil
}

// copied returns a copy, as a backup makes it.
func (d *disk) copied(seed uint64) disk {
	c := *d
	c.files, c.state, c.full, c.log = d.files.Clone(seed), d.state.clone(), false, nil
	c.buffer, c.held = nil, nil
	c.written, c.begun = slices.Clone(d.written), slices.Clone(d.begun)
	return c
}

// snapshot returns the one of the checkpoint as it is read from the disk, an empty one if there is none.
func (d *disk) snapshot() *driver.Snapshot {
	switch {
	case d.round == 0:
		return &driver.Snapshot{}
	case !d.read:
		b, err := d.log.ReadBase(d.segment)
		if err != nil {
			panic(err) // nothing has damaged it
		}
		s, err := driver.DecodeSnapshot(b, event.Domain{})
		if err != nil {
			panic(err) // nobody else has written it
		}
		d.base, d.read = s, true
	}
	return d.base
}

// all returns all events on the disk, parents first.
func (d *disk) all(f *found) []*event.Event {
	s := d.snapshot()
	return slices.Concat(s.Last, f.older, s.Events, f.tail)
}
