package stealth

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/foxmq/foxmq/internal/mqtt"
	"github.com/foxmq/foxmq/test/cluster"
)

// connect returns a CONNECT of MQTT 5.
func connect(change func(p *mqtt.Connect)) []byte {
	p := &mqtt.Connect{Version: mqtt.V5, ClientID: "client", CleanStart: true}
	change(p)
	return p.Append(nil, mqtt.V5)
}

func as(user, password string) func(*mqtt.Connect) {
	return func(p *mqtt.Connect) {
		p.HasUsername, p.Username, p.HasPassword, p.Password = true, user, true, []byte(password)
	}
}

// refusals are what clients are refused for, and how a node that is not silent answers; 0: not at all. The node knows
// alice, of whom one client is connected, as many as may be, and has banned the client eve.
var refusals = []struct {
	name string
	says []byte
	code mqtt.ReasonCode
}{
	{"wrong password", connect(as("alice", "guess")), mqtt.BadUserNameOrPassword},
	{"unknown user", connect(as("mallory", "guess")), mqtt.BadUserNameOrPassword},
	{"two CONNECTs", bytes.Repeat(connect(as("alice", "guess")), 2), mqtt.BadUserNameOrPassword},
	{"banned client", connect(func(p *mqtt.Connect) { p.ClientID = "eve" }), mqtt.Banned},
	{"too many of a user", connect(as("alice", "alice")), mqtt.QuotaExceeded},
	{"enhanced authentication", connect(func(p *mqtt.Connect) { p.AuthMethod = "x" }), mqtt.BadAuthenticationMethod},
	{"will to a topic too deep", connect(func(p *mqtt.Connect) {
		p.Will = &mqtt.Will{Topic: strings.Repeat("/", 200)}
	}), mqtt.TopicNameInvalid},
	{"protocol level 6", []byte{0x10, 13, 0, 4, 'M', 'Q', 'T', 'T', 6, 2, 0, 60, 0, 0, 0}, mqtt.UnsupportedProtocolVersion},
	{"malformed CONNECT", []byte{0x10, 13, 0, 4, 'M', 'Q', 'T', 'T', 5, 3, 0, 60, 0, 0, 0}, mqtt.MalformedPacket},
	{"no CONNECT", []byte{0xc0, 0}, 0},
	{"no MQTT", []byte{0xff, 0xff, 0xff, 0xff, 0xff}, 0},
	{"HTTP", []byte("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), 0},
}

// TestWhoIsRefusedIsToldNothing knocks on every listener of a node that is to be silent, and of one that is not.
func TestWhoIsRefusedIsToldNothing(t *testing.T) {
	for _, silent := range []bool{false, true} {
		flags := []string{"--connect-timeout", "60s", "--max-connections-per-user", "1"}
		name := "loud"
		if silent {
			flags, name = append(flags, "--silent-connect-errors"), "silent"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := start(t, append(flags, "--max-topic-levels", "128")...)
			n.foxmq(t, "user", "add", "-O", filepath.Join(n.cluster.Dir(), "users.toml"), "alice", "alice")
			n.foxmq(t, "ban", "add", "--admin-addr", n.Admin, "client", "eve")
			n.awaitAlice(t)
			var knocks sync.WaitGroup // most of the time they wait, so that more at a time than t.Parallel allows cost nothing
			for i, w := range ways {
				for _, r := range refusals {
					knocks.Go(func() {
						var want []byte
						if r.code != 0 && !silent {
							want = (&mqtt.Connack{Code: r.code}).Append(nil, mqtt.V5)
						}
						got, err := n.knock(w, net.IPv4(127, 0, 0, byte(10+i)), r.says)
						if err != nil || !bytes.Equal(got, want) {
							t.Errorf("%s, %s: got % x, %v, want % x", w.name, r.name, got, err, want)
						}
					})
				}
			}
			knocks.Wait()
		})
	}
}

// TestWhoTakesTooLongIsToldNothing sends half a CONNECT.
func TestWhoTakesTooLongIsToldNothing(t *testing.T) {
	n := start(t, "--connect-timeout", "3s")
	var knocks sync.WaitGroup
	for i, w := range ways {
		knocks.Go(func() {
			got, err := n.knock(w, net.IPv4(127, 0, 0, byte(30+i)), []byte{0x10, 13, 0, 4, 'M', 'Q'})
			if err != nil || len(got) > 0 {
				t.Errorf("%s: got % x, %v", w.name, got, err)
			}
		})
	}
	knocks.Wait()
}

// foxmq runs a command.
func (n *node) foxmq(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command(cluster.Binary(t), args...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// awaitAlice connects alice, who stays, as soon as the node knows her.
func (n *node) awaitAlice(t *testing.T) {
	t.Helper()
	says := connect(func(p *mqtt.Connect) {
		as("alice", "alice")(p)
		p.ClientID = "alice"
	})
	for ends := time.Now().Add(cluster.Patience); time.Now().Before(ends); time.Sleep(100 * time.Millisecond) {
		c, err := net.Dial("tcp", n.MQTT)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		answer := make([]byte, 4)
		if _, err := c.Write(says); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(c, answer); err == nil && answer[3] == byte(mqtt.Success) {
			return
		}
	}
	t.Fatal("alice is not let in")
}

// knock sends bytes, and returns what comes until the connection is closed.
func (n *node) knock(w way, from net.IP, says []byte) ([]byte, error) {
	c, err := w.dial(n, from)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(cluster.Patience)); err != nil {
		return nil, err
	}
	if _, err := c.Write(says); err != nil {
		return nil, err
	}
	got, err := io.ReadAll(c)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return got, errors.New("the connection is not closed")
	}
	return got, nil // whether by a word or a reset is all the same
}
