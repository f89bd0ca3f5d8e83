package roam

import (
	"context"
	"slices"
	"time"

	"github.com/foxmq/foxmq/internal/mqtt"
	"github.com/foxmq/foxmq/test/chaos/verdict"
)

// Filter is what the subscribers subscribe to, and publishers publish to.
const Filter = "chaos/#"

// Subscriber subscribes to everything and writes down what comes.
type Subscriber struct {
	roamer
	qos        byte
	filter     string
	held       map[uint16]bool // packet identifiers at QoS 2 that PUBREL has not released
	subscribed bool
	ready      chan struct{} // closed once it has subscribed

	got      []verdict.Delivery // guarded by mu
	seen     [][]bool           // by publisher and number; guarded by mu
	distinct int                // messages that have come, without repetitions; guarded by mu
}

// NewSubscriber returns a subscriber at a QoS of 1 or 2.
func NewSubscriber(cfg Config, qos byte) *Subscriber {
	return &Subscriber{
		roamer: newRoamer(cfg), qos: qos, filter: Filter, held: map[uint16]bool{}, ready: make(chan struct{}),
	}
}

// NewMember returns a subscriber at QoS 1 who shares everything with others of its kind.
func NewMember(cfg Config) *Subscriber {
	s := NewSubscriber(cfg, 1)
	s.filter = "$share/group/" + Filter
	return s
}

// Subscribed is closed once the subscription holds. What is published from then on must come.
func (s *Subscriber) Subscribed() <-chan struct{} { return s.ready }

// Run receives until ctx ends.
func (s *Subscriber) Run(ctx context.Context) { s.run(ctx, s.serve) }

func (s *Subscriber) serve(ctx context.Context, l *link) (done bool) {
	if !s.subscribed {
		wish := &mqtt.Subscribe{PacketID: 1, Subscriptions: []mqtt.Subscription{{Filter: s.filter, QoS: s.qos}}}
		if l.send(wish) != nil {
			return false
		}
	}
	look := time.NewTicker(200 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return true
		case <-look.C:
			if s.leaves(l) {
				return false
			}
		case packet, ok := <-l.in:
			if !ok || !s.take(l, packet) {
				return false
			}
		}
	}
}

// take takes in a packet, and reports whether the connection goes on.
func (s *Subscriber) take(l *link, packet mqtt.Packet) bool {
	l.hear()
	switch p := packet.(type) {
	case *mqtt.Publish:
		return s.receive(l, p)
	case *mqtt.Pubrel:
		delete(s.held, p.PacketID)
		return l.send(&mqtt.Pubcomp{PacketID: p.PacketID}) == nil
	case *mqtt.Suback:
		s.accepted(p)
	case *mqtt.Disconnect:
		s.goodbye(p)
		return false
	case *mqtt.Pingresp:
	default:
		s.complainNow("%s comes to a subscriber", packet.Type())
	}
	return true
}

func (s *Subscriber) accepted(p *mqtt.Suback) {
	if s.subscribed || len(p.Codes) != 1 || byte(p.Codes[0]) != s.qos {
		s.complainNow("SUBSCRIBE is answered by %v", p.Codes)
		return
	}
	s.subscribed = true
	close(s.ready)
}

// receive takes in a message and answers. At QoS 2 what comes under an identifier that is held is a repetition.
func (s *Subscriber) receive(l *link, p *mqtt.Publish) bool {
	if p.QoS == 2 {
		if !s.held[p.PacketID] {
			s.held[p.PacketID] = true
			s.note(p)
		}
		return l.send(&mqtt.Pubrec{PacketID: p.PacketID}) == nil
	}
	s.note(p)
	return l.send(&mqtt.Puback{PacketID: p.PacketID}) == nil
}

func (s *Subscriber) note(p *mqtt.Publish) {
	m, err := s.cfg.Load.parse(p.Payload)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.complain("%v", err)
		return
	}
	if p.Retain {
		s.complain("%s comes as a retained message", m)
	}
	s.got = append(s.got, verdict.Delivery{Message: m, QoS: p.QoS, Dup: p.Dup, Conn: int32(len(s.conns) - 1)})
	s.mark(m)
}

// mark counts a message that has not come before; mu is held.
func (s *Subscriber) mark(m verdict.Message) {
	for len(s.seen) <= int(m.Publisher) {
		s.seen = append(s.seen, nil)
	}
	seen := &s.seen[m.Publisher]
	for len(*seen) <= int(m.Number) {
		*seen = append(*seen, false)
	}
	if !(*seen)[m.Number] {
		(*seen)[m.Number] = true
		s.distinct++
	}
}

// Count returns how many messages have come, with and without repetitions.
func (s *Subscriber) Count() (all, distinct int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.got), s.distinct
}

// History returns what the subscriber has received.
func (s *Subscriber) History() verdict.Subscriber {
	s.mu.Lock()
	defer s.mu.Unlock()
	return verdict.Subscriber{
		Name: s.cfg.Name, QoS: s.qos, Conns: slices.Clone(s.conns), Got: slices.Clone(s.got),
		Complaints: slices.Clone(s.complaints),
	}
}
