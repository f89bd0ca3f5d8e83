package broker_test

import (
	"fmt"
	"io"
	"net"
	"runtime"
	"testing"

	"github.com/foxmq/foxmq/internal/broker"
	"github.com/foxmq/foxmq/internal/mqtt"
)

// A client that is connected and silent costs little: above all, no buffer to read into, and not its last message.
func TestIdleClientsAreCheap(t *testing.T) {
	const clients, most = 500, 11 << 10 // bytes, those of the test's own end of the connection included
	if testing.Short() {
		t.Skip("the race detector, with which the short tests are run, takes memory of its own")
	}
	address, stop := listen(t, broker.Config{})
	defer stop()
	before := memory()
	for i := range clients {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		id := fmt.Sprint("client-", i)
		ask(t, conn, &mqtt.Connect{Version: mqtt.V311, ClientID: id, CleanStart: true}, 4)
		ask(t, conn, &mqtt.Subscribe{PacketID: 1, Subscriptions: []mqtt.Subscription{{Filter: id}}}, 5)
		ask(t, conn, &mqtt.Publish{PacketID: 2, Topic: "elsewhere", QoS: 1, Payload: make([]byte, 50_000)}, 4)
	}
	if each := (memory() - before) / clients; each > most {
		t.Errorf("an idle client takes %d bytes, more than %d", each, most)
	} else {
		t.Logf("an idle client takes %d bytes", each)
	}
}

// ask sends a packet and reads the answer, which has so many bytes.
func ask(t *testing.T, conn net.Conn, p mqtt.Packet, answer int) {
	t.Helper()
	if _, err := conn.Write(p.Append(nil, mqtt.V311)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, make([]byte, answer)); err != nil {
		t.Fatal(err)
	}
}

// memory is that of the heap and of the goroutines' stacks, without what is no longer in use.
func memory() int64 {
	runtime.GC()
	runtime.GC() // what is in a sync.Pool goes at the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}
