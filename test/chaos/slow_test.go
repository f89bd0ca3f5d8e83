package chaos

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/foxmq/foxmq/internal/client"
	"github.com/foxmq/foxmq/internal/mqtt"
)

// Subscribers of everything that never read are sent more than a node keeps for one client. Nobody else notices: one
// at QoS 0 loses messages, one at QoS 1 its connection.
func TestSubscribersThatNeverRead(t *testing.T) {
	w := newWorld(t, "--max-packet-size", "1048576", "--max-queued-bytes", "4194304")
	w.flows(0, 1, 2, 3)
	deaf(t, w.Nodes[1].MQTT, "deaf-0", 0)
	deaf(t, w.Nodes[1].MQTT, "deaf-1", 1)
	flooder := dial(t, w.Nodes[0].MQTT, client.Options{ClientID: "flooder"})
	padding := strings.Repeat(" ", 256<<10)
	for i := 0; !w.deafSuffer(1); i++ {
		if i == 1000 {
			t.Fatal("nobody who never reads has suffered")
		}
		payload := fmt.Sprintf("flooder %d %s", i, padding)
		if err := flooder.Publish(patience(t), "flood", []byte(payload), 1, false); err != nil {
			t.Fatal(err)
		}
		w.receive(payload) // for what is slow is the machine, not those who do read
	}
	t.Logf("order took %v meanwhile", w.flows(0, 1, 2, 3))
	w.finish()
}

// deafSuffer tells whether the node has dropped messages for want of room, and closed a connection.
func (w *world) deafSuffer(node int) bool {
	w.t.Helper()
	s, err := w.Status(node)
	if err != nil {
		w.t.Fatal(err)
	}
	return s.Broker.QueueDropped > 0 && s.Broker.SlowReaders > 0
}

// deaf connects a client that subscribes to what is published to "flood" and never reads.
func deaf(t *testing.T, addr, id string, qos byte) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.(*net.TCPConn).SetReadBuffer(1 << 12); err != nil {
		t.Fatal(err)
	}
	hello := (&mqtt.Connect{Version: mqtt.V5, CleanStart: true, ClientID: id, ReceiveMaximum: 65535}).Append(nil, mqtt.V5)
	wish := &mqtt.Subscribe{PacketID: 1, Subscriptions: []mqtt.Subscription{{Filter: "flood", QoS: qos}}}
	if _, err := conn.Write(wish.Append(hello, mqtt.V5)); err != nil {
		t.Fatal(err)
	}
}
