package e2e

import (
	"fmt"
	"sync"
	"testing"

	"github.com/foxmq/foxmq/internal/client"
	"github.com/foxmq/foxmq/test/cluster"
)

// Eight publishers spread over four nodes publish numbered messages at mixed QoS to topics that they share;
// subscribers of # on all four nodes must record the same, everything, and each publisher's messages in order.
func TestFourNodesRecordOneOrder(t *testing.T) {
	const publishers, each = 8, 5000
	c := cluster.Start(t, 4)
	records := make([]*record, len(c.Nodes))
	for i, n := range c.Nodes {
		records[i], _ = subscribeAll(t, n.MQTT, fmt.Sprintf("recorder-%d", i))
	}

	var wg sync.WaitGroup
	for p := range publishers {
		name := fmt.Sprintf("publisher-%d", p)
		pub := dial(t, c.Nodes[p%len(c.Nodes)].MQTT, client.Options{ClientID: name})
		wg.Go(func() {
			for i := range each {
				if err := pub.PublishAsync(topicOf(i), []byte(message(name, i)), byte(i%3), nil); err != nil {
					t.Errorf("%s: %v", name, err)
					return
				}
			}
			if err := pub.Flush(patience(t)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	wg.Wait()

	got := map[int][]string{}
	for i, r := range records {
		got[i] = r.waitFor(t, "everything", func(lines []string) bool { return len(lines) >= publishers*each })
	}
	assertSame(t, got)
	assertPublisherOrder(t, got[0])
	if len(got[0]) != publishers*each {
		t.Errorf("%d messages were delivered, %d published", len(got[0]), publishers*each)
	}
}
