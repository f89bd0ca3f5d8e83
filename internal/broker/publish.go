package broker

import (
	"slices"
	"strings"
	"time"

	"github.com/foxmq/foxmq/internal/mqtt"
	"github.com/foxmq/foxmq/internal/replica"
	"github.com/foxmq/foxmq/internal/session"
)

// What a token's Kind tells about an own transaction. The numbers of publishes are their QoS.
const (
	tokenPublish0 = iota
	tokenPublish1
	tokenPublish2
	tokenConnect
	tokenRelease
	tokenOther // the owner knows
)

// onPublish handles a PUBLISH from the client.
func (c *client) onPublish(p *mqtt.Publish) error {
	if c.ctx.Err() != nil { // it may have been closed while it waited for its turn
		return errClosing
	}
	c.broker.counters.received.Add(1)
	if err := c.keepPace(p); err != nil {
		return err
	}
	if err := c.resolveAlias(p); err != nil {
		return err
	}
	if p.QoS > 0 {
		if fresh, err := c.receivePublish(p); err != nil || !fresh {
			return err
		}
	}
	token := replica.Token{Owner: c, PacketID: p.PacketID, Kind: p.QoS}
	if c.holds(p) {
		c.acknowledge(token, mqtt.Success)
		c.wake()
		return nil
	}
	counters := &c.broker.counters
	switch {
	case !c.broker.takesTopic(p.Topic):
		counters.refusedTopics.Add(1)
		return c.refusePublish(token, mqtt.TopicNameInvalid)
	case !c.mayPublish(p.Topic):
		counters.deniedPublishes.Add(1)
		return c.deny(token)
	case !mqtt.FitsPayload(p.Forward, p.Payload):
		counters.invalidPayloads.Add(1)
		return c.refusePublish(token, mqtt.PayloadFormatInvalid)
	}
	return c.submitPublish(p, token)
}

// holds tells whether the stream has the message since an earlier connection. Then PUBREC is the answer, whatever has
// become of permissions and limits [MQTT-4.3.3-10]: a refusal would free a packet identifier that the stream holds, and
// the next message with it would be taken for this one.
func (c *client) holds(p *mqtt.Publish) bool {
	return p.QoS == 2 && c.held.has(p.PacketID)
}

// held are the packet identifiers of publishes at QoS 2 that earlier connections brought and no PUBREL has released. Nil is
// none, for most clients have none.
type held struct{ ids []uint16 } // ascending

func (h *held) has(id uint16) bool {
	if h == nil {
		return false
	}
	_, found := slices.BinarySearch(h.ids, id)
	return found
}

func (h *held) release(id uint16) {
	if h == nil {
		return
	}
	if place, found := slices.BinarySearch(h.ids, id); found {
		h.ids = slices.Delete(h.ids, place, place+1)
	}
}

// resolveAlias fills in the topic that an alias stands for, or remembers it [MQTT-3.3.2-8] and on.
func (c *client) resolveAlias(p *mqtt.Publish) error {
	if p.TopicAlias == 0 {
		return nil
	}
	alias := int(p.TopicAlias)
	if alias > c.broker.config.TopicAliasMaximum {
		return &mqtt.Error{Code: mqtt.TopicAliasInvalid}
	}
	known := &c.input.aliases
	for len(*known) < alias {
		*known = append(*known, "")
	}
	if p.Topic != "" {
		(*known)[alias-1] = p.Topic
		return nil
	}
	if p.Topic = (*known)[alias-1]; p.Topic == "" {
		return &mqtt.Error{Code: mqtt.ProtocolError}
	}
	return nil
}

// receivePublish takes a packet at QoS 1 or 2 into the session and tells whether it is a message to publish. It holds
// up the reader while too much is unanswered or unsent.
func (c *client) receivePublish(p *mqtt.Publish) (fresh bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.phase == connected && (len(c.control) > controlLimit || c.unannouncedMaximum()) {
		c.rest()
	}
	if c.phase != connected {
		return false, errClosing
	}
	arrival, err := c.session.Receive(p.PacketID, p.QoS)
	if err != nil {
		return false, &mqtt.Error{Code: mqtt.ReceiveMaximumExceeded}
	}
	if arrival == session.Repeated {
		c.control = (&mqtt.Pubrec{PacketID: p.PacketID}).Append(c.control, c.version)
		c.wakeWriter()
	}
	return arrival == session.Fresh, nil
}

// unannouncedMaximum tells whether a client that does not know our Receive Maximum has reached it. The caller holds mu.
func (c *client) unannouncedMaximum() bool {
	return c.version != mqtt.V5 && c.session.Unanswered() >= c.broker.config.ReceiveMaximum
}

