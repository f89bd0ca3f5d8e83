package broker

import "time"

// A reader handles packets only in its turn, of which there are few at a time for all clients (Config.Readers). A turn ends
// when the reader waits for something, or when it has done so much that others who want one come first. So those that always
// have more to read than can be handled are read slower, by TCP's own means, and a client with a few packets waits for one
// or two turns, not for all of theirs. No lock is held while a reader waits for its turn.

// What a reader does is counted in bytes read, and so many more for what costs more than its bytes.
const (
	// turnWork is after how much work a reader makes way: some tens of microseconds' worth, or some hundreds.
	turnWork = 64 << 10
	// packetWork is what a packet costs beside its length.
	packetWork = 512
	// readWork is what a read costs beside what it brings: it may bring one byte, out of many fragments of a WebSocket.
	readWork = 512
	// filterWork is what a topic filter costs beside its length.
	filterWork = 128
)

// makeWay lets others have their turn, if there are any, when the reader's has been long enough.
func (c *client) makeWay() {
	if c.input.turn.Due() {
		c.pause()
		c.takeTurn()
	}
}

// takeTurn waits for the reader's turn, unless it has it. The client's patience does not run meanwhile.
func (c *client) takeTurn() {
	if c.input.turn.TryTake() {
		return
	}
	begun := time.Now()
	c.input.turn.Take()
	c.putOff(time.Since(begun))
}

// pause ends the turn before the reader waits for something, without a lock.
func (c *client) pause() {
	c.wakeReplied()
	c.input.turn.End()
}

// rest waits for a change. The caller, a reader, holds mu.
func (c *client) rest() {
	c.wakeWriter()
	c.input.turn.End()
	c.change.Wait()
}
