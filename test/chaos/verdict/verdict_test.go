package verdict

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// sane returns a history in which all is well: two publishers whose messages alternate, at QoS 1 and 2, and three
// subscribers, one at QoS 1.
func sane() *History {
	const messages = 20
	h := &History{Killed: func(c Conn) bool { return c.Node == 3 }}
	for _, name := range []string{"p0", "p1"} {
		p := Publisher{Name: name, Conns: []Conn{{Node: 0}, {Node: 3}, {Node: 1}}}
		for n := range messages {
			p.Sent = append(p.Sent, Sent{QoS: byte(1 + n%2), Fate: Acknowledged, Times: 1})
		}
		p.Sent[4].Topic, p.Sent[8].Topic = "kept/"+name, "kept/"+name
		h.Publishers = append(h.Publishers, p)
	}
	for i, name := range []string{"s0", "s1", "s2"} {
		s := Subscriber{Name: name, QoS: byte(2 - i%2), Conns: []Conn{{Node: 0}, {Node: 3}, {Node: 1}}}
		for n := range 2 * messages {
			m := Message{uint16(n % 2), uint32(n / 2)}
			s.Got = append(s.Got, Delivery{Message: m, QoS: min(s.QoS, h.sent(m).QoS)})
		}
		h.Subscribers = append(h.Subscribers, s)
	}
	for i := range 2 { // who share
		s := Subscriber{Name: "m", QoS: 1, Conns: []Conn{{}}}
		for n := range messages {
			s.Got = append(s.Got, Delivery{Message: Message{uint16(i), uint32(n)}, QoS: 1})
		}
		h.Members = append(h.Members, s)
	}
	kept := map[string]Message{"kept/p0": {0, 8}, "kept/p1": {1, 8}}
	h.Retained = []map[string]Message{kept, kept}
	return h
}

// lose takes a message out of a subscriber's record.
func (h *History) lose(subscriber int, m Message) {
	s := &h.Subscribers[subscriber]
	s.Got = slices.DeleteFunc(s.Got, func(d Delivery) bool { return d.Message == m })
}

// repeat lets a message come again at the end, on a connection.
func (h *History) repeat(subscriber int, m Message, dup bool, conn int32) {
	s := &h.Subscribers[subscriber]
	s.Got = append(s.Got, Delivery{Message: m, QoS: min(s.QoS, h.sent(m).QoS), Dup: dup, Conn: conn})
}

func (h *History) swap(subscriber, i, k int) {
	got := h.Subscribers[subscriber].Got
	got[i], got[k] = got[k], got[i]
}

func TestPlantedFaultsAreFound(t *testing.T) {
	for _, test := range []struct {
		name  string
		plant func(*History)
		kind  string // the only kind that is found
		count int
	}{
		{"a message lost to one", func(h *History) { h.lose(1, Message{0, 7}) }, Lost, 1},
		{"the last message lost to one", func(h *History) { h.lose(2, Message{1, 19}) }, Lost, 1},
		{"a message lost to all", func(h *History) {
			for i := range h.Subscribers {
				h.lose(i, Message{0, 7})
			}
		}, Lost, 1},
		{"an empty record", func(h *History) { h.Subscribers[2].Got = nil }, Lost, 40},
		{"lost without an answer", func(h *History) {
			h.Publishers[0].Sent[7].Fate = Unanswered
			h.lose(1, Message{0, 7})
		}, Unequal, 1},
		{"refused and delivered", func(h *History) { h.Publishers[1].Sent[3].Fate = Refused }, Haunting, 1},
		{"neighbours swapped", func(h *History) { h.swap(1, 10, 11) }, Order, 2},
		{"the first two swapped", func(h *History) { h.swap(0, 0, 1) }, Order, 2},
		{"a publisher's order lost for all", func(h *History) {
			for i := range h.Subscribers {
				h.swap(i, 10, 12)
			}
		}, Sequence, 3},
		{"QoS 2 twice on one connection", func(h *History) { h.repeat(0, Message{0, 7}, false, 0) }, Twice, 1},
		{"QoS 2 twice on connections to nodes that live", func(h *History) {
			h.Subscribers[2].Conns[1].Node = 2
			h.repeat(2, Message{0, 7}, true, 2)
		}, Twice, 1},
		{"QoS 2 twice across a kill", func(h *History) { h.repeat(0, Message{0, 7}, true, 2) }, TwiceAfter, 1},
		{"QoS 2 twice, on a node before it is killed", func(h *History) {
			h.repeat(0, Message{0, 7}, true, 1)
		}, Twice, 1},
		{"QoS 2 twice, the publisher's node was killed", func(h *History) {
			h.Publishers[0].Sent[7].Times, h.Publishers[0].Sent[7].Last = 2, 2
			h.repeat(0, Message{0, 7}, false, 0)
		}, TwiceAfter, 1},
		{"QoS 2 twice, published again from a node that lived", func(h *History) {
			h.Publishers[0].Sent[7].Times, h.Publishers[0].Sent[7].Last = 2, 1
			h.repeat(0, Message{0, 7}, false, 0)
		}, Twice, 1},
		{"QoS 1 again without DUP", func(h *History) { h.repeat(1, Message{0, 6}, false, 0) }, Unmarked, 1},
		{"nobody's message", func(h *History) {
			h.Subscribers[0].Got = append(h.Subscribers[0].Got, Delivery{Message: Message{0, 20}, QoS: 1})
		}, Unknown, 1},
		{"nobody's publisher", func(h *History) {
			h.Subscribers[0].Got = append(h.Subscribers[0].Got, Delivery{Message: Message{2, 0}, QoS: 1})
		}, Unknown, 1},
		{"more than the subscription's QoS", func(h *History) { h.Subscribers[1].Got[3].QoS = 2 }, WrongQoS, 1},
		{"a message that no member has", func(h *History) { h.Members[1].Got = h.Members[1].Got[1:] }, Lost, 1},
		{"nobody's message at a member", func(h *History) {
			h.Members[1].Got = append(h.Members[1].Got, Delivery{Message: Message{2, 0}, QoS: 1})
		}, Unknown, 1},
		{"a member's complaint", func(h *History) { h.Members[1].Complaints = []string{"session lost"} }, Complaint, 1},
		{"a complaint", func(h *History) { h.Subscribers[1].Complaints = []string{"session lost"} }, Complaint, 1},
		{"a node without a retained message", func(h *History) {
			h.Retained[1] = map[string]Message{"kept/p0": {0, 8}}
		}, Retained, 1},
		{"all nodes with an old retained message", func(h *History) { h.Retained[0]["kept/p1"] = Message{1, 4} }, Retained, 1},
		{"a retained message that was none", func(h *History) { h.Retained[0]["kept/p2"] = Message{1, 5} }, Retained, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := sane()
			test.plant(h)
			r := h.Judge()
			if r.Count(test.kind) != test.count {
				t.Errorf("%d %s, want %d", r.Count(test.kind), test.kind, test.count)
			}
			finding := test.kind == TwiceAfter || test.kind == Unmarked
			if len(r.counts) != 1 || finding != (len(r.Faults) == 0) || finding != (len(r.Findings) > 0) {
				t.Errorf("faults %q, findings %q", r.Faults, r.Findings)
			}
			if len(r.Faults) > most {
				t.Errorf("%d faults of one kind are told", len(r.Faults))
			}
		})
	}
}

