package replica_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/foxmq/foxmq/internal/replica"
)

// TestWillsAreBounded: the wills of all sessions, and long client ids, have one bound; who has neither is let in beyond it.
func TestWillsAreBounded(t *testing.T) {
	limits := replica.DefaultLimits
	limits.SessionBytes = 10_000
	m := bencherOf(limits)
	connect := func(c *replica.Connect) replica.Outcome {
		c.Connection, c.Expiry, c.WillDelay = m.header.Number+1, 100, 100
		m.do(c)
		return m.res.Outcome
	}
	will, long := &replica.Message{Topic: "t", Payload: make([]byte, 2000)}, strings.Repeat("x", 2000)
	for i := range 4 {
		if got := connect(&replica.Connect{ClientID: fmt.Sprint("will ", i), Will: will}); got != replica.Applied {
			t.Fatalf("will %d: %v", i, got)
		}
	}
	for name, c := range map[string]struct {
		connect replica.Connect
		want    replica.Outcome
	}{
		"another will":               {replica.Connect{ClientID: "another", Will: will}, replica.Full},
		"a long client id":           {replica.Connect{ClientID: long}, replica.Full},
		"a will in place of another": {replica.Connect{ClientID: "will 3", Will: will}, replica.Applied},
		"neither":                    {replica.Connect{ClientID: "neither"}, replica.Applied},
	} {
		if got := connect(&c.connect); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestWillsAreGivenBack: whatever becomes of wills, and of sessions with long client ids, in the end they count nothing.
func TestWillsAreGivenBack(t *testing.T) {
	m := newBencher()
	will, long := &replica.Message{Topic: "t", Payload: make([]byte, 100)}, strings.Repeat("x", 1000)
	for i := uint64(1); i <= 60; i += 6 {
		m.do(&replica.Connect{Connection: i, ClientID: long, Expiry: uint32(i % 2 * 10), Will: will})
		m.do(&replica.Connect{Connection: i + 1, ClientID: long, Expiry: 10, Will: will})
		m.do(&replica.Connect{Connection: i + 2, ClientID: long, Expiry: 10, Clean: i%4 == 1, WillDelay: 5, Will: will})
		m.do(&replica.End{Connection: i + 2, PublishWill: i%3 == 0})
		m.do(&replica.Connect{Connection: i + 3, ClientID: long, Will: will})
		m.do(&replica.End{Connection: i + 3, PublishWill: i%4 == 3})
	}
	if c := m.Counts(); c.SessionBytes != 0 || c.Sessions != 0 {
		t.Errorf("%+v", c)
	}
}

// TestWhatComesWithADeliveryCounts: subscription identifiers, and the name of a shared subscription, may be much more than the
// message, and are in each delivery.
func TestWhatComesWithADeliveryCounts(t *testing.T) {
	limits := replica.DefaultLimits
	limits.QueueBytes = 100_000
	levels := strings.Split("a/b/c/d/e/f/g/h/i/j", "/")
	var overlapping []string
	for mask := range 1000 {
		filter := append([]string(nil), levels...)
		for i := range filter {
			if mask>>i&1 == 1 {
				filter[i] = "+"
			}
		}
		overlapping = append(overlapping, strings.Join(filter, "/"))
	}
	for name, filters := range map[string][]string{
		"identifiers": overlapping,
		"a name":      {"$share/" + strings.Repeat("g", 4000) + "/#"},
	} {
		m := bencherOf(limits)
		m.do(&replica.Connect{Connection: 1, ClientID: "sub", Expiry: 10})
		for _, f := range filters {
			m.do(&replica.Subscribe{Connection: 1, ID: 7, Subscriptions: []replica.Subscription{{Filter: f, QoS: 1}}})
		}
		m.do(&replica.Connect{Connection: 2, ClientID: "pub"})
		for range 100 {
			m.do(&replica.Publish{Connection: 2, Message: replica.Message{Topic: strings.Join(levels, "/"), QoS: 1}})
		}
		if c := m.Counts(); c.Queued < 20 || c.Queued > 25 || c.QueuedBytes < 80_000 || c.QueuedBytes > limits.QueueBytes {
			t.Errorf("%s: %d wait, which count %d bytes", name, c.Queued, c.QueuedBytes)
		}
	}
}

// BenchmarkEndInALargeGroup ends the only connection of 2,000 members of a shared subscription, with 1,000 deliveries.
func BenchmarkEndInALargeGroup(b *testing.B) {
	const members, deliveries = 2000, 1000
	m := newBencher()
	shared := []replica.Subscription{{Filter: "$share/g/t", QoS: 1}}
	for i := uint64(1); i <= members; i++ {
		m.do(&replica.Connect{Connection: i, ClientID: fmt.Sprint(i), Expiry: 100})
		m.do(&replica.Subscribe{Connection: i, Subscriptions: shared})
		m.do(&replica.End{Connection: i})
	}
	m.do(&replica.Connect{Connection: members + 1, ClientID: "pub"})
	connection := uint64(members + 2)
	for b.Loop() {
		b.StopTimer()
		m.do(&replica.Connect{Connection: connection, ClientID: "1", Clean: true, Expiry: 100})
		m.do(&replica.Subscribe{Connection: connection, Subscriptions: shared})
		for range deliveries {
			m.do(&replica.Publish{Connection: members + 1, Message: replica.Message{Topic: "t", QoS: 1}})
		}
		b.StartTimer()
		m.do(&replica.End{Connection: connection})
		connection++
	}
}

// BenchmarkDeathInALargeGroup ends a node's 20,000 connections at once, all of them members of one shared subscription.
func BenchmarkDeathInALargeGroup(b *testing.B) {
	const members = 20_000
	shared := []replica.Subscription{{Filter: "$share/g/t", QoS: 1}}
	for b.Loop() {
		b.StopTimer()
		m := newBencher()
		for i := uint64(1); i <= members; i++ {
			m.do(&replica.Connect{Connection: i, ClientID: fmt.Sprint(i), Expiry: 100})
			m.do(&replica.Subscribe{Connection: i, Subscriptions: shared})
		}
		m.header = replica.Header{Incarnation: 2}
		b.StartTimer()
		m.do(&replica.Tick{})
	}
}

// BenchmarkPublishToSleepers publishes at QoS 0 to a shared subscription of 20,000 members none of whom is connected.
func BenchmarkPublishToSleepers(b *testing.B) {
	const members = 20_000
	m := newBencher()
	for i := uint64(1); i <= members; i++ {
		m.do(&replica.Connect{Connection: i, ClientID: fmt.Sprint(i), Expiry: 100})
		m.do(&replica.Subscribe{Connection: i, Subscriptions: []replica.Subscription{{Filter: "$share/g/t", QoS: 1}}})
		m.do(&replica.End{Connection: i})
	}
	m.do(&replica.Connect{Connection: members + 1, ClientID: "pub"})
	for b.Loop() {
		m.do(&replica.Publish{Connection: members + 1, Message: replica.Message{Topic: "t"}})
	}
}
