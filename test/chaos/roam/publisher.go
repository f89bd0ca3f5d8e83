package roam

import (
	"context"
	"slices"
	"time"

	"github.com/foxmq/foxmq/internal/mqtt"
	"github.com/foxmq/foxmq/test/chaos/verdict"
)

// window is how many messages of a publisher wait for an answer at most.
const window = 64

// Publisher publishes numbered messages at QoS 1 and 2, and what is not answered again after it has reconnected. Its
// name in the verdict is its number.
type Publisher struct {
	roamer
	number uint16
	pace   time.Duration

	flying []*flight // in order of their numbers
	ids    uint16    // the latest packet identifier
	moved  time.Time // when something was answered last, or nothing was to be
	stop   chan struct{}

	sent     []verdict.Sent // guarded by mu
	answered int            // guarded by mu
}

// flight is a message that is not done with.
type flight struct {
	number   uint32
	id       uint16
	qos      byte
	received bool // PUBREC has come
}

// NewPublisher returns a publisher that sends a message each pace.
func NewPublisher(cfg Config, number int, pace time.Duration) *Publisher {
	return &Publisher{roamer: newRoamer(cfg), number: uint16(number), pace: pace, stop: make(chan struct{})}
}

// Finish lets Run end when everything is answered. It is called once.
func (p *Publisher) Finish() { close(p.stop) }

// Run publishes until Finish and the last answer, or until ctx ends.
func (p *Publisher) Run(ctx context.Context) { p.run(ctx, p.serve) }

func (p *Publisher) serve(ctx context.Context, l *link) (done bool) {
	if !p.resend(l) {
		return false
	}
	tick, look := time.NewTicker(p.pace), time.NewTicker(200*time.Millisecond)
	defer tick.Stop()
	defer look.Stop()
	ticks, stop := tick.C, p.stop
	for {
		if ticks == nil && len(p.flying) == 0 {
			return l.send(&mqtt.Disconnect{}) == nil
		}
		select {
		case <-ctx.Done():
			return true
		case <-stop:
			ticks, stop = nil, nil
		case <-ticks:
			if !p.publish(l) {
				return false
			}
		case <-look.C:
			if p.leaves(l) || p.impatient() {
				return false
			}
		case packet, ok := <-l.in:
			if !ok || !p.take(l, packet) {
				return false
			}
		}
	}
}

// impatient tells whether an answer is overdue. The node may be cut off, so another one is tried.
func (p *Publisher) impatient() bool {
	if len(p.flying) == 0 {
		p.moved = time.Now()
	}
	return time.Since(p.moved) > answerWithin
}

// resend goes on with what earlier connections have begun [MQTT-4.4.0-1].
func (p *Publisher) resend(l *link) bool {
	p.moved = time.Now()
	for _, f := range p.flying {
		if f.received {
			if l.send(&mqtt.Pubrel{PacketID: f.id}) != nil {
				return false
			}
		} else if !p.send(l, f) {
			return false
		}
	}
	return true
}

// publish sends the next message, if there is room for one more.
func (p *Publisher) publish(l *link) bool {
	if len(p.flying) >= window {
		return true
	}
	p.mu.Lock()
	m := verdict.Message{Publisher: p.number, Number: uint32(len(p.sent))}
	s := p.cfg.Load.spec(m)
	sent := verdict.Sent{QoS: s.qos, First: int32(len(p.conns) - 1)}
	if s.retain {
		sent.Topic = s.topic
	}
	p.sent = append(p.sent, sent)
	p.mu.Unlock()
	f := &flight{number: m.Number, id: p.freeID(), qos: s.qos}
	p.flying = append(p.flying, f)
	return p.send(l, f)
}

// freeID returns a packet identifier that is not in use.
func (p *Publisher) freeID() uint16 {
	for {
		if p.ids++; p.ids != 0 && p.find(p.ids) == nil {
			return p.ids
		}
	}
}

func (p *Publisher) find(id uint16) *flight {
	for _, f := range p.flying {
		if f.id == id {
			return f
		}
	}
	return nil
}

// send sends a message, for the first time or again.
func (p *Publisher) send(l *link, f *flight) bool {
	m := verdict.Message{Publisher: p.number, Number: f.number}
	s := p.cfg.Load.spec(m)
	p.mu.Lock()
	sent := &p.sent[f.number]
	again := sent.Times > 0
	sent.Times++
	sent.Last = int32(len(p.conns) - 1)
	p.mu.Unlock()
	return l.send(&mqtt.Publish{
		Topic: s.topic, Payload: p.cfg.Load.payload(m), QoS: s.qos, Retain: s.retain, Dup: again, PacketID: f.id,
	}) == nil
}

// take takes in a packet, and reports whether the connection goes on.
func (p *Publisher) take(l *link, packet mqtt.Packet) bool {
	l.hear()
	switch a := packet.(type) {
	case *mqtt.Puback:
		p.answer(a.PacketID, 1, a.Code)
	case *mqtt.Pubrec:
		p.answer(a.PacketID, 2, a.Code)
		if !a.Code.Failed() {
			return l.send(&mqtt.Pubrel{PacketID: a.PacketID}) == nil
		}
	case *mqtt.Pubcomp:
		p.complete(a.PacketID)
	case *mqtt.Disconnect:
		p.goodbye(a)
		return false
	case *mqtt.Pingresp:
	default:
		p.complainNow("%s comes to a publisher", packet.Type())
	}
	return true
}

// answer takes in PUBACK or PUBREC.
func (p *Publisher) answer(id uint16, qos byte, code mqtt.ReasonCode) {
	p.moved = time.Now()
	f := p.find(id)
	if f == nil || f.qos != qos || f.received {
		p.complainNow("an answer at QoS %d for identifier %d, which waits for none", qos, id)
		return
	}
	p.mu.Lock()
	p.answered++
	if code.Failed() {
		p.sent[f.number].Fate = verdict.Refused
		p.goodbyes["PUBLISH: "+code.String()]++
	} else {
		p.sent[f.number].Fate = verdict.Acknowledged
	}
	p.mu.Unlock()
	if f.received = qos == 2 && !code.Failed(); !f.received {
		p.forget(f)
	}
}

// complete takes in PUBCOMP.
func (p *Publisher) complete(id uint16) {
	p.moved = time.Now()
	f := p.find(id)
	if f == nil || !f.received {
		p.complainNow("PUBCOMP for identifier %d, which waits for none", id)
		return
	}
	p.forget(f)
}

func (p *Publisher) forget(f *flight) {
	p.flying = slices.DeleteFunc(p.flying, func(g *flight) bool { return g == f })
}

// Count returns how many messages were published, and how many of these are answered.
func (p *Publisher) Count() (sent, answered int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.sent), p.answered
}

// Passed tells whether one of the messages from a number on was acknowledged.
func (p *Publisher) Passed(number int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return number < len(p.sent) && slices.ContainsFunc(p.sent[number:], func(s verdict.Sent) bool {
		return s.Fate == verdict.Acknowledged
	})
}

// History returns what the publisher knows.
func (p *Publisher) History() verdict.Publisher {
	p.mu.Lock()
	defer p.mu.Unlock()
	return verdict.Publisher{
		Name: p.cfg.Name, Conns: slices.Clone(p.conns), Sent: slices.Clone(p.sent), Complaints: slices.Clone(p.complaints),
	}
}
