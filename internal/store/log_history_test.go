package store

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/foxmq/foxmq/internal/store/faultfs"
)

// history drives a log as a node does, over a disk with faults, and knows what must be found on it.
type history struct {
	t        testing.TB
	rng      *rand.Rand
	fs       *faultfs.FS
	cfg      LogConfig
	log      *Log
	faults   bool     // the disk fails now and then
	failing  bool     // it does now
	records  [][]byte // appended so far
	pending  [][]byte // the batch of an Append that failed
	promised int      // so many records are safe from a loss of power
	tainted  bool     // a sync failed in this process
	lost     bool     // a sync failed ever
	risky    bool     // or in one before it, and what it left may be in memory only
	from     uint64   // the segment that the checkpoint names
	covered  int      // so many records are in it
	count    int
	corrupt  int // opens that found whole records behind lost ones
}

func newHistory(t testing.TB, seed uint64, sync bool) *history {
	files := faultfs.New(seed)
	return &history{
		t: t, rng: rand.New(rand.NewPCG(seed, 1)), fs: files,
		cfg: LogConfig{FS: files, Dir: "node/log", Sync: sync, KeepBytes: 2000, SegmentBytes: 1500},
	}
}

// run opens the log and does some steps, with whatever comes of the faults, and ends with a loss of power.
func (h *history) run(steps int) {
	h.reopen(false)
	for range steps {
		h.step()
	}
	h.reopen(true)
}

// runCut does the same, but the power goes in the middle of that operation already, counted from where it starts.
func (h *history) runCut(steps, point int) {
	h.reopen(false)
	h.fs.CutAt(h.fs.Points() + point)
	for range steps {
		if h.step(); h.fs.Lost() {
			h.reopen(true)
		}
	}
	h.reopen(true)
}

func (h *history) step() {
	if h.faults && h.rng.IntN(6) == 0 {
		h.toggle()
	}
	switch h.rng.IntN(12) {
	default:
		h.append()
	case 0, 1, 2:
		h.flush()
	case 3:
		h.checkpoint()
	case 4:
		if h.rng.IntN(4) == 0 {
			h.reopen(false)
		}
	}
}

// toggle makes the disk fail in some way, or well.
func (h *history) toggle() {
	h.fs.SetHook(nil)
	h.fs.SetCapacity(-1)
	h.failing = !h.failing && h.fs.Points() > 0
	if !h.failing {
		return
	}
	switch h.rng.IntN(4) {
	case 0:
		h.fs.SetCapacity(h.fs.Used() + h.rng.Int64N(600))
	case 1:
		h.fs.SetHook(func(op faultfs.Op) error {
			if op.Kind.Changes() {
				return syscall.EROFS
			}
			return nil
		})
	case 2:
		h.failSome(faultfs.Sync, faultfs.SyncDir)
	case 3:
		h.failSome(faultfs.Write, faultfs.Truncate, faultfs.Create, faultfs.Rename, faultfs.Remove)
	}
}

func (h *history) failSome(kinds ...faultfs.Kind) {
	h.fs.SetHook(func(op faultfs.Op) error {
		if slices.Contains(kinds, op.Kind) && h.rng.IntN(2) == 0 {
			return syscall.EIO
		}
		return nil
	})
}

func (h *history) append() {
	if h.pending == nil {
		h.count++
		h.pending = batch(h.count, 1+h.rng.IntN(6))
	}
	if err := h.log.Append(Records(h.pending...)); err != nil {
		h.expectFault(err)
		h.tainted = h.tainted || h.cfg.Sync // of the batch itself, if the process ends now
		return
	}
	if h.cfg.Sync {
		h.tainted = false
	}
	h.records = append(h.records, h.pending...)
	h.pending = nil
	if h.cfg.Sync {
		h.promise(len(h.records))
	}
}

// promise notes that so many records are safe, unless a sync has failed.
func (h *history) promise(records int) {
	h.tainted = h.tainted || h.log.Stats().Unsafe
	if !h.tainted && !h.risky {
		h.promised = max(h.promised, records)
	}
}

func (h *history) flush() {
	if err := h.log.flush(); err != nil {
		h.expectFault(err)
		return
	}
	h.promise(len(h.records))
}

func (h *history) checkpoint() {
	if h.pending != nil {
		return
	}
	segment, err := h.log.Rotate()
	if err != nil {
		h.t.Fatal(err)
	}
	covered := len(h.records)
	if h.rng.IntN(2) == 0 {
		h.append()
	}
	err = h.log.WriteBase(segment, fmt.Append(nil, "base ", segment))
	if err == nil {
		err = h.log.SyncThrough(segment)
	}
	if err != nil {
		h.expectFault(err)
		return
	}
	h.from, h.covered, h.promised = segment, covered, max(h.promised, covered)
	h.risky = false
	if err := h.log.Trim(segment); err != nil {
		h.expectFault(err)
		return
	}
	h.expectTrimmed()
}

