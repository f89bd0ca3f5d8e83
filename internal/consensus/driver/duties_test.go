package driver

import (
	"slices"
	"testing"

	"github.com/foxmq/foxmq/internal/event"
)

const hour = int64(3600e9)

// wantBounded fails if a node holds or asks for more than the limits say, or than the rounds kept can take.
func wantBounded(t *testing.T, c *cluster) {
	t.Helper()
	const recent = 40 * 6 * 4 // rounds that are not ancient, events of a member in a round, members
	for i, n := range c.nodes {
		s := n.Status()
		if s.Kept > n.limits.KeptEvents+recent || s.Waiting > n.limits.WaitingEvents || s.Missing > maxWants*len(c.nodes) {
			t.Fatalf("node %d holds %d events, %d wait, %d are asked for", i, s.Kept, s.Waiting, s.Missing)
		}
		for p := range n.peers {
			if out := len(n.peers[p].out); out > 0 {
				t.Fatalf("node %d has %d messages left for %d", i, out, p)
			}
		}
	}
}

// One of four is cut off for two hours in which the others order one transaction after another. It then cannot catch
// up any more: its peers have let go of what it lacks.
func TestPeerAwayForHours(t *testing.T) {
	c := startCluster(t, 4, 100*ms, Limits{KeptEvents: 1000})
	c.cut[3] = true
	c.submit(3, 1)
	submitted := 0
	for end := c.now + 2*hour; c.now < end; submitted++ {
		c.submit(submitted%3, 1)
		c.run(5e9)
		wantBounded(t, c)
	}
	for i, ordered := range c.ordered[:3] {
		if ordered != submitted {
			t.Errorf("node %d ordered %d of %d transactions", i, ordered, submitted)
		}
	}
	if made := len(c.nodes[3].made); made != 1 {
		t.Errorf("the node that is cut off made %d events", made)
	}
	c.cut[3] = false
	c.submit(0, 1)
	c.run(60e9)
	if state := c.nodes[3].Status().State; state != Lost {
		t.Errorf("after two hours the state of the node that was cut off is %d", state)
	}
	wantBounded(t, c)
}

// Two of four are cut off for two hours, and all have more transactions than they could ever order. The graph does
// not grow meanwhile, and when the two are back, everything goes on.
func TestNoQuorumForHours(t *testing.T) {
	c := startCluster(t, 4, 100*ms, Limits{})
	c.cut[2], c.cut[3] = true, true
	for i := range c.nodes {
		c.submit(i, 100)
	}
	c.run(60e9)
	taken := c.taken
	for end := c.now + 2*hour; c.now < end; {
		c.run(60e9)
		wantBounded(t, c)
	}
	if c.taken != taken {
		t.Errorf("%d events were taken in without a quorum", c.taken-taken)
	}
	c.cut[2], c.cut[3] = false, false
	c.run(60e9)
	for i := range c.nodes {
		if c.ordered[i] != 400 || c.nodes[i].Status().Unordered > 0 {
			t.Errorf("node %d ordered %d of 400 transactions", i, c.ordered[i])
		}
	}
}

// What a node makes while it is cut off goes stale if the others order long enough without it. It learns of each such
// event that has payload once, in the order in which it made them.
func TestStaleEventsComeBackOnce(t *testing.T) {
	c := startCluster(t, 4, 10*ms, Limits{})
	c.cut[3] = true
	c.submit(3, 3)
	for range 300 {
		c.submit(0, 1)
		c.run(100 * ms)
	}
	made := slices.Clone(c.nodes[3].made)
	c.cut[3] = false
	for range 100 {
		c.submit(0, 1)
		c.run(100 * ms)
	}
	if len(made) != 3 || !slices.Equal(c.stale[3], made) {
		t.Errorf("made %v while cut off, %v came back", made, c.stale[3])
	}
	if len(c.stale[0]) > 0 || c.ordered[3] != 400 || c.ordered[0] != 400 {
		t.Errorf("the others got %v back; ordered %v", c.stale[0], c.ordered)
	}
}

