package broker

import (
	"runtime"

	"github.com/foxmq/foxmq/internal/mqtt"
	"github.com/foxmq/foxmq/internal/replica"
	"github.com/foxmq/foxmq/internal/topic"
)

// dispatcher turns results of the stream into packets for clients. It belongs to the apply goroutine.
type dispatcher struct {
	broker *Broker
	trie   topic.Trie[*client, subscription]
	byID   map[string]*client // the connected clients
	clock  streamClock

	serial  uint64                      // of the message being delivered
	hits    []*client                   // who gets it
	from    string                      // the client id of its publisher
	newBans bool                        // a ban was made by the batch
	replay  bool                        // what is sent next is retained, and asked for by the transaction
	work    int                         // messages queued and subscriptions found since the writers were woken
	onMatch func(*client, subscription) // match
	woken   []*client                   // whose writers have something to do

	handed    uint64 // messages handed over before they were ordered
	localOnly bool   // the message being delivered is not ordered
	repeats   uint64 // which of those handed over it is; 0 is none
}

// routes is what the apply goroutine keeps of each client.
type routes struct {
	name          replica.Conn            // zero until the CONNECT is applied
	stored        *replica.Session        // what a lasting session brings with it; until admitted
	subscriptions map[string]subscription // by filter
	hit           hit
	woken         bool // it is in dispatcher.woken
}

// hit gathers a client's subscriptions that match the message with that serial.
type hit struct {
	serial uint64
	qos    byte
	retain bool // one of them wants RETAIN as published
	handed bool // by one of them the client got the message before it was ordered
	ids    []uint32
}

// wakeEvery is after how much work the writers are woken, so that they keep up with a long batch.
const wakeEvery = 4096

func (d *dispatcher) initDispatcher(b *Broker) {
	d.broker = b
	d.byID = map[string]*client{}
	d.onMatch = d.match
}

// Applied takes what the stream has brought. The node calls it on its apply goroutine. It never waits for a client,
// and keeps nothing of results but the messages.
func (d *dispatcher) Applied(results []replica.Result) {
	now := d.broker.elapsed()
	for i := range results {
		r := &results[i]
		d.clock.set(r.Time, now)
		d.ordered(r)
		d.replay = false
		for j := range r.Effects {
			d.effect(r, &r.Effects[j], now)
		}
		if r.Own {
			d.complete(r)
		}
		if d.work >= wakeEvery {
			d.wakeAll()
			// The writers get a processor before their queues get more. This is courtesy, not waiting: a client
			// whose socket takes nothing has no writer that could run.
			runtime.Gosched()
		}
	}
	d.repeats = 0
	if d.newBans {
		d.closeBanned()
	}
	d.wakeAll()
}

func (d *dispatcher) effect(r *replica.Result, e *replica.Effect, now int64) {
	switch e.Kind {
	case replica.Deliver:
		d.deliver(e.Message, e.ClientID, now)
	case replica.Send:
		d.sendTo(e, now)
	case replica.Connected:
		if c, ok := r.Token.Owner.(*client); ok && r.Own {
			c.routes.name, c.routes.stored = e.Conn, e.Session
		}
	case replica.Superseded:
		d.lost(e, mqtt.SessionTakenOver)
	case replica.Ended:
		d.lost(e, mqtt.ServerShuttingDown)
	case replica.Overflow:
		if c := d.holder(e); c != nil && c.close(mqtt.QuotaExceeded) {
			d.broker.counters.slowReaders.Add(1)
		}
	case replica.Banned:
		d.banned(e.Ban)
	case replica.Unbanned:
		d.unbanned(e.Ban)
	case replica.Subscribed, replica.Unsubscribed:
		if q, ok := r.Token.Owner.(*request); ok && r.Own {
			q.decided(e.Codes)
			d.replay = true
		}
	}
}

// holder returns the client of the effect's connection, if it is one of this node's.
func (d *dispatcher) holder(e *replica.Effect) *client {
	if c := d.byID[e.ClientID]; c != nil && c.routes.name == e.Conn {
		return c
	}
	return nil
}

// lost closes the client whose connection is no more for the cluster, if it is one of this node's.
func (d *dispatcher) lost(e *replica.Effect, reason mqtt.ReasonCode) {
	c := d.holder(e)
	if c == nil {
		return
	}
	c.over.Store(true)
	if c.close(reason) && e.Kind == replica.Superseded {
		d.broker.counters.superseded.Add(1)
	}
}

// complete tells a client what became of its own transaction. What a newer connection has superseded is not answered.
func (d *dispatcher) complete(r *replica.Result) {
	c, own := submitter(r.Token)
	if own && r.Token.Kind <= tokenPublish2 {
		c.concluded()
	}
	if g, ok := r.Token.Owner.(*goodbye); ok {
		close(g.applied)
	}
	if r.Outcome == replica.Stale {
		return
	}
	if own {
		d.completeOwn(c, r)
		return
	}
	switch owner := r.Token.Owner.(type) {
	case *request:
		if owner.applied() {
			owner.answer()
			d.tellAtOnce(owner)
			owner.recheck()
		}
	case *reported:
		owner.applied()
	case *decree:
		owner.done(r)
	}
}

