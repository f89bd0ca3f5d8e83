package conformance

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/foxmq/foxmq/internal/mqtt"
	"github.com/foxmq/foxmq/test/cluster"
)

const permissions = `
[permissions.alice]
topic = [
	{ filter = "a/#", allowed = ["publish", "subscribe"] },
	{ filter = "+/secret", allowed = ["publish"], denied = ["publish", "subscribe"] },
]
[[permissions.'*'.topic]]
filter = "a/#"
allowed = ["subscribe"]
`

// TestAccess writes users.toml and permissions.toml beside a running node, which must heed them, and heed them again
// when they change; a file that is wrong changes nothing.
func TestAccess(t *testing.T) {
	t.Parallel()
	c := cluster.Start(t, 1)
	record, err := exec.Command(cluster.Binary(t), "user", "generate", "alice", "wonder").Output()
	if err != nil {
		t.Fatal(err)
	}
	write(t, c, "permissions.toml", permissions)
	write(t, c, "users.toml", string(record))
	play(t, c, stages[0].place, "access", func(s *stage) {
		s.eventually(func() bool { return s.tryAlice("wonder") == "CONNACK" })
		s.checkLogin()
		s.checkAlice()
		s.checkEverybody()

		write(t, c, "permissions.toml", strings.Replace(permissions, `["subscribe"]`, `["subscribe", "publish"]`, 1))
		s.eventually(func() bool { return s.anonymousPublish() == "PUBACK" })
		write(t, c, "permissions.toml", "[permissions") // the node has to be told: it may not look before we go on
		hangUp(t, c)
		old, new := s.join(alice(mqtt.V311, "wonder")), s.join(withID(alice(mqtt.V5, "wonder"), "~2"))
		write(t, c, "users.toml", "")
		old.gets("closed")
		new.gets("DISCONNECT 87", "closed")
		s.eventually(func() bool { return s.tryAlice("wonder") == "CONNACK 86" })
		if got := s.anonymousPublish(); got != "PUBACK" {
			s.Errorf("after a broken file: %s", got)
		}
	})
}

func write(t *testing.T, c *cluster.Cluster, name, text string) {
	t.Helper()
	path := filepath.Join(c.Dir(), name)
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// hangUp sends SIGHUP, which makes the node read its files.
func hangUp(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	node, err := os.FindProcess(c.Pid(0))
	if err == nil {
		err = node.Signal(syscall.SIGHUP)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// eventually waits until it is so.
func (s *stage) eventually(so func() bool) {
	s.Helper()
	for end := time.Now().Add(cluster.Patience); !so(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			s.Fatal("it does not come to pass")
		}
	}
}

// alice is a CONNECT of hers.
func alice(v mqtt.Version, password string) mqtt.Connect {
	return mqtt.Connect{
		Version: v, ClientID: "~", CleanStart: true,
		HasUsername: true, Username: "alice", HasPassword: true, Password: []byte(password),
	}
}

func withID(c mqtt.Connect, id string) mqtt.Connect {
	c.ClientID = id
	return c
}

// tryAlice returns what alice's CONNECT gets.
func (s *stage) tryAlice(password string) string {
	s.Helper()
	p := s.connect(alice(mqtt.V5, password))
	defer p.hangUp()
	return p.describe(p.next())
}

func (s *stage) checkLogin() {
	for _, v := range []mqtt.Version{mqtt.V31, mqtt.V311, mqtt.V5} {
		s.connect(alice(v, "under")).gets("CONNACK 86", "closed")
		s.connect(alice(v, "")).gets("CONNACK 86", "closed")
		c := alice(v, "")
		c.HasPassword = false
		s.connect(c).gets("CONNACK 86", "closed")
		c = alice(v, "wonder")
		c.Will = &mqtt.Will{Topic: "b/secret"}
		s.connect(c).gets("CONNACK 87", "closed")
		s.join(alice(v, "wonder")).hangUp()
	}
}

// checkAlice publishes and subscribes to what is allowed and what is not.
func (s *stage) checkAlice() {
	p := s.join(alice(mqtt.V5, "wonder"))
	p.send(
		&mqtt.Publish{Topic: "b/secret", QoS: 1, PacketID: 1}, &mqtt.Publish{Topic: "b/secret", QoS: 2, PacketID: 2},
		&mqtt.Publish{Topic: "b/secret"}, &mqtt.Publish{Topic: "a/secret", QoS: 1, PacketID: 3},
	)
	p.gets("PUBACK 87", "PUBREC 87", "PUBACK")
	p.send(&mqtt.Subscribe{PacketID: 1, Subscriptions: []mqtt.Subscription{
		{Filter: "a/#"}, {Filter: "b/secret"}, {Filter: "#"}, {Filter: "b/open"},
	}})
	p.gets("SUBACK 00 87 87 00")
	p.hangUp()

	p = s.join(alice(mqtt.V311, "wonder"))
	p.send(&mqtt.Subscribe{PacketID: 1, Subscriptions: []mqtt.Subscription{{Filter: "a/#"}, {Filter: "b/secret"}}})
	p.gets("SUBACK 00 80")
	p.send(&mqtt.Publish{Topic: "b/secret", QoS: 1, PacketID: 1})
	p.gets("closed") // [MQTT-3.3.5-2 of 3.1.1]
}

// checkEverybody does the same for who is not alice.
func (s *stage) checkEverybody() {
	if got := s.anonymousPublish(); got != "PUBACK 87" {
		s.Errorf("an anonymous publish: %s", got)
	}
	p := s.publisher(mqtt.V5)
	p.subscribe(mqtt.Subscription{Filter: "a/b"}, mqtt.Subscription{Filter: "b/secret"})
}

// anonymousPublish returns how a publish to a/b is answered.
func (s *stage) anonymousPublish() string {
	s.Helper()
	p := s.publisher(mqtt.V5)
	defer p.hangUp()
	p.send(&mqtt.Publish{Topic: "a/b", QoS: 1, PacketID: 1})
	return p.describe(p.next())
}
