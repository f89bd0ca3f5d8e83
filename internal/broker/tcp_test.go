package broker_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/foxmq/foxmq/internal/broker"
	"github.com/foxmq/foxmq/internal/mqtt"
	"github.com/foxmq/foxmq/internal/replica"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// listen runs a broker on loopback TCP; stop ends it.
func listen(t *testing.T, config broker.Config) (address string, stop func()) {
	t.Helper()
	return listenOn(t, newFakeStream(), config)
}

func listenOn(t *testing.T, stream *fakeStream, config broker.Config) (address string, stop func()) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener.Addr().String(), serveOn(t, stream, config, listener)
}

func serveOn(t *testing.T, stream *fakeStream, config broker.Config, listener net.Listener) (stop func()) {
	t.Helper()
	server := stream.serve(t, config)
	ctx, cancel := context.WithCancel(context.Background())
	var serving, applying sync.WaitGroup
	applying.Go(stream.run)
	serving.Go(func() {
		if err := server.Run(ctx, listener); err != nil {
			t.Errorf("run: %v", err)
		}
	})
	return func() {
		cancel()
		serving.Wait()
		stream.stop()
		applying.Wait()
	}
}

// lastWords sends bytes behind a CONNECT and returns what comes back until the broker closes the connection.
func lastWords(t *testing.T, address string, b []byte) (words []string) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	connect := mqtt.Connect{Version: mqtt.V5, ClientID: "client", CleanStart: true}
	if _, err := conn.Write(append(connect.Append(nil, mqtt.V5), b...)); err != nil {
		t.Fatal(err)
	}
	in := mqtt.NewReader(bufio.NewReader(conn), mqtt.V5, 1<<20)
	for {
		packet, err := in.Next()
		if errors.Is(err, io.EOF) {
			return words
		}
		if err != nil {
			t.Fatalf("after %v: %v", words, err)
		}
		words = append(words, describe(packet))
	}
}

// TestTheReasonReachesTheClientOverTCP sends much more behind a malformed packet: closing a socket with unread bytes
// in it resets the connection, and DISCONNECT would be lost.
func TestTheReasonReachesTheClientOverTCP(t *testing.T) {
	address, stop := listen(t, broker.Config{})
	defer stop()
	words := lastWords(t, address, append([]byte{0xf1, 0}, make([]byte, 200_000)...))
	if len(words) != 2 || words[1] != "DISCONNECT 81" {
		t.Fatalf("got %v", words)
	}
}

func TestStoppingClosesTheListener(t *testing.T) {
	address, stop := listen(t, broker.Config{})
	stop()
	if conn, err := net.Dial("tcp", address); err == nil {
		conn.Close()
		t.Fatal("the listener is still open")
	}
}

func TestRunReturnsTheErrorOfAListener(t *testing.T) {
	stream := newFakeStream()
	server := stream.serve(t, broker.Config{})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	if err := server.Run(context.Background(), listener); !errors.Is(err, net.ErrClosed) {
		t.Fatalf("got %v", err)
	}
}

func TestConfigIsChecked(t *testing.T) {
	stream := newFakeStream()
	good := broker.Config{Stream: stream, State: stream, Users: nobody{}}
	if _, err := broker.New(good); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*broker.Config){
		"no stream":       func(c *broker.Config) { c.Stream = nil },
		"no state":        func(c *broker.Config) { c.State = nil },
		"no users":        func(c *broker.Config) { c.Users = nil },
		"receive maximum": func(c *broker.Config) { c.ReceiveMaximum = 1 << 16 },
		"negative":        func(c *broker.Config) { c.MaxConnections = -1 },
	} {
		bad := good
		change(&bad)
		if _, err := broker.New(bad); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// caller is a client over TCP.
type caller struct {
	net.Conn
	t  *testing.T
	in *mqtt.Reader
}

// call lets a client connect.
func call(t *testing.T, address, id string) *caller {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	c := &caller{conn, t, mqtt.NewReader(bufio.NewReader(conn), mqtt.V5, 1<<20)}
	c.send(&mqtt.Connect{Version: mqtt.V5, ClientID: id, CleanStart: true})
	c.gets("CONNACK 00")
	return c
}

func (c *caller) send(p mqtt.Packet) {
	c.t.Helper()
	if _, err := c.Write(p.Append(nil, mqtt.V5)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *caller) gets(want string) {
	c.t.Helper()
	p, err := c.in.Next()
	if err != nil {
		c.t.Fatal(err)
	}
	if got := describe(p); got != want {
		c.t.Fatalf("got %s, want %s", got, want)
	}
}

// gate lets everybody publish, to a/slow when it is opened.
type gate struct{ entered, open chan struct{} }

func (g gate) MayPublish(_, _, topic string) bool {
	if topic == "a/slow" {
		close(g.entered)
		<-g.open
	}
	return true
}

func (gate) MaySubscribe(_, _, _ string) bool { return true }

// TestWhoIsBannedWhileItWaitsForItsTurnPublishesNothing: not even at QoS 0.
func TestWhoIsBannedWhileItWaitsForItsTurnPublishesNothing(t *testing.T) {
	slow, stream := gate{make(chan struct{}), make(chan struct{})}, newFakeStream()
	address, stop := listenOn(t, stream, broker.Config{Readers: 1, Permissions: slow})
	defer stop()
	sub, other, eve := call(t, address, "sub"), call(t, address, "other"), call(t, address, "eve")
	sub.send(&mqtt.Subscribe{PacketID: 1, Subscriptions: []mqtt.Subscription{{Filter: "b"}}})
	sub.gets("SUBACK #1 00")
	other.send(&mqtt.Publish{Topic: "a/slow"})
	<-slow.entered
	eve.send(&mqtt.Publish{Topic: "b", Payload: []byte("early")})
	time.Sleep(50 * time.Millisecond) // until it waits for its turn; if it does not yet, this tests less
	stream.elsewhere(0, &replica.Ban{Target: target(replica.BanClient, "eve")})
	eve.gets("DISCONNECT 98")
	eve.send(&mqtt.Publish{Topic: "b", Payload: []byte("late")})
	close(slow.open)
	_, _ = io.Copy(io.Discard, eve) // until it is closed
	other.send(&mqtt.Publish{Topic: "b", Payload: []byte("good")})
	sub.gets(`PUBLISH b "good"`)
}
