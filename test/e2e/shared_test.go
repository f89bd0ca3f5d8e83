package e2e

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/foxmq/foxmq/internal/client"
	"github.com/foxmq/foxmq/internal/mqtt"
	"github.com/foxmq/foxmq/test/cluster"
)

// The members of a group on four nodes share the messages: each goes to one of them, and what one has not acknowledged
// when it goes, to another.
func TestAGroupAcrossTheClusterLosesNothing(t *testing.T) {
	const messages = 800
	c := cluster.Start(t, 4)
	silent := &roamer{t: t, nodes: c.Nodes[3:], rng: rand.New(rand.NewPCG(1, 0)), name: "silent"}
	silent.hop()
	silent.send(&mqtt.Subscribe{PacketID: 1, Subscriptions: []mqtt.Subscription{{Filter: "$share/g/race/#", QoS: 1}}})
	silent.next()
	members, news := make([]*record, 3), make(chan struct{}, 1) // which they share, since one waits for them all
	for i := range members {
		r := &record{news: news}
		members[i] = r
		m := dial(t, c.Nodes[i].MQTT, client.Options{ClientID: fmt.Sprintf("member-%d", i), OnMessage: r.add})
		if err := m.Subscribe(patience(t), "$share/g/race/#", 1); err != nil {
			t.Fatal(err)
		}
	}
	pub := dial(t, c.Nodes[3].MQTT, client.Options{ClientID: "publisher"})
	if err := publishAll(t, pub, messages); err != nil {
		t.Fatal(err)
	}
	share := 0
	for i, r := range members {
		lines := r.waitFor(t, "a share", func(lines []string) bool { return len(lines) >= messages/8 })
		assertPublisherOrder(t, lines)
		share += len(lines)
		t.Logf("member %d has %d messages", i, len(lines))
	}
	if share > messages-messages/8 {
		t.Errorf("the silent member has no share: the others have %d of %d messages", share, messages)
	}
	silent.send(&mqtt.Disconnect{HasSessionExpiry: true}) // and so ends the session
	silent.conn.Close()
	assertAll(t, members, messages)
}

// assertAll waits until the members together have all messages, and fails if two have the same.
func assertAll(t *testing.T, members []*record, messages int) {
	t.Helper()
	members[0].waitFor(t, "the rest", func([]string) bool { return total(members) >= messages })
	owner := map[string]int{}
	for i, r := range members {
		for _, payload := range payloads(r.snapshot()) {
			if other, known := owner[payload]; known {
				t.Fatalf("members %d and %d both have %q", other, i, payload)
			}
			owner[payload] = i
		}
	}
	if len(owner) != messages {
		t.Errorf("%d messages were delivered, %d published", len(owner), messages)
	}
}

func total(members []*record) (n int) {
	for _, r := range members {
		n += len(r.snapshot())
	}
	return n
}
