package broker_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/foxmq/foxmq/internal/broker"
	"github.com/foxmq/foxmq/internal/mqtt"
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
