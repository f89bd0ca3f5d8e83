package broker_test

import (
	"net"
	"strings"
	"testing"

	"github.com/foxmq/foxmq/internal/broker"
	"github.com/foxmq/foxmq/internal/mqtt"
)

// certified is a connection whose client has proven a name.
type certified struct {
	net.Conn
	name string
}

func (c certified) ClientName() string { return c.name }

// asUser remembers whose permission was asked for.
type asUser struct{ user *string }

func (a asUser) MayPublish(user, _, _ string) bool   { *a.user = user; return true }
func (a asUser) MaySubscribe(user, _, _ string) bool { *a.user = user; return true }

// A proven name is the user's, whatever CONNECT says, and needs no password; without one the password rules.
func TestProvenName(t *testing.T) {
	var asked string
	config := broker.Config{Permissions: asUser{&asked}, Users: nobody{}}
	for name, want := range map[string]string{"alice": "CONNACK 00", "": "CONNACK 86"} {
		play(t, config, func(k *kit) {
			ours, theirs := net.Pipe()
			p := k.adopt("client", mqtt.V5, ours)
			k.broker.Handle(certified{theirs, name})
			p.send(&mqtt.Connect{Version: mqtt.V5, ClientID: "c", CleanStart: true, HasUsername: true, Username: "bob"})
			got := p.take()
			if len(got) == 0 || !strings.HasPrefix(got[0], want) {
				t.Fatalf("%q got %v, want %s", name, got, want)
			}
			if name == "" {
				return
			}
			p.send(&mqtt.Publish{Topic: "t"})
			k.settle()
			if asked != name {
				t.Errorf("%q is allowed what %q may", name, asked)
			}
		})
	}
}
