package replica_test

import (
	"bytes"
	"fmt"
	"iter"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/foxmq/foxmq/internal/replica"
	"pgregory.net/rapid"
)

// records are a machine's records as they stand on a disk.
type records map[string][]byte

// flush brings the records up to date. What Flush gives must change them, in the order of the keys, and then they are
// what EachRecord gives.
func (r records) flush(m *replica.Machine) error {
	last := ""
	var err error
	m.Flush(func(key, value []byte) {
		k := string(key)
		old, known := r[k]
		switch {
		case k <= last:
			err = fmt.Errorf("key %x comes behind %x", key, last)
		case value == nil && !known:
			err = fmt.Errorf("record %x goes that was not there", key)
		case value != nil && known && bytes.Equal(old, value):
			err = fmt.Errorf("record %x has not changed", key)
		}
		last = k
		if value == nil {
			delete(r, k)
		} else {
			r[k] = value
		}
	})
	if err == nil {
		err = r.are(m)
	}
	return err
}

// are fails unless the records are those of the machine.
func (r records) are(m *replica.Machine) error {
	var err error
	all := records{}
	m.EachRecord(func(key, value []byte) {
		if _, twice := all[string(key)]; twice {
			err = fmt.Errorf("record %x is given twice", key)
		}
		all[string(key)] = value
	})
	if err == nil && !maps.EqualFunc(r, all, bytes.Equal) {
		err = fmt.Errorf("the machine gives %d records that are not the %d that were flushed", len(all), len(r))
	}
	return err
}

// sorted yields the records in the order of the keys.
func (r records) sorted() iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		for _, key := range slices.Sorted(maps.Keys(r)) {
			if !yield([]byte(key), r[key]) {
				return
			}
		}
	}
}

// held are the counts that are the state's, not the node's.
func held(m *replica.Machine) replica.Counts {
	c := m.Counts()
	return replica.Counts{
		Connections: c.Connections, Retained: c.Retained, RetainedBytes: c.RetainedBytes, Sessions: c.Sessions,
		Subscriptions: c.Subscriptions, Groups: c.Groups, Queued: c.Queued, QueuedBytes: c.QueuedBytes,
		Bans: c.Bans,
	}
}

// flushed is a machine with its records, which now and then dies and comes back.
type flushed struct {
	*replica.Machine
	disk records
}

func (f *flushed) flush(t *rapid.T) {
	if err := f.disk.flush(f.Machine); err != nil {
		t.Fatal(err)
	}
}

// restart goes on with a machine that was loaded from the records.
func (f *flushed) restart(t *rapid.T) {
	f.flush(t)
	loaded, err := replica.Load(members, scriptLimits, f.disk.sorted())
	if err != nil {
		t.Fatal(err)
	}
	old := f.Machine
	f.Machine = loaded
	f.same(t, old)
	before := maps.Clone(f.disk)
	if f.flush(t); !maps.EqualFunc(before, f.disk, bytes.Equal) {
		t.Fatal("a machine that was just loaded has changes")
	}
}

// same checks that both machines are in one state, and were when they were last flushed.
func (f *flushed) same(t *rapid.T, other *replica.Machine) {
	if f.Digest() != other.Digest() {
		t.Fatal("the states differ")
	}
	if f.Hash() != other.Hash() {
		t.Fatal("the hashes differ")
	}
	if held(f.Machine) != held(other) {
		t.Fatalf("%+v is held, want %+v", held(f.Machine), held(other))
	}
}

func (f *flushed) apply(now int64, node int, tx []byte) string {
	var res replica.Result
	f.Apply(now, node, tx, &res)
	at, owner, ok := f.Deadline()
	return fmt.Sprintf("%sdeadline %d %d %v\ndigest %x\n", show(&res), at, owner, ok, res.AppendDigest(nil))
}

