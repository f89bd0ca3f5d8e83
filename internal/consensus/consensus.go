// Package consensus turns the hashgraph that a cluster's members build into one total order, the same on every
// correct member: docs/consensus.md says how.
//
// An [Engine] is a pure state machine: it does no I/O, starts no goroutine, reads no clock, draws no randomness,
// and no map's order reaches a result. It takes events whose size, shape and signature somebody has checked, with
// parents before children, and says which rounds each of them decided.
//
// # Concurrency
//
// An Engine belongs to one goroutine. Events are immutable and shared; what an Engine returns is the caller's.
package consensus

import (
	"errors"
	"math"

	"github.com/foxmq/foxmq/internal/event"
)

// Defaults of a Config.
const (
	DefaultCoinPeriod = 5
	DefaultRoundsKept = 26
)

// leastCoinPeriod is how soon coins may be flipped.
const leastCoinPeriod = 3

// NegInf is the round −∞: that of an event which plays no part in elections any more, or never will.
const NegInf int64 = math.MinInt64

// ErrJudges is why an engine stops ordering: a round had fewer judges than a supermajority. With at most f faulty
// members that should not be; docs/consensus.md, under Fame, says how far it is certain.
var ErrJudges = errors.New("a round has fewer judges than a supermajority")

// Config is what an engine needs to know. It must be the same on all members. Members must be set; any other zero
// field means its default.
type Config struct {
	Members int // nodes in the address book, 1 to event.MaxMembers
	// CoinPeriod is how often fame is not decided but coins are flipped: in every CoinPeriod-th round of voting;
	// default 5. Less than 3 counts as 3: what a late candidate or a unanimous first vote rests on is the majority of
	// second votes, and no coin may come before it.
	CoinPeriod int
	// TallyOnly makes an engine decide by tallies only, later than on unanimous first votes but the same. It is for
	// tests that compare the two. Members that run either cannot be mixed: docs/decisions/0004.
	TallyOnly bool
	// RoundsKept is for how many decided rounds what was born with their judges is not ancient; default 26.
	RoundsKept int
	// SnapshotEvery lets every round whose number is a multiple of it come with a snapshot; 0: none does.
	SnapshotEvery uint64
	Mutation      Mutation
	Observer      Observer // nil outside of tests
}

// Round is a decided round.
type Round struct {
	Number  uint64
	Judges  []event.ID     // by ascending creator
	Events  []Ordered      // in their final order
	Stale   []*event.Event // went ancient with this round without being ordered, in the order of insertion
	Ancient uint64         // events with a birth round below this are ancient from now on
	// Snapshot is the engine's state when it had decided this round and not yet the next, where Config.SnapshotEvery
	// asks for it; otherwise nil.
	Snapshot *Snapshot
}

// Ordered is an event in its place in the order.
type Ordered struct {
	Event *event.Event
	Time  int64 // consensus time of its first transaction, ns since 1970; that of its i-th is Time + i·1000
}

// Preview says what an event would be that does not exist yet.
type Preview struct {
	Round    int64 // NegInf if it would have none
	Advances bool  // its round is above that of its self-parent, or it has none
	Echoes   int   // creators, its own included, whose witness of that round it would see
	Near     int   // creators, its own included, of which it would see a witness of that round or the one before
	Electors int   // creators whose witness of the round before it would strongly see, if it advances
}
