package node_test

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/foxmq/foxmq/internal/event"
	"github.com/foxmq/foxmq/internal/node"
)

// puppet is member 3 of four, which the test plays: it has its key, and says what the test wants.
type puppet struct {
	*cluster
	key  *ecdsa.PrivateKey
	logs *observer.ObservedLogs // of member 0
}

// waitingLimit is how many events of one peer may wait at the others.
const waitingLimit = 100

// newPuppet starts the three others and connects the puppet with them. What they send to it is lost.
func newPuppet(t testing.TB) *puppet {
	t.Helper()
	p := &puppet{}
	core, logs := observer.New(zap.WarnLevel)
	p.logs = logs
	p.cluster = newCluster(t, 4, func(i int, cfg *node.Config) {
		cfg.Limits.WaitingEvents = waitingLimit
		switch i {
		case 0:
			cfg.Logger = zap.New(core)
		case 3:
			p.key = cfg.Key
		}
	})
	for _, m := range p.members[:3] {
		m.transport = &deafTo{m.net}
	}
	p.start(0, 1, 2)
	for _, m := range p.members[:3] {
		m.node.Connected(3)
	}
	p.submit(0, 0, 9)
	p.awaitAgreement(10, 0, 1, 2)
	return p
}

// deafTo is a network that takes what is for the puppet and lets it go.
type deafTo struct{ *network }

// Send implements node.Transport.
func (d *deafTo) Send(to int, m *event.Message) bool { return to == 3 || d.network.Send(to, m) }

// tell sends a message to the first three members, and returns what the last of them thinks of it.
func (p *puppet) tell(m func() *event.Message) (err error) {
	for _, member := range p.members[:3] {
		err = member.node.Message(3, m())
	}
	return err
}

// event returns an event of the puppet, signed.
func (p *puppet) event(e event.Event) *event.Event {
	p.t.Helper()
	e.Creator = 3
	if err := e.Seal(event.Domain{}); err != nil {
		p.t.Fatal(err)
	}
	if err := e.Sign(p.key); err != nil {
		p.t.Fatal(err)
	}
	return &e
}

// vote returns a vote of the puppet, signed.
func (p *puppet) vote(round uint64) event.Vote {
	p.t.Helper()
	v := event.Vote{Creator: 3, Round: round, Digest: [sha256.Size]byte{1}}
	if err := v.Sign(p.key, event.Domain{}); err != nil {
		p.t.Fatal(err)
	}
	return v
}

// expectOrder has the three others order more, and checks that they take each other for honest.
func (p *puppet) expectOrder() {
	p.t.Helper()
	before := len(p.members[0].seen.await(p.t, 10))
	p.submit(1, 1000, 99)
	p.awaitAgreement(before+100, 0, 1, 2)
	for i, m := range p.members[:3] {
		for _, s := range m.node.Status().Peers {
			if s.Member != 3 && (s.BadSignatures != 0 || s.Forks != 0 || s.Slowed != 0) {
				p.t.Errorf("node %d accuses an honest one: %+v", i, s)
			}
		}
	}
}

// status returns what member 0 says of the puppet.
func (p *puppet) status() node.PeerStatus { return p.members[0].node.Status().Peers[2] }

// TestForgeriesAreToldApart: what is forged is an error, for which the transport cuts the peer off.
func TestForgeriesAreToldApart(t *testing.T) {
	p := newPuppet(t)
	own := p.event(event.Event{Seq: 1, BirthRound: 1})
	forged := *own
	forged.Signature[5]++
	foreign := p.vote(64)
	foreign.Creator = 2
	unsigned := p.vote(128)
	unsigned.Signature[5]++
	for name, m := range map[string]*event.Message{
		"event":                        {Events: []*event.Event{own, &forged}},
		"vote of another":              {Votes: []event.Vote{foreign}},
		"vote with a bad signature":    {Votes: []event.Vote{unsigned}},
		"vote where there can be none": {Votes: []event.Vote{p.vote(65)}},
	} {
		if err := p.members[0].node.Message(3, m); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if s := p.status(); s.BadSignatures != 4 {
		t.Errorf("counted: %+v", s)
	}
	p.expectOrder()
}

// TestFarOffVotesHarmNobody: votes for a state that nobody has, on rounds that never come, and more than are kept.
func TestFarOffVotesHarmNobody(t *testing.T) {
	p := newPuppet(t)
	for i := range uint64(200) {
		if err := p.tell(func() *event.Message { return &event.Message{Votes: []event.Vote{p.vote(1<<40 + i*64)}} }); err != nil {
			t.Fatal(err)
		}
	}
	p.expectOrder()
}

// TestForksAreReported: of a member that makes hundreds of events where it may make one, few are taken in, one line is
// logged, and the others go on.
func TestForksAreReported(t *testing.T) {
	p := newPuppet(t)
	for i := range 300 {
		e := p.event(event.Event{Seq: 1, BirthRound: 1, Time: int64(i)})
		if err := p.tell(func() *event.Message { return &event.Message{Events: []*event.Event{e}} }); err != nil {
			t.Fatal(err)
		}
	}
	p.expectOrder()
	eventually(t, "the forks are counted", func() bool { return p.status().Forks > 0 })
	if s := p.status(); s.Forks > 8 {
		t.Errorf("took in %d branches", s.Forks)
	}
	const says = "member has made two events where it may make one: its key is used twice, or it lies"
	eventually(t, "it is logged", func() bool { return p.logs.FilterMessage(says).Len() == 1 })
}

// id returns the id of an event that there is not.
func id(i int) event.ID {
	return event.ID(sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(i))))
}

