package abuse

import (
	"context"
	"testing"

	"github.com/foxmq/foxmq/internal/client"
	"github.com/foxmq/foxmq/test/cluster"
)

// TestALoginAmongWrongPasswords lets somebody log in, whose password has to be checked, while another address tries wrong
// ones as fast as they are refused: the good login's turn comes before those of nearly all who guess.
func TestALoginAmongWrongPasswords(t *testing.T) {
	c := serve(t)
	start := look(t, c)
	stop := launch(t, c, "wrong passwords", false)
	awaitSeen(t, c, find("wrong passwords"), start)

	before := look(t, c)
	logIn(t, c, "bob")
	after := look(t, c)
	stop()
	if checked := after["logins_failed_total"] - before["logins_failed_total"]; checked > 32 {
		t.Errorf("%.0f guesses came before a good login", checked)
	}
	t.Logf("of the guesses %.0f were answered, %.0f of these late, and %.0f refused unseen",
		after["logins_failed_total"], after["logins_slowed_total"], after["logins_refused_total"])
}

func logIn(t *testing.T, c *cluster.Cluster, name string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), cluster.Patience)
	defer cancel()
	user, err := client.Dial(ctx, c.Nodes[0].MQTT, client.Options{Username: name, Password: name})
	if err != nil {
		t.Fatal(err)
	}
	user.Close()
}
