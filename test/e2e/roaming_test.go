package e2e

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/foxmq/foxmq/internal/client"
	"github.com/foxmq/foxmq/internal/mqtt"
	"github.com/foxmq/foxmq/test/cluster"
)

// roamer is a client with a lasting session that loses its connection again and again and comes back on any node. It
// does what the specification asks of a client, packet by packet.
type roamer struct {
	t     *testing.T
	nodes []*cluster.Node
	rng   *rand.Rand
	name  string

	conn   net.Conn
	reader *mqtt.Reader
	hops   int
}

// eachSize runs a test against one node and against four. FOXMQ_SEED gives other draws.
func eachSize(t *testing.T, test func(t *testing.T, c *cluster.Cluster, r *roamer)) {
	t.Helper()
	for _, nodes := range []int{1, 4} {
		t.Run(fmt.Sprintf("%d nodes", nodes), func(t *testing.T) {
			seed := killSeeds()[0]
			c := cluster.Start(t, nodes)
			r := &roamer{t: t, nodes: c.Nodes, rng: rand.New(rand.NewPCG(seed, 0)), name: "roamer"}
			test(t, c, r)
			r.conn.Close()
		})
	}
}

// hop leaves, now and then in good order, and comes back on any node.
func (r *roamer) hop() {
	r.t.Helper()
	if r.conn != nil {
		if r.rng.IntN(3) == 0 {
			r.send(&mqtt.Disconnect{})
		}
		r.conn.Close()
	}
	var err error
	if r.conn, err = net.Dial("tcp", r.nodes[r.rng.IntN(len(r.nodes))].MQTT); err != nil {
		r.t.Fatal(err)
	}
	r.reader = mqtt.NewReader(bufio.NewReader(r.conn), mqtt.V5, 1<<20)
	most := uint16(10 + r.rng.IntN(20))
	r.send(&mqtt.Connect{Version: mqtt.V5, ClientID: r.name, SessionExpiry: 3600, ReceiveMaximum: most})
	ack, ok := r.next().(*mqtt.Connack)
	if !ok || ack.Code != mqtt.Success || ack.SessionPresent != (r.hops > 0) {
		r.t.Fatalf("hop %d: CONNECT is answered by %+v", r.hops, ack)
	}
	r.hops++
}

// send writes packets; that the connection may be over is noticed by who reads.
func (r *roamer) send(packets ...mqtt.Packet) {
	var b []byte
	for _, p := range packets {
		b = p.Append(b, mqtt.V5)
	}
	_, _ = r.conn.Write(b)
}

func (r *roamer) next() mqtt.Packet {
	r.t.Helper()
	r.conn.SetReadDeadline(time.Now().Add(cluster.Patience))
	p, err := r.reader.Next()
	if err != nil {
		r.t.Fatalf("hop %d: %v", r.hops, err)
	}
	return p
}

// inbox is what a subscriber has of the messages that it was sent.
type inbox struct {
	t    *testing.T
	got  []string
	ids  map[string]uint16 // the packet identifier that each of got came with
	held map[uint16]bool   // identifiers at QoS 2 that PUBREL has not released
}

func newInbox(t *testing.T) *inbox {
	return &inbox{t: t, ids: map[string]uint16{}, held: map[uint16]bool{}}
}

// take takes in a PUBLISH. A message comes again only with DUP and under its identifier, and at QoS 2 only while that is
// held.
func (in *inbox) take(p *mqtt.Publish) {
	in.t.Helper()
	payload := string(p.Payload)
	id, again := in.ids[payload]
	switch {
	case !again && in.held[p.PacketID]:
		in.t.Fatalf("%q comes with identifier %d, which is in use", payload, p.PacketID)
	case again && (!p.Dup || id != p.PacketID || p.QoS == 2 && !in.held[id]):
		in.t.Fatalf("%q comes again, dup %v, with identifier %d; it came with %d", payload, p.Dup, p.PacketID, id)
	case !again:
		in.got = append(in.got, payload)
		in.ids[payload] = p.PacketID
	}
	if p.QoS == 2 {
		in.held[p.PacketID] = true
	}
}