// hand gives a node events as one peer's message.
func (n *node) hand(from int, events ...*event.Event) Ready {
	n.Receive(from, &event.Message{Events: events}, 2*ms)
	return n.settle()
}

// A peer that floods a node with events of the future makes it forget only what that peer sent.
func TestFloodDoesNotEvictOthers(t *testing.T) {
	n := &node{}
	n.Driver = New(Config{Members: 4, Source: &n.load, Limits: Limits{WaitingEvents: 3, WaitingBytes: 100}})
	lone := makeEvent(t, event.Event{Creator: 2, Seq: 1, BirthRound: 99, Time: 5})
	n.hand(2, lone)
	for i := range 100 {
		n.hand(1, makeEvent(t, event.Event{Creator: 1, Seq: 1, BirthRound: 50, Time: int64(i)}))
	}
	if got := len(n.waiting.peers[1].list); got != 3 || n.waiting.byID[lone.ID()] == nil {
		t.Errorf("of the flood %d wait; the other peer's: %v", got, n.waiting.byID[lone.ID()])
	}
	large := event.AppendTransaction(nil, make([]byte, 80))
	for i := range 3 {
		n.hand(1, makeEvent(t, event.Event{Creator: 1, Seq: 1, BirthRound: 2, Time: int64(i), Payload: large}))
	}
	if got := n.waiting.peers[1].bytes; got > 100 || n.waiting.byID[lone.ID()] == nil {
		t.Errorf("of the flood %d bytes wait; the other peer's: %v", got, n.waiting.byID[lone.ID()])
	}
}

// A peer whose events all have parents that nobody made keeps a node from asking for nothing that others sent it for.
func TestFloodOfOrphansDoesNotSilenceOthers(t *testing.T) {
	n := start(4, 0)
	for p := 1; p < 4; p++ {
		n.Connected(p, ms)
	}
	n.settle()
	for i := range defaultWaitingEvents {
		e := event.Event{Creator: 1, Seq: 2, BirthRound: 1, Time: int64(i)}
		for _, creator := range []int{1, 0, 2, 3} {
			made := event.Parent{Creator: creator, Seq: 1, BirthRound: 1, ID: event.ID{byte(i), byte(i >> 8), byte(creator), 1}}
			e.Parents = append(e.Parents, made)
		}
		n.hand(1, makeEvent(t, e))
	}
	lost := event.Parent{Creator: 3, Seq: 1, BirthRound: 1, ID: event.ID{9}}
	n.hand(2, makeEvent(t, event.Event{Creator: 2, Seq: 1, BirthRound: 1, Time: 5, Parents: []event.Parent{lost}}))
	var asked []event.ID
	for now := 3 * ms; now < 1000*ms; now += 10 * ms {
		n.Tick(now)
		for _, s := range n.settle().Send {
			asked = append(asked, s.Message.Want...)
		}
	}
	if !slices.Contains(asked, lost.ID) {
		t.Error("the parent of an honest peer's event is not asked for")
	}
	if missing := n.Status().Missing; missing > maxWants+1 {
		t.Errorf("asks for %d events", missing)
	}
}

// What was too much to be asked for at a time is asked for when there is room again.
func TestTooMuchIsAskedForLater(t *testing.T) {
	n := &node{}
	n.Driver = New(Config{Members: 4, Source: &n.load, Limits: Limits{WaitingEvents: maxWants}})
	n.Connected(1, ms)
	n.settle()
	orphan := func(i int, birth uint64) *event.Event {
		lost := event.Parent{Creator: 2, Seq: 1, BirthRound: birth, ID: event.ID{byte(i), byte(i >> 8), 1}}
		return makeEvent(t, event.Event{
			Creator: 1, Seq: 1, BirthRound: birth, Time: int64(i), Parents: []event.Parent{lost},
		})
	}
	for i := range maxWants {
		n.hand(1, orphan(i, 9))
	}
	near := orphan(maxWants, 1) // makes the node forget one of the others, and no longer need what that one waits for
	n.hand(1, near)
	asked := map[event.ID]bool{}
	for now := 3 * ms; now < 2000*ms; now += 100 * ms {
		n.Receive(1, &event.Message{Tips: []event.Tip{{Creator: 1, Seq: 1, ID: near.ID()}}}, now)
		for _, s := range n.settle().Send {
			for _, id := range s.Message.Want {
				asked[id] = true
			}
		}
	}
	if !asked[near.Parents[0].ID] {
		t.Errorf("of %d events asked for none is the one that was too much", len(asked))
	}
}

