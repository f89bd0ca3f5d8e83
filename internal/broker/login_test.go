package broker_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/foxmq/foxmq/internal/broker"
	"github.com/foxmq/foxmq/internal/mqtt"
	"github.com/foxmq/foxmq/internal/replica"
)

// town is users and permissions that change.
type town struct {
	mu        sync.Mutex
	passwords map[string]string // guarded by mu
	denied    []string          // topics that nobody may use; guarded by mu
	guests    bool              // anonymous clients are let in; guarded by mu
	changed   chan struct{}     // nil if nobody waits; guarded by mu
	departed  int               // how many logins have been left; guarded by mu
}

func newTown(namesAndPasswords ...string) *town {
	t := &town{passwords: map[string]string{}}
	for pair := range slices.Chunk(namesAndPasswords, 2) {
		t.passwords[pair[0]] = pair[1]
	}
	return t
}

// config is of a broker that lets lasting sessions be made.
func (t *town) config() broker.Config {
	return broker.Config{
		Users: t, Permissions: t, MaxSessionExpiry: time.Hour, UsersChanged: t.hasChanged,
		AllowAnonymous: func() bool {
			t.mu.Lock()
			defer t.mu.Unlock()
			return t.guests
		},
	}
}

func (t *town) hasChanged() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.changed == nil {
		t.changed = make(chan struct{})
	}
	return t.changed
}

// change changes the town and waits until everybody has heard.
func (t *town) change(k *kit, how func()) {
	t.mu.Lock()
	how()
	close(t.changed)
	t.changed = nil
	t.mu.Unlock()
	k.settle()
}

