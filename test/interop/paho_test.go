package interop

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/paho"
	mqtt3 "github.com/eclipse/paho.mqtt.golang"

	"github.com/foxmq/foxmq/test/cluster"
)

// receive takes one value, or fails.
func receive(t *testing.T, from <-chan string) string {
	t.Helper()
	select {
	case s := <-from:
		return s
	case <-time.After(cluster.Patience):
		t.Fatal("nothing was received")
		return ""
	}
}

// paho.golang speaks MQTT 5: each QoS, user properties and a response topic go from one node to another.
func testPahoGolang(t *testing.T, c *cluster.Cluster) {
	ctx, cancel := context.WithTimeout(context.Background(), cluster.Patience)
	defer cancel()
	connect := func(addr, id string, on func(*paho.Publish)) *paho.Client {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		client := paho.NewClient(paho.ClientConfig{
			Conn: conn,
			OnPublishReceived: []func(paho.PublishReceived) (bool, error){
				func(p paho.PublishReceived) (bool, error) { on(p.Packet); return true, nil },
			},
		})
		if _, err := client.Connect(ctx, &paho.Connect{ClientID: id, CleanStart: true, KeepAlive: 30}); err != nil {
			t.Fatal(err)
		}
		return client
	}
	got := make(chan string, 3)
	sub := connect(c.Nodes[0].MQTT, "paho-5-sub", func(p *paho.Publish) {
		got <- string(p.Payload) + " " + p.Properties.User.Get("trace") + " " + p.Properties.ResponseTopic
	})
	pub := connect(c.Nodes[2].MQTT, "paho-5-pub", func(*paho.Publish) {})
	if _, err := sub.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: "paho5/+", QoS: 2}}}); err != nil {
		t.Fatal(err)
	}
	for qos, payload := range []string{"zero", "one", "two"} {
		properties := &paho.PublishProperties{ResponseTopic: "answer/here"}
		properties.User.Add("trace", payload)
		if _, err := pub.Publish(ctx, &paho.Publish{
			Topic: "paho5/x", QoS: byte(qos), Payload: []byte(payload), Properties: properties,
		}); err != nil {
			t.Fatal(err)
		}
		if s := receive(t, got); s != payload+" "+payload+" answer/here" {
			t.Errorf("qos %d: got %q", qos, s)
		}
	}
	for _, client := range []*paho.Client{sub, pub} {
		if err := client.Disconnect(&paho.Disconnect{}); err != nil {
			t.Error(err)
		}
	}
}

// paho.mqtt.golang speaks MQTT 3.1.1: each QoS goes from one node to another, and a retained message is there
// for who comes later.
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
	connect := func(addr, id string) mqtt3.Client {
		client := mqtt3.NewClient(mqtt3.NewClientOptions().AddBroker("tcp://" + addr).SetClientID(id).SetAutoReconnect(false))
		wait(client.Connect())
		t.Cleanup(func() { client.Disconnect(100) })
		return client
	}
	sub, pub := connect(c.Nodes[1].MQTT, "paho-3-sub"), connect(c.Nodes[3].MQTT, "paho-3-pub")
	got := make(chan string, 3)
	receiver := func(_ mqtt3.Client, m mqtt3.Message) { got <- string(m.Payload()) }
	wait(sub.Subscribe("paho3/#", 2, receiver))
	for qos, payload := range []string{"zero", "one", "two"} {
		wait(pub.Publish("paho3/x", byte(qos), false, payload))
		if s := receive(t, got); s != payload {
			t.Errorf("qos %d: got %q", qos, s)
		}
	}
	wait(pub.Publish("kept3/x", 1, true, "kept"))
	wait(sub.Subscribe("kept3/#", 1, receiver))
	if s := receive(t, got); s != "kept" {
		t.Errorf("retained: got %q", s)
	}
}