// Whoever lacks much learns of more with every event that is pushed to it. It does not ask about each: a peer is asked when it
// has answered, or more and more seldom.
func TestOneQuestionAtATime(t *testing.T) {
	n := start(4, 0)
	n.Connected(1, ms)
	n.settle()
	now, questions := ms, 0
	pass := func(ns int64, events ...*event.Event) {
		now += ns
		n.Receive(1, &event.Message{Events: events}, now)
		n.Tick(now)
		if len(wanted(n.settle())) > 0 {
			questions++
		}
	}
	orphan := func() (lost, e *event.Event) {
		lost = makeEvent(t, event.Event{Creator: 2, Seq: 1, BirthRound: 1, Time: now})
		return lost, makeEvent(t, event.Event{
			Creator: 1, Seq: 1, BirthRound: 1, Time: now, Parents: []event.Parent{claim(&vertex{event: lost})},
		})
	}
	var lost, e *event.Event
	for range 1000 {
		lost, e = orphan()
		pass(ms, e)
	}
	if questions == 0 || questions > 8 {
		t.Errorf("it asks %d times in a second, and gets no answer", questions)
	}
	pass(maxAskTimeout) // now it has asked for all
	questions = 0
	pass(ms, lost)
	_, e = orphan()
	pass(ms, e)
	pass(maxAskDelay)
	if questions != 1 {
		t.Errorf("after an answer it asks %d times for one event", questions)
	}
}

// A peer that pushes events with parents that nobody made, and answers nothing, hardly delays that the one is asked that sent
// an event of which the parent is missing.
func TestALiarDelaysNoTrueQuestion(t *testing.T) {
	for _, delay := range []int64{2 * ms, 10 * ms, 50 * ms} {
		n := start(4, 0)
		for p := 1; p < 4; p++ {
			n.Connected(p, ms)
			n.peers[p].delay = delay
		}
		now, made := ms, int64(0)
		orphan := func(creator int) (lost, e *event.Event) {
			made++
			lost = makeEvent(t, event.Event{Creator: 2, Seq: 1, BirthRound: 1, Time: made})
			return lost, makeEvent(t, event.Event{
				Creator: creator, Seq: 1, BirthRound: 1, Time: made, Parents: []event.Parent{claim(&vertex{event: lost})},
			})
		}
		for range 1000 {
			now += 5 * ms
			_, lie := orphan(1)
			n.Receive(1, &event.Message{Events: []*event.Event{lie}}, now)
			n.Tick(now)
			n.settle()
		}
		lost, e := orphan(3)
		n.Receive(3, &event.Message{Events: []*event.Event{e}}, now)
		begun, asked := now, false
		for !asked && now < begun+2e9 {
			for _, s := range n.settle().Send {
				asked = asked || s.To == 3 && slices.Contains(s.Message.Want, lost.ID())
			}
			now += 5 * ms
			_, lie := orphan(1)
			n.Receive(1, &event.Message{Events: []*event.Event{lie}}, now)
			n.Tick(now)
		}
		if !asked {
			t.Errorf("with delays of %d ms who has an event is not asked for it in two seconds", delay/ms)
		}
	}
}

