package conformance

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"net"
	"slices"
	"strings"
	"sync"

	"github.com/foxmq/foxmq/internal/mqtt"
)

// peer is a connection without any cleverness of its own, except for auto.
type peer struct {
	s       *stage
	node    int
	conn    net.Conn
	version mqtt.Version
	auto    bool // it acknowledges what it receives; set before anything is received
	settles bool // it receives the markers of settle
	lastID  uint16

	messages chan *mqtt.Publish // what has come; closed at the end
	control  chan mqtt.Packet   // the same for the other packets
	done     chan struct{}      // closed when the reading goroutine has ended

	connack *mqtt.Connack   // what accepted has read
	last    *mqtt.Publish   // what message has returned
	seen    []*mqtt.Publish // all that message has returned
	limit   int             // in bytes, of the packets it takes; a longer one ends the connection

	mu  sync.Mutex
	err error // why reading ended; guarded by mu
}

// queued is how many packets may come before somebody looks at them.
const queued = 1 << 14

func newPeer(s *stage, conn net.Conn, v mqtt.Version, limit int) *peer {
	p := &peer{
		s: s, conn: conn, version: v, limit: limit,
		messages: make(chan *mqtt.Publish, queued), control: make(chan mqtt.Packet, queued), done: make(chan struct{}),
	}
	go p.read()
	return p
}

// read sorts what comes, until the connection ends.
func (p *peer) read() {
	defer close(p.done)
	defer close(p.messages)
	defer close(p.control)
	r := mqtt.NewReader(bufio.NewReader(p.conn), p.version, p.limit)
	for {
		packet, err := r.Next()
		if err != nil {
			p.mu.Lock()
			p.err = err
			p.mu.Unlock()
			return
		}
		switch packet := packet.(type) {
		case *mqtt.Publish:
			m := *packet
			p.complete(&m)
			p.messages <- &m
		case *mqtt.Pubrel:
			if p.auto {
				p.send(&mqtt.Pubcomp{PacketID: packet.PacketID})
				continue
			}
			p.control <- &mqtt.Pubrel{PacketID: packet.PacketID, Code: packet.Code}
		default:
			p.control <- packet
		}
	}
}

// complete answers a message if auto says so.
func (p *peer) complete(m *mqtt.Publish) {
	switch {
	case !p.auto:
	case m.QoS == 1:
		p.send(&mqtt.Puback{PacketID: m.PacketID})
	case m.QoS == 2:
		p.send(&mqtt.Pubrec{PacketID: m.PacketID})
	}
}

// send sends packets as the connection's version has them. ~ in them becomes the stage's word.
func (p *peer) send(packets ...mqtt.Packet) {
	for _, packet := range packets {
		p.bytes(p.own(packet).Append(nil, p.version))
	}
}

// bytes sends bytes. That the other side has closed is not known here; what it says is read.
func (p *peer) bytes(b []byte) { _, _ = p.conn.Write(b) }

// hex sends bytes that are written in hexadecimal, with spaces.
func (p *peer) hex(s string) { p.bytes(unhex(s)) }

// own returns a copy of the packet with the stage's word where ~ stands.
func (p *peer) own(packet mqtt.Packet) mqtt.Packet {
	own := func(text string) string { return strings.ReplaceAll(text, "~", p.s.word) }
	switch packet := packet.(type) {
	case *mqtt.Publish:
		c := *packet
		c.Topic = own(c.Topic)
		return &c
	case *mqtt.Subscribe:
		c := *packet
		c.Subscriptions = slices.Clone(c.Subscriptions)
		for i := range c.Subscriptions {
			c.Subscriptions[i].Filter = own(c.Subscriptions[i].Filter)
		}
		return &c
	case *mqtt.Unsubscribe:
		c := *packet
		c.Filters = slices.Clone(c.Filters)
		for i := range c.Filters {
			c.Filters[i] = own(c.Filters[i])
		}
		return &c
	case *mqtt.Connect:
		c := *packet
		c.ClientID = own(c.ClientID)
		if c.Will != nil {
			w := *c.Will
			w.Topic = own(w.Topic)
			c.Will = &w
		}
		return &c
	}
	return packet
}

// next returns the next packet that is no PUBLISH, nil if the connection has ended.
func (p *peer) next() mqtt.Packet {
	p.s.Helper()
	select {
	case packet := <-p.control:
		return packet
	case <-after():
		p.s.Fatal("the server does not answer")
		return nil
	}
}

// gets checks the next packets that are no PUBLISH. "closed" is the end of the connection.
func (p *peer) gets(want ...string) {
	p.s.Helper()
	for _, w := range want {
		if got := p.describe(p.next()); got != w {
			p.s.Fatalf("got %s, want %s", got, w)
		}
	}
}

