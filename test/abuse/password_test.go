package abuse

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/foxmq/foxmq/internal/client"
	"github.com/foxmq/foxmq/internal/mqtt"
	"github.com/foxmq/foxmq/test/cluster"
)

// guessers is how many connections try wrong passwords at a time, more than may wait from one address.
const guessers = 200

// TestAFloodOfWrongPasswords tries wrong passwords from one address, as fast as they are refused. A client who is
// connected goes on, and another can log in though its password has to be checked: its turn comes before those of
// nearly all who guess.
func TestAFloodOfWrongPasswords(t *testing.T) {
	c := cluster.Start(t, 1)
	addUsers(t, c, "alice", "bob")
	ctx, cancel := context.WithTimeout(t.Context(), cluster.Patience)
	defer cancel()
	alice := logIn(ctx, t, c, "alice")
	defer alice.Close()
	t.Logf("alone:         %s", roundTrips(ctx, t, alice))

	f := startFlood(t, c.Nodes[0].MQTT)
	f.waitForRefusals(ctx, t)
	t.Logf("beside a flood: %s", roundTrips(ctx, t, alice))
	before := look(t, c)
	logIn(ctx, t, c, "bob").Close()
	after := look(t, c)
	f.stop()

	if checked := after.Failed - before.Failed; checked > 32 {
		t.Errorf("%d guesses came before a good login", checked)
	}
	if after.Slowed == 0 {
		t.Errorf("the address that guesses is not slowed: %+v", after)
	}
	t.Logf("of the guesses %d were answered, %d of these late, and %d refused unseen", after.Failed, after.Slowed, after.Refused)
}

// addUsers adds users whose passwords are their names, and waits until the node knows them.
func addUsers(t *testing.T, c *cluster.Cluster, names ...string) {
	t.Helper()
	for _, name := range names {
		add := exec.Command(cluster.Binary(t), "user", "add", "-O", filepath.Join(c.Dir(), "users.toml"), name, name)
		if out, err := add.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	for end := time.Now().Add(cluster.Patience); ; time.Sleep(200 * time.Millisecond) {
		o := client.Options{Username: names[0], Password: names[0]}
		first, err := client.Dial(t.Context(), c.Nodes[0].MQTT, o)
		if err == nil {
			first.Close()
			return
		}
		if time.Now().After(end) {
			t.Fatalf("the users are not known: %v", err)
		}
	}
}

func logIn(ctx context.Context, t *testing.T, c *cluster.Cluster, name string) *client.Client {
	t.Helper()
	good, err := client.Dial(ctx, c.Nodes[0].MQTT, client.Options{ClientID: name, Username: name, Password: name})
	if err != nil {
		t.Fatal(err)
	}
	return good
}

// roundTrips publishes one message after the other, and says how long that took.
func roundTrips(ctx context.Context, t *testing.T, good *client.Client) string {
	t.Helper()
	took := make([]time.Duration, 100)
	for i := range took {
		start := time.Now()
		if err := good.Publish(ctx, "a", nil, 1, false); err != nil {
			t.Fatal(err)
		}
		took[i] = time.Since(start)
	}
	slices.Sort(took)
	return fmt.Sprintf("publish to PUBACK in %v, at the 99th percentile %v", took[len(took)/2], took[len(took)*99/100])
}

// flood is somebody who guesses passwords.
type flood struct {
	refused atomic.Int64
	quit    context.CancelFunc
	group   sync.WaitGroup
}

func startFlood(t *testing.T, addr string) *flood {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	probe, err := d.Dial("tcp", addr)
	if err != nil {
		t.Skipf("this machine has no second address: %v", err)
	}
	probe.Close()
	ctx, cancel := context.WithCancel(t.Context())
	f := &flood{quit: cancel}
	for i := range guessers {
		f.group.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				f.guess(ctx, &d, addr, fmt.Sprintf("%d-%d", i, n))
			}
		})
	}
	return f
}

// guess tries a password and waits for the answer.
func (f *flood) guess(ctx context.Context, d *net.Dialer, addr, password string) {
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	connect := &mqtt.Connect{
		Version: mqtt.V5, CleanStart: true, HasUsername: true, Username: "alice", HasPassword: true, Password: []byte(password),
	}
	if _, err := conn.Write(connect.Append(nil, mqtt.V5)); err != nil {
		return
	}
	answer, err := mqtt.NewReader(bufio.NewReader(conn), mqtt.V5, 1<<10).Next()
	if connack, ok := answer.(*mqtt.Connack); err == nil && ok && connack.Code == mqtt.BadUserNameOrPassword {
		f.refused.Add(1)
	}
}

// waitForRefusals waits until the node has had cause to slow the address.
func (f *flood) waitForRefusals(ctx context.Context, t *testing.T) {
	t.Helper()
	for f.refused.Load() < 12 {
		select {
		case <-ctx.Done():
			t.Fatal("nobody is refused")
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (f *flood) stop() {
	f.quit()
	f.group.Wait()
}

// logins is what a node counts of them.
type logins struct{ Checking, Waiting, Failed, Slowed, Refused int64 }

func look(t *testing.T, c *cluster.Cluster) logins {
	t.Helper()
	body, err := c.RawStatus(0)
	if err != nil {
		t.Fatal(err)
	}
	var s struct {
		Users logins `json:"users"`
	}
	if err := json.Unmarshal(body, &s); err != nil {
		t.Fatal(err)
	}
	return s.Users
}