// A peer that connects is asked at once for what one told of that answers nothing.
func TestANewPeerIsAskedAtOnce(t *testing.T) {
	n := start(4, 0)
	n.Connected(1, ms)
	now, made := ms, int64(0)
	orphan := func() event.ID {
		made++
		lost := makeEvent(t, event.Event{Creator: 3, Seq: 1, BirthRound: 1, Time: made})
		n.Receive(1, &event.Message{Events: []*event.Event{makeEvent(t, event.Event{
			Creator: 1, Seq: 1, BirthRound: 1, Time: made, Parents: []event.Parent{claim(&vertex{event: lost})},
		})}}, now)
		return lost.ID()
	}
	for range 100 {
		now += 5 * ms
		orphan()
		n.Tick(now)
		n.settle()
	}
	lost := orphan()
	n.settle()
	n.Connected(2, now)
	if !slices.Contains(wanted(n.settle()), lost) {
		t.Error("it is not asked")
	}
}

// An answer of a few large events is one, too: who lacks many such gets one after the other.
func TestLargeEventsAreAskedOnFor(t *testing.T) {
	n := start(4, 0)
	n.Connected(1, ms)
	n.settle()
	var chain []*event.Event
	for i := range uint64(40) {
		e := event.Event{Creator: 1, Seq: i + 1, BirthRound: 1, Time: int64(i)}
		if i > 0 {
			e.Parents = []event.Parent{claim(&vertex{event: chain[i-1]})}
		}
		if i < 39 {
			e.Payload = event.AppendTransaction(nil, make([]byte, n.limits.MessageBytes/4))
		}
		chain = append(chain, makeEvent(t, e))
	}
	now := 2 * ms
	n.Receive(1, &event.Message{Events: chain[39:]}, now)
	for len(n.window.byID) < len(chain) {
		if n.Tick(now); len(wanted(n.settle())) == 0 {
			now += ms
		} else {
			have := len(n.window.byID)
			n.Receive(1, &event.Message{Events: chain[have:min(have+3, 39)]}, now)
		}
		if now > 100*ms {
			t.Fatalf("it has %d of %d events after %d ms", len(n.window.byID), len(chain), now/ms)
		}
	}
}

// What is missing after a long answer is asked for at once, and of another peer: one that sends much of something else does not
// keep the question to itself.
func TestAnotherIsAskedOn(t *testing.T) {
	n := start(4, 0)
	for p := 1; p < 4; p++ {
		n.Connected(p, ms)
	}
	n.settle()
	lost := makeEvent(t, event.Event{Creator: 3, Seq: 1, BirthRound: 1, Time: 1})
	n.hand(1, makeEvent(t, event.Event{
		Creator: 2, Seq: 1, BirthRound: 1, Time: 2, Parents: []event.Parent{claim(&vertex{event: lost})},
	}))
	now, made := 2*ms, 0
	var asked []int
	pass := func(events ...*event.Event) {
		now += ms
		n.Receive(1, &event.Message{Events: events}, now)
		n.Tick(now)
		for _, s := range n.settle().Send {
			if slices.Contains(s.Message.Want, lost.ID()) {
				asked = append(asked, s.To)
			}
		}
	}
	for len(asked) == 0 {
		pass()
	}
	for range 2 {
		var much []*event.Event
		for range bulk {
			much = append(much, makeEvent(t, event.Event{Creator: 1, Seq: 1, BirthRound: 1, Time: int64(made)}))
			made++
		}
		pass(much...)
	}
	if !slices.Equal(asked, []int{1, 2}) {
		t.Errorf("asked %v", asked)
	}
}

// An event that had to be forgotten and that another waits for is asked for again.
func TestForgottenIsAskedForAgain(t *testing.T) {
	n := &node{}
	n.Driver = New(Config{Members: 4, Source: &n.load, Limits: Limits{WaitingEvents: 1}})
	n.Connected(1, ms)
	n.settle()
	far := makeEvent(t, event.Event{Creator: 1, Seq: 1, BirthRound: 9, Time: 5})
	child := makeEvent(t, event.Event{
		Creator: 2, Seq: 1, BirthRound: 9, Time: 6, Parents: []event.Parent{claim(&vertex{event: far})},
	})
	n.hand(1, far)
	n.hand(2, child)
	near := makeEvent(t, event.Event{Creator: 3, Seq: 1, BirthRound: 2, Time: 5})
	n.hand(1, near)
	if n.waiting.byID[far.ID()] != nil || n.waiting.byID[near.ID()] == nil {
		t.Fatal("the nearer of two was forgotten")
	}
	var asked []event.ID
	for now := 3 * ms; now < 200*ms; now += 10 * ms {
		n.Tick(now)
		for _, s := range n.settle().Send {
			asked = append(asked, s.Message.Want...)
		}
	}
	if !slices.Contains(asked, far.ID()) {
		t.Errorf("asked for %v", asked)
	}
}