// Two disagree on a message that the first subscriber does not have.
func TestEachTwoAreCompared(t *testing.T) {
	h := sane()
	h.lose(0, Message{0, 5})
	h.swap(2, 10, 11)
	if r := h.Judge(); r.Count(Lost) != 1 || r.Count(Order) != 1 {
		t.Errorf("faults %q", r.Faults)
	}
}

// Any two messages that change places in one record are noticed, and any that is missing.
func TestAnyExchangeIsFound(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 0))
	for range 500 {
		h := sane()
		i, k, s := rng.IntN(40), rng.IntN(40), rng.IntN(3)
		h.swap(s, i, k)
		if r := h.Judge(); (r.Count(Order) > 0) != (i != k) {
			t.Fatalf("%d and %d of subscriber %d are exchanged: faults %q", i, k, s, r.Faults)
		}
		h = sane()
		h.lose(s, Message{uint16(i % 2), uint32(i / 2)})
		if r := h.Judge(); r.Count(Lost) != 1 {
			t.Fatalf("message %d of subscriber %d is lost: faults %q", i, s, r.Faults)
		}
	}
}

func TestWhatIsNoFault(t *testing.T) {
	for _, test := range []struct {
		name  string
		plant func(*History)
	}{
		{"nothing", func(*History) {}},
		{"a message at two members", func(h *History) { h.Members[1].Got = append(h.Members[1].Got, h.Members[0].Got[2]) }},
		{"QoS 1 again with DUP", func(h *History) { h.repeat(1, Message{0, 6}, true, 0) }},
		{"QoS 1 again, published again", func(h *History) {
			h.Publishers[0].Sent[6].Times = 2
			h.repeat(0, Message{0, 6}, false, 0)
		}},
		{"QoS 2 again to a subscriber at QoS 1", func(h *History) { h.repeat(1, Message{0, 7}, true, 0) }},
		{"refused and not delivered", func(h *History) {
			h.Publishers[0].Sent[6].Fate = Refused
			for i := range h.Subscribers {
				h.lose(i, Message{0, 6})
			}
		}},
		{"unanswered and delivered to all", func(h *History) { h.Publishers[0].Sent[19].Fate = Unanswered }},
		{"retained again by a repetition at QoS 1", func(h *History) {
			h.Publishers[0].Sent[4].Times = 2
			h.Retained[0]["kept/p0"] = Message{0, 4}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := sane()
			test.plant(h)
			if r := h.Judge(); len(r.Faults) > 0 || len(r.Findings) > 0 {
				t.Errorf("faults %q, findings %q", r.Faults, r.Findings)
			}
		})
	}
}
