package driver

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/foxmq/foxmq/internal/event"
)

// snapshotVersion is the first byte of a snapshot's encoding.
const snapshotVersion = 1

// Bounds of an encoded snapshot, beside those of its events.
const (
	maxBirths = 1 << 10
	maxEvents = 1 << 20
)

// ErrSnapshot is wrapped by every error of DecodeSnapshot, Check and Adopt.
var ErrSnapshot = errors.New("bad snapshot")

func bad(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrSnapshot, fmt.Errorf(format, args...))
}

// Append appends the snapshot's encoding, the only one there is of it. Numbers are unsigned varints in their shortest
// form; behind the version stand
//
//	Round, Time
//	the number of Births, Thresholds and Judges, each followed by them
//	the number of Events, then of each its gap and its wire form
//	the number of Last, then of each its wire form
func (s *Snapshot) Append(dst []byte) []byte {
	dst = append(slices.Grow(dst, s.bulk()), snapshotVersion)
	dst = s.appendCertain(dst)
	dst = binary.AppendUvarint(dst, uint64(len(s.Events)))
	for i, e := range s.Events {
		gap := uint64(0)
		if i < len(s.Gaps) {
			gap = s.Gaps[i]
		}
		dst = e.Append(binary.AppendUvarint(dst, gap))
	}
	dst = binary.AppendUvarint(dst, uint64(len(s.Last)))
	for _, e := range s.Last {
		dst = e.Append(dst)
	}
	return dst
}

// bulk returns about how many bytes the events' encodings take, so that they are not copied while dst grows.
func (s *Snapshot) bulk() (bytes int) {
	const overhead = 512 // of an event with four parents, and some
	for _, e := range s.Events {
		bytes += len(e.Payload) + overhead
	}
	for _, e := range s.Last {
		bytes += len(e.Payload) + overhead
	}
	return bytes
}

// appendCertain appends all that is not a list of events.
func (s *Snapshot) appendCertain(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, s.Round)
	dst = binary.AppendUvarint(dst, uint64(s.Time))
	for _, list := range [][]uint64{s.Births, s.Thresholds} {
		dst = binary.AppendUvarint(dst, uint64(len(list)))
		for _, v := range list {
			dst = binary.AppendUvarint(dst, v)
		}
	}
	dst = binary.AppendUvarint(dst, uint64(len(s.Judges)))
	for i := range s.Judges {
		dst = append(dst, s.Judges[i][:]...)
	}
	return dst
}

// ErrVersion says that a snapshot is in a form that this program does not know.
var ErrVersion = errors.New("unknown version")

// DecodeSnapshot reads a snapshot that fills b. It checks each event by itself, as event.Decode does, and nothing
// that concerns the whole. The events keep references into b.
func DecodeSnapshot(b []byte, domain event.Domain) (*Snapshot, error) {
	d := snapshotDecoder{rest: b, domain: domain}
	switch {
	case len(b) == 0:
		return nil, bad("it is empty")
	case b[0] != snapshotVersion:
		return nil, bad("%w %d", ErrVersion, b[0])
	}
	d.rest = b[1:]
	s := &Snapshot{}
	s.Round = d.uvarint()
	s.Time = int64(d.uvarint())
	s.Births = d.numbers(maxBirths)
	s.Thresholds = d.numbers(margin)
	for n := d.count(event.MaxMembers); n > 0 && d.err == nil; n-- {
		s.Judges = append(s.Judges, d.id())
	}
	for n := d.count(maxEvents); n > 0 && d.err == nil; n-- {
		s.Gaps = append(s.Gaps, d.uvarint())
		s.Events = append(s.Events, d.event())
	}
	for n := d.count(event.MaxMembers); n > 0 && d.err == nil; n-- {
		s.Last = append(s.Last, d.event())
	}
	if len(d.rest) > 0 {
		d.fail(bad("bytes behind it"))
	}
	if d.err != nil {
		return nil, d.err
	}
	return s, nil
}

// snapshotDecoder reads fields from rest; the first error sticks, and reads after it return zero values.
type snapshotDecoder struct {
	rest   []byte
	domain event.Domain
	err    error
}

func (d *snapshotDecoder) fail(err error) {
	if d.err == nil {
		d.err = err
	}
}

func (d *snapshotDecoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.rest)
	if d.err != nil || n <= 0 || (n > 1 && d.rest[n-1] == 0) {
		d.fail(bad("number cut short or not in its shortest form"))
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

// count reads how many of something follow, at most limit.
func (d *snapshotDecoder) count(limit uint64) int {
	n := d.uvarint()
	if n > limit {
		d.fail(bad("%d where at most %d may be", n, limit))
		return 0
	}
	return int(n)
}

func (d *snapshotDecoder) numbers(limit uint64) (list []uint64) {
	for n := d.count(limit); n > 0 && d.err == nil; n-- {
		list = append(list, d.uvarint())
	}
	return list
}

func (d *snapshotDecoder) id() (id event.ID) {
	if len(d.rest) < len(id) {
		d.fail(bad("cut short"))
		return id
	}
	copy(id[:], d.rest)
	d.rest = d.rest[len(id):]
	return id
}

func (d *snapshotDecoder) event() *event.Event {
	if d.err != nil {
		return nil
	}
	e, rest, err := event.Decode(d.rest, d.domain)
	if err != nil {
		d.fail(bad("%w", err))
		return nil
	}
	d.rest = rest
	return e
}
