package driver

import (
	"testing"

	"github.com/foxmq/foxmq/internal/event"
)

const ms = int64(1e6)

// load is a Source of a fixed number of transactions.
type load struct {
	waiting     int
	incarnation uint64
}

func (l *load) Waiting() bool { return l.waiting > 0 }

func (l *load) Fill(dst []byte, incarnation uint64, _ int) []byte {
	l.waiting--
	l.incarnation = incarnation
	return event.AppendTransaction(dst, []byte("x"))
}

// node is a driver under test, what it has made, and what it said last.
type node struct {
	*Driver
	load load
	made []*event.Event
	said []Send
	told func(Ready) // if not nil, it is shown everything
}

func start(members, self int) *node {
	n := &node{}
	n.Driver = New(Config{Members: members, Self: self, Source: &n.load})
	return n
}

// settle takes what is ready.
func (n *node) settle() Ready {
	r := n.Ready()
	for _, e := range r.Persist {
		if e.Creator == n.self {
			n.made = append(n.made, e)
		}
	}
	n.said = r.Send
	if n.told != nil {
		n.told(r)
	}
	n.Advance()
	return r
}

// answerBoot lets peers answer that they know these events of the node.
func (n *node) answerBoot(now int64, tips []event.Tip, peers ...int) {
	for _, p := range peers {
		n.Receive(p, &event.Message{Answer: true, Tips: tips}, now)
	}
}

// makeEvent returns a sealed event of another creator.
func makeEvent(t testing.TB, e event.Event) *event.Event {
	t.Helper()
	if err := e.Seal(event.Domain{}); err != nil {
		t.Fatal(err)
	}
	return &e
}

func TestOneNodeOrdersAtOnce(t *testing.T) {
	n := start(1, 0)
	n.load.waiting = 1
	n.Submitted(ms)
	ordered := 0
	for _, r := range n.settle().Ordered {
		for _, o := range r.Events {
			ordered += o.Event.Transactions()
		}
	}
	if ordered != 1 || n.NextTick() != 0 {
		t.Errorf("ordered %d transactions, next tick at %d", ordered, n.NextTick())
	}
}

func TestBootWaitsForAnswers(t *testing.T) {
	n := start(4, 0)
	n.load.waiting = 1
	n.Submitted(ms)
	n.Connected(1, ms)
	n.settle()
	if len(n.said) != 1 || !n.said[0].Message.Boot {
		t.Fatalf("it said %v", n.said)
	}
	n.answerBoot(2*ms, nil, 1)
	if n.settle(); len(n.made) > 0 {
		t.Fatal("it made an event when one peer had answered")
	}
	n.answerBoot(3*ms, nil, 2)
	if n.settle(); len(n.made) != 1 || n.load.incarnation != 1 {
		t.Fatalf("it made %d events of incarnation %d", len(n.made), n.load.incarnation)
	}
}

// One that may have lost own events waits for all members where more than may be faulty have started with it, but not for
// ever. Where fewer have, those that answered know enough.
func TestUnsureBootWaitsForAll(t *testing.T) {
	for _, c := range []struct {
		name     string
		unsure   bool
		booting  bool  // the peers that answer
		fourth   int64 // when the last peer answers, in ns
		starting int64 // when the node may start, in ns
	}{
		{"all of a sudden", true, true, 1e9, 1e9},
		{"one does not come", true, true, never, ms + defaultReunion},
		{"others work", true, false, never, ms},
		{"nothing was lost", false, true, never, ms},
	} {
		n := &node{}
		n.Driver = New(Config{Members: 4, Source: &n.load, Unsure: c.unsure})
		n.load.waiting = 1
		for p := 1; p < 3; p++ {
			n.Receive(p, &event.Message{Answer: true, Boot: c.booting}, ms)
		}
		n.Tick(c.starting - 1)
		if n.settle(); c.starting > ms && len(n.made) > 0 {
			t.Errorf("%s: it starts too early", c.name)
		}
		if c.fourth <= c.starting {
			n.Receive(3, &event.Message{Answer: true, Boot: true}, c.fourth)
		}
		n.Tick(c.starting)
		if n.settle(); len(n.made) != 1 {
			t.Errorf("%s: it does not start", c.name)
		}
	}
}