// takesTopic tells whether a topic name or filter keeps the limits.
func (b *Broker) takesTopic(s string) bool {
	return len(s) <= b.config.MaxTopicLength && // and a level takes a byte, but for the first one
		(len(s) < b.config.MaxTopicLevels || strings.Count(s, "/") < b.config.MaxTopicLevels)
}

// mayPublish asks for the permission. Nobody writes what the system says about itself.
func (c *client) mayPublish(name string) bool {
	return !isSystem(name) && c.broker.config.Permissions.MayPublish(c.user, c.id, name)
}

// deny refuses a publish for want of permission. MQTT 3.1.1 has no other way than to close [MQTT-3.3.5-2].
func (c *client) deny(token replica.Token) error {
	if c.version != mqtt.V5 {
		return errDenied
	}
	if token.Kind > 0 {
		c.acknowledge(token, mqtt.NotAuthorized)
		c.wake()
	}
	return nil
}

// refusePublish refuses a publish for what it is. At QoS 0, and in MQTT 3 always, the end of the connection is the only
// way to say so.
func (c *client) refusePublish(token replica.Token, code mqtt.ReasonCode) error {
	if token.Kind == tokenPublish0 || c.version != mqtt.V5 {
		return lawful{&mqtt.Error{Code: code}}
	}
	c.acknowledge(token, code)
	c.wake()
	return nil
}

// submitPublish hands a publish to the stream. While that is full, an MQTT 5 client at QoS 1 and 2 is read on, and
// the publish waits in the backlog; any other client is not read on (docs/semantics.md, "Publishing").
func (c *client) submitPublish(p *mqtt.Publish, token replica.Token) error {
	in := &c.input
	in.submitted = true
	in.publish.Message = replica.Message{
		Topic:      p.Topic,
		Payload:    p.Payload,
		Properties: p.Forward,
		Expiry:     p.Expiry,
		HasExpiry:  p.HasExpiry,
		QoS:        p.QoS,
		Retain:     p.Retain,
	}
	in.publish.PacketID = 0
	if c.lasting && p.QoS == 2 {
		in.publish.PacketID = p.PacketID
	}
	c.unapplied.Add(1)
	stream := c.broker.config.Stream
	in.postponed = in.postponed && c.hasBacklog()
	early := c.unordered(&token)
	if !in.postponed && stream.TrySubmit(c.from, &in.publish, token) == nil {
		return c.handOver(early)
	}
	if c.version == mqtt.V5 && p.QoS > 0 {
		c.postponePublish(token)
		return nil
	}
	c.awaitBacklog(0)
	in.postponed = false
	c.pause()
	if err := stream.Submit(c.ctx, c.from, &in.publish, token); err != nil {
		return errUnavailable
	}
	return nil
}

// order hands a command of the reader other than a publish to the stream, behind everything that it has submitted
// before. It waits only for memory; size in bytes is what the command counts while it is postponed.
func (c *client) order(cmd replica.Command, token replica.Token, size int) error {
	in := &c.input
	in.submitted = true
	in.postponed = in.postponed && c.hasBacklog()
	if !in.postponed && c.broker.config.Stream.TrySubmit(c.from, cmd, token) == nil {
		return nil
	}
	in.postponed = true
	c.postpone(postponed{cmd: cmd, token: token, size: size})
	c.awaitBacklog(c.broker.config.MaxPacketSize)
	return nil
}

// concluded counts a publish that was applied or given up.
func (c *client) concluded() {
	if c.unapplied.Add(-1) > 0 {
		return
	}
	select {
	case c.caughtUp <- struct{}{}:
	default:
	}
}

// awaitOwnPublishes waits until the client's publishes so far have taken effect, so that what it asks for next sees
// them. It does not wait for a quorum.
func (c *client) awaitOwnPublishes() error {
	if c.unapplied.Load() == 0 {
		return nil
	}
	c.pause()
	poll := time.NewTicker(quorumPoll)
	defer poll.Stop()
	for c.unapplied.Load() > 0 && !c.broker.config.State.Stalled() {
		select {
		case <-c.ctx.Done():
			return errClosing
		case <-c.caughtUp:
		case <-poll.C:
		}
	}
	return nil
}

// postponePublish puts the reader's publish into the backlog. It waits only for memory.
func (c *client) postponePublish(token replica.Token) {
	c.input.postponed = true
	cmd := c.input.publish
	m := &cmd.Message
	c.postpone(postponed{
		cmd:      &cmd,
		token:    token,
		size:     len(m.Topic) + len(m.Payload) + len(m.Properties),
		deadline: time.Now().Add(c.broker.config.ConnectTimeout),
	})
	c.awaitBacklog(c.broker.config.MaxPacketSize)
}
