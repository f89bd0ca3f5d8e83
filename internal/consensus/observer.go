package consensus

import "github.com/foxmq/foxmq/internal/event"

// Observer is told what an engine finds on its way to a decision, so that tests can hold it to what must be true
// of every graph with at most f faulty members. It must not call the engine.
type Observer interface {
	// StronglySeen tells that, with pending as the round being elected, an event strongly sees this witness of the
	// given round, and none of its parents did.
	StronglySeen(pending uint64, round int64, witness *event.Event)
	// Tally tells that a voter counts the votes of so many members.
	Tally(voter *event.Event, electors int)
	// Fame tells that a candidate of the pending round is decided, by a voter so many rounds later, or because it came
	// late, with 0.
	Fame(pending uint64, candidate *event.Event, famous bool, distance int64)
}

// observeStrong tells what an event strongly sees. The event of a Preview has not been made: it may never be, and its
// creator may come to see another branch.
func (e *Engine) observeStrong(h, w handle) {
	if o := e.cfg.Observer; o != nil && e.vertices[h].event != nil {
		o.StronglySeen(e.pending, e.vertices[w].round, e.vertices[w].event)
	}
}

func (e *Engine) observeTally(voter handle) {
	if o := e.cfg.Observer; o != nil {
		o.Tally(e.vertices[voter].event, len(e.scratch.voters))
	}
}

func (e *Engine) observeFame(c *candidate, distance int64) {
	if o := e.cfg.Observer; o != nil && c.fame != undecided {
		o.Fame(e.pending, e.vertices[c.vertex].event, c.fame == famous, distance)
	}
}

// Vertices returns how many vertices were ever in use at once.
func (e *Engine) Vertices() int { return len(e.vertices) }

// Held returns how many events the engine holds: those that are not ancient.
func (e *Engine) Held() int { return len(e.window) }
