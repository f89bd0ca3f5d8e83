package interop

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/paho"
	mqtt3 "github.com/eclipse/paho.mqtt.golang"

	"github.com/foxmq/foxmq/test/cluster"
)

// receive takes one value, or fails.
func receive[T any](t *testing.T, from <-chan T) (got T) {
	t.Helper()
	select {
	case got = <-from:
	case <-time.After(cluster.Patience):
		t.Fatal("nothing was received")
	}
	return got
}

// agent is a client of paho.golang that is connected, and what it has received.
type agent struct {
	*paho.Client
	t    *testing.T
	conn net.Conn
	got  chan *paho.Publish
}

func connect(t *testing.T, addr string, c paho.Connect) *agent {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	a := &agent{t: t, conn: conn, got: make(chan *paho.Publish, 100)}
	a.Client = paho.NewClient(paho.ClientConfig{
		Conn: conn,
		OnPublishReceived: []func(paho.PublishReceived) (bool, error){
			func(p paho.PublishReceived) (bool, error) { a.got <- p.Packet; return true, nil },
		},
	})
	c.KeepAlive = 30
	if _, err := a.Connect(patience(t), &c); err != nil {
		t.Fatal(err)
	}
	return a
}

func patience(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), cluster.Patience)
	t.Cleanup(cancel)
	return ctx
}

func (a *agent) subscribe(topic string, qos byte) {
	a.t.Helper()
	subscription := []paho.SubscribeOptions{{Topic: topic, QoS: qos}}
	if _, err := a.Subscribe(patience(a.t), &paho.Subscribe{Subscriptions: subscription}); err != nil {
		a.t.Fatal(err)
	}
}

func (a *agent) publish(p paho.Publish) {
	a.t.Helper()
	if _, err := a.Publish(patience(a.t), &p); err != nil {
		a.t.Fatal(err)
	}
}

// expect returns the next message, which must have this payload, quality and RETAIN.
func (a *agent) expect(payload string, qos byte, retain bool) *paho.Publish {
	a.t.Helper()
	p := receive(a.t, a.got)
	if string(p.Payload) != payload || p.QoS != qos || p.Retain != retain {
		a.t.Errorf("got %q at QoS %d, retain %v; want %q at QoS %d, retain %v", p.Payload, p.QoS, p.Retain, payload, qos, retain)
	}
	return p
}

// paho.golang speaks MQTT 5: each QoS, user properties and a response topic go from one node to another.
func testPahoGolang(t *testing.T, c *cluster.Cluster) {
	sub := connect(t, c.Nodes[0].MQTT, paho.Connect{ClientID: "paho-5-sub"})
	pub := connect(t, c.Nodes[2].MQTT, paho.Connect{ClientID: "paho-5-pub"})
	sub.subscribe("paho5/+", 2)
	for qos, payload := range []string{"zero", "one", "two"} {
		properties := &paho.PublishProperties{ResponseTopic: "answer/here"}
		properties.User.Add("trace", payload)
		pub.publish(paho.Publish{Topic: "paho5/x", QoS: byte(qos), Payload: []byte(payload), Properties: properties})
		p := sub.expect(payload, byte(qos), false).Properties
		if p.User.Get("trace") != payload || p.ResponseTopic != "answer/here" {
			t.Errorf("qos %d: properties %+v", qos, p)
		}
	}
	for _, client := range []*agent{sub, pub} {
		if err := client.Disconnect(&paho.Disconnect{}); err != nil {
			t.Error(err)
		}
	}
}

