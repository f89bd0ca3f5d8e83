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
	return Preview{
		Round:    v.round,
		Advances: v.round > e.vertices[v.self].round,
		Echoes:   e.echoes(h),
	}
}

// echoes counts the members whose witness of its own round the vertex sees.
func (e *Engine) echoes(h handle) (n int) {
	for _, w := range e.row(h, firstSee) {
		if w != 0 && e.vertices[w].round == e.vertices[h].round {
			n++
		}
	}
	return n
}
