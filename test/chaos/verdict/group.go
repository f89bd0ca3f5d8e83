package verdict

// checkGroup fails unless each message that was acknowledged came to a member of the group.
func (h *History) checkGroup(r *Report) {
	if len(h.Members) == 0 {
		return
	}
	came := map[Message]bool{}
	for i := range h.Members {
		s := &h.Members[i]
		for _, d := range s.Got {
			if h.sent(d.Message) == nil {
				r.fault(Unknown, "%s has %s, which nobody published", s.Name, d.Message)
			}
			came[d.Message] = true
		}
	}
	for p := range h.Publishers {
		for n, sent := range h.Publishers[p].Sent {
			if m := (Message{uint16(p), uint32(n)}); sent.Fate == Acknowledged && !came[m] {
				r.fault(Lost, "%s at QoS %d was acknowledged, and no member of the group has received it", m, sent.QoS)
			}
		}
	}
}
