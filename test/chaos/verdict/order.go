package verdict

// first is the order in which messages came to one subscriber for the first time.
type first struct {
	order []Message
	place [][]int32 // by publisher and number: the place in order, from 1 on; 0 if it did not come
}

func (f *first) of(m Message) int32 { return f.place[m.Publisher][m.Number] }

// firsts takes the repetitions out of what the subscribers received.
func (h *History) firsts(r *Report) []first {
	all := make([]first, len(h.Subscribers))
	for i := range all {
		f, s := &all[i], &h.Subscribers[i]
		for k := range h.Publishers {
			f.place = append(f.place, make([]int32, len(h.Publishers[k].Sent)))
		}
		for _, d := range s.Got {
			if h.sent(d.Message) == nil {
				r.fault(Unknown, "%s has %s, which nobody published", s.Name, d.Message)
			} else if f.of(d.Message) == 0 {
				f.order = append(f.order, d.Message)
				f.place[d.Publisher][d.Number] = int32(len(f.order))
			}
		}
	}
	return all
}

// checkPresence finds what somebody has not received and should have.
func (h *History) checkPresence(r *Report, firsts []first) {
	for p := range h.Publishers {
		for n := range h.Publishers[p].Sent {
			h.checkMessage(r, Message{uint16(p), uint32(n)}, firsts)
		}
	}
}

func (h *History) checkMessage(r *Report, m Message, firsts []first) {
	sent, having := h.sent(m), 0
	var without string
	for i := range firsts {
		if firsts[i].of(m) > 0 {
			having++
		} else if without == "" {
			without = h.Subscribers[i].Name
		}
	}
	switch {
	case sent.Fate == Acknowledged && having < len(firsts):
		r.fault(Lost, "%s at QoS %d was acknowledged; %s and %d others have not received it",
			m, sent.QoS, without, len(firsts)-having-1)
	case sent.Fate == Refused && sent.Times == 1 && having > 0:
		r.fault(Haunting, "%s was refused, and %d subscribers have it", m, having)
	case having > 0 && having < len(firsts):
		r.fault(Unequal, "%d subscribers have %s, %s has not", having, m, without)
	}
}

// checkOrder compares each two subscribers. What only one of them has is checkPresence's affair.
func (h *History) checkOrder(r *Report, firsts []first) {
	for i := range firsts {
		for k := range i {
			h.compare(r, k, i, firsts)
		}
	}
}

// compare tells the first two messages that came to subscribers a and b in different order.
func (h *History) compare(r *Report, a, b int, firsts []first) {
	var before Message
	var latest int32
	for _, m := range firsts[a].order {
		place := firsts[b].of(m)
		if place == 0 {
			continue
		}
		if place < latest {
			r.fault(Order, "%s has %s before %s, %s the other way round",
				h.Subscribers[a].Name, before, m, h.Subscribers[b].Name)
			return
		}
		before, latest = m, place
	}
}

// checkSequence holds each publisher's messages to the order of their numbers.
func (h *History) checkSequence(r *Report, firsts []first) {
	for i := range firsts {
		next := make([]uint32, len(h.Publishers))
		for _, m := range firsts[i].order {
			if m.Number < next[m.Publisher] {
				r.fault(Sequence, "%s has %s behind number %d", h.Subscribers[i].Name, m, next[m.Publisher]-1)
			}
			next[m.Publisher] = max(next[m.Publisher], m.Number+1)
		}
	}
}
