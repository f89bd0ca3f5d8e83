package chaos

import (
	"net"
	"testing"
	"time"

	"github.com/foxmq/foxmq/internal/mqtt"
)

// A subscriber of everything never reads. Nobody else notices.
func TestSubscriberThatNeverReads(t *testing.T) {
	w := newWorld(t, "--max-queued-messages", "100000")
	w.flows(0, 1, 2, 3)
	conn, err := net.Dial("tcp", w.Nodes[1].MQTT)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.(*net.TCPConn).SetReadBuffer(1 << 10)
	hello := (&mqtt.Connect{Version: mqtt.V5, CleanStart: true, ClientID: "deaf"}).Append(nil, mqtt.V5)
	wish := &mqtt.Subscribe{PacketID: 1, Subscriptions: []mqtt.Subscription{{Filter: "#", QoS: 0}}}
	if _, err := conn.Write(wish.Append(hello, mqtt.V5)); err != nil {
		t.Fatal(err)
	}
	for ends := time.Now().Add(brief(2*time.Second, 60*time.Second)); time.Now().Before(ends); {
		w.flows(0, 1, 2, 3)
		time.Sleep(100 * time.Millisecond)
	}
	w.finish()
}