func (t *town) Authenticate(ctx context.Context, _ netip.Addr, user string, password []byte) (broker.Login, error) {
	if user == "slow" {
		<-ctx.Done()
		return nil, broker.ErrBusy
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if right, known := t.passwords[user]; !known || right != string(password) {
		return nil, errors.New("wrong")
	}
	return &citizen{t, user, string(password)}, nil
}

func (t *town) MayPublish(_, _, topic string) bool { return t.MaySubscribe("", "", topic) }

func (t *town) MaySubscribe(_, _, filter string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return !slices.Contains(t.denied, filter)
}

type citizen struct {
	town           *town
	user, password string
}

func (c *citizen) Stands() bool {
	c.town.mu.Lock()
	defer c.town.mu.Unlock()
	right, known := c.town.passwords[c.user]
	return known && right == c.password
}

func (c *citizen) Leave() {
	c.town.mu.Lock()
	defer c.town.mu.Unlock()
	c.town.departed++
}

func as(user, password string) func(*mqtt.Connect) {
	return func(c *mqtt.Connect) {
		c.HasUsername, c.Username, c.HasPassword, c.Password = true, user, true, []byte(password)
	}
}

func yes() bool { return true }

func TestLogin(t *testing.T) {
	for _, c := range []struct {
		name   string
		config broker.Config
		login  func(*mqtt.Connect)
		want   []string
	}{
		{"right", broker.Config{}, as("alice", "secret"), []string{"CONNACK 00"}},
		{"wrong password", broker.Config{}, as("alice", "guess"), []string{"CONNACK 86", "closed"}},
		{"unknown user", broker.Config{AllowAnonymous: yes}, as("eve", "secret"), []string{"CONNACK 86", "closed"}},
		{"anonymous", broker.Config{}, func(*mqtt.Connect) {}, []string{"CONNACK 87", "closed"}},
		{"allowed anonymous", broker.Config{AllowAnonymous: yes}, func(*mqtt.Connect) {}, []string{"CONNACK 00"}},
		{"silence", broker.Config{SilentConnectErrors: yes}, as("alice", "guess"), []string{"closed"}},
	} {
		c.config.Users = newTown("alice", "secret")
		for _, v := range versions {
			t.Run(c.name+" "+v.String(), func(t *testing.T) {
				play(t, c.config, func(k *kit) {
					p := k.dial("client", v)
					p.connect(c.login)
					p.gets(c.want...)
				})
			})
		}
	}
}

func TestALoginWaitsForItsTurnWithinTheTimeout(t *testing.T) {
	for v, want := range map[mqtt.Version]string{mqtt.V311: "CONNACK 88", mqtt.V5: "CONNACK 97"} { // 3.1.1: return code 3
		play(t, newTown().config(), func(k *kit) {
			p := k.dial("client", v)
			p.connect(as("slow", ""))
			time.Sleep(9 * time.Second)
			p.gets()
			time.Sleep(2 * time.Second)
			p.gets(want, "closed")
			if s := k.broker.Stats(); s.BadLogins != 0 || s.RefusedConnects != 1 {
				k.t.Errorf("%+v", s)
			}
		})
	}
}

// inTown is a script with alice, whose will goes to the heir, and bob.
func inTown(t *testing.T, script func(k *kit, town *town, alice, bob, heir *peer)) {
	t.Helper()
	for _, v := range versions {
		t.Run(v.String(), func(t *testing.T) {
			town := newTown("alice", "a", "bob", "b", "heir", "h")
			play(t, town.config(), func(k *kit) {
				alice := k.join("alice", v, as("alice", "a"), withWill("will"))
				bob, heir := k.join("bob", v, as("bob", "b")), k.join("heir", v, as("heir", "h"))
				heir.subscribe("will")
				script(k, town, alice, bob, heir)
			})
		})
	}
}

func TestARemovedUserIsClosed(t *testing.T) {
	inTown(t, func(k *kit, town *town, alice, bob, heir *peer) {
		town.change(k, func() { delete(town.passwords, "alice") })
		alice.gets(goodbye(alice.version, "DISCONNECT 87")...)
		if got := heir.take(); len(got) != 1 {
			k.t.Errorf("of the will came %q", got)
		}
		bob.gets()
		again := k.dial("alice", alice.version)
		again.connect(as("alice", "a"))
		again.gets("CONNACK 86", "closed")
		if s := k.broker.Stats(); s.Expelled != 1 || s.Clients != 2 || town.departed != 1 {
			k.t.Errorf("%+v, %d have left", s, town.departed)
		}
	})
}

func TestANewPasswordClosesWhoCameWithTheOld(t *testing.T) {
	inTown(t, func(k *kit, town *town, alice, bob, _ *peer) {
		town.change(k, func() { maps.Copy(town.passwords, map[string]string{"bob": "new", "carol": "c"}) })
		bob.gets(goodbye(bob.version, "DISCONNECT 87")...)
		alice.gets()
		k.join("bob", bob.version, as("bob", "new"))
	})
}

func TestAnonymousClientsAreClosedWhenNoLongerWelcome(t *testing.T) {
	inTown(t, func(k *kit, town *town, alice, _, _ *peer) {
		town.change(k, func() { town.guests = true })
		guest := k.join("guest", alice.version)
		town.change(k, func() { town.passwords["carol"] = "c" })
		guest.gets()
		town.change(k, func() { town.guests = false })
		guest.gets(goodbye(alice.version, "DISCONNECT 87")...)
		alice.gets()
	})
}

// The change comes while the CONNECT waits to be ordered.
func TestAUserWhoIsRemovedWhileConnectingIsClosed(t *testing.T) {
	inTown(t, func(k *kit, town *town, alice, _, _ *peer) {
		town.passwords["carol"] = "c"
		k.stream.freeze()
		carol := k.dial("carol", alice.version)
		carol.connect(as("carol", "c"))
		k.settle()
		town.change(k, func() { delete(town.passwords, "carol") })
		k.stream.resume()
		got := carol.take()
		if want := append([]string{"CONNACK 00"}, goodbye(alice.version, "DISCONNECT 87")...); !slices.Equal(got, want) {
			k.t.Errorf("carol got %q, want %q", got, want)
		}
		k.connections(3)
	})
}

func TestWhatIsDeniedIsNoLongerSent(t *testing.T) {
	inTown(t, func(k *kit, town *town, alice, bob, _ *peer) {
		bob.subscribe("#")
		last := k.begin("lasting", alice.version, as("bob", "b"))
		last.subscribe("a/+")
		say := func(topic string, id uint16) {
			alice.publish(topic, "x", 1, id)
			k.settle()
		}
		say("a/b", 1)
		bob.gets(`PUBLISH a/b "x" q1 #1`)
		last.gets(`PUBLISH a/b "x" q1 #1`)
		last.puback(1)
		k.settle()
		last.hangUp()
		k.settle()

		say("a/b", 2)
		say("a/c", 3)
		town.change(k, func() { town.denied = []string{"a/b"} })
		bob.gets(`PUBLISH a/b "x" q1 #2`, `PUBLISH a/c "x" q1 #3`)
		k.stream.elsewhere(0, &replica.Connect{Connection: 1, ClientID: "other", Clean: true})
		denied := replica.Message{Topic: "a/b", Payload: []byte("y"), QoS: 1} // here alice may not publish it either
		k.stream.elsewhere(1, &replica.Publish{Connection: 1, Message: denied})
		say("a/c", 4)
		bob.gets(`PUBLISH a/c "x" q1 #4`)
		last = k.come("lasting", alice.version, as("bob", "b"))
		last.gets(present, `PUBLISH a/c "x" q1 #3`, `PUBLISH a/c "x" q1 #5`)
		if s := k.broker.Stats(); s.DeniedDeliveries != 3 {
			k.t.Errorf("%d deliveries were withheld", s.DeniedDeliveries)
		}
		last.puback(3)
		last.puback(5)
		k.settle()
		last.hangUp()
		k.settle()

		town.change(k, func() { town.denied = nil })
		last = k.come("lasting", alice.version, as("bob", "b"))
		last.gets(present) // what was withheld is done with
		say("a/b", 5)
		bob.gets(`PUBLISH a/b "x" q1 #5`)
	})
}

// What a member of a group may no longer have goes to another, at once and when the member comes back.
func TestWhoIsDeniedLeavesTheGroup(t *testing.T) {
	inTown(t, func(k *kit, town *town, alice, bob, _ *peer) {
		last := k.begin("lasting", alice.version, as("bob", "b"))
		last.subscribe("$share/g/a/b", "$share/g/a/c")
		bob.subscribe("$share/g/a/c", "$share/g/a/d")
		for _, gone := range []string{"a/c", "a/b"} {
			town.change(k, func() { town.denied = []string{gone} })
			k.settle()
		}
		town.change(k, func() { town.denied = nil })
		shares := func(client string, want ...string) {
			k.t.Helper()
			var got []string
			_ = k.stream.Do(func(m *replica.Machine) { got = m.Shares(client) })
			if !slices.Equal(got, want) {
				k.t.Errorf("%s shares %q, want %q", client, got, want)
			}
		}
		shares("lasting")
		shares("bob", "$share/g/a/d")

		last.subscribe("$share/g/a/b", "$share/g/a/c")
		last.hangUp()
		k.settle()
		town.change(k, func() { town.denied = []string{"a/b"} })
		shares("lasting", "$share/g/a/b", "$share/g/a/c")
		k.come("lasting", alice.version, as("bob", "b")).gets(present)
		shares("lasting", "$share/g/a/c")
	})
}

// TestASubscriptionOfAGroupThatComesTooLateIsLeft: it was asked for when the client still might, and is made when it may no more.
func TestASubscriptionOfAGroupThatComesTooLateIsLeft(t *testing.T) {
	inTown(t, func(k *kit, town *town, _, bob, _ *peer) {
		k.stream.stall()
		bob.ask(7, mqtt.Subscription{Filter: "$share/g/a/c", QoS: 1})
		k.settle()
		town.change(k, func() { town.denied = []string{"a/c"} })
		k.settle()
		k.stream.resume()
		bob.gets("SUBACK #7 01")
		_ = k.stream.Do(func(m *replica.Machine) {
			if got := m.Shares("bob"); len(got) > 0 {
				t.Errorf("bob still shares %q", got)
			}
		})
	})
}

// counting lets everybody do everything, and counts the questions about subscriptions.
type counting struct{ asked atomic.Int64 }

func (c *counting) MayPublish(_, _, _ string) bool { return true }

func (c *counting) MaySubscribe(_, _, _ string) bool {
	c.asked.Add(1)
	return true
}

// TestASubscriptionIsLookedAtAlone: with what the session shares besides it has nothing to do.
func TestASubscriptionIsLookedAtAlone(t *testing.T) {
	const many = 200
	permissions := &counting{}
	config := generous
	config.Permissions = permissions
	play(t, config, func(k *kit) {
		c := k.begin("client", mqtt.V5)
		var filters []mqtt.Subscription
		for i := range many {
			filters = append(filters, mqtt.Subscription{Filter: fmt.Sprint("$share/g/", i), QoS: 1})
		}
		c.ask(1, filters...)
		c.take()
		c.hangUp()
		k.settle()
		c = k.come("client", mqtt.V5)
		c.take()
		before := permissions.asked.Load()
		for range 10 {
			c.ask(1, filters[0])
			c.gets("SUBACK #1 01")
		}
		if asked := permissions.asked.Load() - before; asked >= many {
			t.Errorf("10 subscriptions are looked at %d times", asked)
		}
	})
}
