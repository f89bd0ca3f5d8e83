package verdict

import (
	"maps"
	"slices"
)

// checkRepetitions looks at each delivery beside the one before it of the same message.
func (h *History) checkRepetitions(r *Report) {
	for i := range h.Subscribers {
		s := &h.Subscribers[i]
		last := make(map[Message]int32, len(s.Got)) // the connection of the latest delivery
		for _, d := range s.Got {
			sent := h.sent(d.Message)
			if sent == nil {
				continue
			}
			if want := min(sent.QoS, s.QoS); d.QoS != want {
				r.fault(WrongQoS, "%s has %s at QoS %d, not %d", s.Name, d.Message, d.QoS, want)
			}
			if conn, again := last[d.Message]; again {
				h.judgeRepetition(r, s, sent, d, conn)
			}
			last[d.Message] = d.Conn
		}
	}
}

// judgeRepetition looks at a message that has come before, on the connection since.
func (h *History) judgeRepetition(r *Report, s *Subscriber, sent *Sent, d Delivery, since int32) {
	if d.QoS == 1 {
		r.Repeated++
		if !d.Dup && sent.Times == 1 {
			r.finding(Unmarked, "%s has %s again, on connection %d after %d", s.Name, d.Message, d.Conn, since)
		}
	}
	if sent.QoS != 2 || s.QoS != 2 {
		return
	}
	p := &h.Publishers[d.Publisher]
	if h.killed(s.Conns, since, d.Conn) || h.killed(p.Conns, sent.First, sent.Last) {
		r.finding(TwiceAfter, "%s has %s again, on connection %d after %d", s.Name, d.Message, d.Conn, since)
		return
	}
	r.fault(Twice, "%s has %s again, on connection %d after %d; it was sent %d times",
		s.Name, d.Message, d.Conn, since, sent.Times)
}

// killed tells whether a connection from the first on and before the last ended with its node.
func (h *History) killed(conns []Conn, first, last int32) bool {
	return h.Killed != nil && slices.ContainsFunc(conns[first:max(first, last)], h.Killed)
}

// checkRetained fails unless all nodes retain the same, which is on each topic the last message to it.
func (h *History) checkRetained(r *Report, firsts []first) {
	if h.Retained == nil {
		return
	}
	for i, kept := range h.Retained {
		for _, topic := range topics(kept, h.Retained[0]) {
			if a, b := h.Retained[0][topic], kept[topic]; a != b {
				r.fault(Retained, "on %s node 0 has %s, node %d has %s", topic, a, i, b)
			}
		}
	}
	if len(firsts) > 0 {
		h.checkKept(r, &firsts[0])
	}
}

// checkKept compares what is retained with what one subscriber received. A message at QoS 1 that was sent again may
// have been published again behind those after it.
func (h *History) checkKept(r *Report, f *first) {
	latest := map[string]Message{}
	for _, m := range f.order {
		if sent := h.sent(m); sent.Topic != "" {
			latest[sent.Topic] = m
		}
	}
	for _, topic := range topics(latest, h.Retained[0]) {
		want, expected := latest[topic]
		got, kept := h.Retained[0][topic]
		repeated := kept && h.sent(got) != nil && h.sent(got).QoS == 1 && h.sent(got).Times > 1
		if !expected || !kept || got != want && !repeated {
			r.fault(Retained, "on %s is %s (%v), the last message to it was %s (%v)", topic, got, kept, want, expected)
		}
	}
}

// topics returns the keys of both maps in order.
func topics(a, b map[string]Message) []string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return slices.Sorted(maps.Keys(all))
}
