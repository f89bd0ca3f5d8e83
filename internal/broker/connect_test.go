package broker_test

import (
	"testing"
	"time"

	"github.com/foxmq/foxmq/internal/broker"
	"github.com/foxmq/foxmq/internal/mqtt"
	"github.com/foxmq/foxmq/internal/replica"
)

// usual is a broker that lets everybody in.
var usual = broker.Config{}

func TestEveryVersionIsLetIn(t *testing.T) {
	play(t, usual, func(k *kit) {
		for _, v := range []mqtt.Version{mqtt.V31, mqtt.V311, mqtt.V5} {
			k.join(v.String(), v)
		}
		if s := k.broker.Stats(); s.Clients != 3 || s.Connections != 3 {
			k.t.Fatalf("%+v", s)
		}
	})
}

func TestUnknownProtocolLevel(t *testing.T) {
	play(t, usual, func(k *kit) {
		p := k.dial("future", mqtt.V5)
		p.raw(0x10, 13, 0, 4, 'M', 'Q', 'T', 'T', 6, 2, 0, 60, 0, 0, 0)
		p.gets("CONNACK 84", "closed")
		p = k.dial("past", mqtt.V311)
		p.raw(0x10, 12, 0, 4, 'M', 'Q', 'T', 'T', 2, 2, 0, 60, 0, 0)
		p.gets("CONNACK 84", "closed")
	})
}

func TestTheFirstPacketMustBeConnect(t *testing.T) {
	play(t, usual, func(k *kit) {
		p := k.dial("rude", mqtt.V5)
		p.send(&mqtt.Pingreq{})
		p.gets("closed")
		k.dial("http", mqtt.V5).raw([]byte("GET / HTTP/1.1\r\n\r\n")...)
		k.peers[1].gets("closed")
	})
}

func TestASecondConnectIsAnError(t *testing.T) {
	play(t, usual, func(k *kit) {
		p := k.join("twice", mqtt.V5)
		p.connect()
		p.gets("DISCONNECT 82", "closed")
	})
}

func TestConnectMustComeInTime(t *testing.T) {
	play(t, usual, func(k *kit) {
		shy, slow := k.dial("shy", mqtt.V5), k.dial("slow", mqtt.V5)
		for _, b := range []byte{0x10, 13, 0, 4, 'M', 'Q', 'T', 'T', 5} {
			slow.raw(b)
			time.Sleep(time.Second)
		}
		shy.gets()
		slow.gets()
		time.Sleep(2 * time.Second)
		shy.gets("closed")
		slow.gets("closed")
	})
}

func TestEnhancedAuthenticationIsRefused(t *testing.T) {
	play(t, usual, func(k *kit) {
		p := k.dial("client", mqtt.V5)
		p.connect(func(c *mqtt.Connect) { c.AuthMethod = "SCRAM-SHA-1" })
		p.gets("CONNACK 8c", "closed")
	})
}

func TestEmptyClientIDs(t *testing.T) {
	for _, c := range []struct {
		version mqtt.Version
		clean   bool
		want    []string
	}{
		{mqtt.V5, true, []string{"CONNACK 00 assigned id"}},
		{mqtt.V5, false, []string{"CONNACK 00 assigned id"}},
		{mqtt.V311, true, []string{"CONNACK 00"}},
		{mqtt.V311, false, []string{"CONNACK 85", "closed"}},
		{mqtt.V31, true, []string{"CONNACK 85", "closed"}},
	} {
		play(t, usual, func(k *kit) {
			p, other := k.dial("", c.version), k.dial("", c.version)
			p.connect(func(m *mqtt.Connect) { m.CleanStart = c.clean })
			p.gets(c.want...)
			other.connect(func(m *mqtt.Connect) { m.CleanStart = c.clean })
			other.gets(c.want...)
			p.gets()
		})
	}
}

