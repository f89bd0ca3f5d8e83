package broker

import (
	"hash/maphash"
	"time"

	"github.com/foxmq/foxmq/internal/fair"
)

// goodbyeGrace is how long a CONNECT waits for an older connection of the same client to end by itself. On a busy
// machine its reader may take that long to come to the DISCONNECT; who is taken over while it lives waits in vain.
const goodbyeGrace = 250 * time.Millisecond

// orderTimeout is how long the end of a connection may take to be ordered before the socket is closed all the same.
const orderTimeout = 5 * time.Second

// goodbye marks the end of a connection in the stream.
type goodbye struct{ applied chan struct{} }

// awaitGoodbye lets an older connection of this client id say goodbye. A client that disconnects and connects again at
// once has sent DISCONNECT before CONNECT, but two goroutines read them, and if the stream had CONNECT first, it would
// publish a will that must not go [MQTT-3.14.4-3], and miss what DISCONNECT says of the session's expiry and what was
// acknowledged last. Of a connection on another node nothing is known here: that is what awaitOrder is for.
func (c *client) awaitGoodbye() {
	old := c.broker.succeed(c)
	if old == nil {
		return
	}
	grace := time.NewTimer(goodbyeGrace)
	defer grace.Stop()
	ends := []<-chan struct{}{old.ended}
	if old.from != c.from { // it takes its turns in the stream elsewhere
		ends = append(ends, old.goodbye.applied)
	}
	for _, end := range ends {
		select {
		case <-end:
		case <-grace.C:
			return
		case <-c.ctx.Done():
			return
		}
	}
}

// turnsOf returns whose turns in the stream the client takes: those of all connections with its client id from its address,
// so that what one of them does is ordered before what the next does.
func turnsOf(c *client) fair.Key {
	return fair.Key{Address: fair.Host(c.address), Client: maphash.String(idSeed, c.id)}
}

var idSeed = maphash.MakeSeed()

// succeed returns the newest mortal client with the client's id, if there is one, and makes the client that one if it is
// mortal itself.
func (b *Broker) succeed(c *client) (old *client) {
	b.mu.Lock()
	defer b.mu.Unlock()
	old = b.mortal[c.id]
	if c.mortal {
		b.mortal[c.id] = c
	}
	return old
}

// awaitOrder waits until the client's DISCONNECT has been ordered, if that means something. So one that waits for us to
// close the connection, before it connects to another node, finds there what it has left.
func (c *client) awaitOrder() {
	if !c.mortal {
		return
	}
	timeout := time.NewTimer(orderTimeout)
	defer timeout.Stop()
	select {
	case <-c.goodbye.applied:
	case <-timeout.C:
	case <-c.broker.quit.Done():
	}
}
