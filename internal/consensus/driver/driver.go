// Package driver stands between the consensus engine and the world: it takes in what peers send, keeps what the
// engine cannot use yet, decides when this node creates an event, and says what to write and what to send to whom.
//
// It does no I/O, starts no goroutine, reads no clock and draws no randomness; time comes in as an argument and
// everything that must happen comes out of [Driver.Ready]. So one and the same driver runs over QUIC in the daemon
// and under the simulator. Its user's life is a loop:
//
//	d.Receive(...) or d.Tick(...) or d.Submitted(...) or d.Connected(...)   // any number of them
//	r := d.Ready()
//	write r.Persist                      // before anything else of r leaves
//	send r.Send; apply r.Ordered, then submit again what r.Stale lost
//	d.Advance()
//	set a timer to d.NextTick()
//
// Times are nanoseconds since 1970 by this node's clock. A clock that steps backwards is borne: what was waiting
// goes on waiting for as long as it still had to.
//
// # Concurrency
//
// A Driver belongs to one goroutine.
package driver

import (
	"github.com/foxmq/foxmq/internal/consensus"
	"github.com/foxmq/foxmq/internal/event"
)

// Config is what a driver needs to know. Members, Self, Domain and Source must be set.
type Config struct {
	Members int          // nodes in the address book, 1 to event.MaxMembers
	Self    int          // this node's index in the address book
	Domain  event.Domain // of the address book
	Source  Source       // of the payload of own events

	// Sign signs a sealed own event; nil leaves it unsigned. After an error the event is not made, and the driver
	// tries again with the next Tick.
	Sign func(*event.Event) error
	// Coin draws the coin byte of an own event; nil draws 0. It should be unpredictable.
	Coin func() byte

	Engine consensus.Config // Members is filled in
	Policy Policy
	Limits Limits
}

// Source holds the transactions of this node that wait to go into an event. The driver calls it from within its
// own methods.
type Source interface {
	// Waiting tells whether a transaction waits.
	Waiting() bool
	// Fill appends waiting transactions to the payload dst with event.AppendTransaction and returns it. It keeps
	// the payload within limit bytes, except that one transaction alone may be larger, up to event.MaxPayload.
	// What it appended is on its way: it is either ordered or comes back in Ready.Stale. Incarnation is the
	// sequence number of this node's first event after its boot, the same in every call.
	Fill(dst []byte, incarnation uint64, limit int) []byte
}

// Policy says when own events are created; see docs/consensus.md. A zero field means its default.
type Policy struct {
	// MinInterval and MaxInterval bound, in ns, the time that passes before an event that advances neither the
	// round nor its echo follows the last one. Between them it is 0.4 times the measured one-way delay.
	// Defaults 500 µs and 40 ms.
	MinInterval, MaxInterval int64
	// MaxPayload is the payload limit handed to the Source, in bytes; default 1 MiB.
	MaxPayload int
	// MaxUnechoed is how many own events may follow the last one that a supermajority has echoed; default 4.
	MaxUnechoed int
	// BusyTips and IdleTips are the ns between two exchanges of tips with a peer while there is news and while
	// there is none; defaults 500 ms and 2 s. Each member's exchanges are spread by its index.
	BusyTips, IdleTips int64
}

// Limits bounds what a driver holds and what it says at once. A zero field means its default.
type Limits struct {
	// WaitingEvents and WaitingBytes bound, per sending peer, the events that wait for a parent or for a future
	// round; defaults 4,096 and 64 MiB. Beyond them those of the farthest future are forgotten.
	WaitingEvents, WaitingBytes int
	// Branches is how many branches of one creator's chain are taken in before other events refer to one;
	// default 4.
	Branches int
	// CreatorEvents bounds the events of one creator that are not ancient, but for what other events refer to;
	// default 4,096.
	CreatorEvents int
	// KeptEvents and KeptBytes bound the ancient events kept for peers that lag; defaults 65,536 and 64 MiB.
	KeptEvents, KeptBytes int
	// MessageEvents and MessageBytes bound the events of one message, but for one event that alone is larger;
	// defaults 512 and 2 MiB.
	MessageEvents, MessageBytes int
}

// Ready is what has to be done. Its slices are the driver's and valid until Advance.
type Ready struct {
	// Persist lists events newly taken in and newly created, parents first. They must be written before Send is
	// sent and before Ordered is acted on.
	Persist []*event.Event
	// Send lists messages in the order in which they must leave. A message that cannot be sent is simply lost; if
	// a whole queue of messages was lost, tell Lost.
	Send []Send
	// Ordered lists newly decided rounds.
	Ordered []consensus.Round
	// Stale lists own events that will never be ordered, by ascending sequence number. When Ordered has been
	// applied, the user submits again from its first unapplied number on. No own event is created before Advance.
	Stale []*event.Event
}

// Send is one message to one peer.
type Send struct {
	To      int
	Message *event.Message // immutable
}

// New returns a driver that observes: it creates no event before enough peers have told it its own last one.
// With one member it starts at once.
func New(cfg Config) *Driver

// Connected says that messages can be sent to the peer from now on.
func (d *Driver) Connected(peer int, now int64)

// Disconnected says that they no longer can.
func (d *Driver) Disconnected(peer int)

// Lost says that messages to the peer were dropped, a whole queue of them, say. The driver sends what matters again.
func (d *Driver) Lost(peer int, now int64)

// Receive takes in a message from a peer. The signatures of its events have been verified. The driver keeps
// references to the events, and none to the message.
func (d *Driver) Receive(from int, m *event.Message, now int64)

// Submitted says that the Source has a new transaction.
func (d *Driver) Submitted(now int64)

// Tick does what is due at the time now.
func (d *Driver) Tick(now int64)

// NextTick returns the time at which Tick wants to be called, 0 if there is none. It may be in the past.
// It changes with every other call.
func (d *Driver) NextTick() int64

// SetPace sets the least ns between own events that advance neither the round nor its echo, as this machine can
// bear it; it counts where it is more than the policy's interval.
func (d *Driver) SetPace(ns int64)

// Ready returns what has to be done since the last Advance.
func (d *Driver) Ready() Ready

// Advance says that what Ready returned has been taken over.
func (d *Driver) Advance()

// Status tells how the driver is doing.
func (d *Driver) Status() Status
