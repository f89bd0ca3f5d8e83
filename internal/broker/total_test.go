package broker_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/foxmq/foxmq/internal/broker"
	"github.com/foxmq/foxmq/internal/mqtt"
)

// deafen connects clients that never read what they subscribe to: each the topic of its name, and all "all".
func (k *kit) deafen(n int, qos byte) (names []string) {
	for range n {
		p := k.join(fmt.Sprint("deaf-", len(k.peers)), mqtt.V5, silent)
		p.ask(1, mqtt.Subscription{Filter: p.name, QoS: qos}, mqtt.Subscription{Filter: "all", QoS: qos})
		p.gets(fmt.Sprintf("SUBACK #1 %02[1]x %02[1]x", qos))
		p.set(func() { p.deaf = true })
		names = append(names, p.name)
	}
	return names
}

// TestAllQueuesTogetherAreBounded lets many readers that never read, some of whom come later, be sent messages of their
// own, several times what all queues together may hold. A client that reads misses nothing, though much comes at once.
func TestAllQueuesTogetherAreBounded(t *testing.T) {
	const readers, total, size, burst = 30, 16 << 20, 10_000, 8
	payload := strings.Repeat("x", size)
	for qos := range byte(2) {
		t.Run(fmt.Sprintf("QoS %d", qos), func(t *testing.T) {
			play(t, broker.Config{MaxQueueBytesTotal: total, ReceiveMaximum: 60_000, SendMaximum: 2}, func(k *kit) {
				p, good := k.join("pub", mqtt.V5, silent), k.join("good", mqtt.V5, silent)
				good.ask(1, mqtt.Subscription{Filter: "good"})
				good.gets("SUBACK #1 00")
				var names []string
				id := uint16(0)
				publish := func(topic, payload string) { id++; p.publish(topic, payload, qos, id) }
				for round := range 2 * total / readers / size {
					if round%50 == 0 {
						names = append(names, k.deafen(readers, qos)...)
					}
					for _, name := range names {
						publish(name, payload)
					}
					var want []string
					for i := range burst {
						publish("good", fmt.Sprint(i, payload))
						want = append(want, fmt.Sprintf("PUBLISH good %q", fmt.Sprint(i, payload)))
					}
					if got := good.take(); !slices.Equal(got, want) {
						k.t.Fatalf("of %d messages the good reader got %d", burst, len(got))
					}
					p.take() // PUBACK
					if s := k.broker.Stats(); s.QueuedBytes > total {
						k.t.Fatalf("%d bytes are queued", s.QueuedBytes)
					}
				}
				switch s := k.broker.Stats(); {
				case s.QueueTotalFull == 0:
					t.Error("nothing was refused")
				case qos == 0 && (s.QueueDropped != s.QueueTotalFull || s.SlowReaders > 0):
					t.Errorf("at QoS 0: %+v", s)
				case qos > 0 && (s.QueueDropped > 0 || s.SlowReaders != s.QueueTotalFull):
					t.Errorf("above QoS 0: %+v", s)
				}
			})
		})
	}
}

// TestAMessageForManyCountsOnce lets many readers that do not read be sent the same, much more than would be the total
// if each of them had a copy.
func TestAMessageForManyCountsOnce(t *testing.T) {
	const readers, total, size, messages = 40, 8 << 20, 10_000, 100
	play(t, broker.Config{MaxQueueBytesTotal: total}, func(k *kit) {
		p := k.join("pub", mqtt.V5, silent)
		k.deafen(readers, 0)
		for range messages {
			p.publish("all", strings.Repeat("x", size), 0, 0)
			k.settle()
		}
		s := k.broker.Stats()
		if least, most := int64(size*messages), int64((size+readers*200)*messages); s.QueueDropped > 0 ||
			s.QueuedBytes < least || s.QueuedBytes > most {
			t.Errorf("%d dropped; %d bytes are queued, not %d to %d", s.QueueDropped, s.QueuedBytes, least, most)
		}
		for _, deaf := range k.peers[1 : 1+readers/2] {
			deaf.set(func() { deaf.deaf = false }) // and reads it all
		}
		for _, deaf := range k.peers[1+readers/2:] {
			deaf.hangUp()
		}
		k.settle()
		if s := k.broker.Stats(); s.QueuedBytes != 0 || s.Clients != 1+readers/2 {
			t.Errorf("in the end: %+v", s)
		}
	})
}