// A branch beyond the cap is refused, but taken in when an event of a member that has not forked builds on it.
func TestBranchThatOthersBuildOn(t *testing.T) {
	n := start(4, 0)
	branch := func(i int) *event.Event {
		return makeEvent(t, event.Event{Creator: 1, Seq: 1, BirthRound: 1, Time: int64(i)})
	}
	for i := range defaultBranches {
		n.hand(1, branch(i))
	}
	late := branch(99)
	if r := n.hand(1, late); len(r.Persist) > 0 {
		t.Fatal("a branch beyond the cap was taken in")
	}
	child := makeEvent(t, event.Event{
		Creator: 2, Seq: 1, BirthRound: 1, Time: 100, Parents: []event.Parent{claim(&vertex{event: late})},
	})
	n.hand(2, child)
	if r := n.hand(2, late); !slices.Equal(r.Persist, []*event.Event{late, child}) {
		t.Errorf("taken in: %v", r.Persist)
	}
}

// A peer may have decided a round by way of a branch that is refused here, and have nothing left to make an event
// for from which that would show. So while there is work and nothing is decided, a branch that another member than
// its creator hands on is taken in. Found by the simulation "fork at vote", seed 9.
func TestBranchThatAPeerDecidedBy(t *testing.T) {
	n := start(4, 0)
	branch := func(i int) *event.Event {
		return makeEvent(t, event.Event{Creator: 1, Seq: 1, BirthRound: 1, Time: int64(i)})
	}
	for i := range defaultBranches {
		n.hand(1, branch(i))
	}
	n.hand(3, makeEvent(t, event.Event{
		Creator: 3, Seq: 1, BirthRound: 1, Time: 1, Payload: event.AppendTransaction(nil, []byte("x")),
	}))
	late := branch(99)
	for _, c := range []struct {
		from  int
		now   int64
		taken bool
	}{{2, 3 * ms, false}, {1, 2 * patience, false}, {2, 2 * patience, true}} {
		n.Receive(c.from, &event.Message{Events: []*event.Event{late}}, c.now)
		if r := n.settle(); slices.Contains(r.Persist, late) != c.taken {
			t.Errorf("from %d at %d: taken in: %v", c.from, c.now, r.Persist)
		}
	}
}

// A member that hands on another's branches is believed, but not without end: the two may be in league.
func TestVouchedBranchesAreBounded(t *testing.T) {
	n := start(4, 0)
	n.hand(3, makeEvent(t, event.Event{
		Creator: 3, Seq: 1, BirthRound: 1, Time: 1, Payload: event.AppendTransaction(nil, []byte("x")),
	}))
	taken := 0
	for i := range 100 {
		e := makeEvent(t, event.Event{Creator: 1, Seq: 1, BirthRound: 1, Time: int64(i)})
		n.Receive(2, &event.Message{Events: []*event.Event{e}}, 2*patience)
		taken += len(n.settle().Persist)
	}
	if most := defaultBranches + 4*defaultBranches; taken != most {
		t.Errorf("%d branches were taken in, not %d", taken, most)
	}
}

