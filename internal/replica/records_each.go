package replica

// EachRecord calls f with every record of the state as of the last Flush, each once and in no order. It is called right
// after a Flush. Key and value are never written to again: f may keep them. f must not call the machine.
func (m *Machine) EachRecord(f func(key, value []byte)) {
	w := walk{machine: m, visit: f, bodies: map[*body]struct{}{}}
	w.give(&m.meta)
	for i := range m.nodes {
		w.give(&m.nodes[i])
	}
	for _, e := range m.retained.topics.All() {
		w.give(e)
	}
	for _, s := range m.clients {
		w.session(s)
	}
	for _, g := range m.groups {
		w.give(g)
	}
	for _, b := range m.bans.byTarget {
		w.give(b)
	}
}

// walk is one under way over all records.
type walk struct {
	machine *Machine
	visit   func(key, value []byte)
	bodies  map[*body]struct{} // that were given out
}

// give gives out a record, unless it has none of its own, as the member that has done nothing yet.
func (w *walk) give(r record) {
	if k := r.tracked(); k.recorded && !k.gone {
		c := w.machine.encode(r)
		w.visit(c.key, c.value)
	}
}

// session gives out all that is of a session.
func (w *walk) session(s *session) {
	w.give(s)
	for _, h := range s.subscriptions {
		w.give(h)
	}
	for _, p := range s.unreleased {
		w.give(p)
	}
	for _, slot := range s.queue.slots {
		if slot.pending != nil {
			w.pending(slot.pending)
		}
	}
}

// pending gives out a delivery, and its message with the first that has it.
func (w *walk) pending(p *pending) {
	w.give(p.record)
	if _, had := w.bodies[p.body]; !had {
		w.bodies[p.body] = struct{}{}
		w.give(p.body)
	}
}
