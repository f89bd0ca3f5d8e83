package replica_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/foxmq/foxmq/internal/replica"
)

// everything makes a machine with records of all kinds.
var everything = []string{
	"0@1#0 connect 1 alice expiry=9 will=w:gone delay=3", "0@1#1 subscribe 1 t:2:published id=3", "0@1#2 connect 2 bob will=w:x",
	"0@1#3 publish 2 t:x:2:retain:expiry=100", "0@1#4 subscribe 1 t/#:1", "0@1#5 publish 1 u:x:2 7", "1@1#0 connect 1 carol expiry=50",
	"1@1#1 subscribe 1 $share/g/t:2 id=1", "0@1#6 subscribe 1 $share/g/t:2", "0@1#7 subscribe 2 $share/g/t:1",
	"0@1#8 publish 2 t:y:2", "0@1#9 publish 2 t:z:1", "0@1#10 received 1 0", "1@1#2 publish 1 r:y:1:retain", "0@1#11 end 1",
	"0@1#12 publish 2 t:q:2:expiry=2", "1@1#3 publish 1 t:last:1", "1@1#4 ban user eve for=99 why", "0@1#13 ban address 192.0.2.0/24",
	"1@1#5 suspect 0@1",
}

// allKinds returns a machine with records of all kinds, and those.
func allKinds(t testing.TB) (*replica.Machine, records) {
	s := script{machine: replica.New(2, replica.DefaultLimits)}
	for _, line := range everything {
		if got := s.do(strings.Fields(line)); !strings.HasPrefix(got, "applied") {
			t.Fatalf("%s: %s", line, got)
		}
	}
	disk := records{}
	if err := disk.flush(s.machine); err != nil {
		t.Fatal(err)
	}
	seen := map[byte]bool{}
	for key := range disk {
		seen[key[0]] = true
	}
	if len(seen) != len(recordKinds)-1 {
		t.Fatalf("only %d kinds", len(seen))
	}
	return s.machine, disk
}

// TestNothingAlteredPasses takes each record away, and changes each of its bits: Load refuses, or the hash tells.
func TestNothingAlteredPasses(t *testing.T) {
	m, disk := allKinds(t)
	refused, told := 0, 0
	try := func(what string, key string) {
		t.Helper()
		loaded, err := replica.Load(2, replica.DefaultLimits, disk.sorted())
		switch {
		case err == nil && loaded.Hash() == m.Hash():
			t.Errorf("%s %x: not found", what, key)
		case err == nil:
			told++
		case !errors.Is(err, replica.ErrMalformed):
			t.Errorf("%s %x: %v", what, key, err)
		default:
			refused++
		}
	}
	for key, value := range maps.Clone(disk) {
		delete(disk, key)
		try("without", key)
		for bit := range 8 * len(key) {
			altered := []byte(key)
			altered[bit/8] ^= 1 << (bit % 8)
			if _, known := disk[string(altered)]; !known {
				disk[string(altered)] = value
				try("key altered of", key)
				delete(disk, string(altered))
			}
		}
		for bit := range 8 * len(value) {
			altered := slices.Clone(value)
			altered[bit/8] ^= 1 << (bit % 8)
			disk[key] = altered
			try("value altered of", key)
		}
		disk[key] = append(slices.Clone(value), 0)
		try("value longer of", key)
		disk[key] = value[:len(value)-1]
		try("value shorter of", key)
		disk[key] = value
	}
	t.Logf("%d refused, %d told by the hash", refused, told)
}

// TestLoadKeepsLimits: a state that fits exactly is loaded; with one of the limits one lower it is refused.
func TestLoadKeepsLimits(t *testing.T) {
	m, disk := allKinds(t)
	c := m.Counts()
	limits := replica.DefaultLimits
	limits.Connections, limits.Retained, limits.RetainedBytes = 1, c.Retained, c.RetainedBytes
	limits.Sessions, limits.SessionSubscriptions, limits.Queued, limits.QueuedBytes = c.Sessions, 3, c.Queued, c.QueuedBytes
	limits.Bans = c.Bans
	if _, err := replica.Load(2, limits, disk.sorted()); err != nil {
		t.Fatal(err)
	}
	for i, lower := range []func(l *replica.Limits){
		func(l *replica.Limits) { l.Connections-- },
		func(l *replica.Limits) { l.Retained-- },
		func(l *replica.Limits) { l.RetainedBytes-- },
		func(l *replica.Limits) { l.Sessions-- },
		func(l *replica.Limits) { l.SessionSubscriptions-- },
		func(l *replica.Limits) { l.SubscriptionBytes = 3000 },
		func(l *replica.Limits) { l.Queue = 1 },
		func(l *replica.Limits) { l.QueueBytes = 300 },
		func(l *replica.Limits) { l.Queued-- },
		func(l *replica.Limits) { l.QueuedBytes-- },
		func(l *replica.Limits) { l.Bans-- },
	} {
		lowered := limits
		lower(&lowered)
		if _, err := replica.Load(2, lowered, disk.sorted()); !errors.Is(err, replica.ErrMalformed) {
			t.Errorf("limit %d: %v", i, err)
		}
	}
	if _, err := replica.Load(1, limits, disk.sorted()); !errors.Is(err, replica.ErrMalformed) {
		t.Errorf("with a member less: %v", err)
	}
}

// parseRecords reads keys and values, each behind its length in a varint.
func parseRecords(b []byte) iter.Seq2[[]byte, []byte] {
	next := func() []byte {
		length, n := binary.Uvarint(b)
		if n <= 0 || length > uint64(len(b)-n) {
			b = nil
			return nil
		}
		field := b[n : n+int(length)]
		b = b[n+int(length):]
		return field
	}
	return func(yield func(key, value []byte) bool) {
		for len(b) > 0 && yield(next(), next()) {
		}
	}
}

func appendRecords(dst []byte, all iter.Seq2[[]byte, []byte]) []byte {
	for key, value := range all {
		dst = append(binary.AppendUvarint(dst, uint64(len(key))), key...)
		dst = append(binary.AppendUvarint(dst, uint64(len(value))), value...)
	}
	return dst
}

// FuzzLoad: no records, however hostile, upset Load, or the machine that it makes of them; and that machine's own
// records make the same one.
func FuzzLoad(f *testing.F) {
	_, disk := allKinds(f)
	f.Add(appendRecords(nil, disk.sorted()))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := replica.Load(2, scriptLimits, parseRecords(b))
		if err != nil {
			return
		}
		disk := records{}
		for key, value := range parseRecords(b) {
			disk[string(key)] = value
		}
		s := script{machine: m, now: m.Time()}
		for i, line := range []string{
			"connect 900 eve", "publish 900 t:x:2:retain", "publish 900 t::1:retain", "connect 901 alice expiry=1000",
			"subscribe 901 $share/g/t:1 #:2", "publish 900 t:x:2 1", "done 901 0 1 2 3 4 5", "connect 902 bob clean", "connect 903 carol", "tick",
		} {
			s.do(strings.Fields(fmt.Sprintf("1@%d#%d %s", 1<<62, i, line)))
			s.now += 20 * second
		}
		if err := disk.flush(m); err != nil {
			t.Fatal(err)
		}
		again, err := replica.Load(2, scriptLimits, disk.sorted())
		if err != nil {
			t.Fatal(err)
		}
		if again.Digest() != m.Digest() || again.Hash() != m.Hash() {
			t.Fatal("loaded again it is another one")
		}
	})
}
