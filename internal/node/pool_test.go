package node

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/foxmq/foxmq/internal/event"
	"github.com/foxmq/foxmq/internal/fair"
	"github.com/foxmq/foxmq/internal/replica"
)

const boot = 7 // the incarnation in these tests

// publish makes a command that is told by its connection number.
func publish(i int) *replica.Publish {
	return &replica.Publish{Connection: uint64(i), Message: replica.Message{Topic: "t"}}
}

func mark(i int) replica.Token { return replica.Token{PacketID: uint16(i)} }

func testPool(bytes int) *pool { return newPool(bytes, func() {}) }

func mustSubmit(t *testing.T, p *pool, numbers ...int) {
	t.Helper()
	for _, i := range numbers {
		if err := p.TrySubmit(fair.Key{}, publish(i), mark(i)); err != nil {
			t.Fatal(err)
		}
	}
}

// pull fills one event of at most limit bytes and tells what it carries, each transaction as number:connection.
func pull(t *testing.T, p *pool, limit int) string {
	t.Helper()
	e := &event.Event{Seq: 1, BirthRound: 1, Payload: p.Fill(nil, boot, limit)}
	if err := e.Seal(event.Domain{}); err != nil {
		t.Fatal(err)
	}
	var all []string
	e.EachTransaction(func(_ int, tx []byte) {
		incarnation, n := binary.Uvarint(tx)
		number, m := binary.Uvarint(tx[n:])
		cmd, err := replica.DecodeCommand(tx[n+m:])
		if err != nil || incarnation != boot {
			t.Fatalf("incarnation %d, %v", incarnation, err)
		}
		switch c := cmd.(type) {
		case *replica.Publish:
			all = append(all, fmt.Sprintf("%d:%d", number, c.Connection))
		case *replica.Connect:
			all = append(all, fmt.Sprintf("%d:%s", number, c.ClientID))
		}
	})
	return strings.Join(all, " ")
}

// complete tells the pool that these numbers were applied on node 0, and returns the tokens of those that were its
// own.
func complete(p *pool, numbers ...uint64) string {
	var results []replica.Result
	for _, n := range numbers {
		results = append(results, replica.Result{
			Outcome: replica.Applied, Header: replica.Header{Incarnation: boot, Number: n},
		})
	}
	p.Complete(results, 0)
	var tokens []string
	for _, r := range results {
		if r.Own {
			tokens = append(tokens, fmt.Sprint(r.Token.PacketID))
		}
	}
	return strings.Join(tokens, " ")
}

