package node

import (
	"fmt"
	"time"

	"github.com/foxmq/foxmq/internal/consensus/driver"
	"github.com/foxmq/foxmq/internal/replica"
)

// Status is a picture of the node. Its parts are each of one moment, which are close to each other. What it counts, it
// counts since the start.
type Status struct {
	Members   int    `json:"members"`   // in the address book
	Connected int    `json:"connected"` // peers that messages can be sent to
	Quorum    bool   `json:"quorum"`    // as Node.Quorum tells
	State     string `json:"state"`     // observing, lost, behind or active
	Round     uint64 `json:"round"`     // the round that is being decided
	Index     uint64 `json:"index"`     // of the last applied transaction
	Stream    Mark   `json:"stream"`    // the stream so far, to be compared with another node's
	Own       uint64 `json:"own"`       // sequence number of the last own event
	Unordered int    `json:"unordered"` // payload bytes in events that are known and not yet ordered
	Waiting   int    `json:"waiting"`   // events that wait for a parent or a round
	Missing   int    `json:"missing"`   // events that peers are asked for

	PoolCount    int `json:"pool_count"`    // transactions submitted here and not applied yet
	PoolBytes    int `json:"pool_bytes"`    // and what they count
	BacklogBytes int `json:"backlog_bytes"` // ordered and not applied yet

	StaleEvents   uint64         `json:"stale_events"`   // own events that were never ordered
	BadSignatures uint64         `json:"bad_signatures"` // events and votes refused for their signature
	Dropped       uint64         `json:"dropped"`        // events that the driver refused or forgot at a limit
	Disputes      uint64         `json:"disputes"`       // votes on the state by which members disagreed
	Disk          string         `json:"disk"`           // why nothing can be written; empty: it can
	Deaths        uint64         `json:"deaths"`         // how often this node was declared dead
	Catchup       int            `json:"catchup"`        // per cent of a checkpoint that is being fetched, 100 without one
	Machine       replica.Counts `json:"machine"`

	Peers []PeerStatus `json:"peers"` // all other members, in the order of the address book; empty before the first turn
}

// PeerStatus tells how this node sees another member.
type PeerStatus struct {
	Member    int           `json:"member"`
	Connected bool          `json:"connected"` // messages can be sent to it
	Lag       uint64        `json:"lag"`       // events of this node since the last one that it has answered with one of its own
	Delay     time.Duration `json:"delay"`     // estimated time that a message takes to it
	Deaths    uint64        `json:"deaths"`    // how often it was declared dead

	Forks         uint64        `json:"forks"`          // branches of its chain of events that came beside another: a correct member has one
	BadSignatures uint64        `json:"bad_signatures"` // events and votes from it that were refused for their signature
	Slowed        time.Duration `json:"slowed"`         // for how long it was not read because it sends what is not new, or asks for too much
	Handed        uint64        `json:"handed"`         // bytes that it was sent because it asked, about
	Again         uint64        `json:"again"`          // those of them that it had been handed before, and has no use for
}

// Status returns a picture of the node.
func (n *Node) Status() Status {
	s := Status{
		Members:       len(n.cfg.Keys),
		Connected:     int(n.connected.Load()),
		Quorum:        n.Quorum(),
		State:         "starting",
		Index:         n.applied.Load(),
		Stream:        n.chain.Load().mark(),
		BacklogBytes:  n.backlog.Bytes(),
		StaleEvents:   n.stale.Load(),
		BadSignatures: n.intake.bad.Load(),
		Machine:       *n.counts.Load(),
	}
	s.PoolCount, s.PoolBytes = n.pool.Load()
	if reason := n.disk.Load(); reason != nil {
		s.Disk = *reason
	}
	s.Disputes, s.Deaths, s.Catchup = n.disputes.Load(), n.deaths(n.cfg.Self), 100
	if p := n.fetched.Load(); p != nil {
		s.Catchup = p.percent()
	}
	if p := n.picture.Load(); p != nil {
		s.State, s.Round, s.Dropped = stateName(p.State), p.Pending, p.Dropped
		s.Own, s.Unordered, s.Waiting, s.Missing = p.Own, p.Unordered, p.Waiting, p.Missing
		s.Peers = n.peerStatus(p)
	}
	return s
}

func (n *Node) peerStatus(of *driver.Status) (peers []PeerStatus) {
	for i, p := range of.Peers {
		if i != n.cfg.Self {
			peers = append(peers, PeerStatus{
				Member: i, Connected: p.Connected, Lag: p.Lag, Delay: time.Duration(p.Delay), Deaths: n.deaths(i),
				Forks: p.Forks, BadSignatures: n.peers[i].bad.Load(), Slowed: time.Duration(n.peers[i].throttle.slowed.Load()),
				Handed: p.Handed, Again: p.Again,
			})
		}
	}
	return peers
}

// Restored reports whether what the disk holds has been read: before, nothing is served and nothing can be submitted to
// good purpose.
func (n *Node) Restored() bool { return n.restored.Load() }

// Quorum reports whether what is submitted now can be expected to be ordered soon: with this node, a supermajority
// is up and connected, and the node may create events.
func (n *Node) Quorum() bool {
	p := n.picture.Load()
	return p != nil && p.Err == nil && n.disk.Load() == nil && p.State != driver.Observing && p.State != driver.Lost &&
		int(n.connected.Load())+1 >= n.quorum
}

// Stalled reports that the stream has come to a stand at what is applied, because too few peers are connected or
// ordering has stopped for good. A node that observes after its start is not stalled: what it has applied may be
// nothing or little of what was ordered long ago.
func (n *Node) Stalled() bool {
	p := n.picture.Load()
	return p != nil && p.State != driver.Observing && p.State != driver.Lost && !n.Quorum()
}

// orderPatience is how long a node that seems well may wait in vain for something to be applied before it takes its peers
// to be of no use, in ns: they are connected, but may be lost, or busy with what they fetch.
const orderPatience = int64(10 * time.Second)

// unordered returns for how long something was submitted and nothing applied, 0 if that is not so, in ns.
func (n *Node) unordered() int64 {
	since := n.waiting.Load()
	if count, _ := n.pool.Load(); count == 0 || since == 0 {
		return 0
	}
	return n.cfg.Now() - since
}

// Ready reports whether the node serves clients in full, and if not, why not.
func (n *Node) Ready() (ready bool, reason string) {
	p := n.picture.Load()
	switch disk, fetched := n.disk.Load(), n.fetched.Load(); {
	case p == nil && n.replayed.Load() > 0:
		return false, fmt.Sprintf("replaying the log, at index %d", n.replayed.Load())
	case p == nil:
		return false, "starting"
	case disk != nil:
		return false, "disk: " + *disk
	case fetched != nil:
		return false, fmt.Sprintf("catching up, %d %%", fetched.percent())
	case p.Err != nil:
		return false, "ordering has stopped: " + p.Err.Error()
	case int(n.connected.Load())+1 < n.quorum:
		return false, "no quorum"
	case p.State != driver.Active:
		return false, stateName(p.State)
	}
	if waits := n.unordered(); waits > orderPatience {
		return false, fmt.Sprintf("nothing was ordered for %d s", waits/int64(time.Second))
	}
	return true, ""
}

func stateName(s driver.State) string {
	switch s {
	case driver.Observing:
		return "observing"
	case driver.Lost:
		return "lost"
	case driver.Behind:
		return "behind"
	default:
		return "active"
	}
}
