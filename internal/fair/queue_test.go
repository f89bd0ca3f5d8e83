package fair

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func host(n int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, byte(n >> 8), byte(n)}) }

func key(address, client int) Key { return Key{host(address), uint64(client)} }

func drain(q *Queue[string]) string {
	var all []string
	for q.Len() > 0 {
		front, _, _ := q.Front()
		if got := q.Pop(); got != front {
			panic("Front and Pop differ")
		}
		all = append(all, front)
	}
	return strings.Join(all, " ")
}

func TestOrder(t *testing.T) {
	type push struct {
		address, client int
		name            string
		cost            int64
	}
	for _, test := range []struct {
		what   string
		pushes []push
		want   string
	}{
		{"one client", []push{{1, 1, "a", 9}, {1, 1, "b", 1}, {1, 1, "c", 5}}, "a b c"},
		{
			"clients of an address take turns",
			[]push{{1, 1, "a1", 1}, {1, 1, "a2", 1}, {1, 1, "a3", 1}, {1, 2, "b1", 1}, {1, 2, "b2", 1}, {1, 3, "c1", 1}},
			"a1 b1 c1 a2 b2 a3",
		},
		{
			"addresses take turns, with however many clients",
			[]push{{1, 1, "a1", 1}, {1, 2, "b1", 1}, {1, 3, "c1", 1}, {2, 1, "x1", 1}, {2, 1, "x2", 1}},
			"a1 x1 b1 x2 c1",
		},
		{
			"what is large is dear",
			[]push{{1, 1, "A1", 4}, {1, 1, "A2", 4}, {2, 1, "x1", 1}, {2, 1, "x2", 1}, {2, 1, "x3", 1}, {2, 1, "x4", 1}, {2, 1, "x5", 1}},
			"A1 x1 x2 x3 x4 A2 x5",
		},
	} {
		q := NewQueue[string](0)
		for _, p := range test.pushes {
			q.Push(key(p.address, p.client), p.name, p.cost)
		}
		if got := drain(q); got != test.want {
			t.Errorf("%s: served %s, want %s", test.what, got, test.want)
		}
	}
}

// TestWhoWantsLittleGoesFirst lets somebody come now and then while others always have something waiting.
func TestWhoWantsLittleGoesFirst(t *testing.T) {
	q := NewQueue[string](1000)
	for i := range 10 {
		for range 100 {
			q.Push(key(i, 1), "much", 1000)
		}
	}
	for range 20 { // they use their credit
		q.Pop()
	}
	for range 100 {
		for range 7 {
			q.Pop()
		}
		if !q.Ahead(key(99, 1)) {
			t.Fatal("not ahead of those who want much")
		}
		q.Push(key(99, 1), "little", 10)
		if got := q.Pop(); got != "little" {
			t.Fatal("those who want much go first")
		}
	}
}

func TestCharge(t *testing.T) {
	q := NewQueue[string](0)
	q.Charge(key(1, 1), 100) // nobody waits: it does not count
	q.Push(key(1, 1), "a1", 1)
	q.Push(key(2, 1), "b1", 1)
	q.Push(key(2, 1), "b2", 1)
	q.Push(key(3, 1), "c1", 1)
	q.Charge(key(3, 1), 2)
	q.Charge(key(4, 1), 1)
	q.Push(key(4, 1), "d1", 1)
	if got, want := drain(q), "a1 b1 b2 d1 c1"; got != want {
		t.Errorf("served %s, want %s", got, want)
	}
}

func TestRemove(t *testing.T) {
	q := NewQueue[string](1000)
	is := func(want string) func(*string) bool { return func(got *string) bool { return *got == want } }
	for i := range 5 {
		q.Push(key(i%2, i), fmt.Sprint("a", i), 1)
		q.Push(key(i%2, i), fmt.Sprint("b", i), 1)
	}
	for _, name := range []string{"a1", "b1", "b3", "a4", "b4", "a0"} {
		i := int(name[1] - '0')
		if got, ok := q.Remove(key(i%2, i), is(name)); !ok || got != name {
			t.Errorf("instead of %s %q was removed", name, got)
		}
	}
	for _, i := range []int{0, 9} {
		if got, ok := q.Remove(key(0, i), is(fmt.Sprint("a", i))); ok || got != "" {
			t.Errorf("%q was removed", got)
		}
	}
	if got, want := drain(q), "b0 a3 a2 b2"; got != want {
		t.Errorf("served %s, want %s", got, want)
	}
}

// TestShares pushes and pops at random. Each client's requests keep their order, and of two addresses that have wanted more
// all the time none gets more than the other by more than a request of each.
func TestShares(t *testing.T) {
	const most = 1000 // a request's cost
	r := rand.New(rand.NewPCG(1, 2))
	q := NewQueue[[2]int](10) // client and number
	pushed, popped, had := map[int]int{}, map[int]int{}, map[int]int64{}
	push := func(client int) {
		q.Push(key(client/10, client), [2]int{client, pushed[client]}, 1+r.Int64N(most))
		pushed[client]++
	}
	busy := []int{0, 1, 10, 11, 12, 20} // those of the addresses 0 to 2
	for _, client := range busy {
		push(client)
		push(client)
	}
	for range 100_000 {
		if r.IntN(2) == 0 {
			push(30 + r.IntN(100))
		}
		_, cost, _ := q.Front()
		got := q.Pop()
		client := got[0]
		if got[1] != popped[client] {
			t.Fatalf("client %d's request %d after %d", client, got[1], popped[client]-1)
		}
		popped[client]++
		had[client/10] += cost
		if slices.Contains(busy, client) {
			push(client)
		}
		all := []int64{had[0], had[1], had[2]}
		if least, largest := slices.Min(all), slices.Max(all); largest-least > 2*most {
			t.Fatalf("they had %v", all)
		}
	}
}

// TestManyPassBy lets clients come once each: they are forgotten, and those who wait are not starved by them.
func TestManyPassBy(t *testing.T) {
	q := NewQueue[string](1000)
	q.Push(key(1, 0), "first", 1)
	q.Push(key(1, 0), "waits", 1)
	q.Pop()
	served := 0
	for i := range 10 * maxIdle {
		address := netip.AddrFrom4([4]byte{11, byte(i >> 16), byte(i >> 8), byte(i)})
		q.Push(Key{address, 1}, "passes", 100)
		if q.Pop() == "waits" {
			served = i
			break
		}
		if len(q.clients) > maxIdle+2 || len(q.addresses) > maxIdle+2 {
			t.Fatalf("%d clients and %d addresses are remembered", len(q.clients), len(q.addresses))
		}
	}
	if served == 0 {
		t.Error("who waits is never served")
	}
}

func TestHost(t *testing.T) {
	for from, want := range map[string]string{
		"1.2.3.4": "1.2.3.4", "::ffff:1.2.3.4": "1.2.3.4", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::", "fe80::1%eth0": "fe80::",
	} {
		if got := Host(netip.MustParseAddr(from)); got.String() != want {
			t.Errorf("%s: %s, want %s", from, got, want)
		}
	}
	if Host(netip.Addr{}).IsValid() {
		t.Error("no address became one")
	}
}

func BenchmarkQueue(b *testing.B) {
	for _, clients := range []int{1, 100, 10_000} {
		b.Run(fmt.Sprint(clients, " clients"), func(b *testing.B) {
			q := NewQueue[int](1000)
			b.ReportAllocs()
			for i := range clients {
				q.Push(key(i%7, i), i, 1)
			}
			for b.Loop() {
				i := q.Pop()
				q.Push(key(i%7, i), i, 100)
			}
		})
	}
}
