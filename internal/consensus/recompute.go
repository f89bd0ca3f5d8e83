package consensus

// recompute reckons everything anew from the judges that were just installed, parents first. On the way it lets go
// of the vertices that no longer count and cuts the links to them, which changes nothing: their round is −∞ for
// good, and everything below them is ordered or ancient too.
func (e *Engine) recompute() {
	e.election.reset(e.pending)
	kept, gone := e.active[:0], len(e.free)
	for _, h := range e.active {
		v := &e.vertices[h]
		v.gone = v.birth < e.ancient || v.ordered && !v.judge
		if v.gone {
			e.free = append(e.free, h)
			continue
		}
		kept = append(kept, h)
		e.unlink(h, func(p *vertex) bool { return p.gone })
		if !e.spares(v) {
			e.settle(h)
		}
		e.enroll(h)
	}
	e.active = kept
	for _, h := range e.free[gone:] {
		e.letGo(h)
	}
}

// letGo empties a vertex that is free to be reused.
func (e *Engine) letGo(h handle) {
	id := e.vertices[h].event.ID()
	if held, ok := e.held[id]; ok {
		e.held[id] = holding{event: held.event}
	}
	e.vertices[h] = vertex{}
}