// What is told of in the last moment is waited for, too.
func TestUnsureBootWaitsForWhatIsToldLate(t *testing.T) {
	n := &node{}
	n.Driver = New(Config{Members: 4, Source: &n.load, Unsure: true})
	n.load.waiting = 1
	for p := 1; p < 3; p++ {
		n.Receive(p, &event.Message{Answer: true, Boot: true}, ms)
	}
	last := makeEvent(t, event.Event{Seq: 1, BirthRound: 1, Time: 5})
	now := int64(defaultReunion)
	n.Connected(3, now)
	n.Receive(3, &event.Message{Answer: true, Boot: true, Tips: []event.Tip{{Seq: 1, ID: last.ID()}}}, now)
	now += bootGrace - ms
	n.Tick(now)
	n.Receive(3, &event.Message{Events: []*event.Event{last}}, now)
	if n.settle(); len(n.made) != 2 || n.made[0] != last || n.made[1].Seq != 2 {
		t.Errorf("it has, or made, %v", n.made)
	}
}

// What observes says so in its answers, which nobody answers; and what is no talk of tips leaves open whether it does.
func TestBootTalk(t *testing.T) {
	n := start(4, 0)
	n.Connected(1, ms)
	n.settle()
	n.Receive(1, &event.Message{Boot: true}, ms)
	n.said = nil
	if n.settle(); len(n.said) != 1 || !n.said[0].Message.Boot || !n.said[0].Message.Answer {
		t.Fatalf("it answers with %+v", n.said)
	}
	n.said = nil
	n.Receive(1, &event.Message{Boot: true, Answer: true}, ms)
	n.Receive(1, &event.Message{Want: []event.ID{{1}}, Tips: []event.Tip{{Creator: 1, Seq: 1, ID: event.ID{1}}}}, ms)
	if n.settle(); len(n.said) > 0 || !n.peers[1].booting {
		t.Errorf("it says %+v; peer 1 observes: %t", n.said, n.peers[1].booting)
	}
}

func TestBootGoesOnFromTheLastOwnEvent(t *testing.T) {
	last := makeEvent(t, event.Event{Seq: 1, BirthRound: 1, Time: 5})
	tips := []event.Tip{{Seq: 1, ID: last.ID()}}
	n := start(4, 0)
	n.Connected(1, ms)
	n.load.waiting = 1
	n.answerBoot(ms, tips, 1, 2, 3)
	if n.settle(); len(n.made) > 0 {
		t.Fatal("it made an event before it had its last one")
	}
	n.Tick(ms + bootPatience)
	if n.Status().State != Lost {
		t.Errorf("nobody hands out its last event, and its state is %d", n.Status().State)
	}
	n.Receive(1, &event.Message{Events: []*event.Event{last}}, 2*ms+bootPatience)
	n.settle()
	if len(n.made) != 2 || n.made[1].Seq != 2 || n.load.incarnation != 2 {
		t.Errorf("it made %v of incarnation %d", n.made, n.load.incarnation)
	}
}

// A node that was away for longer than its peers remember cannot follow them any more, and says so.
func TestLostWhenNobodyHandsOutWhatItLacks(t *testing.T) {
	n := start(4, 0)
	n.Connected(1, ms)
	n.answerBoot(ms, nil, 1, 2, 3)
	for creator := 1; creator <= 2; creator++ {
		gone := event.Parent{Creator: creator, Seq: 8, BirthRound: 50, ID: event.ID{byte(creator)}}
		n.Receive(1, &event.Message{Events: []*event.Event{makeEvent(t, event.Event{
			Creator: creator, Seq: 9, BirthRound: 50, Time: 1, Parents: []event.Parent{gone},
		})}}, 20e9)
	}
	if state := n.Status().State; state != Behind {
		t.Errorf("at first its state is %d", state)
	}
	n.Tick(20e9 + lostPatience)
	if state := n.Status().State; state != Lost {
		t.Errorf("at last its state is %d", state)
	}
}

func TestOneLiarDoesNotHoldUpTheBoot(t *testing.T) {
	n := start(4, 0)
	n.load.waiting = 1
	n.answerBoot(ms, []event.Tip{{Seq: 9, ID: event.ID{1}}}, 3)
	n.answerBoot(ms, nil, 1, 2)
	if n.settle(); len(n.made) > 0 {
		t.Error("it did not look for the event that a peer claims")
	}
	n.Tick(ms + bootGrace)
	if n.settle(); len(n.made) != 1 {
		t.Error("it waits for an event that nobody has")
	}
}

