package broker_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/foxmq/foxmq/internal/broker"
	"github.com/foxmq/foxmq/internal/mqtt"
	"github.com/foxmq/foxmq/internal/replica"
)

func target(kind replica.BanKind, value string) replica.BanTarget {
	t, err := replica.NewBanTarget(kind, value)
	if err != nil {
		panic(err)
	}
	return t
}

// from is a connection from an address.
type from struct {
	net.Conn
	address string
}

func (f from) RemoteAddr() net.Addr {
	return &net.TCPAddr{IP: net.ParseIP(f.address), Port: 50_000}
}

// dialFrom is dial from an address.
func (k *kit) dialFrom(address, name string, version mqtt.Version) *peer {
	return k.attach(name, version, func(c net.Conn) net.Conn { return from{c, address} })
}

// ban bans on this node, for seconds, and waits until nothing moves any more.
func (k *kit) ban(t replica.BanTarget, seconds uint32) {
	k.t.Helper()
	if _, err := k.broker.Ban(context.Background(), &replica.Ban{Target: t, Seconds: seconds}); err != nil {
		k.t.Fatal(err)
	}
	k.settle()
}

// TestABanClosesAndKeepsOut bans a client in each way, on this node and on another one.
func TestABanClosesAndKeepsOut(t *testing.T) {
	config := broker.Config{Users: newTown("alice", "secret"), AllowAnonymous: func() bool { return true }}
	for _, c := range []struct {
		target replica.BanTarget
		bytes  bool // CONNECT is answered
	}{
		{target(replica.BanClient, "eve"), true},
		{target(replica.BanUser, "alice"), true},
		{target(replica.BanAddress, "192.0.2.0/24"), false},
	} {
		for _, v := range versions {
			for _, elsewhere := range []bool{false, true} {
				t.Run(fmt.Sprintf("%v, %v, elsewhere %v", c.target, v, elsewhere), func(t *testing.T) {
					play(t, config, func(k *kit) {
						good := k.dialFrom("192.0.3.1", "good", v)
						good.connect()
						good.gets("CONNACK 00")
						eve := k.dialFrom("192.0.2.7", "eve", v)
						eve.connect(as("alice", "secret"), withWill("w"))
						eve.gets("CONNACK 00")
						good.subscribe("w")
						if elsewhere {
							k.stream.elsewhere(0, &replica.Ban{Target: c.target})
						} else {
							k.ban(c.target, 0)
						}
						if v == mqtt.V5 {
							eve.gets("DISCONNECT 98", "closed")
						} else {
							eve.gets("closed")
						}
						good.gets(`PUBLISH w "gone" q1 #1`)

						eve = k.dialFrom("192.0.2.8", "eve", v)
						eve.connect(as("alice", "secret"))
						switch {
						case !c.bytes:
							eve.gets("closed")
						case v == mqtt.V5:
							eve.gets("CONNACK 8a", "closed")
						default:
							eve.gets("CONNACK 87", "closed") // return code 5
						}
						good.gets()
						if err := k.broker.Unban(context.Background(), c.target); err != nil {
							t.Fatal(err)
						}
						eve = k.dialFrom("192.0.2.8", "eve", v)
						eve.connect(as("alice", "secret"))
						eve.gets("CONNACK 00")
					})
				})
			}
		}
	}
}

// TestABanThatOvertakesAConnect: who is banned while CONNECT waits to be ordered is not let in.
func TestABanThatOvertakesAConnect(t *testing.T) {
	inVersions(t, func(k *kit, v mqtt.Version) {
		k.stream.freeze()
		eve := k.dial("eve", v)
		eve.connect()
		eve.gets()
		k.stream.elsewhere(0, &replica.Ban{Target: target(replica.BanClient, "eve")})
		k.stream.resume()
		if got := eve.take(); len(got) != 2 || got[0] == "CONNACK 00" {
			k.t.Fatalf("got %v", got)
		}
		if s := k.broker.Stats(); s.BannedConnects != 1 || s.Clients != 0 {
			k.t.Fatalf("%+v", s)
		}
	})
}

// TestABanEndsByItself when the consensus time comes to its end.
func TestABanEndsByItself(t *testing.T) {
	play(t, usual, func(k *kit) {
		k.ban(target(replica.BanClient, "eve"), 60)
		time.Sleep(50 * time.Second)
		k.stream.tick()
		eve := k.dial("eve", mqtt.V5)
		eve.connect()
		eve.gets("CONNACK 8a", "closed")
		time.Sleep(20 * time.Second)
		k.stream.tick()
		k.settle()
		if all := k.broker.Bans(); len(all) != 0 {
			t.Errorf("%+v", all)
		}
		k.join("eve", mqtt.V5)
	})
}

// TestBansFromBeforeTheStart are in the state that a node starts with.
func TestBansFromBeforeTheStart(t *testing.T) {
	stream := newFakeStream()
	var r replica.Result
	ban := &replica.Ban{Target: target(replica.BanAddress, "127.0.0.1")}
	stream.machine.Apply(1, 1, ban.Append(replica.Header{Incarnation: 1}.Append(nil)), &r)
	address, stop := listenOn(t, stream, usual)
	defer stop()
	stream.broker.Restored(stream.machine)
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if b, err := io.ReadAll(conn); len(b) > 0 || err != nil {
		t.Fatalf("got %x, %v", b, err)
	}
}

func TestBansAreListed(t *testing.T) {
	play(t, usual, func(k *kit) {
		for _, target := range []replica.BanTarget{
			target(replica.BanAddress, "2001:db8::1"), target(replica.BanUser, "b"), target(replica.BanUser, "a"),
		} {
			k.ban(target, 0)
		}
		got := ""
		for _, e := range k.broker.Bans() {
			got += fmt.Sprintln(e.Kind, e.Value)
		}
		if want := "user a\nuser b\naddress 2001:db8::1/128\n"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

func TestBansThatAreRefused(t *testing.T) {
	play(t, usual, func(k *kit) {
		k.stream.machine = replica.New(2, replica.Limits{Bans: 1, Connections: 9})
		k.ban(target(replica.BanClient, "eve"), 0)
		_, err := k.broker.Ban(context.Background(), &replica.Ban{Target: target(replica.BanClient, "mallory")})
		if !errors.Is(err, broker.ErrTooManyBans) {
			t.Errorf("one more: %v", err)
		}
		if err := k.broker.Unban(context.Background(), target(replica.BanClient, "mallory")); !errors.Is(err, broker.ErrNotBanned) {
			t.Errorf("unknown: %v", err)
		}
		k.stream.stall()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := k.broker.Unban(ctx, target(replica.BanClient, "eve")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("without a quorum: %v", err)
		}
	})
}
