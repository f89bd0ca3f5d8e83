package broker_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/foxmq/foxmq/internal/broker"
	"github.com/foxmq/foxmq/internal/mqtt"
)

// TestReadersThatNeverReadAreBounded publishes much more than the queues of many readers take who do not read. They hold
// no more memory than their bounds, who reads is served all the same, and in the end they are gone, with their memory.
func TestReadersThatNeverReadAreBounded(t *testing.T) {
	const readers, queue, payload, messages = 40, 64 << 10, 10_000, 2500
	for qos := range byte(2) {
		t.Run(fmt.Sprintf("QoS %d", qos), func(t *testing.T) {
			play(t, broker.Config{MaxQueueBytes: queue, SendMaximum: 2, MaxPacketSize: 1 << 20}, func(k *kit) {
				p, good := k.join("pub", mqtt.V5, silent), k.join("good", mqtt.V5, silent)
				good.ask(1, mqtt.Subscription{Filter: "#"})
				good.gets("SUBACK #1 00")
				before := heapInUse()
				for i := range readers {
					deaf := k.join(fmt.Sprint("deaf-", i), mqtt.V5, silent)
					deaf.ask(1, mqtt.Subscription{Filter: "#", QoS: qos})
					deaf.gets(fmt.Sprintf("SUBACK #1 %02x", qos))
					deaf.set(func() { deaf.deaf = true })
				}
				most := int64(0)
				for i := range messages {
					p.publish("a", strings.Repeat("x", payload), qos, uint16(i+1))
					if got := good.take(); len(got) != 1 {
						k.t.Fatalf("message %d: the good reader got %d packets", i, len(got))
					}
					p.take() // PUBACK
					if i%500 == 499 {
						most = max(most, heapInUse()-before)
					}
				}
				if bound := int64(readers * (queue + 128<<10)); most > bound { // and what a writer has gathered
					t.Errorf("%d readers hold %d bytes, more than %d", readers, most, bound)
				}
				time.Sleep(time.Minute)
				k.connections(2)
				s := k.broker.Stats()
				if s.SlowReaders != readers || qos == 0 && s.QueueDropped < readers*messages/2 {
					t.Errorf("%+v", s)
				}
				if left := heapInUse() - before; left > 2<<20 {
					t.Errorf("%d bytes are left", left)
				}
			})
		})
	}
}

func heapInUse() int64 {
	runtime.GC()
	runtime.GC() // for what pools keep
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
