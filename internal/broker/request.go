package broker

import (
	"github.com/foxmq/foxmq/internal/mqtt"
	"github.com/foxmq/foxmq/internal/replica"
	"github.com/foxmq/foxmq/internal/topic"
)

// request is a SUBSCRIBE or an UNSUBSCRIBE until it is answered.
type request struct {
	client    *client
	packetID  uint16
	codes     []mqtt.ReasonCode // one for each filter
	own       []int             // the places of the filters that are the node's own affair
	ordered   []int             // the places of those on which the stream decides
	undecided []int             // the places of those on which it has not decided yet; the apply goroutine's
	unapplied int               // portions of them that were not applied yet; the apply goroutine's
	unmakes   bool              // it is an UNSUBSCRIBE
	shared    []string          // its shared filters, of a SUBSCRIBE
	system    []systemRequest
	replays   []*replay // of the portions so far
}

// systemRequest is a subscription to the system's topics on which the stream decides, and which wants to be told at once
// what they say.
type systemRequest struct {
	place  int // in the packet
	filter string
	id     uint32
}

// decided takes in what became of the next portion of the filters on which the stream decides.
func (q *request) decided(codes []mqtt.ReasonCode) {
	for i, place := range q.undecided[:len(codes)] {
		if q.codes[place] = codes[i]; codes[i] >= 0x80 {
			q.client.broker.counters.refusedFilters.Add(1)
		}
	}
	q.undecided = q.undecided[len(codes):]
}

// applied notes that a portion was, and reports whether it was the last one.
func (q *request) applied() bool {
	q.unapplied--
	return q.unapplied == 0
}

// answer queues SUBACK or UNSUBACK.
func (q *request) answer() {
	if q.unmakes {
		q.client.sendControl(&mqtt.Unsuback{PacketID: q.packetID, Codes: q.codes})
	} else {
		q.client.sendControl(&mqtt.Suback{PacketID: q.packetID, Codes: q.codes})
	}
}

// sort puts a filter that was not refused to its like, and reports whether the stream decides on it: those of lasting
// sessions are everybody's affair, and shared ones (docs/semantics.md, "Sessions").
func (q *request) sort(place int, filter string) (ordered bool) {
	shared := isShared(filter)
	if shared && !q.unmakes {
		q.shared = append(q.shared, filter)
	}
	if !q.client.lasting && !shared {
		q.own = append(q.own, place)
		return false
	}
	q.ordered = append(q.ordered, place)
	return true
}

func isShared(filter string) bool {
	group, _, valid := topic.Parse(filter)
	return valid && group != ""
}

// work is what a request asks for, for the filters at some places of its packet.
type work struct {
	filter func(place int) string
	own    func(places []int, m *replica.Machine)   // does what is the node's own affair, on the apply goroutine
	rest   func(places []int) (cmd replica.Command) // what the stream is to decide
}

// perform does what is the node's own affair, each portion at one index of the stream, and has the rest ordered.
func (c *client) perform(q *request, w work) error {
	if err := c.awaitControl(); err != nil {
		return err
	}
	if len(q.own)+len(q.ordered) == 0 {
		q.answer()
		return nil
	}
	c.pause()
	for left := portions(q.own, w.filter); len(left) > 0; left = left[1:] {
		err := c.broker.config.State.Do(func(m *replica.Machine) {
			w.own(left[0], m)
			c.broker.ownDone(q, len(left) == 1)
		})
		if err != nil {
			return err
		}
	}
	return c.orderRest(q, w)
}

func (c *client) orderRest(q *request, w work) error {
	rest := portions(q.ordered, w.filter)
	q.undecided, q.unapplied = q.ordered, len(rest)
	for _, places := range rest {
		size := 0
		for _, place := range places {
			size += len(w.filter(place)) + entryOverhead
		}
		if err := c.order(w.rest(places), replica.Token{Owner: q, Kind: tokenOther}, size); err != nil {
			return err
		}
	}
	return nil
}

// ownDone answers a request behind the last portion, if the stream has nothing to decide, and queues the way to the
// retained messages of the portion: behind the answer, but at the index of the portion, before anything newer.
func (d *dispatcher) ownDone(q *request, last bool) {
	if last && len(q.ordered) == 0 {
		q.answer()
	}
	for _, r := range q.replays {
		q.client.push(r.mark())
	}
	q.replays = nil
	q.client.wake()
}
