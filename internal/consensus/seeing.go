package consensus

// settle finds what consensus says about a vertex from what it says about its parents.
func (e *Engine) settle(h handle) {
	e.lookAtParents(h)
	strong := 0
	if e.vertices[h].parentRound == NegInf {
		e.seeNothing(h)
	} else {
		e.see(h)
		strong = e.seeStrongly(h)
	}
	v := &e.vertices[h]
	v.round = e.round(v, strong)
	if v.round == NegInf {
		e.seeNothing(h)
		v.generation, v.firstSelfWitness, v.firstWitness = 0, 0, 0
		return
	}
	e.findWitnesses(h)
	e.row(h, lastSee)[v.creator] = h
	e.row(h, firstSee)[v.creator] = v.firstSelfWitness
}

func (e *Engine) lookAtParents(h handle) {
	v := &e.vertices[h]
	v.parentRound, v.generation, v.descends = NegInf, 0, v.judge
	for _, p := range e.parents(h) {
		parent := &e.vertices[p]
		v.parentRound = max(v.parentRound, parent.round)
		v.generation = max(v.generation, parent.generation)
		v.descends = v.descends || parent.descends
	}
	v.generation++
}

func (e *Engine) seeNothing(h handle) {
	clear(e.row(h, lastSee))
	clear(e.row(h, firstSee))
	clear(e.row(h, stronglySee))
}

// round is the round of a vertex that strongly sees the witnesses of that many members. The order of the cases
// counts.
func (e *Engine) round(v *vertex, strong int) int64 {
	switch {
	case v.judge && v.parentRound == NegInf:
		return int64(e.pending) - 1
	case v.ordered:
		return NegInf
	case e.pending > 1 && !v.descends:
		return e.roundWithoutJudge(v)
	case v.parents == 0:
		return 1
	case v.parentRound > NegInf && strong >= e.quorum:
		return v.parentRound + 1
	}
	return v.parentRound
}

// roundWithoutJudge is the round of a vertex that does not descend from a judge of the last decided round.
func (e *Engine) roundWithoutJudge(v *vertex) int64 {
	if e.cfg.Mutation == ParentlessAlwaysRound1 && v.parents == 0 {
		return 1
	}
	return NegInf
}

// see finds what the vertex sees of each member but its own creator: of what its parents see, the one of the
// highest round; of two of the same round the one of the higher generation, provided that both stand on one branch.
// For its creator it finds what the self-parent's chain shows, which is what counts in strongly seeing.
func (e *Engine) see(h handle) {
	last := e.row(h, lastSee)
	clear(last)
	for _, p := range e.parents(h) {
		for m, c := range e.row(p, lastSee) {
			if best := last[m]; c != best && c != 0 && (best == 0 || e.later(c, best)) {
				last[m] = c
			}
		}
	}
	v := &e.vertices[h]
	last[v.creator] = v.self
	first := e.row(h, firstSee)
	for m, c := range last {
		first[m] = e.vertices[c].firstSelfWitness
	}
	last[v.creator] = h
}

func (e *Engine) later(a, b handle) bool {
	x, y := &e.vertices[a], &e.vertices[b]
	return x.round > y.round ||
		x.round == y.round && x.generation > y.generation && x.firstSelfWitness == y.firstSelfWitness
}

// seeStrongly finds the witnesses of its parent round that the vertex strongly sees, and returns how many.
//
// A witness seen is seen through member k if the latest event of k that the vertex sees sees it too. Through its own
// creator the vertex sees by its own firstSee row, which at this time holds for its creator what the self-parent
// shows.
func (e *Engine) seeStrongly(h handle) (strong int) {
	e.inherit(h)
	e.countThrough(h)
	first, strongly := e.row(h, firstSee), e.row(h, stronglySee)
	for i, m := range e.scratch.members {
		if e.scratch.through[i] >= e.quorum {
			strongly[m] = first[m]
			e.observeStrong(h, first[m])
		}
	}
	for _, w := range strongly {
		if w != 0 {
			strong++
		}
	}
	return strong
}

// inherit takes over what parents of the same parent round already strongly see.
func (e *Engine) inherit(h handle) {
	strongly := e.row(h, stronglySee)
	clear(strongly)
	for _, p := range e.parents(h) {
		if e.vertices[p].parentRound != e.vertices[h].parentRound {
			continue
		}
		for m, w := range e.row(p, stronglySee) {
			if strongly[m] == 0 {
				strongly[m] = w
			}
		}
	}
}

// countThrough fills scratch.members with those whose witness the vertex sees in its parent round and does not
// strongly see by inheritance, and scratch.through with the number of members through which it sees each.
func (e *Engine) countThrough(h handle) {
	v := &e.vertices[h]
	first, strongly := e.row(h, firstSee), e.row(h, stronglySee)
	members, through := e.scratch.members[:0], e.scratch.through[:0]
	for m, w := range first {
		if w != 0 && strongly[m] == 0 && e.vertices[w].round == v.parentRound {
			members, through = append(members, m), append(through, 0)
		}
	}
	for _, k := range e.row(h, lastSee) {
		row := e.row(k, firstSee)
		for i, m := range members {
			if row[m] == first[m] {
				through[i]++
			}
		}
	}
	e.scratch.members, e.scratch.through = members, through
}

// findWitnesses finds the two events with which the round of the vertex began: on its own chain, and anywhere below
// it, following the first parent of that round.
func (e *Engine) findWitnesses(h handle) {
	v := &e.vertices[h]
	v.firstSelfWitness = h
	if self := &e.vertices[v.self]; self.round == v.round {
		v.firstSelfWitness = self.firstSelfWitness
	}
	v.firstWitness = h
	if v.round > v.parentRound {
		return
	}
	for _, p := range e.parents(h) {
		if parent := &e.vertices[p]; parent.round == v.round {
			v.firstWitness = parent.firstWitness
			return
		}
	}
}