func (d *dispatcher) completeOwn(c *client, r *replica.Result) {
	switch {
	case r.Token.Kind == tokenConnect:
		d.connected(c, r.Outcome)
	case r.Token.Kind == tokenRelease:
		c.released(r.Token.PacketID, r.Outcome)
	case r.Outcome != replica.Applied && r.Outcome != replica.Repeated:
		d.refused(c, r.Token)
	case r.Token.Kind != tokenPublish0:
		c.acknowledge(r.Token, mqtt.Success)
		d.wakeLater(c)
	}
}

// connected lets a client in whose CONNECT has been applied.
func (d *dispatcher) connected(c *client, outcome replica.Outcome) {
	if outcome == replica.Applied {
		d.admit(c)
		return
	}
	c.refuse(&mqtt.Error{Code: mqtt.QuotaExceeded})
}

// admit makes a client the connected one of its client id on this node, unless it was banned since its CONNECT came.
func (d *dispatcher) admit(c *client) {
	stored := c.routes.stored
	c.routes.stored = nil
	if d.broker.refuseBanned(c) || !c.admit(stored, d.resume(c, stored)) {
		return
	}
	if old := d.byID[c.id]; old != nil && old.close(mqtt.SessionTakenOver) {
		d.broker.counters.superseded.Add(1)
	}
	d.byID[c.id] = c
}

// admitUnordered lets a client in before its CONNECT is ordered.
func (b *Broker) admitUnordered(c *client) {
	_ = b.config.State.Do(func(*replica.Machine) { b.admit(c) }) // fails only if the node has stopped
}

// refused answers a publish that the state had no room for.
func (d *dispatcher) refused(c *client, token replica.Token) {
	d.broker.counters.refusedPublishes.Add(1)
	switch {
	case c.version != mqtt.V5:
		c.close(0)
	case token.Kind != tokenPublish0:
		c.acknowledge(token, mqtt.QuotaExceeded)
		d.wakeLater(c)
	}
}

// deliver puts a message into the queue of every client with a matching subscription. A client gets it once, at the
// highest QoS of its matching subscriptions and with all their identifiers [MQTT-3.3.4-2] [MQTT-3.3.4-4].
func (d *dispatcher) deliver(m *replica.Message, from string, now int64) {
	d.matchLocal(m.Topic, from)
	d.deliverToHits(m, now)
}

// matchLocal finds the local sessions that get what a client has published to a topic.
func (d *dispatcher) matchLocal(topic, from string) {
	d.serial++
	d.hits = d.hits[:0]
	d.from = from
	d.trie.Match(topic, d.onMatch)
}

func (d *dispatcher) deliverToHits(m *replica.Message, now int64) {
	if len(d.hits) == 0 {
		return
	}
	var expires int64
	if m.HasExpiry {
		expires = now + int64(m.Expiry)*second
	}
	shared := d.broker.queued.share(m, len(d.hits))
	for _, c := range d.hits {
		h := &c.routes.hit
		if h.handed {
			continue
		}
		e := entry(outgoing{message: m, body: shared, rare: identifiers(h.ids)}, min(h.qos, m.QoS), expires)
		if e.Retain = m.Retain && h.retain; c.takes(&e) {
			c.push(e)
			d.work++
			d.wakeLater(c)
		}
	}
	d.broker.queued.letGo(shared)
	clear(d.hits)
}

// match notes that a subscription matches the message being delivered.
func (d *dispatcher) match(c *client, s subscription) {
	d.work++
	if s.noLocal && c.id == d.from { // [MQTT-3.8.3-3]
		return
	}
	if d.localOnly && c.lasting {
		return
	}
	h := &c.routes.hit
	if h.serial != d.serial {
		*h = hit{serial: d.serial}
		d.hits = append(d.hits, c)
	}
	h.qos = max(h.qos, s.qos)
	h.retain = h.retain || s.retainAsPublished
	h.handed = h.handed || d.wasHanded(c, s)
	if s.id != 0 {
		h.ids = append(h.ids, s.id)
	}
}

// wakeLater wakes the client's writer when the batch is done.
func (d *dispatcher) wakeLater(c *client) {
	if !c.routes.woken {
		c.routes.woken = true
		d.woken = append(d.woken, c)
	}
}

func (d *dispatcher) wakeAll() {
	d.broker.queued.publish()
	for _, c := range d.woken {
		c.routes.woken = false
		c.wake()
	}
	clear(d.woken)
	d.woken, d.work = d.woken[:0], 0
}

// streamClock relates consensus time to the broker's clock. An idle cluster's time stands still, ours does not
// (docs/semantics.md, "The stream").
type streamClock struct{ time, elapsed int64 }

func (s *streamClock) set(time, elapsed int64) { s.time, s.elapsed = time, elapsed }

// age returns for how many ns something has existed that came into the stream at that consensus time.
func (s *streamClock) age(time, elapsed int64) int64 {
	return max(0, s.time-time+elapsed-s.elapsed)
}
