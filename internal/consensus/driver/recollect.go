package driver

import "github.com/foxmq/foxmq/internal/event"

// Recollect gives back to the driver what it held for peers that lag: events that this node wrote down before those
// that the snapshot and the log have, the oldest first, in pieces of any size. It comes after Replay and before any
// other method. The driver keeps those that are ancient within Limits.KeptEvents and KeptBytes, beyond which the
// oldest go, and hands them out to whoever asks; it decides, writes and tells nothing for them.
func (d *Driver) Recollect(events []*event.Event) {
	for _, e := range events {
		if e.Creator < len(d.peers) && e.BirthRound < d.window.ancient && d.window.byID[e.ID()] == nil {
			d.window.recollect(e)
		}
	}
}

// recollect takes in an ancient event that was taken in before all that add did, and after all that this did.
func (w *window) recollect(e *event.Event) {
	v := &vertex{event: e, index: w.earlier, settled: true, ancient: true}
	w.earlier++
	for i := range e.Parents {
		p := w.byID[e.Parents[i].ID]
		if p == nil {
			continue
		}
		v.parents = append(v.parents, p)
		if i == 0 && e.Seq > 1 && p.matches(&e.Parents[i]) {
			v.selfParent = p
		}
	}
	w.byID[e.ID()] = v
	w.bytes += len(e.Payload)
	if tips := w.tips[e.Creator]; len(tips) == 0 || tips[len(tips)-1].event.Seq < e.Seq {
		w.addTip(v)
	}
	w.older.push(v)
	w.trim()
}