// A long answer of which nothing is taken in is no reason to ask on at once. Found by the simulation "fork bomb",
// seed 9: answer and question went on without end, and each message that came twice doubled them.
func TestRefusedAnswerIsNotAskedOn(t *testing.T) {
	n := start(4, 0)
	n.Connected(2, ms)
	var branches []*event.Event
	for i := range defaultBranches + bulk {
		e := makeEvent(t, event.Event{Creator: 1, Seq: 1, BirthRound: 1, Time: int64(i)})
		branches = append(branches, e)
	}
	n.hand(1, branches[:defaultBranches]...)
	refused := branches[defaultBranches:]
	n.Receive(2, &event.Message{Tips: []event.Tip{{Creator: 1, Seq: 1, ID: refused[0].ID()}}}, 2*ms)
	n.Tick(200 * ms)
	if len(wanted(n.settle())) == 0 {
		t.Fatal("the tip was not asked for")
	}
	n.Receive(2, &event.Message{Events: refused}, 201*ms)
	if ids := wanted(n.settle()); len(ids) > 0 {
		t.Errorf("asked on at once for %v", ids)
	}
}

// wanted lists what messages ask for.
func wanted(r Ready) (ids []event.ID) {
	for _, s := range r.Send {
		ids = append(ids, s.Message.Want...)
	}
	return ids
}

// A member that makes events without end cannot fill the others' memory while nothing is decided.
func TestChainIsBounded(t *testing.T) {
	n := &node{}
	n.Driver = New(Config{Members: 4, Source: &n.load, Limits: Limits{CreatorEvents: 10, WaitingEvents: 20}})
	e := makeEvent(t, event.Event{Creator: 1, Seq: 1, BirthRound: 1, Time: 1})
	for i := range 100 {
		n.hand(1, e)
		e = makeEvent(t, event.Event{
			Creator: 1, Seq: e.Seq + 1, BirthRound: 1, Time: int64(i) + 2,
			Parents: []event.Parent{claim(&vertex{event: e})},
		})
	}
	if s := n.Status(); s.Kept != 10 || s.Waiting > 20 {
		t.Errorf("%d events were taken in, %d wait", s.Kept, s.Waiting)
	}
}

// The memory of what came too late is bounded: the oldest is forgotten first.
func TestExpiredIsBounded(t *testing.T) {
	r := newRecentIDs()
	name := func(i int) event.ID { return event.ID{byte(i), byte(i >> 8), 1} }
	const many = 3*expiredLimit + 5
	for i := range many {
		r.add(name(i))
		r.add(name(i))
	}
	if len(r.set) != expiredLimit || len(r.ring) != expiredLimit {
		t.Errorf("remembers %d", len(r.set))
	}
	if r.has(name(many-expiredLimit-1)) || !r.has(name(many-expiredLimit)) || !r.has(name(many-1)) {
		t.Error("forgets other than the oldest")
	}
}

// An answer leaves out what the asker's tips say that it has, also of a creator that forked: what the chain of one
// of the tips leads to, and nothing of the other branches.
func TestAnswerLeavesOutWhatTipsCover(t *testing.T) {
	n := start(4, 0)
	n.Connected(3, ms)
	clock := int64(0)
	add := func(creator int, parents ...*event.Event) *event.Event {
		clock++
		e := event.Event{Creator: creator, Seq: 1, BirthRound: 1, Time: clock}
		for _, p := range parents {
			if p.Creator == creator {
				e.Seq = p.Seq + 1
			}
			e.Parents = append(e.Parents, claim(&vertex{event: p}))
		}
		made := makeEvent(t, e)
		n.hand(1, made)
		return made
	}
	first := add(1)
	second := add(1, first)
	third := add(1, second)
	fourth := add(1, third)
	other := add(1, first)
	by2 := add(2, fourth)
	by3 := add(3, other, by2)
	n.Receive(3, &event.Message{
		Want: []event.ID{by3.ID()},
		Tips: []event.Tip{{Creator: 1, Seq: 3, ID: third.ID()}},
	}, 3*ms)
	var sent []*event.Event
	for _, s := range n.settle().Send {
		sent = append(sent, s.Message.Events...)
	}
	if want := []*event.Event{fourth, other, by2, by3}; !slices.Equal(sent, want) {
		t.Errorf("sent %v, want %v", sent, want)
	}
}