func TestWithoutQuorumFewEventsAreMade(t *testing.T) {
	n := start(4, 0)
	for p := 1; p < 4; p++ {
		n.Connected(p, ms)
	}
	n.answerBoot(ms, nil, 1, 2, 3)
	n.load.waiting = 1000
	for now := 2 * ms; now < 10000*ms; now += 50 * ms {
		n.Submitted(now)
		n.Tick(now)
		n.settle()
	}
	if len(n.made) != 4 {
		t.Errorf("it made %d events that nobody echoed", len(n.made))
	}
}

func TestNothingToDoIsNothingDone(t *testing.T) {
	n := start(4, 0)
	n.Connected(1, ms)
	n.answerBoot(ms, nil, 1, 2, 3)
	n.Receive(1, &event.Message{Events: []*event.Event{
		makeEvent(t, event.Event{Creator: 1, Seq: 1, BirthRound: 1, Time: 5}),
	}}, 2*ms)
	n.settle()
	messages := 0
	for range 100 {
		n.Tick(n.NextTick())
		messages += len(n.settle().Send)
	}
	if len(n.made) > 0 || messages > 100 {
		t.Errorf("with no payload anywhere it made %d events and sent %d messages", len(n.made), messages)
	}
}

func TestChildWaitsForItsParent(t *testing.T) {
	parent := makeEvent(t, event.Event{Creator: 1, Seq: 1, BirthRound: 1, Time: 5})
	child := makeEvent(t, event.Event{
		Creator: 2, Seq: 1, BirthRound: 1, Time: 6, Parents: []event.Parent{claim(&vertex{event: parent})},
	})
	n := start(4, 0)
	n.Connected(2, ms)
	n.settle()
	n.Receive(2, &event.Message{Events: []*event.Event{child}}, ms)
	if r := n.settle(); len(r.Persist) > 0 {
		t.Fatal("a child was taken in before its parent")
	}
	n.Tick(n.NextTick())
	n.settle()
	if len(n.said) != 1 || len(n.said[0].Message.Want) != 1 || n.said[0].Message.Want[0] != parent.ID() {
		t.Fatalf("it does not ask for the parent: %v", n.said)
	}
	n.Receive(3, &event.Message{Events: []*event.Event{parent}}, 50*ms)
	if r := n.settle(); len(r.Persist) != 2 || r.Persist[0] != parent || r.Persist[1] != child {
		t.Errorf("taken in: %v", r.Persist)
	}
}

func TestFarthestFutureIsForgotten(t *testing.T) {
	n := &node{}
	n.Driver = New(Config{Members: 4, Source: &n.load, Limits: Limits{WaitingEvents: 3}})
	for round := uint64(2); round < 10; round++ {
		e := makeEvent(t, event.Event{Creator: 1, Seq: 1, BirthRound: round, Time: 5})
		n.Receive(1, &event.Message{Events: []*event.Event{e}}, ms)
	}
	s := n.Status()
	if s.Waiting != 3 || s.Dropped != 5 {
		t.Errorf("%d wait, %d were dropped", s.Waiting, s.Dropped)
	}
	for _, w := range n.waiting.all() {
		if w.event.BirthRound > 4 {
			t.Errorf("round %d waits", w.event.BirthRound)
		}
	}
}

func TestForkBombIsBounded(t *testing.T) {
	n := start(4, 0)
	for i := range 100 {
		e := makeEvent(t, event.Event{Creator: 1, Seq: 1, BirthRound: 1, Time: int64(i)})
		n.Receive(1, &event.Message{Events: []*event.Event{e}}, ms)
	}
	if s := n.Status(); s.Kept != defaultBranches {
		t.Errorf("%d branches were taken in", s.Kept)
	}
}

func TestClockMayStepBack(t *testing.T) {
	n := start(4, 0)
	n.Connected(1, 3600e9)
	n.settle()
	n.Tick(10 * ms)
	if due := n.NextTick(); due <= 0 || due > 10*ms+2*defaultBusyTips {
		t.Errorf("after a step back the next tick is at %d", due)
	}
}
