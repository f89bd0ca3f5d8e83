package broker

import "time"

// goodbyeGrace is how long a CONNECT waits for an older connection of the same client to end by itself.
const goodbyeGrace = 50 * time.Millisecond

// awaitGoodbye lets an older connection of this client id say goodbye. A client that disconnects and connects again at
// once has sent DISCONNECT before CONNECT, but two goroutines read them, and if the stream had CONNECT first, it would
// publish a will that must not go [MQTT-3.14.4-3]. Connections without a will have nothing to lose. Of a connection on
// another node nothing is known here.
func (c *client) awaitGoodbye(hasWill bool) {
	old := c.broker.succeed(c, hasWill)
	if old == nil {
		return
	}
	grace := time.NewTimer(goodbyeGrace)
	defer grace.Stop()
	select {
	case <-old.ended:
	case <-grace.C:
	case <-c.ctx.Done():
	}
}

// succeed returns the connection with a will that has the client's id, if there is one, and makes the client that one
// if it has a will itself.
func (b *Broker) succeed(c *client, hasWill bool) (old *client) {
	b.mu.Lock()
	defer b.mu.Unlock()
	old = b.mortal[c.id]
	if hasWill {
		b.mortal[c.id] = c
	}
	return old
}