func want(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

func TestPoolNumbersInSubmissionOrder(t *testing.T) {
	p := testPool(1 << 20)
	mustSubmit(t, p, 1, 2, 3)
	want(t, "first event", pull(t, p, 1<<20), "0:1 1:2 2:3")
	want(t, "nothing left", pull(t, p, 1<<20), "")
	mustSubmit(t, p, 4)
	want(t, "second event", pull(t, p, 1<<20), "3:4")
	want(t, "tokens", complete(p, 0, 1), "1 2")
	want(t, "tokens", complete(p, 2, 3), "3 4")
	if count, bytes := p.Load(); count != 0 || bytes != 0 {
		t.Errorf("left: %d, %d bytes", count, bytes)
	}
}

// TestPoolFliesAgain: after an event went stale, everything from the first unapplied transaction on goes into
// events again, with its number, before what is new.
func TestPoolFliesAgain(t *testing.T) {
	p := testPool(1 << 20)
	mustSubmit(t, p, 1, 2, 3)
	pull(t, p, 1<<20)
	mustSubmit(t, p, 4)
	pull(t, p, 1<<20)
	complete(p, 0)
	p.Again()
	mustSubmit(t, p, 5)
	if !p.Waiting() {
		t.Error("nothing waits")
	}
	want(t, "again", pull(t, p, 1<<20), "1:2 2:3 3:4 4:5")
	want(t, "tokens", complete(p, 1, 2, 3, 4), "2 3 4 5")
}

// TestPoolCompletesWhileFlyingAgain: what is applied between Again and the next event is not sent once more.
func TestPoolCompletesWhileFlyingAgain(t *testing.T) {
	p := testPool(1 << 20)
	mustSubmit(t, p, 1, 2, 3, 4)
	pull(t, p, 1<<20)
	p.Again()
	complete(p, 0, 1)
	want(t, "the rest", pull(t, p, 1<<20), "2:3 3:4")
	want(t, "tokens", complete(p, 2, 3), "3 4")
}

func TestPoolCompletesOnlyItsOwn(t *testing.T) {
	p := testPool(1 << 20)
	mustSubmit(t, p, 1)
	pull(t, p, 1<<20)
	first := replica.Header{Incarnation: boot}
	foreign := []replica.Result{
		{Outcome: replica.Applied, Node: 1, Header: first},
		{Outcome: replica.Ignored, Header: first},
		{Outcome: replica.Applied, Header: replica.Header{Incarnation: boot - 1}},
	}
	p.Complete(foreign, 0)
	for i, r := range foreign {
		if r.Own {
			t.Errorf("result %d taken for its own", i)
		}
	}
	own := []replica.Result{{Outcome: replica.Invalid, Header: first}}
	if p.Complete(own, 0); !own[0].Own || own[0].Token != mark(1) {
		t.Error("a refused transaction did not come back")
	}
}

func TestPoolKeepsToThePayloadLimit(t *testing.T) {
	p := testPool(1 << 20)
	mustSubmit(t, p, 1, 2, 3)
	want(t, "one at least", pull(t, p, 1), "0:1")
	want(t, "as many as surely fit", pull(t, p, 35), "1:2")
	want(t, "the rest", pull(t, p, 1<<20), "2:3")
}

// TestLargeOnesKeepTheirContent: what is submitted next does not change what was submitted, of any size and kind.
func TestLargeOnesKeepTheirContent(t *testing.T) {
	p := testPool(16 << 20)
	var want []string
	for size := largeCost - 2*publishHead; size <= largeCost+publishHead; size += 8 {
		content := strings.Repeat(fmt.Sprint(size%10), size)
		message := replica.Message{Topic: "t", Payload: []byte(content)}
		for _, cmd := range []replica.Command{
			&replica.Publish{Connection: 1, PacketID: 1 << 15, Message: message},
			&replica.Connect{Connection: 1, Will: &message},
		} {
			if err := p.TrySubmit(fair.Key{}, cmd, replica.Token{}); err != nil {
				t.Fatal(err)
			}
			want = append(want, string(cmd.Append(nil)))
		}
	}
	for place, all := 0, uint64(0); place < len(want); place++ {
		for all <= uint64(place) {
			p.Fill(nil, boot, 1<<20)
			p.window.give(p.window.used)
			p.window.shut = false
			all = p.flying.end()
		}
		if got := string(p.flying.at(uint64(place)).command); got != want[place] {
			t.Fatalf("command %d of %d bytes is another: %d bytes", place, len(want[place]), len(got))
		}
	}
}

// TestPayloadIsNotLargerThanItsContent: events are kept for long, so one has no room for what others carry or what waits.
func TestPayloadIsNotLargerThanItsContent(t *testing.T) {
	p := testPool(16 << 20)
	large := &replica.Publish{Connection: 1, Message: replica.Message{Topic: "t", Payload: make([]byte, 60<<10)}}
	for i := range 20 {
		if err := p.TrySubmit(fair.Key{}, large, mark(i)); err != nil {
			t.Fatal(err)
		}
		payload := p.Fill(nil, boot, 1<<20)
		if len(payload) > 0 && cap(payload) > len(payload)+len(payload)/4 {
			t.Fatalf("a payload of %d bytes occupies %d", len(payload), cap(payload))
		}
	}
}

func TestPoolWithdraws(t *testing.T) {
	p := testPool(1 << 20)
	connect := func(id string, i int) {
		t.Helper()
		if err := p.TrySubmit(fair.Key{}, &replica.Connect{Connection: 1, ClientID: id}, mark(i)); err != nil {
			t.Fatal(err)
		}
	}
	connect("a", 1)
	mustSubmit(t, p, 2)
	connect("b", 3)
	connect("c", 4)
	for _, i := range []int{1, 3} {
		if !p.Withdraw(fair.Key{}, mark(i)) {
			t.Errorf("%d not withdrawn", i)
		}
	}
	if p.Withdraw(fair.Key{}, mark(2)) || p.Withdraw(fair.Key{}, mark(1)) || p.Withdraw(fair.Key{}, mark(9)) {
		t.Error("withdrew what is no waiting CONNECT")
	}
	want(t, "what is left", pull(t, p, 1<<20), "0:2 1:c")
	if p.Withdraw(fair.Key{}, mark(4)) {
		t.Error("withdrew what is in an event")
	}
	want(t, "tokens", complete(p, 0, 1), "2 4")

	connect("d", 5)
	p.Withdraw(fair.Key{}, mark(5))
	if p.Waiting() {
		t.Error("a withdrawn CONNECT waits")
	}
	if count, bytes := p.Load(); count != 0 || bytes != 0 {
		t.Errorf("left: %d, %d bytes", count, bytes)
	}
}

// TestPoolForgetsWhatWasWithdrawn: clients that come and go while nothing is ordered leave nothing behind.
func TestPoolForgetsWhatWasWithdrawn(t *testing.T) {
	p := testPool(1 << 20)
	mustSubmit(t, p, 1)
	for i := range 10_000 {
		id := fmt.Sprint("c", i)
		if err := p.TrySubmit(fair.Key{}, &replica.Connect{Connection: 1, ClientID: id}, mark(i)); err != nil {
			t.Fatal(err)
		}
		if i%1000 != 0 && !p.Withdraw(fair.Key{}, mark(i)) {
			t.Fatalf("%d not withdrawn", i)
		}
	}
	if n := p.waiting.Len(); n > 200 {
		t.Errorf("%d places kept", n)
	}
	if !p.Withdraw(fair.Key{}, mark(3000)) {
		t.Error("not withdrawn from its new place")
	}
	want(t, "what is left", pull(t, p, 1<<20),
		"0:1 1:c0 2:c1000 3:c2000 4:c4000 5:c5000 6:c6000 7:c7000 8:c8000 9:c9000")
}

// TestPoolIsBounded: room is taken at Submit and comes back when the transaction is applied, not before.
func TestPoolIsBounded(t *testing.T) {
	p := testPool(2 * (transactionOverhead + 10))
	mustSubmit(t, p, 1, 2)
	if err := p.TrySubmit(fair.Key{}, publish(3), mark(3)); !errors.Is(err, ErrFull) {
		t.Errorf("third: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := p.Submit(ctx, fair.Key{}, publish(3), mark(3)); !errors.Is(err, context.Canceled) {
		t.Errorf("third, patiently: %v", err)
	}
	huge := &replica.Publish{Connection: 1, Message: replica.Message{Topic: "t", Payload: make([]byte, 1000)}}
	if err := p.TrySubmit(fair.Key{}, huge, mark(4)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("larger than the pool: %v", err)
	}
	pull(t, p, 1<<20)
	if err := p.TrySubmit(fair.Key{}, publish(3), mark(3)); !errors.Is(err, ErrFull) {
		t.Errorf("while flying: %v", err)
	}
	waiting := make(chan error)
	go func() { waiting <- p.Submit(context.Background(), fair.Key{}, publish(3), mark(3)) }()
	complete(p, 0)
	if err := <-waiting; err != nil {
		t.Errorf("after one was applied: %v", err)
	}
}

// TestPoolTakesManySizes submits commands of all sizes and finds each unharmed.
func TestPoolTakesManySizes(t *testing.T) {
	p := testPool(64 << 20)
	sizes := []int{0, 1, 100, largeCost / 4, largeCost, 3 * largeCost}
	for round := range 20 {
		for _, size := range sizes {
			payload := []byte(strings.Repeat(string(rune('a'+round)), size))
			cmd := &replica.Publish{Connection: 1, Message: replica.Message{Topic: "t", Payload: payload}}
			if err := p.TrySubmit(fair.Key{}, cmd, mark(1)); err != nil {
				t.Fatal(err)
			}
		}
	}
	e := &event.Event{Seq: 1, BirthRound: 1, Payload: p.Fill(nil, boot, event.MaxPayload)}
	e.EachTransaction(func(i int, tx []byte) {
		_, n := binary.Uvarint(tx)
		_, m := binary.Uvarint(tx[n:])
		cmd, err := replica.DecodeCommand(tx[n+m:])
		if err != nil {
			t.Fatal(err)
		}
		letter, size := string(rune('a'+i/len(sizes))), sizes[i%len(sizes)]
		if got := string(cmd.(*replica.Publish).Message.Payload); got != strings.Repeat(letter, size) {
			t.Fatalf("transaction %d is harmed", i)
		}
	})
}

// TestNewsWaitsForTheWindow: what comes while no more may fly is news when more may.
func TestNewsWaitsForTheWindow(t *testing.T) {
	p := testPool(1 << 20)
	sent := 0
	for ; p.bytes <= firstWindow; sent++ {
		mustSubmit(t, p, sent)
	}
	p.News()
	p.Fill(nil, boot, 1<<20)
	mustSubmit(t, p, sent, sent+1, sent+2)
	if p.News() {
		t.Fatal("news that may not fly")
	}
	for i := range sent {
		complete(p, uint64(i))
	}
	if !p.Waiting() || !p.News() {
		t.Error("what came while the window was shut is no news")
	}
}

// TestWhoWaitsKeepsNoMemory: what waits keeps in memory what the pool says that it holds, and nothing of what came with it and
// is applied.
func TestWhoWaitsKeepsNoMemory(t *testing.T) {
	p := testPool(64 << 20)
	const count, size = 200, 64 << 10
	patient, other := fair.Key{Client: 1}, fair.Key{Client: 2}
	submit := func(from fair.Key, size int) {
		cmd := &replica.Publish{Connection: 1, Message: replica.Message{Topic: "t", Payload: make([]byte, size)}}
		if err := p.TrySubmit(from, cmd, mark(1)); err != nil {
			t.Fatal(err)
		}
	}
	before := heap()
	for range 3 {
		submit(patient, 8<<20)
	}
	number := uint64(0)
	for range count {
		submit(patient, 10)
		for range 64 {
			submit(other, size/64)
		}
		for range 64 {
			p.window.shut = false
			p.Fill(nil, boot, 1)
			complete(p, number)
			number++
		}
	}
	waiting, held := p.Load()
	if used := heap() - before; waiting < count || used > held+count*size/4 {
		t.Errorf("%d that wait hold %d bytes, and keep %d", waiting, held, used)
	}
	runtime.KeepAlive(p)
}

// heap returns how many bytes are in use.
func heap() int {
	for range 2 { // for what is in a sync.Pool
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// TestTheLeastPoolTakesTheLongestPacket: a configuration may have a pool of so many bytes more than a packet (internal/config).
func TestTheLeastPoolTakesTheLongestPacket(t *testing.T) {
	const packet, overhead = 1 << 20, 320
	const head = 4 + 2 + 1 + 2 + 1 // fixed header, topic and its length, packet identifier, no properties
	p := testPool(packet + overhead)
	m := replica.Message{Topic: "t", QoS: 1, Payload: make([]byte, packet-head)}
	if err := p.TrySubmit(fair.Key{}, &replica.Publish{Message: m}, mark(1)); err != nil {
		t.Error(err)
	}
}