func TestWhatTheClientIsToldAtConnect(t *testing.T) {
	play(t, broker.Config{MaxKeepAlive: 100}, func(k *kit) {
		p := k.dial("demanding", mqtt.V5)
		p.connect(func(c *mqtt.Connect) { c.KeepAlive, c.SessionExpiry, c.CleanStart = 1000, 3600, false })
		p.gets("CONNACK 00 expiry=0 keepalive=100")
		p = k.dial("endless", mqtt.V5)
		p.connect(func(c *mqtt.Connect) { c.KeepAlive = 0 })
		p.gets("CONNACK 00 keepalive=100")
		p = k.dial("modest", mqtt.V5)
		p.connect(func(c *mqtt.Connect) { c.KeepAlive = 100 })
		p.gets("CONNACK 00")
	})
}

func TestConnectIsATransaction(t *testing.T) {
	inVersions(t, func(k *kit, v mqtt.Version) {
		k.stream.freeze()
		p, slow := k.dial("client", v), k.dial("unlucky", v)
		p.connect()
		p.gets()
		time.Sleep(5 * time.Second)
		slow.connect()
		slow.gets()
		k.stream.resume()
		p.gets("CONNACK 00")
		slow.gets("CONNACK 00")
	})
}

func TestConnectThatIsNotOrderedInTime(t *testing.T) {
	inVersions(t, func(k *kit, v mqtt.Version) {
		k.stream.freeze()
		p := k.dial("client", v)
		p.connect()
		time.Sleep(9 * time.Second)
		p.gets()
		time.Sleep(2 * time.Second)
		p.gets("CONNACK 88", "closed")
		k.stream.resume()
		k.nobodyConnected()
	})
}

// A client that was refused has nobody who would want its will, even if its CONNECT is ordered later.
func TestNoWillOfAClientThatWasRefused(t *testing.T) {
	inVersions(t, func(k *kit, v mqtt.Version) {
		sub := k.join("heir", v, silent)
		sub.subscribe("will")
		k.stream.freeze()
		k.stream.seal()
		p := k.dial("client", v)
		p.connect(withWill("will"))
		time.Sleep(11 * time.Second)
		p.gets("CONNACK 88", "closed")
		k.stream.resume()
		sub.gets()
		k.connections(1)
	})
}

// nobodyConnected checks that the cluster knows of no connection.
func (k *kit) nobodyConnected() {
	k.t.Helper()
	k.connections(0)
}

// connections checks how many connections the cluster knows of.
func (k *kit) connections(want int) {
	k.t.Helper()
	k.settle()
	var n int
	_ = k.stream.Do(func(m *replica.Machine) { n = m.Counts().Connections })
	if n != want {
		k.t.Fatalf("%d connections in the state, want %d", n, want)
	}
}

func TestWithoutQuorumLocalSessionsAreLetIn(t *testing.T) {
	inVersionsLasting(t, func(k *kit, v mqtt.Version) {
		k.stream.stall()
		p := k.join("local", v)
		p.subscribe("#")
		p.publish("a", "hello", 1, 5)
		p.gets()

		lasting := k.dial("lasting", v)
		lasting.connect(for1h)
		time.Sleep(11 * time.Second)
		lasting.gets("CONNACK 88", "closed")
		p.gets()

		k.stream.resume()
		p.gets("PUBACK #5", `PUBLISH a "hello" q1 #1`)
		k.connections(1)
	})
}

func TestAConnectThatTheQuorumNeverSawIsWithdrawn(t *testing.T) {
	play(t, usual, func(k *kit) {
		k.stream.stall()
		p := k.join("roamer", mqtt.V5)
		p.send(&mqtt.Disconnect{})
		p.gets("closed")
		k.stream.elsewhere(0, &replica.Connect{Connection: 1, ClientID: "roamer"})
		k.stream.resume()
		k.connections(1)
	})
}

func TestTheStreamIsFullWhileClientsConnect(t *testing.T) {
	play(t, usual, func(k *kit) {
		k.stream.stall()
		k.stream.limit(0)
		p, q := k.join("patient", mqtt.V5), k.join("impatient", mqtt.V5)
		q.hangUp()
		p.publish("a", "x", 1, 1)
		p.send(&mqtt.Pingreq{})
		p.gets("PINGRESP")
		k.stream.limit(100)
		k.stream.resume()
		p.gets("PUBACK #1")
		k.connections(1)
	})
}

