package roam

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/foxmq/foxmq/internal/client"
	"github.com/foxmq/foxmq/internal/mqtt"
	"github.com/foxmq/foxmq/test/chaos/verdict"
)

// settled is how long nothing more may come until a node is believed to have sent all that it retains.
const settled = 500 * time.Millisecond

// Retained asks the node at an address what is retained on each topic. It waits for as many messages as are expected,
// until ctx ends.
func Retained(ctx context.Context, addr string, load Load, expected int) (map[string]verdict.Message, error) {
	var mu sync.Mutex
	kept := map[string]verdict.Message{}
	var broken error
	c, err := client.Dial(ctx, addr, client.Options{OnMessage: func(p *mqtt.Publish) {
		m, err := load.parse(p.Payload)
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			broken = fmt.Errorf("retained on %s: %w", p.Topic, err)
		}
		kept[p.Topic] = m
	}})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if err := c.Subscribe(ctx, Filter, 1); err != nil {
		return nil, err
	}
	for count := -1; ; {
		mu.Lock()
		last := count
		count = len(kept)
		done := count >= expected && count == last || ctx.Err() != nil
		result, err := maps.Clone(kept), broken
		mu.Unlock()
		if done {
			return result, err
		}
		time.Sleep(settled)
	}
}