// Whatever becomes of its connections, a subscriber gets every message, those at QoS 2 once, in the order of the stream.
func TestARoamingSubscriberGetsEverythingInOrder(t *testing.T) {
	const messages = 1500
	eachSize(t, func(t *testing.T, c *cluster.Cluster, r *roamer) {
		steady, _ := subscribeAll(t, c.Nodes[0].MQTT, "steady")
		r.hop()
		r.send(&mqtt.Subscribe{PacketID: 1, Subscriptions: []mqtt.Subscription{{Filter: "race/#", QoS: 2}}})
		r.next()
		published := make(chan error, 1)
		pub := dial(t, c.Nodes[len(c.Nodes)-1].MQTT, client.Options{ClientID: "publisher"})
		go func() { published <- publishAll(t, pub, messages) }()

		in := newInbox(t)
		for len(in.got) < messages {
			switch p := r.next().(type) {
			case *mqtt.Publish:
				in.take(p)
				if p.QoS == 1 {
					r.send(&mqtt.Puback{PacketID: p.PacketID})
				} else {
					r.send(&mqtt.Pubrec{PacketID: p.PacketID})
				}
			case *mqtt.Pubrel:
				delete(in.held, p.PacketID)
				r.send(&mqtt.Pubcomp{PacketID: p.PacketID})
			default:
				t.Fatalf("got %T", p)
			}
			if r.rng.IntN(100) == 0 {
				r.hop()
			}
		}
		if err := <-published; err != nil {
			t.Fatal(err)
		}
		lines := steady.waitFor(t, "everything", func(lines []string) bool { return len(lines) >= messages })
		assertPrefix(t, "the roamer", in.got, "the steady one", payloads(lines))
		t.Logf("%d connections", r.hops)
	})
}

// publishAll publishes numbered messages at QoS 1 and 2.
func publishAll(t *testing.T, pub *client.Client, messages int) error {
	for i := range messages {
		if err := pub.PublishAsync(topicOf(i), []byte(message("publisher", i)), byte(1+i%2), nil); err != nil {
			return err
		}
	}
	return pub.Flush(patience(t))
}

// Whatever becomes of its connections, each message that a publisher sends at QoS 2 is delivered once, in order.
func TestARoamingPublisherIsHeardOnce(t *testing.T) {
	const messages, window = 600, 8
	eachSize(t, func(t *testing.T, c *cluster.Cluster, r *roamer) {
		steady, _ := subscribeAll(t, c.Nodes[0].MQTT, "steady")
		r.hop()
		var flying []*mqtt.Publish    // without PUBCOMP, in order
		released := map[uint16]bool{} // those with PUBREC
		for sent := 0; sent < messages || len(flying) > 0; {
			for ; sent < messages && len(flying) < window; sent++ {
				p := &mqtt.Publish{Topic: topicOf(sent), Payload: []byte(message(r.name, sent)), QoS: 2, PacketID: uint16(1 + sent%100)}
				flying = append(flying, p)
				r.send(p)
			}
			switch p := r.next().(type) {
			case *mqtt.Pubrec:
				released[p.PacketID] = true
				r.send(&mqtt.Pubrel{PacketID: p.PacketID})
			case *mqtt.Pubcomp:
				delete(released, p.PacketID)
				flying = slices.DeleteFunc(flying, func(f *mqtt.Publish) bool { return f.PacketID == p.PacketID })
			default:
				t.Fatalf("got %T", p)
			}
			if r.rng.IntN(60) == 0 {
				r.hop()
				r.resend(flying, released)
			}
		}
		lines := steady.waitFor(t, "everything", func(lines []string) bool { return len(lines) >= messages })
		assertPublisherOrder(t, lines)
		if len(lines) != messages {
			t.Errorf("%d messages were delivered, %d published", len(lines), messages)
		}
		t.Logf("%d connections", r.hops)
	})
}

// A session outlives the node on which its client was: another one has what was under way, and what came since.
func TestALastingSessionOutlivesItsNode(t *testing.T) {
	c := cluster.Start(t, 4)
	r := &roamer{t: t, nodes: c.Nodes[3:], rng: rand.New(rand.NewPCG(1, 0)), name: "roamer"}
	r.hop()
	defer func() { r.conn.Close() }()
	r.send(&mqtt.Subscribe{PacketID: 1, Subscriptions: []mqtt.Subscription{{Filter: "race/#", QoS: 2}}})
	r.next()
	pub := dial(t, c.Nodes[0].MQTT, client.Options{ClientID: "publisher"})
	in := newInbox(t)
	takeOne := func() *mqtt.Publish {
		p, ok := r.next().(*mqtt.Publish)
		if !ok {
			t.Fatal("got no PUBLISH")
		}
		in.take(p)
		return p
	}
	for i := range 4 {
		if err := pub.Publish(patience(t), topicOf(i), []byte(message("publisher", i)), 2, false); err != nil {
			t.Fatal(err)
		}
		if i == 1 {
			takeOne()
			takeOne()
			c.Kill(3)
		}
	}
	r.nodes = c.Nodes[:3]
	r.hop()
	for i := range 4 {
		// The dead node may have sent the last two, too, as far as anybody knows.
		if p := takeOne(); i < 2 && !p.Dup || string(p.Payload) != message("publisher", i) {
			t.Fatalf("message %d: %q, dup %v", i, p.Payload, p.Dup)
		}
	}
}

// resend goes on with what an earlier connection has begun [MQTT-4.4.0-1].
func (r *roamer) resend(flying []*mqtt.Publish, released map[uint16]bool) {
	for _, p := range flying {
		if released[p.PacketID] {
			r.send(&mqtt.Pubrel{PacketID: p.PacketID})
			continue
		}
		p.Dup = true
		r.send(p)
	}
}
