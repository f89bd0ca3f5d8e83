package chaos

import (
	"context"
	"testing"
	"time"

	"github.com/foxmq/foxmq/internal/client"
	"github.com/foxmq/foxmq/test/cluster"
)

// dial connects to a node, which may be about to start and then refuse at first.
func dial(t *testing.T, addr string, o client.Options) *client.Client {
	t.Helper()
	for ends := time.Now().Add(cluster.Patience); ; time.Sleep(20 * time.Millisecond) {
		c, err := client.Dial(patience(t), addr, o)
		if err == nil {
			t.Cleanup(c.Close)
			return c
		}
		if time.Now().After(ends) {
			t.Fatalf("%s: %v", o.ClientID, err)
		}
	}
}

func patience(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), cluster.Patience)
	t.Cleanup(cancel)
	return ctx
}