// refused checks that the connection is ended for a reason: MQTT 5 says so, MQTT 3 does not [MQTT-4.13.1-1].
func (p *peer) refused(reason string) {
	p.s.Helper()
	if p.version == mqtt.V5 {
		packet := p.next()
		if got, want := p.describe(packet), "DISCONNECT "+reason; got != want {
			p.s.Fatalf("got %s, want %s", got, want)
		}
		if packet.(*mqtt.Disconnect).HasSessionExpiry { // [MQTT-3.14.2-2]
			p.s.Fatal("the server sends a session expiry")
		}
	}
	p.gets("closed")
}

// accepted reads a CONNACK that lets the client in.
func (p *peer) accepted() {
	p.s.Helper()
	packet := p.next()
	connack, ok := packet.(*mqtt.Connack)
	if !ok || connack.Code != mqtt.Success {
		p.s.Fatalf("got %s, want CONNACK with success", p.describe(packet))
	}
	p.connack = connack
}

// gone tells whether the connection is known to have ended.
func (p *peer) gone() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// ping returns when the server has handled all that came before. Nothing but its answer must come.
func (p *peer) ping() {
	p.s.Helper()
	p.send(&mqtt.Pingreq{})
	p.gets("PINGRESP")
}

// hangUp ends the connection without a word.
func (p *peer) hangUp() {
	p.conn.Close()
	<-p.done
}

// message returns the next PUBLISH of this stage.
func (p *peer) message() string {
	p.s.Helper()
	for {
		select {
		case m := <-p.messages:
			if m == nil {
				p.s.Fatalf("connection ended: %v", p.reason())
			}
			if strings.Contains(m.Topic, p.s.word) {
				p.last, p.seen = m, append(p.seen, m)
				return p.describe(m)
			}
		case <-after():
			p.s.Fatal("no message came")
		}
	}
}

// any returns the next PUBLISH as it came, whatever its topic.
func (p *peer) any() *mqtt.Publish {
	p.s.Helper()
	select {
	case m := <-p.messages:
		if m == nil {
			p.s.Fatalf("connection ended: %v", p.reason())
		}
		return m
	case <-after():
		p.s.Fatal("no message came")
		return nil
	}
}

func (p *peer) reason() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// id returns the next packet identifier for a packet that the client sends.
func (p *peer) id() uint16 {
	p.lastID++
	return p.lastID
}

// subscribe subscribes, which must be granted as asked.
func (p *peer) subscribe(subscriptions ...mqtt.Subscription) {
	p.s.Helper()
	p.subscribeAs(0, subscriptions...)
}

// subscribeAs subscribes with a subscription identifier.
func (p *peer) subscribeAs(id uint32, subscriptions ...mqtt.Subscription) {
	p.s.Helper()
	want := "SUBACK"
	for _, s := range subscriptions {
		want += " " + hexByte(s.QoS)
	}
	p.send(&mqtt.Subscribe{PacketID: p.id(), SubscriptionID: id, Subscriptions: subscriptions})
	p.gets(want)
}

// publish publishes and waits until it is acknowledged in full; at QoS 0 it does not wait.
func (p *peer) publish(topic, payload string, qos byte) {
	p.s.Helper()
	p.publishPacket(mqtt.Publish{Topic: topic, Payload: []byte(payload), QoS: qos})
}

// retain publishes a retained message at QoS 1.
func (p *peer) retain(topic, payload string) {
	p.s.Helper()
	p.publishPacket(mqtt.Publish{Topic: topic, Payload: []byte(payload), QoS: 1, Retain: true})
}

func (p *peer) publishPacket(m mqtt.Publish) {
	p.s.Helper()
	if m.QoS > 0 {
		m.PacketID = p.id()
	}
	p.send(&m)
	switch m.QoS {
	case 1:
		p.gets("PUBACK")
	case 2:
		p.gets("PUBREC")
		p.send(&mqtt.Pubrel{PacketID: m.PacketID})
		p.gets("PUBCOMP")
	}
}

// framed sends a packet with the given first byte; its length is put before the body.
func (p *peer) framed(first byte, body string) { p.bytes(frame(first, unhex(body))) }

// frame puts the fixed header before a body.
func frame(first byte, body []byte) []byte {
	b := append([]byte{first}, binary.AppendUvarint(nil, uint64(len(body)))...)
	return append(b, body...)
}

// unhex reads hexadecimal with spaces; the tables are constant, so it panics on what is none.
func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

// text is a string as MQTT encodes it.
func text(s string) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(s))), s...)
}
