package consensus

import "github.com/foxmq/foxmq/internal/event"

// Engine is one member's consensus.
type Engine struct {
	pending uint64
	ancient uint64
	err     error
}

// New returns an engine that knows no event.
func New(cfg Config) *Engine { return &Engine{pending: 1, ancient: 1} }

// Insert adds a sealed event, each of whose parents was inserted, or is ancient, or claims to be, and returns the
// rounds that it decided, in order. An event that is known or ancient changes nothing. The engine keeps a
// reference to the event until it is ancient.
func (e *Engine) Insert(ev *event.Event) []Round { return nil }

// Pending returns the round that is being elected: the latest decided one + 1.
func (e *Engine) Pending() uint64 { return e.pending }

// Ancient returns the threshold below which a birth round is ancient.
func (e *Engine) Ancient() uint64 { return e.ancient }

// Err returns why ordering stopped for good, or nil. Events can still be inserted, but no round is decided.
func (e *Engine) Err() error { return e.err }

// Get returns an event that was inserted and is not ancient, or nil.
func (e *Engine) Get(id event.ID) *event.Event { return nil }

// Tips returns the ends of a creator's branches among the events that are not ancient, by ascending sequence
// number, then by ID.
func (e *Engine) Tips(creator int) []event.Tip { return nil }

// Branches returns the number of those tips: more than one if the creator forked.
func (e *Engine) Branches(creator int) int { return 0 }

// Preview says what an event by creator would be with the given parents, if it were inserted now. Unknown and
// ancient parents do not count.
func (e *Engine) Preview(creator int, parents []event.ID) Preview { return Preview{} }

// RoundOf returns an event's round, as it counts for the round being elected; NegInf also if it is unknown.
func (e *Engine) RoundOf(id event.ID) int64 { return NegInf }

// Witness reports whether the event is a witness.
func (e *Engine) Witness(id event.ID) bool { return false }

// Snapshot is all that an engine needs to go on from where another one stood.
type Snapshot struct {
	Round   uint64         // the latest decided round; 0 before there is one
	Judges  []event.ID     // of that round
	Births  []uint64       // the least birth round of the judges of each round from max(1, Round−RoundsKept+1) to Round
	Ancient uint64         // the ancient threshold
	Time    int64          // consensus time of the last transaction, ns since 1970
	Events  []*event.Event // those that are not ancient, in an order in which they may be inserted
}

// Snapshot returns the engine's state. It shares the events with the engine.
func (e *Engine) Snapshot() Snapshot { return Snapshot{} }

// Restore returns an engine that goes on from a snapshot. It fails if a judge is not among the events.
func Restore(cfg Config, s Snapshot) (*Engine, error) { return New(cfg), nil }
