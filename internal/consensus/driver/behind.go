package driver

// behindRounds is by how many rounds more than f creators must be ahead for this node to be behind.
const behindRounds = 3

// behind tells whether there are events by at least one correct node that is rounds ahead, or was.
func (d *Driver) behind() bool {
	n := 0
	for _, round := range d.ahead {
		if d.isAhead(round) {
			n++
		}
	}
	return n > d.faults
}

// isAhead tells whether whoever is deciding that round is rounds ahead.
func (d *Driver) isAhead(round uint64) bool { return round >= d.engine.Pending()+behindRounds }

// holdsBack tells whether the node catches up before it creates events: what it would create now would be ancient to
// the others. Events do not show that their creators are ahead still. Where all machines lost power, one of them may
// have kept events that all others have lost. To wait for these to catch up with themselves would be to wait for ever,
// so when no round has been decided for a while, only what peers show by themselves counts, until the node is not
// behind any more.
func (d *Driver) holdsBack() bool { return d.behind() && (!d.wary || d.outpaced()) }

// outpaced tells whether at least one correct peer has sent events that only those can send who are rounds ahead.
func (d *Driver) outpaced() bool {
	n := 0
	for p := range d.peers {
		if d.isAhead(d.peers[p].reached) {
			n++
		}
	}
	return n > d.faults
}

// compare notes since when the node is behind, and whether it still believes that it is.
func (d *Driver) compare() {
	d.behindAt = since(d.behindAt, d.behind(), d.time)
	switch {
	case d.behindAt == 0:
		d.wary = false
	case d.time >= max(d.behindAt, d.decidedAt)+patience:
		d.wary = true
	}
}