// TestRecords feeds random transactions to two machines. Both are flushed at random points, each at its own, and one is
// loaded anew from its records now and then: they do the same all along, and whenever both are flushed at once, their
// hashes and records are equal.
func TestRecords(t *testing.T) {
	times := 10 // 100 each
	if os.Getenv("FOXMQ_LONG") != "" {
		times = 1000
	}
	for range times {
		rapid.Check(t, checkRecords)
	}
}

func checkRecords(t *rapid.T) {
	a := &flushed{replica.New(members, scriptLimits), records{}}
	b := &flushed{replica.New(members, scriptLimits), records{}}
	o := newOracle()
	now := int64(1)
	for i := range rapid.IntRange(1, 80).Draw(t, "transactions") {
		now += int64(rapid.SampledFrom([]int{0, 0, 0, 1, 1, 3}).Draw(t, "seconds"))*second + 1000
		node, cmd := drawTransaction(t, o)
		h := drawHeader(t, o.counters[node])
		o.apply(now, node, h, cmd)
		tx := cmd.Append(h.Append(nil))
		if got, want := a.apply(now, node, tx), b.apply(now, node, tx); got != want {
			t.Fatalf("transaction %d, %T: loaded:\n%srun on:\n%s", i+1, cmd, got, want)
		}
		switch rapid.IntRange(0, 15).Draw(t, "then") {
		case 0, 1:
			a.flush(t)
		case 2:
			b.flush(t)
		case 3:
			a.restart(t)
		case 4:
			a.flush(t)
			b.flush(t)
			a.same(t, b.Machine)
		}
	}
	a.restart(t)
	b.flush(t)
	a.same(t, b.Machine)
	if !maps.EqualFunc(a.disk, b.disk, bytes.Equal) {
		t.Fatalf("the records differ:\n%q\n%q", a.disk, b.disk)
	}
}

// flushing returns a machine after those commands, its records, and how to do more and see which records change.
func flushing(t *testing.T, lines ...string) func(line string) (changed []string) {
	t.Helper()
	s := script{machine: replica.New(2, replica.DefaultLimits)}
	for _, line := range lines {
		s.do(strings.Fields(line))
	}
	s.machine.Flush(func(_, _ []byte) {})
	return func(line string) (changed []string) {
		for _, part := range strings.Split(line, ", ") {
			s.do(strings.Fields(part))
		}
		s.machine.Flush(func(key, value []byte) {
			change := "+"
			if value == nil {
				change = "-"
			}
			changed = append(changed, change+recordKinds[key[0]])
		})
		return changed
	}
}

var recordKinds = []string{
	"", "meta", "member", "body", "retained", "session", "subscription", "page", "queued", "group", "ban",
}

