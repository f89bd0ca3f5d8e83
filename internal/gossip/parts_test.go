package gossip

import (
	"net"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/foxmq/foxmq/internal/event"
)

func sized(sizes ...int) []*outgoing {
	all := make([]*outgoing, len(sizes))
	for i, size := range sizes {
		all[i] = &outgoing{size: size}
	}
	return all
}

func TestQueueGivesBackInOrderAndInBatches(t *testing.T) {
	q := newQueue(100, 1000)
	items := sized(10, 20, 30, 500, 1, 1)
	for _, o := range items {
		if dropped := q.push(o); dropped != 0 {
			t.Fatalf("dropped %d", dropped)
		}
	}
	var got []*outgoing
	for _, want := range []int{3, 1, 2, 0} {
		batch := q.take(nil, 60)
		if len(batch) != want {
			t.Fatalf("took %d, want %d", len(batch), want)
		}
		got = append(got, batch...)
	}
	for i, o := range got {
		if o != items[i] {
			t.Errorf("item %d out of order", i)
		}
	}
	if q.bytes != 0 {
		t.Errorf("the empty queue counts %d bytes", q.bytes)
	}
}

func TestQueueDropsEverythingOnOverflow(t *testing.T) {
	for name, test := range map[string]struct {
		messages, bytes int
		fit             []int
		over            int
	}{
		"of messages": {3, 1000, []int{1, 1, 1}, 1},
		"of bytes":    {100, 100, []int{50, 50}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			q := newQueue(test.messages, test.bytes)
			for _, o := range sized(test.fit...) {
				if dropped := q.push(o); dropped != 0 {
					t.Fatalf("dropped %d before it was full", dropped)
				}
			}
			if dropped := q.push(sized(test.over)[0]); dropped != len(test.fit)+1 {
				t.Errorf("dropped %d", dropped)
			}
			if left := q.take(nil, 1000); len(left) != 0 {
				t.Errorf("%d were left", len(left))
			}
			if dropped := q.push(sized(1)[0]); dropped != 0 {
				t.Error("the queue does not recover")
			}
		})
	}
}

// A queue that never runs empty must not grow by what has passed through it.
func TestQueueForgetsWhatPassed(t *testing.T) {
	q := newQueue(8, 1000)
	for range 4 {
		q.push(sized(1)[0])
	}
	for range 10_000 {
		q.push(sized(1)[0])
		q.take(nil, 1)
	}
	if cap(q.items) > 64 {
		t.Errorf("4 messages take room for %d", cap(q.items))
	}
}

func TestBackoffGrowsToItsLimitAndStartsAnew(t *testing.T) {
	b := backoff{least: 50 * time.Millisecond, most: 5 * time.Second}
	for range 2 {
		for step := b.least; step < b.most; step *= 2 {
			if pause := b.next(); pause < step/2 || pause > step {
				t.Errorf("pause %v at step %v", pause, step)
			}
		}
		for range 10 {
			if pause := b.next(); pause < b.most/2 || pause > b.most {
				t.Errorf("pause %v at the limit", pause)
			}
		}
		b.adjust(endedLate)
	}
	b.adjust(endedBlamed)
	if pause := b.next(); pause < b.most/2 {
		t.Errorf("pause %v after a fault", pause)
	}
}

func TestNoticesAreLimitedAndCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zapcore.DebugLevel)
		var n notice
		for range 100 {
			n.warn(zap.New(core), "again")
		}
		if logs.Len() != noticeBurst {
			t.Fatalf("logged %d times", logs.Len())
		}
		time.Sleep(time.Minute)
		n.warn(zap.New(core), "again")
		n.warn(zap.New(core), "again")
		lines := logs.TakeAll()
		if len(lines) != noticeBurst+1 {
			t.Fatalf("logged %d times", len(lines))
		}
		if got := lines[noticeBurst].ContextMap()["suppressed"]; got != int64(100-noticeBurst) {
			t.Errorf("says that %v were suppressed", got)
		}
		time.Sleep(time.Hour)
		for range 100 {
			n.warn(zap.New(core), "again")
		}
		if logs.Len() != noticeBurst {
			t.Errorf("after an hour logged %d times", logs.Len())
		}
	})
}

func TestBothEndsKeepTheSameLink(t *testing.T) {
	older := &link{instance: 1, generation: 4, dialler: 2}
	for name, test := range map[string]struct {
		l    link
		want bool
	}{
		"after a restart":                  {link{instance: 2, generation: 1, dialler: 3}, true},
		"after a loss":                     {link{instance: 1, generation: 5, dialler: 3}, true},
		"late":                             {link{instance: 1, generation: 3, dialler: 1}, false},
		"by the lower at the same time":    {link{instance: 1, generation: 4, dialler: 1}, true},
		"by the higher at the same time":   {link{instance: 1, generation: 4, dialler: 3}, false},
		"again by the same after a giveup": {link{instance: 1, generation: 4, dialler: 2}, true},
	} {
		if got := test.l.beats(older); got != test.want {
			t.Errorf("a link %s: %v", name, got)
		}
	}
}

func TestNamesAreLookedUpForTheSocketsFamily(t *testing.T) {
	for addr, want := range map[string]string{
		"0.0.0.0:1": "ip4", "127.0.0.1:1": "ip4", "[::]:1": "ip", "[::1]:1": "ip6",
	} {
		local, err := net.ResolveUDPAddr("udp", addr)
		if err != nil {
			t.Fatal(err)
		}
		if got := family(local); got != want {
			t.Errorf("%s: %s", addr, got)
		}
	}
	got, err := resolve(t.Context(), "127.0.0.1:19793", &net.UDPAddr{IP: net.IPv4zero})
	if err != nil || len(got) != 1 || got[0].String() != "127.0.0.1:19793" {
		t.Errorf("got %v, %v", got, err)
	}
	for _, bad := range []string{"127.0.0.1", "127.0.0.1:65536", "127.0.0.1:x"} {
		if _, err := resolve(t.Context(), bad, nil); err == nil {
			t.Errorf("%q has an address", bad)
		}
	}
}

func TestConfigIsChecked(t *testing.T) {
	members, sockets := newMembers(t, 2)
	for _, s := range sockets {
		defer s.Close()
	}
	good := Config{Book: newBook(members), Self: 1, Key: members[1].key, Handler: newRecorder(), Listen: "127.0.0.1:0"}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Config){
		"no book":             func(c *Config) { c.Book = nil },
		"no key":              func(c *Config) { c.Key = nil },
		"no handler":          func(c *Config) { c.Handler = nil },
		"not a member":        func(c *Config) { c.Self = 2 },
		"another's key":       func(c *Config) { c.Self = 0 },
		"nowhere to listen":   func(c *Config) { c.Listen = "" },
		"two sockets":         func(c *Config) { c.Conn = sockets[0] },
		"queue too small":     func(c *Config) { c.QueueBytes = event.MaxMessage - 1 },
		"backoff upside down": func(c *Config) { c.MinBackoff, c.MaxBackoff = 2, 1 },
		"idle before probed":  func(c *Config) { c.IdleTimeout = time.Second },
		"negative penalty":    func(c *Config) { c.Penalty = -1 },
	} {
		bad := good
		change(&bad)
		if _, err := New(bad); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