// A will goes when the socket breaks, with its properties, and is retained.
func testPahoGolangWill(t *testing.T, c *cluster.Cluster) {
	heir := connect(t, c.Nodes[0].MQTT, paho.Connect{ClientID: "paho-5-heir"})
	heir.subscribe("paho5-will", 2)
	mortal := connect(t, c.Nodes[3].MQTT, paho.Connect{
		ClientID:       "paho-5-mortal",
		WillMessage:    &paho.WillMessage{Topic: "paho5-will", Payload: []byte("gone"), QoS: 2, Retain: true},
		WillProperties: &paho.WillProperties{User: paho.UserProperties{{Key: "cause", Value: "broken"}}},
	})
	mortal.conn.Close()
	if p := heir.expect("gone", 2, false); p.Properties.User.Get("cause") != "broken" {
		t.Errorf("properties %+v", p.Properties)
	}
	heir.subscribe("paho5-will/#", 1)
	heir.expect("gone", 1, true)
}

// What is retained says how long it has left, and is gone then.
func testPahoGolangExpiry(t *testing.T, c *cluster.Cluster) {
	a := connect(t, c.Nodes[1].MQTT, paho.Connect{ClientID: "paho-5-expiry"})
	for topic, seconds := range map[string]uint32{"brief": 1, "long": 1000} {
		a.publish(paho.Publish{
			Topic: "paho5-expiry/" + topic, QoS: 1, Retain: true, Payload: []byte(topic),
			Properties: &paho.PublishProperties{MessageExpiry: &seconds},
		})
	}
	time.Sleep(2 * time.Second)
	a.subscribe("paho5-expiry/+", 1)
	if left := a.expect("long", 1, true).Properties.MessageExpiry; left == nil || *left > 1000 || *left < 900 {
		t.Errorf("what is left of 1000 s is %v", left)
	}
}

// Aliases in both directions. This client leaves it to its user to know what they stand for.
func testPahoGolangAlias(t *testing.T, c *cluster.Cluster) {
	most := uint16(2)
	sub := connect(t, c.Nodes[2].MQTT, paho.Connect{
		ClientID: "paho-5-aliased", Properties: &paho.ConnectProperties{TopicAliasMaximum: &most},
	})
	pub := connect(t, c.Nodes[0].MQTT, paho.Connect{ClientID: "paho-5-aliasing"})
	sub.subscribe("paho5-alias/+", 1)
	ours, theirs := map[uint16]string{}, map[uint16]string{}
	for i := range 30 {
		alias := uint16(1 + i%3)
		topic := fmt.Sprintf("paho5-alias/%d", alias)
		p := paho.Publish{Topic: topic, QoS: 1, Payload: []byte("x"), Properties: &paho.PublishProperties{TopicAlias: &alias}}
		if ours[alias] == topic {
			p.Topic = ""
		}
		ours[alias] = topic
		pub.publish(p)
		got := sub.expect("x", 1, false)
		if a := got.Properties.TopicAlias; a != nil && got.Topic != "" {
			theirs[*a] = got.Topic
		} else if a != nil {
			got.Topic = theirs[*a]
		}
		if got.Topic != topic {
			t.Fatalf("got topic %q, want %q", got.Topic, topic)
		}
	}
	if len(theirs) != int(most) {
		t.Errorf("%d aliases came, want %d", len(theirs), most)
	}
}

// A request carries where its answer goes, and what names it.
func testPahoGolangRequest(t *testing.T, c *cluster.Cluster) {
	asker := connect(t, c.Nodes[1].MQTT, paho.Connect{ClientID: "paho-5-asker"})
	responder := connect(t, c.Nodes[3].MQTT, paho.Connect{ClientID: "paho-5-responder"})
	asker.subscribe("paho5-answer", 2)
	responder.subscribe("paho5-question", 2)
	asker.publish(paho.Publish{Topic: "paho5-question", QoS: 2, Payload: []byte("?"), Properties: &paho.PublishProperties{
		ResponseTopic: "paho5-answer", CorrelationData: []byte{0, 255},
	}})
	asked := responder.expect("?", 2, false).Properties
	responder.publish(paho.Publish{Topic: asked.ResponseTopic, QoS: 2, Payload: []byte("!"), Properties: &paho.PublishProperties{
		CorrelationData: asked.CorrelationData,
	}})
	if data := asker.expect("!", 2, false).Properties.CorrelationData; string(data) != "\x00\xff" {
		t.Errorf("correlation data % x", data)
	}
}

