package node

import (
	"slices"

	"github.com/foxmq/foxmq/internal/consensus/driver"
	"github.com/foxmq/foxmq/internal/fair"
	"github.com/foxmq/foxmq/internal/replica"
	"go.uber.org/zap"
)

// standing is what the machine knows of a member's life.
type standing struct {
	incarnation uint64
	connections bool   // it has some
	suspected   bool   // by anybody
	mine        bool   // by this node
	deaths      uint64 // how often it was declared dead
}

// watchMembers tells the loop how the members stand, and logs who was declared dead since it was last called. The applier
// calls it, before ownDone: a suspicion that has been applied is not followed by the same.
func (a *applier) watchMembers() {
	n, m := a.node, a.machine
	last := n.standings.Load()
	a.standings = a.standings[:0]
	for member := range n.cfg.Keys {
		by := m.Suspected(member)
		a.standings = append(a.standings, standing{
			incarnation: m.Incarnation(member),
			connections: m.Connections(member) > 0,
			suspected:   len(by) > 0,
			mine:        slices.Contains(by, n.cfg.Self),
			deaths:      m.Deaths(member),
		})
	}
	if last != nil && slices.Equal(*last, a.standings) {
		return
	}
	next := slices.Clone(a.standings)
	n.standings.Store(&next)
	if last != nil {
		n.logDeaths(*last, next)
	}
	n.wake()
}

func (n *Node) logDeaths(last, next []standing) {
	for member := range next {
		switch {
		case next[member].deaths == last[member].deaths:
		case member == n.cfg.Self:
			n.cfg.Logger.Warn("the other members declared this node dead; connections that it had then are closed")
		default:
			n.cfg.Logger.Warn("a member is declared dead; its connections have ended", zap.Int("member", member))
		}
	}
}

// suspect submits what this node has to say of its peers: of one that has been away for the time-out though it has
// connections, that it may be dead, and of one that it takes to be dead and that is back, that it is not. What was said
// is applied before more is. If the pool is full it is said later.
func (l *loop) suspect(now int64) {
	members := l.node.standings.Load()
	if l.absences.timeout == 0 || members == nil {
		return
	}
	l.absences.look(now, l.node.Quorum(), func(member int) bool {
		s := (*members)[member]
		return member != l.node.cfg.Self && !l.node.peers[member].connected && s.connections && !s.mine
	})
	if l.node.picture.Load().State != driver.Active || l.node.suspecting.Load() > 0 {
		return
	}
	for member, s := range *members {
		if back := s.mine && l.node.peers[member].connected; back || l.absences.over(member, now) {
			l.say(&replica.Suspect{Member: member, Incarnation: s.incarnation, Withdraw: back})
		}
	}
}

// say submits a suspicion. The next of that member takes another time-out.
func (l *loop) say(s *replica.Suspect) {
	l.node.suspecting.Add(1)
	if l.node.pool.TrySubmit(fair.Key{}, s, replica.Token{Owner: l.node, Kind: tokenSuspect}) != nil {
		l.node.suspecting.Add(-1)
		return
	}
	l.absences.since[s.Member] = 0
}

// deaths returns how often a member was declared dead, as far as this node has seen since its start.
func (n *Node) deaths(member int) uint64 {
	if members := n.standings.Load(); members != nil {
		return (*members)[member].deaths
	}
	return 0
}

// suspected reports whether anybody takes this node to be dead.
func (n *Node) suspected() bool {
	members := n.standings.Load()
	return members != nil && (*members)[n.cfg.Self].suspected
}