func TestTakeover(t *testing.T) {
	inVersions(t, func(k *kit, v mqtt.Version) {
		first := k.join("me", v)
		second := k.join("me", v)
		first.gets(goodbye(v, "DISCONNECT 8e")...)
		k.stream.elsewhere(0, &replica.Connect{Connection: 1, ClientID: "me"})
		second.gets(goodbye(v, "DISCONNECT 8e")...)
		k.connections(1)
	})
}

// goodbye is how a connection ends: only MQTT 5 has a DISCONNECT from the server.
func goodbye(v mqtt.Version, disconnect string) []string {
	if v == mqtt.V5 {
		return []string{disconnect, "closed"}
	}
	return []string{"closed"}
}

func TestTakeoverWithoutQuorum(t *testing.T) {
	play(t, usual, func(k *kit) {
		first := k.join("me", mqtt.V5)
		k.stream.stall()
		second := k.join("me", mqtt.V5)
		first.gets("DISCONNECT 8e", "closed")
		third := k.join("me", mqtt.V5)
		second.gets("DISCONNECT 8e", "closed")
		k.stream.resume()
		third.publish("a", "still here", 1, 1)
		third.gets("PUBACK #1")
		k.connections(1)
	})
}

func TestConnectionsAreBounded(t *testing.T) {
	play(t, broker.Config{MaxConnections: 2}, func(k *kit) {
		a, _ := k.join("a", mqtt.V5), k.join("b", mqtt.V5)
		k.dial("c", mqtt.V5).gets("closed")
		a.hangUp()
		k.settle()
		k.join("d", mqtt.V5)
		if s := k.broker.Stats(); s.RefusedConnections != 1 {
			k.t.Fatalf("%+v", s)
		}
	})
}

func TestStopping(t *testing.T) {
	inVersions(t, func(k *kit, v mqtt.Version) {
		p := k.join("client", v)
		half := k.dial("not yet connected", v)
		k.stop()
		p.gets(goodbye(v, "DISCONNECT 8b")...)
		half.gets("closed")
		k.dial("too late", v).gets("closed")
	})
}

func TestStoppingDoesNotWaitForTheOrder(t *testing.T) {
	inVersions(t, func(k *kit, v mqtt.Version) {
		p, late := k.join("client", v), k.dial("late", v)
		k.stream.freeze()
		k.stream.limit(0)
		p.publish("a", "x", 1, 1)
		late.connect()
		p.gets()
		k.stop()
		p.gets(goodbye(v, "DISCONNECT 8b")...)
		late.gets("closed")
		if s := k.broker.Stats(); s.Connections != 0 {
			k.t.Fatalf("%+v", s)
		}
	})
}

func TestTheClusterHasNoRoomForAConnection(t *testing.T) {
	play(t, usual, func(k *kit) {
		k.stream.machine = replica.New(2, replica.Limits{Connections: 1})
		k.join("first", mqtt.V5)
		p, old := k.dial("second", mqtt.V5), k.dial("third", mqtt.V311)
		p.connect()
		old.connect()
		p.gets("CONNACK 97", "closed")
		old.gets("CONNACK 88", "closed") // return code 3 says both
	})
}

// TestASecondConnectIsAProtocolError whatever is in it [MQTT-3.1.0-2], and an AUTH that names no method, too: other reasons
// there are for CONNACK only [MQTT-3.14.2-1].
func TestASecondConnectIsAProtocolError(t *testing.T) {
	for name, raw := range map[string][]byte{
		"another version":  {0x10, 13, 0, 4, 'M', 'Q', 'T', 'T', 6, 2, 0, 60, 0, 0, 0},
		"another protocol": {0x10, 13, 0, 4, 'M', 'Q', 'T', 'X', 5, 2, 0, 60, 0, 0, 0},
		"a method":         {0x10, 16, 0, 4, 'M', 'Q', 'T', 'T', 5, 2, 0, 60, 3, 0x15, 0, 0, 0, 0},
		"AUTH":             {0xf0, 5, 0x18, 3, 0x15, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, usual, func(k *kit) {
				p := k.join("client", mqtt.V5)
				p.raw(raw...)
				p.gets("DISCONNECT 82", "closed")
			})
		})
	}
}