// TestClaimsThatNeverComeAreGivenUp: tips of events that do not exist, by the thousand. At one peer's word no more than
// fit into a message are asked for.
func TestClaimsThatNeverComeAreGivenUp(t *testing.T) {
	const honest = 64 // events that the honest ones may have told of meanwhile
	p := newPuppet(t)
	for k := range 20 {
		var claims []event.Tip
		for i := range event.MaxMessageIDs {
			tip := event.Tip{Creator: i % 4, Seq: 1 << 30, ID: id(k<<20 + i)}
			claims = append(claims, tip)
		}
		if err := p.tell(func() *event.Message { return &event.Message{Tips: slices.Clone(claims)} }); err != nil {
			t.Fatal(err)
		}
		if s := p.members[0].node.Status(); s.Missing > event.MaxMessageIDs+honest {
			t.Fatalf("%d events are asked for", s.Missing)
		}
	}
	p.expectOrder()
	eventually(t, "nothing is asked for any more", func() bool { return p.members[0].node.Status().Missing == 0 })
}

// TestEventsOfTheFutureDoNotPileUp: events whose parents nobody has, of rounds that are far away.
func TestEventsOfTheFutureDoNotPileUp(t *testing.T) {
	p := newPuppet(t)
	for i := range 10 * waitingLimit {
		parent := event.Parent{Creator: 3, Seq: 1 << 20, BirthRound: 1 << 30, ID: id(i)}
		e := p.event(event.Event{Seq: 1<<20 + 1, BirthRound: 1<<30 + 1, Parents: []event.Parent{parent}})
		if err := p.tell(func() *event.Message { return &event.Message{Events: []*event.Event{e}} }); err != nil {
			t.Fatal(err)
		}
	}
	p.expectOrder()
	if s := p.members[0].node.Status(); s.Waiting > 2*waitingLimit || s.Dropped < 8*waitingLimit {
		t.Errorf("%d events wait, %d were forgotten", s.Waiting, s.Dropped)
	}
}

// TestFloodIsReadSlowly: a peer that says what is known, or nothing, over and over has a share of the node's time and no
// more. In virtual time, so that its pauses can be told from a machine that is busy.
func TestFloodIsReadSlowly(t *testing.T) {
	for name, flood := range map[string]struct {
		count int
		of    func(p *puppet) func() *event.Message
		least time.Duration // that it is slowed by
	}{
		"of empty messages": {60_000, func(*puppet) func() *event.Message {
			return func() *event.Message { return &event.Message{} }
		}, time.Second},
		"of one event": {200, func(p *puppet) func() *event.Message {
			e := p.event(event.Event{Seq: 1, BirthRound: 1})
			return func() *event.Message {
				m := &event.Message{}
				for range event.MaxMessageEvents {
					m.Events = append(m.Events, e)
				}
				return m
			}
		}, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPuppet(t)
				m := flood.of(p)
				for range flood.count {
					if err := p.members[0].node.Message(3, m()); err != nil {
						t.Fatal(err)
					}
				}
				if s := p.status(); s.Slowed < flood.least {
					t.Errorf("slowed by %v", s.Slowed)
				}
				p.expectOrder()
			})
		})
	}
}

// TestFloodOfQuestionsIsReadSlowly: a peer that asks for the same events over and over is sent a few of them each second,
// and is told apart from one that asks once.
func TestFloodOfQuestionsIsReadSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPuppet(t)
		e := p.event(event.Event{
			Seq: 1, BirthRound: 1, Payload: event.AppendTransaction(nil, make([]byte, 1<<20)),
		})
		if err := p.tell(func() *event.Message { return &event.Message{Events: []*event.Event{e}} }); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		for range 1000 {
			if err := p.members[0].node.Message(3, &event.Message{Want: []event.ID{e.ID()}}); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		took, s := time.Since(start), p.status()
		if s.Again == 0 || s.Handed <= s.Again || s.Slowed == 0 {
			t.Fatalf("counted: %+v", s)
		}
		if rate := float64(s.Handed) / took.Seconds(); rate > 17<<20 {
			t.Errorf("%d bytes in %v", s.Handed, took)
		}
		p.expectOrder()
	})
}

// TestFloodOfRefusedEventsIsReadSlowly: events that are new each time, bear good signatures, and are refused because they are
// more than a member may make.
func TestFloodOfRefusedEventsIsReadSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPuppet(t)
		for i := range 50 * waitingLimit {
			parent := event.Parent{Creator: 3, Seq: 1 << 20, BirthRound: 1 << 30, ID: id(i)}
			e := p.event(event.Event{Seq: 1<<20 + 1, BirthRound: 1<<30 + 1, Parents: []event.Parent{parent}})
			if err := p.members[0].node.Message(3, &event.Message{Events: []*event.Event{e}}); err != nil {
				t.Fatal(err)
			}
		}
		if s := p.status(); s.Slowed < time.Second {
			t.Errorf("slowed by %v", s.Slowed)
		}
		p.expectOrder()
	})
}
