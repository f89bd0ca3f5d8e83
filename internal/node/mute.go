package node

import "github.com/foxmq/foxmq/internal/consensus/driver"

// mute reports whether this node is to say nothing: what it asked for would come before the answer that it waits for, and
// take its place on the way.
func (l *loop) mute() bool {
	switch l.driver.State() {
	case driver.Active:
		return false
	case driver.Lost:
		return l.node.fetching.Load() || l.node.following.Load()
	}
	return l.node.following.Load()
}

// speak begins anew with every peer to which nothing was said for a while.
func (l *loop) speak(now int64) {
	if !l.silent || l.node.fetching.Load() || l.node.following.Load() {
		return
	}
	l.silent = false
	for peer, box := range l.node.peers {
		if box.connected {
			l.driver.Lost(peer, now)
		}
	}
}

// listen has the node hear and say again what it did not while records were fetched or a log was read. Before there was
// something to read it did: there may never be, and what it misses may come yet.
func (n *Node) listen() {
	n.fetching.Store(false)
	n.following.Store(false)
	n.wake()
}
