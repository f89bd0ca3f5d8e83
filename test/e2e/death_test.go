//go:build unix

package e2e

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/foxmq/foxmq/internal/client"
	"github.com/foxmq/foxmq/internal/mqtt"
	"github.com/foxmq/foxmq/test/cluster"
)

// A node that is killed, or hangs, is declared dead while it is away: the others send the wills of its clients, and what
// a shared subscription had sent to one of them goes to another. A node that only hung closes those clients when it goes
// on, takes nobody else to be dead, and lets them in again.
func TestTheOthersDeclareANodeDead(t *testing.T) {
	c := cluster.Start(t, 4, "--node-timeout", "2s")
	heir, _ := subscribeAll(t, c.Nodes[0].MQTT, "heir")
	silent := &roamer{t: t, nodes: c.Nodes[3:], rng: rand.New(rand.NewPCG(1, 0)), name: "silent"}
	silent.hop()
	silent.send(&mqtt.Subscribe{PacketID: 1, Subscriptions: []mqtt.Subscription{{Filter: "$share/g/work", QoS: 1}}})
	silent.next()
	member := &record{news: make(chan struct{}, 1)}
	second := dial(t, c.Nodes[1].MQTT, client.Options{ClientID: "member", OnMessage: member.add})
	if err := second.Subscribe(patience(t), "$share/g/work", 1); err != nil {
		t.Fatal(err)
	}
	if err := second.Publish(patience(t), "work", []byte("once"), 1, false); err != nil {
		t.Fatal(err)
	}
	if p, ok := silent.next().(*mqtt.Publish); !ok || string(p.Payload) != "once" {
		t.Fatalf("the first member got %+v", p)
	}
	dial(t, c.Nodes[3].MQTT, mortal("killed"))
	c.Kill(3)
	awaitLine(t, heir, "will killed")
	awaitLine(t, member, "work once")
	silent.conn.Close()

	c.Restart(3)
	c.WaitReady(3)
	hung, code := knock(t, c.Nodes[3].MQTT, "127.0.0.1", "hung")
	if code != mqtt.Success {
		t.Fatalf("after the restart CONNECT is answered %v", code)
	}
	dial(t, c.Nodes[3].MQTT, mortal("frozen"))
	c.Pause(3)
	awaitLine(t, heir, "will frozen")
	c.Resume(3)
	if p, err := hung.next(); !isDisconnect(p, mqtt.ServerShuttingDown) {
		t.Fatalf("the client of the node that hung gets %+v, %v", p, err)
	}
	if p, err := hung.next(); !errors.Is(err, io.EOF) {
		t.Fatalf("the client of the node that hung gets %+v, %v", p, err)
	}
	c.WaitReady(3)
	if _, code := knock(t, c.Nodes[3].MQTT, "127.0.0.1", "hung"); code != mqtt.Success {
		t.Fatalf("when the node goes on CONNECT is answered %v", code)
	}
	for i := range c.Nodes {
		for _, line := range c.Log(i) {
			other := strings.Contains(line, "is declared dead") && !strings.Contains(line, "member=3")
			if other || strings.Contains(line, "this node dead") && i != 3 {
				t.Errorf("node %d logged %q", i, line)
			}
		}
	}
}

// mortal is a client with a will.
func mortal(name string) client.Options {
	return client.Options{ClientID: name, Will: &mqtt.Will{Topic: "will", Payload: fmt.Append(nil, name), QoS: 1}}
}

func awaitLine(t *testing.T, r *record, want string) {
	t.Helper()
	r.waitFor(t, want, func(lines []string) bool { return slices.Contains(lines, want) })
}
