package replica_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/foxmq/foxmq/internal/replica"
)

// sleepers returns a script whose machine has those limits and whose clients s1, s2, … have lasting sessions that
// subscribe to everything and are not connected; node 1's connection 1 may publish.
func sleepers(limits replica.Limits, count int) *script {
	s := &script{machine: replica.New(2, limits)}
	for i := range count {
		s.do(strings.Fields(fmt.Sprintf("0@1#%d connect %d s%d expiry=1000000", 3*i, i+1, i+1)))
		s.do(strings.Fields(fmt.Sprintf("0@1#%d subscribe %d #:2", 3*i+1, i+1)))
		s.do(strings.Fields(fmt.Sprintf("0@1#%d end %d", 3*i+2, i+1)))
	}
	s.do(strings.Fields("1@1#0 connect 1 publisher"))
	return s
}

func (s *script) publish(from, to int, message string) {
	for i := from; i <= to; i++ {
		s.do(strings.Fields(fmt.Sprintf("1@1#%d publish 1 %s", i, message)))
	}
}

// TestAcksInAnyOrder: a client acknowledges everything but the oldest, in an odd order. The oldest stays.
func TestAcksInAnyOrder(t *testing.T) {
	const count = 500
	s := sleepers(replica.DefaultLimits, 1)
	s.publish(1, count, "t:x:1")
	s.do(strings.Fields("0@1#3 connect 2 s1 expiry=1000000"))
	for i := range count {
		number := i * 7 % count
		if number == 0 {
			number = count // not there
		}
		s.do(strings.Fields(fmt.Sprintf("0@1#%d done 2 %d", 4+i, number)))
		if got, want := s.machine.Counts().Queued, max(1, count-i); got != want {
			t.Fatalf("after acknowledgement %d: %d queued, want %d", i+1, got, want)
		}
	}
	s.publish(count+1, count+1, "t:y:2")
	got := s.do(strings.Fields("1@1#502 connect 2 s1 expiry=1"))
	want := fmt.Sprintf("present epoch=1 offered=%d next=%d [#0 at 1 t:x:1] [#%d at 2 t:y:2]\n", count+1, count+1, count)
	if !strings.HasSuffix(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestQueuesTogether: in the bound on all queues a message counts once for its bytes, and for each session by number.
func TestQueuesTogether(t *testing.T) {
	message := "t:" + strings.Repeat("x", 1000) + ":1"
	limits := replica.DefaultLimits
	limits.QueuedBytes = 10_000
	s := sleepers(limits, 5)
	s.publish(1, 20, message)
	c := s.machine.Counts()
	if c.Queued%5 != 0 || c.Queued < 5*7 || c.QueuedBytes > 10_000 || c.Queued+int(c.QueueRefused) != 5*20 {
		t.Errorf("with a bound in bytes: %+v", c)
	}
	limits = replica.DefaultLimits
	limits.Queued = 12
	s = sleepers(limits, 5)
	s.publish(1, 20, message)
	c = s.machine.Counts()
	if c.Queued != 12 || c.QueuedBytes < 3*1000 || c.QueuedBytes > 4*1000 || c.QueueRefused != 5*20-12 {
		t.Errorf("with a bound in number: %+v", c)
	}
	limits = replica.DefaultLimits
	limits.SubscriptionBytes = 2_000
	s = sleepers(limits, 5)
	if c := s.machine.Counts(); c.Subscriptions == 0 || c.Subscriptions == 5 || c.SubscriptionsRefused == 0 {
		t.Errorf("with a bound on subscriptions: %+v", c)
	}
}

// BenchmarkApplyPublishToSession measures a PUBLISH at QoS 1 that goes to one lasting session, and its acknowledgement.
func BenchmarkApplyPublishToSession(b *testing.B) {
	m := replica.New(1, replica.DefaultLimits)
	var res replica.Result
	h := replica.Header{Incarnation: 1}
	apply := func(cmd replica.Command) {
		m.Apply(1, 0, cmd.Append(h.Append(nil)), &res)
		h.Number++
	}
	apply(&replica.Connect{Connection: 1, ClientID: "c", Expiry: 10})
	apply(&replica.Subscribe{Connection: 1, Subscriptions: []replica.Subscription{{Filter: "some/#", QoS: 1}}})
	publish := &replica.Publish{Connection: 1, Message: replica.Message{Topic: "some/topic/here", QoS: 1}}
	b.ReportAllocs()
	for i := uint64(0); b.Loop(); i++ {
		apply(publish)
		apply(&replica.Ack{Connection: 1, Done: []uint64{i}})
	}
	if c := m.Counts(); c.Queued != 0 {
		b.Errorf("%d queued", c.Queued)
	}
}