// A session goes on, on another node, with what came while its client was away.
func testPahoGolangLasting(t *testing.T, c *cluster.Cluster) {
	expiry := uint32(600)
	session := paho.Connect{ClientID: "paho-5-lasting", Properties: &paho.ConnectProperties{SessionExpiryInterval: &expiry}}
	first := connect(t, c.Nodes[0].MQTT, session)
	first.subscribe("paho5-lasting", 2)
	first.conn.Close()
	pub := connect(t, c.Nodes[1].MQTT, paho.Connect{ClientID: "paho-5-away"})
	for qos := byte(1); qos <= 2; qos++ {
		pub.publish(paho.Publish{Topic: "paho5-lasting", QoS: qos, Payload: []byte{'0' + qos}})
	}
	second := connect(t, c.Nodes[3].MQTT, session)
	second.expect("1", 1, false)
	second.expect("2", 2, false)
}

// Of two members on two nodes, one gets each message.
func testPahoGolangShared(t *testing.T, c *cluster.Cluster) {
	all := make(chan *paho.Publish, 100)
	for node := range 2 {
		member := connect(t, c.Nodes[node].MQTT, paho.Connect{ClientID: fmt.Sprint("paho-5-member-", node)})
		member.got = all
		member.subscribe("$share/group/paho5-shared", 2)
	}
	pub := connect(t, c.Nodes[2].MQTT, paho.Connect{ClientID: "paho-5-shared"})
	seen := map[string]bool{}
	for i := range 10 {
		pub.publish(paho.Publish{Topic: "paho5-shared", QoS: 2, Payload: []byte(fmt.Sprint(i))})
		seen[string(receive(t, all).Payload)] = true
	}
	if len(seen) != 10 || len(all) > 0 {
		t.Errorf("of 10 messages %d came, and %d again", len(seen), len(all))
	}
}

// paho.mqtt.golang speaks MQTT 3.1.1: each QoS goes from one node to another and back, a retained message is there for
// who comes later, a will goes when the socket breaks, and a session goes on on another node.
func testPahoMQTTGolang(t *testing.T, c *cluster.Cluster) {
	wait := func(token mqtt3.Token) {
		t.Helper()
		if !token.WaitTimeout(cluster.Patience) {
			t.Fatal("no answer")
		}
		if token.Error() != nil {
			t.Fatal(token.Error())
		}
	}
	got := make(chan string, 3)
	var socket net.Conn // of the last client
	connect := func(addr, id string) mqtt3.Client {
		options := mqtt3.NewClientOptions().AddBroker("tcp://" + addr).SetClientID(id).SetAutoReconnect(false)
		options.SetWill("will3", "gone "+id, 2, false).SetCleanSession(id != "paho-3-lasting")
		options.SetCustomOpenConnectionFn(func(uri *url.URL, _ mqtt3.ClientOptions) (conn net.Conn, err error) {
			socket, err = net.Dial("tcp", uri.Host)
			return socket, err
		})
		client := mqtt3.NewClient(options)
		// Before it connects: what waits in its session comes at once.
		client.AddRoute("lasting3", func(_ mqtt3.Client, m mqtt3.Message) { got <- string(m.Payload()) })
		wait(client.Connect())
		t.Cleanup(func() { client.Disconnect(100) })
		return client
	}
	sub, pub := connect(c.Nodes[1].MQTT, "paho-3-sub"), connect(c.Nodes[3].MQTT, "paho-3-pub")
	receiver := func(_ mqtt3.Client, m mqtt3.Message) { got <- string(m.Payload()) }
	wait(sub.Subscribe("paho3/#", 2, receiver))
	for qos, payload := range []string{"zero", "one", "two"} {
		for _, from := range []mqtt3.Client{pub, sub} {
			wait(from.Publish("paho3/x", byte(qos), false, payload))
			if s := receive(t, got); s != payload {
				t.Errorf("qos %d: got %q", qos, s)
			}
		}
	}
	wait(pub.Publish("kept3/x", 1, true, "kept"))
	wait(sub.Subscribe("kept3/#", 1, receiver))
	if s := receive(t, got); s != "kept" {
		t.Errorf("retained: got %q", s)
	}
	wait(sub.Subscribe("will3", 2, receiver))
	connect(c.Nodes[2].MQTT, "paho-3-mortal")
	socket.Close()
	if s := receive(t, got); s != "gone paho-3-mortal" {
		t.Errorf("will: got %q", s)
	}
	wait(sub.Unsubscribe("will3"))
	wait(connect(c.Nodes[0].MQTT, "paho-3-lasting").Subscribe("lasting3", 2, nil))
	socket.Close()
	wait(pub.Publish("lasting3", 2, false, "while away"))
	connect(c.Nodes[1].MQTT, "paho-3-lasting")
	if s := receive(t, got); s != "while away" {
		t.Errorf("lasting: got %q", s)
	}
}

