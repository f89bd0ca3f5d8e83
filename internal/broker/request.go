package broker

import (
	"github.com/foxmq/foxmq/internal/mqtt"
	"github.com/foxmq/foxmq/internal/replica"
	"github.com/foxmq/foxmq/internal/topic"
)

// request is a SUBSCRIBE or an UNSUBSCRIBE until it is answered.
type request struct {
	client   *client
	packetID uint16
	codes    []mqtt.ReasonCode // one for each filter
	own      []int             // the places of the filters that are the node's own affair
	ordered  []int             // the places of those on which the stream decides
	size     int               // of those, in bytes
	unmakes  bool              // it is an UNSUBSCRIBE
	system   []systemRequest
}

// systemRequest is a subscription to the system's topics on which the stream decides, and which wants to be told at once
// what they say.
type systemRequest struct {
	place  int // in the packet
	filter string
	id     uint32
}

// decided takes in what became of the filters on which the stream decides.
func (q *request) decided(codes []mqtt.ReasonCode) {
	for i, place := range q.ordered {
		if q.codes[place] = codes[i]; codes[i] >= 0x80 {
			q.client.broker.counters.refusedFilters.Add(1)
		}
	}
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
	if !q.client.lasting && !isShared(filter) {
		q.own = append(q.own, place)
		return false
	}
	q.ordered = append(q.ordered, place)
	q.size += len(filter) + entryOverhead
	return true
}

func isShared(filter string) bool {
	group, _, valid := topic.Parse(filter)
	return valid && group != ""
}

// perform does what is the node's own affair on the apply goroutine, at one index of the stream, and has the rest
// ordered.
func (c *client) perform(q *request, own func(*replica.Machine), rest replica.Command) error {
	if err := c.awaitControl(); err != nil {
		return err
	}
	if len(q.own) > 0 || len(q.ordered) == 0 {
		if err := c.broker.config.State.Do(own); err != nil {
			return err
		}
	}
	if len(q.ordered) == 0 {
		return nil
	}
	return c.order(rest, replica.Token{Owner: q, Kind: tokenOther}, q.size)
}
