package consensus

import "github.com/foxmq/foxmq/internal/event"

// Preview says what an event by creator would be with the given parents, if it were inserted now. Unknown and
// ancient parents do not count.
func (e *Engine) Preview(creator int, parents []event.ID) Preview {
	h := e.alloc()
	defer e.release(h)
	e.vertices[h] = vertex{creator: creator, birth: e.pending}
	for _, id := range parents {
		if p := e.held[id].vertex; p != 0 && e.vertices[h].parents < e.members {
			e.addParent(h, p)
		}
	}
	e.settle(h)
	v := &e.vertices[h]
	p := Preview{Round: v.round, Advances: v.round > e.vertices[v.self].round}
	e.countSeen(h, &p)
	return p
}

// countSeen counts the witnesses that the vertex sees.
func (e *Engine) countSeen(h handle, p *Preview) {
	strong := e.row(h, stronglySee)
	for m, w := range e.row(h, firstSee) {
		if w == 0 {
			continue
		}
		switch e.vertices[w].round {
		case p.Round:
			p.Echoes++
			p.Near++
		case p.Round - 1:
			p.Near++
		}
		if p.Advances && strong[m] != 0 {
			p.Electors++
		}
	}
}