// client3 is a client of paho.mqtt.golang that is connected, and what it has received.
type client3 struct {
	mqtt3.Client
	t   *testing.T
	got chan string
}

func connect3(t *testing.T, url, id string) *client3 {
	t.Helper()
	c := &client3{t: t, got: make(chan string, 100)}
	options := mqtt3.NewClientOptions().AddBroker(url).SetClientID(id).SetAutoReconnect(false).SetOrderMatters(true)
	options.SetDefaultPublishHandler(func(_ mqtt3.Client, m mqtt3.Message) { c.got <- string(m.Payload()) })
	c.Client = mqtt3.NewClient(options)
	c.wait(c.Connect())
	t.Cleanup(func() { c.Disconnect(100) })
	return c
}

func (c *client3) wait(token mqtt3.Token) {
	c.t.Helper()
	if !token.WaitTimeout(cluster.Patience) {
		c.t.Fatal("no answer")
	}
	if token.Error() != nil {
		c.t.Fatal(token.Error())
	}
}

// Of two members on two nodes, one gets each message.
func testPahoMQTTGolangShared(t *testing.T, c *cluster.Cluster) {
	all := make(chan string, 100)
	for node := range 2 {
		member := connect3(t, "tcp://"+c.Nodes[node].MQTT, fmt.Sprint("paho-3-member-", node))
		member.wait(member.Subscribe("$share/group/paho3-shared", 2, func(_ mqtt3.Client, m mqtt3.Message) {
			all <- string(m.Payload())
		}))
	}
	pub := connect3(t, "tcp://"+c.Nodes[2].MQTT, "paho-3-shared")
	seen := map[string]bool{}
	for i := range 10 {
		pub.wait(pub.Publish("paho3-shared", 2, false, fmt.Sprint(i)))
		seen[receive(t, all)] = true
	}
	if len(seen) != 10 || len(all) > 0 {
		t.Errorf("of 10 messages %d came, and %d again", len(seen), len(all))
	}
}

// Each QoS goes over WebSockets from one node to another.
func testPahoMQTTGolangWeb(t *testing.T, c *cluster.Cluster) {
	sub := connect3(t, "ws://"+c.Nodes[0].WebSockets+"/mqtt", "paho-3-web-sub")
	pub := connect3(t, "ws://"+c.Nodes[2].WebSockets+"/mqtt", "paho-3-web-pub")
	sub.wait(sub.Subscribe("paho3-web", 2, nil))
	for qos, payload := range []string{"zero", "one", "two"} {
		pub.wait(pub.Publish("paho3-web", byte(qos), false, payload))
		if got := receive(t, sub.got); got != payload {
			t.Errorf("qos %d: got %q", qos, got)
		}
	}
}