// expectTrimmed looks at how much is kept of what no restart needs.
func (h *history) expectTrimmed() {
	kept := int64(0)
	for _, s := range h.log.segments {
		if s.number < h.from {
			kept += s.size
		}
	}
	if kept > h.cfg.KeepBytes {
		h.t.Fatalf("%d bytes of old segments", kept)
	}
}

func (h *history) expectFault(err error) {
	h.lost = h.lost || h.log.Stats().Unsafe
	if errors.Is(err, faultfs.ErrPower) || h.failing {
		return
	}
	h.t.Fatalf("the disk is well: %v", err)
}

// reopen ends the process, or the power, and looks at what the next one finds.
func (h *history) reopen(power bool) {
	h.tainted = h.tainted || h.log != nil && h.log.Stats().Unsafe
	h.lost = h.lost || h.tainted
	h.fs.Restart(power)
	h.failing, h.risky, h.tainted = false, !power && (h.risky || h.tainted), false
	l, _, err := openLog(h.cfg, h.from)
	for err != nil {
		switch corrupt := (*CorruptError)(nil); {
		case errors.As(err, &corrupt):
			h.corrupt++
			err = setAside(h.cfg, h.from)
		case errors.Is(err, faultfs.ErrPower):
			h.fs.Restart(true)
			h.risky, err = false, nil
		}
		if err != nil && !errors.Is(err, faultfs.ErrPower) {
			h.t.Fatal(err)
		}
		l, _, err = openLog(h.cfg, h.from)
	}
	h.log = l
	h.expectRecords()
}

// expectRecords reads the log of a new process: what is there is from now on what was appended.
func (h *history) expectRecords() {
	var got, old [][]byte
	collect := func(to *[][]byte) func([]byte) error {
		return func(b []byte) error { *to = append(*to, b); return nil }
	}
	if err := errors.Join(h.log.Replay(h.from, collect(&got)), h.log.Old(h.from, collect(&old))); err != nil {
		h.t.Fatal(err)
	}
	all := slices.Concat(h.records, h.pending)
	want := all[h.covered:]
	if len(got) > len(want) || !slices.EqualFunc(got, want[:len(got)], bytes.Equal) {
		h.t.Fatalf("read %q, which is no prefix of %q", called(got), called(want))
	}
	if h.covered+len(got) < h.promised {
		h.t.Fatalf("read %d records behind %d, of %d that were promised", len(got), h.covered, h.promised)
	}
	if h.from > 0 {
		h.expectOld(old, all[:h.covered])
	}
	if h.from > 0 {
		if base, err := h.log.ReadBase(h.from); err != nil || string(base) != fmt.Sprint("base ", h.from) {
			h.t.Fatalf("base %q, %v", base, err)
		}
	}
	h.records, h.pending = slices.Clone(all[:h.covered+len(got)]), nil
	h.promise(len(h.records))
}

// expectOld looks at what is kept from before the checkpoint: it leads up to it without a gap, unless a sync failed.
func (h *history) expectOld(old, before [][]byte) {
	want := before[max(0, len(before)-len(old)):]
	if h.lost {
		rest := old
		want = slices.DeleteFunc(slices.Clone(before), func(b []byte) bool {
			if len(rest) == 0 || !bytes.Equal(rest[0], b) {
				return true
			}
			rest = rest[1:]
			return false
		})
	}
	if !slices.EqualFunc(old, want, bytes.Equal) {
		h.t.Fatalf("kept %q, which do not lead to the checkpoint behind %q", called(old), called(before))
	}
}

// called returns the names of records.
func called(records [][]byte) []string {
	var names []string
	for _, r := range records {
		name, _, _ := strings.Cut(string(r), " ")
		names = append(names, name)
	}
	return names
}

// TestPowerCutAtEveryPoint cuts the power in the middle of each operation of a history, in several ways.
func TestPowerCutAtEveryPoint(t *testing.T) {
	for _, sync := range []bool{false, true} {
		for seed := range uint64(4) {
			probe := newHistory(t, seed, sync)
			probe.run(80)
			corrupt := 0
			for point := 1; point <= probe.fs.Points(); point++ {
				h := newHistory(t, seed, sync)
				h.runCut(80, point)
				corrupt += h.corrupt
			}
			t.Logf("sync %v, seed %d: %d points, %d with whole records behind lost ones", sync, seed, probe.fs.Points(), corrupt)
		}
	}
}

// TestHistories cuts the power and kills the process at random while the disk fails in all ways.
func TestHistories(t *testing.T) {
	seeds := uint64(500)
	if os.Getenv("FOXMQ_LONG") != "" {
		seeds = 50_000
	}
	for seed := range seeds {
		h := newHistory(t, seed, seed%2 == 1)
		h.faults = true
		failed := true
		func() {
			defer func() {
				if failed {
					t.Logf("seed %d", seed)
				}
			}()
			for range 6 {
				h.runCut(60, 1+h.rng.IntN(200))
			}
			failed = false
		}()
	}
}
