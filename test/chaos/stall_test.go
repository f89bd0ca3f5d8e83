package chaos

import (
	"fmt"
	"testing"

	"github.com/foxmq/foxmq/internal/client"
	"github.com/foxmq/foxmq/internal/mqtt"
	"github.com/foxmq/foxmq/test/cluster"
)

// Two of four nodes are killed, and the others were told to hand messages on during a stall: a publisher's neighbours
// get what it publishes at once and once, clients of the other node when it is ordered.
func TestStallDispatchLocal(t *testing.T) {
	c := cluster.Start(t, nodes, "--stall-dispatch=local", "--sys-interval=1s")
	listen := func(node int, filter string) <-chan string {
		got := make(chan string, 100)
		sub := dial(t, c.Nodes[node].MQTT, client.Options{OnMessage: func(p *mqtt.Publish) {
			f, _ := mqtt.ParseForward(p.Forward)
			got <- fmt.Sprintf("%s q%d marks=%d", p.Payload, p.QoS, len(f.UserProperties))
		}})
		if err := sub.Subscribe(patience(t), filter, 1); err != nil {
			t.Fatal(err)
		}
		return got
	}
	near, far, quorum := listen(0, "stall/#"), listen(1, "stall/#"), listen(0, "$SYS/broker/cluster/quorum")
	pub := dial(t, c.Nodes[0].MQTT, client.Options{})
	for _, node := range []int{2, 3} {
		c.Kill(node)
	}
	c.WaitReason(0, "no quorum")
	for said := range quorum {
		if said == "0 q0 marks=0" {
			break
		}
	}
	acked := make(chan error, 1)
	if err := pub.PublishAsync("stall/a", []byte("early"), 1, func(err error) { acked <- err }); err != nil {
		t.Fatal(err)
	}
	mark := len(mqtt.UserProperties(nil).Add("foxmq-unordered", "1"))
	expect(t, near, fmt.Sprintf("early q0 marks=%d", mark))
	if len(acked) > 0 || len(far) > 0 {
		t.Error("what is not ordered was acknowledged, or came to another node")
	}
	for _, node := range []int{2, 3} {
		c.Restart(node)
	}
	if err := <-acked; err != nil {
		t.Error(err)
	}
	expect(t, far, "early q1 marks=0")
	for node := range c.Nodes {
		c.WaitReady(node) // while old connections give way to new ones, the quorum may be gone again for a moment
	}
	if err := pub.Publish(patience(t), "stall/a", []byte("late"), 1, false); err != nil {
		t.Fatal(err)
	}
	expect(t, near, "late q1 marks=0")
	expect(t, far, "late q1 marks=0")
}

func expect(t *testing.T, from <-chan string, want string) {
	t.Helper()
	select {
	case got := <-from:
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	case <-patience(t).Done():
		t.Fatalf("%q did not come", want)
	}
}
