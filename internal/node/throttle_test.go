package node_test

import (
	"testing"
	"testing/synctest"

	"github.com/foxmq/foxmq/internal/event"
)

// A node that catches up may get so many answers of a peer for nothing, one behind the other, each of so many events as
// driver.Limits lets one have.
const answers, answerEvents = 12, 512

// grownOld has the others order until what was born in the first round is ancient.
func (p *puppet) grownOld() {
	p.t.Helper()
	for from, ordered := 0, len(p.members[0].seen.await(p.t, 10)); p.members[0].node.Status().Round < 100; from++ {
		p.submit(from%3, 1000+100*from, 9)
		ordered += 10
		p.awaitAgreement(ordered, 0, 1, 2)
	}
}

// A node that was away for long asks more than one peer for what it lacks, and again if it takes long. All that comes
// twice is old by then. It reads on all the same, or it would have to ask again for what is on its way, without end.
func TestAnswersThatComeAgainAreReadOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPuppet(t)
		own := p.event(event.Event{Seq: 1, BirthRound: 1})
		m := &event.Message{Events: []*event.Event{own}}
		for range answerEvents - 1 {
			m.Events = append(m.Events, own)
		}
		p.hear(&event.Message{Events: m.Events[:1]})
		p.grownOld()
		for range answers {
			p.hear(m)
		}
		if s := p.status(); s.Slowed > 0 {
			t.Errorf("slowed by %v", s.Slowed)
		}
	})
}

// A flood of old events that were never seen before is read slowly: each has to be verified, and is of no use.
func TestOldEventsAreReadSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPuppet(t)
		p.grownOld()
		for k := range answers / 2 {
			m := &event.Message{}
			for i := range answerEvents {
				m.Events = append(m.Events, p.event(event.Event{Seq: 1, BirthRound: 1, Time: int64(k<<20 + i)}))
			}
			p.hear(m)
		}
		if s := p.status(); s.Slowed == 0 {
			t.Error("not slowed")
		}
		p.expectOrder()
	})
}

// hear has member 0 take in a message of the puppet.
func (p *puppet) hear(m *event.Message) {
	p.t.Helper()
	if err := p.members[0].node.Message(3, m); err != nil {
		p.t.Fatal(err)
	}
}
