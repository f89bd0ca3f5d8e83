package consensus

import (
	"slices"

	"github.com/foxmq/foxmq/internal/event"
)

// handle names a vertex. The zero handle names none; its vertex has the round −∞, sees nothing and is never written.
type handle int32

// vertex is an event that still counts, with what consensus says about it given the judges of the last decided
// round. Its rows in the slab say the rest.
type vertex struct {
	event   *event.Event
	creator int
	birth   uint64
	self    handle // self-parent, if there is a link to it
	parents int    // links, in the event's order, in the parents row

	round            int64
	parentRound      int64 // highest round of its parents
	generation       int32 // 0 if its round is −∞, else one more than the highest of its parents
	firstSelfWitness handle
	firstWitness     handle
	descends         bool // from a judge of the last decided round, or is one

	judge   bool // of the last decided round
	ordered bool
	gone    bool  // about to be released
	voter   int32 // index in the running election, of a witness that votes in it
	inRound int32 // generation among the events that are being ordered, else 0
	depth   int32 // generation among what was linked when the event was inserted; for RetainedGeneration
}

// The rows of a vertex: n handles each.
const (
	parentsRow  = iota
	lastSee     // by member: the latest event that the vertex sees, on the canonical branch
	firstSee    // by member: the first witness, on its self-chain, of the round of lastSee
	stronglySee // by member: the witness of the parent round that the vertex strongly sees
	rowKinds
)

// slab holds vertices densely and reuses what is released.
type slab struct {
	members  int
	vertices []vertex
	rows     []handle // rowKinds rows of members handles for each vertex
	free     []handle
}

func newSlab(members int) slab {
	s := slab{members: members}
	none := s.alloc()
	s.vertices[none] = vertex{round: NegInf, parentRound: NegInf}
	return s
}

// alloc returns a vertex with arbitrary rows, but without parents. Pointers to vertices do not survive it.
func (s *slab) alloc() handle {
	if last := len(s.free) - 1; last >= 0 {
		h := s.free[last]
		s.free = s.free[:last]
		return h
	}
	h := handle(len(s.vertices))
	s.vertices = append(s.vertices, vertex{})
	s.rows = slices.Grow(s.rows, rowKinds*s.members)[:len(s.vertices)*rowKinds*s.members]
	return h
}

// release gives a vertex back. Nothing may refer to it any more.
func (s *slab) release(h handle) {
	s.vertices[h] = vertex{}
	s.free = append(s.free, h)
}

// row returns one row of a vertex, valid until the next alloc.
func (s *slab) row(h handle, kind int) []handle {
	i := (int(h)*rowKinds + kind) * s.members
	return s.rows[i : i+s.members : i+s.members]
}

// parents returns the links of a vertex, in the event's order.
func (s *slab) parents(h handle) []handle { return s.row(h, parentsRow)[:s.vertices[h].parents] }

// addParent links a vertex to a parent.
func (s *slab) addParent(h, parent handle) {
	v := &s.vertices[h]
	s.row(h, parentsRow)[v.parents] = parent
	v.parents++
	if s.vertices[parent].creator == v.creator {
		v.self = parent
	}
}

// unlink removes the links for which drop holds.
func (s *slab) unlink(h handle, drop func(*vertex) bool) {
	v := &s.vertices[h]
	kept := slices.DeleteFunc(s.parents(h), func(p handle) bool { return drop(&s.vertices[p]) })
	v.parents = len(kept)
	if drop(&s.vertices[v.self]) {
		v.self = 0
	}
}

// witness reports whether a vertex is the first event of its round on its creator's branch.
func (s *slab) witness(h handle) bool { return h != 0 && s.vertices[h].firstSelfWitness == h }
