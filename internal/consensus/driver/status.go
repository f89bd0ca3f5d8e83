package driver

// Status is a picture of a driver at one moment.
type Status struct {
	Pending   uint64 // the round that is being decided
	Ancient   uint64 // events born before this round are ancient
	Own       uint64 // sequence number of the last own event, 0 if none
	State     State
	Err       error        // not nil: ordering has stopped for good
	SignErr   error        // not nil: the last own event could not be signed or was too large
	Peers     []PeerStatus // by member index, this node's own entry is zero
	Unordered int          // payload bytes known and not yet ordered
	Kept      int          // events held, ancient ones included
	KeptBytes int          // and their payload bytes
	Waiting   int          // events that wait for a parent or a round
	Missing   int          // events asked for
	Dropped   uint64       // events refused or forgotten since the start, at one limit or another
}

// State says whether a node may create events.
type State int

// The states of a driver.
const (
	Observing State = iota // waits for peers to tell it its own last event
	Lost                   // as Observing or Behind; what it lacks is handed out by none: only a snapshot helps
	Behind                 // peers are rounds ahead; fetches what it lacks
	Active                 // creates events
)

// lostPatience is after how many ns without a decided round a node that is behind says that it is lost.
const lostPatience = 10e9

// PeerStatus tells what is known of one peer.
type PeerStatus struct {
	Connected bool
	Lag       uint64 // own events made since the last one that the peer has echoed
	Delay     int64  // estimated one-way delay in ns
	Forks     uint64 // branches of its chain that came beside another: it has broken the rules
	Handed    uint64 // bytes that it was sent because it asked, about
	Again     uint64 // those of them that it had been handed before
}

// Status tells how the driver is doing.
func (d *Driver) Status() Status {
	s := Status{
		Pending:   d.engine.Pending(),
		Ancient:   d.window.ancient,
		Own:       d.creator.seq,
		State:     d.State(),
		Err:       d.engine.Err(),
		SignErr:   d.creator.err,
		Peers:     make([]PeerStatus, len(d.peers)),
		Unordered: d.window.unorderedBytes,
		Kept:      len(d.window.byID),
		KeptBytes: d.window.bytes,
		Waiting:   len(d.waiting.byID),
		Missing:   len(d.wants.list),
		Dropped:   d.dropped,
	}
	for i := range d.peers {
		if p := &d.peers[i]; i != d.self {
			s.Peers[i] = PeerStatus{p.connected, d.creator.seq - min(d.creator.seq, p.echo), p.delay, p.forks, p.handed, p.again}
		}
	}
	return s
}

// State tells whether the node may create events.
func (d *Driver) State() State {
	switch {
	case d.boot.lost:
		return Lost
	case !d.boot.active:
		return Observing
	case d.behindAt > 0 && d.time >= max(d.behindAt, d.decidedAt)+lostPatience:
		return Lost
	case d.behind():
		return Behind
	}
	return Active
}
