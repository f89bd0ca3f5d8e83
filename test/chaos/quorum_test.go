package chaos

import (
	"slices"
	"testing"
	"time"

	"github.com/foxmq/foxmq/internal/client"
	"github.com/foxmq/foxmq/internal/mqtt"
)

// Two of four nodes are killed. The others still admit clients that start clean, keep their subscriptions and show
// them what is retained; what is published waits. When the two come back, all of it is ordered.
func TestLosingTheQuorum(t *testing.T) {
	w := newWorld(t)
	w.flows(0, 1, 2, 3)
	keeper := dial(t, w.Nodes[0].MQTT, client.Options{ClientID: "keeper"})
	if err := keeper.Publish(patience(t), "retained/fact", []byte("keeper 0"), 1, true); err != nil {
		t.Fatal(err)
	}
	w.flows(0, 1) // and so it is on node 1, too
	w.kill(2)
	w.kill(3)
	w.WaitReason(0, "no quorum")
	w.WaitReason(1, "no quorum")

	retained := make(chan string, 10)
	guest := dial(t, w.Nodes[1].MQTT, client.Options{
		ClientID: "guest", OnMessage: func(p *mqtt.Publish) { retained <- string(p.Payload) },
	})
	if err := guest.Subscribe(patience(t), "retained/#", 1); err != nil {
		t.Fatal(err)
	}
	if got := <-retained; got != "keeper 0" {
		t.Errorf("a guest without a quorum gets %q of what is retained", got)
	}
	acked := make(chan error, 1)
	if err := guest.PublishAsync("chaos/guest", []byte("guest 0"), 1, func(err error) { acked <- err }); err != nil {
		t.Fatal(err)
	}
	w.stalls(func() { time.Sleep(brief(time.Second, 20*time.Second)) }, 0, 1)
	select {
	case err := <-acked:
		t.Errorf("a publish was answered without a quorum: %v", err)
	default:
	}

	w.revive(2)
	w.revive(3)
	t.Logf("order resumed after %v", w.flows(0, 1, 2, 3))
	if err := <-acked; err != nil {
		t.Errorf("a publish that waited for the quorum: %v", err)
	}
	w.WaitReady(2)
	w.WaitReady(3)
	w.finish()
}

// One node after the other is killed under load and started again, for as many times as it takes. The others go on,
// and it rejoins.
func TestRollingKills(t *testing.T) {
	w := newWorld(t)
	rounds := 1
	if long {
		rounds = 3
	}
	for k := range rounds * nodes {
		victim := k % nodes
		others := slices.DeleteFunc([]int{0, 1, 2, 3}, func(i int) bool { return i == victim })
		w.flows(0, 1, 2, 3)
		w.kill(victim)
		gap := w.flows(others...)
		start := time.Now()
		w.revive(victim)
		w.WaitReady(victim)
		t.Logf("node %d killed; order went on after %v; ready again %v after its start", victim, gap, time.Since(start))
	}
	w.finish()
}