// TestWhatChanges: only the records that a transaction is about change.
func TestWhatChanges(t *testing.T) {
	do := flushing(t,
		"0@1#0 connect 1 alice expiry=9", "0@1#1 subscribe 1 t:2", "0@1#2 connect 2 bob",
		"0@1#3 subscribe 2 $share/g/s:2", "0@1#4 connect 3 carol expiry=9", "0@1#5 subscribe 3 $share/g/s:2")
	for i, step := range []struct{ line, want string }{
		{"0@1#6 publish 2 t:x:1", "+body +session +queued"},
		{"0@1#7 publish 2 t:x:1, 0@1#8 publish 2 t:y:2, 0@1#9 publish 2 t:z:2", "+body +body +body +session +queued +queued +queued"},
		{"0@1#10 done 1 1", "-body -queued"},
		{"0@1#11 received 1 2", "+queued"},
		{"0@1#12 publish 2 t:x:1, 0@1#13 done 1 4", "+session"}, // came and went
		{"0@1#14 connect 4 dave, 0@1#15 end 4", ""},
		{"0@1#16 publish 2 s:x:0", "+group"},
		{"0@1#17 publish 2 s:x:0, 0@1#18 publish 2 s:x:0", ""},
		{"0@1#19 publish 2 r:x:retain", "+retained"},
		{"0@1#20 publish 2 r:y:retain, 0@1#21 publish 2 r:z:retain", "+retained"},
		{"0@1#22 publish 2 q:x:retain, 0@1#23 publish 2 q::retain", ""},
		{"0@1#24 publish 2 r::retain", "-retained"},
		{"0@1#25 publish 1 u:x:2 7, 0@1#26 release 1 7", ""},
		{"0@1#27 publish 1 u:x:2 7", "+page"},
		{"0@1#28 release 1 7", "-page"},
		{"0@1#29 unsubscribe 1 t, 0@1#30 subscribe 1 t:1", "+subscription"},
		{"0@1#31 publish 2 r:x:1:retain, 0@1#32 subscribe 1 r:1", "+body +retained +session +subscription +queued"},
		{"0@1#33 done 1 5", "-body -queued"},
		{"0@1#34 subscribe 1 r:1", "+body +session +queued"}, // the same body
		{"0@1#35 done 1 6, 0@1#36 subscribe 1 r:1", "+session -queued +queued"},
		{"0@1#37 publish 1 u:x:2 900", "+page"},
		{"0@1#38 connect 5 bob", "+session -subscription +group"},
		{"0@1#39 unsubscribe 3 $share/g/s", "-subscription -group"},
		{
			"0@1#40 connect 6 alice clean",
			"-body -body -body -body +session -subscription -subscription -page -queued -queued -queued -queued",
		},
		{"0@1#41 ban user eve for=20", "+ban"},
		{"0@1#42 ban client eve, 0@1#43 unban client eve", ""},
		{"0@1#44 ban user eve why", "+ban"},
		{"0@1#45 unban user eve", "-ban"},
		{"1@1#0 suspect 0@1", "+member"},
	} {
		want := strings.TrimSpace("+meta +member " + step.want)
		if got := strings.Join(do(step.line), " "); got != want {
			t.Errorf("step %d, %s: changed %s, want %s", i, step.line, got, want)
		}
	}
}

// TestLongNames: names of any length have keys of bounded length, and different ones different keys.
func TestLongNames(t *testing.T) {
	s := script{machine: replica.New(1, replica.DefaultLimits)}
	long := strings.Repeat("x", 60_000)
	for i, line := range []string{
		"connect 1 " + long + "1 expiry=9", "connect 2 " + long + "2 expiry=9", "connect 3 " + long[:512] + " expiry=9",
		"subscribe 1 " + long + "1:1", "subscribe 1 $share/g/" + long + "1:1", "subscribe 1 $share/g/" + long + "2:1",
		"publish 1 " + long + "1:p:1:retain", "publish 1 " + long + "2:p:1:retain",
	} {
		line = fmt.Sprintf("0@1#%d %s", i, line)
		if got := s.do(strings.Fields(line)); !strings.HasPrefix(got, "applied") {
			t.Fatalf("%.40s: %.40s", line, got)
		}
	}
	disk := records{}
	if err := disk.flush(s.machine); err != nil {
		t.Fatal(err)
	}
	for key := range disk {
		if len(key) > 1024 {
			t.Errorf("a key of %d bytes", len(key))
		}
	}
	loaded, err := replica.Load(1, replica.DefaultLimits, disk.sorted())
	if err != nil {
		t.Fatal(err)
	}
	if loaded.Digest() != s.machine.Digest() || loaded.Hash() != s.machine.Hash() {
		t.Error("the loaded machine differs")
	}
}

func TestEmptyMachine(t *testing.T) {
	m := replica.New(4, replica.DefaultLimits)
	before := m.Hash()
	m.Flush(func(key, _ []byte) { t.Errorf("record %x of nothing", key) })
	loaded, err := replica.Load(4, replica.DefaultLimits, records{}.sorted())
	if err != nil {
		t.Fatal(err)
	}
	if m.Hash() != before || loaded.Hash() != before {
		t.Error("the hash of nothing is not the same")
	}
}
