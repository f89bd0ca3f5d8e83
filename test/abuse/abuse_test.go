package abuse

import (
	"testing"

	"github.com/foxmq/foxmq/test/cluster"
)

// maxMemory in MiB is what a node may occupy through all attacks of TestAttacks: what may wait to be ordered (32 MiB) several
// times over, on its way from packet to event to log, and as much again until it is collected.
const maxMemory = 1024

// serve starts a node with all doors, whose limits are low enough to be reached in a short time.
func serve(t *testing.T, flags ...string) *cluster.Cluster {
	t.Helper()
	c := cluster.New(t, cluster.Config{
		Nodes: 1, Doors: true, Flags: flags, Files: map[string]string{"users.toml": users},
	})
	return c
}

// users have their names as passwords.
const users = `
[users.alice]
password-hash = "$argon2id$v=19$m=19456,t=2,p=1$AkQG1Zm50eoBKfl9g+HCqg$WuOkBfu+A1TvDj5vCNY95xbL9Ewv4aH6zuJmz+LQ7nA"
[users.bob]
password-hash = "$argon2id$v=19$m=19456,t=2,p=1$riib5hl/4vh0vH0l1/DfhQ$u5UlRIh7LNOVxvyZIHYntkdhEmbTKV+ULFtkq0M0RtQ"
`

// TestAttacks makes every attack on one node. The good client's messages all come back, once and in order, while the attack
// goes on and after it; the node keeps within its memory, and afterwards is as before.
func TestAttacks(t *testing.T) {
	c := serve(t, "--connect-timeout", "1s", "--max-queued-messages", "2000")
	g := startGood(t, c)
	g.awaitMessages(t, 20)
	for _, a := range attacks {
		t.Run(a.name, func(t *testing.T) {
			before := look(t, c)
			stop := launch(t, c, a.name, false)
			awaitSeen(t, c, a, before)
			g.awaitMessages(t, 20)
			if used := look(t, c).memory(); used > maxMemory {
				t.Errorf("the node occupies %.0f MiB", used)
			}
			stop()
			awaitCalm(t, c, before)
		})
	}
	g.finish(t)
}

// awaitSeen waits until the node has met with the attack.
func awaitSeen(t *testing.T, c *cluster.Cluster, a attack, before metrics) {
	t.Helper()
	await(t, "the attack to be seen", func() bool {
		now := look(t, c)
		return a.seen(func(metric string) float64 { return now[metric] - before[metric] })
	})
}

// awaitCalm waits until the node has as many connections, files and goroutines as before the attack, and is ready.
func awaitCalm(t *testing.T, c *cluster.Cluster, before metrics) {
	t.Helper()
	c.WaitReady(0)
	var now metrics
	for _, m := range []struct {
		name string
		more float64 // that may be there for other reasons
	}{
		{"broker_connections", 0}, {"machine_connections", 0}, {"logins_waiting", 0}, {"process_open_fds", 5}, {"go_goroutines", 20},
	} {
		await(t, m.name+" to be as before", func() bool {
			now = look(t, c)
			return now[m.name] <= before[m.name]+m.more
		})
	}
}
