package quic

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/quic-go/quic-go"

	"github.com/foxmq/foxmq/internal/client"
	"github.com/foxmq/foxmq/internal/mqtt"
)

// All tests share one node.
func TestQUIC(t *testing.T) {
	s := start(t)
	for _, test := range []struct {
		name string
		run  func(*testing.T, *server)
	}{
		{"qualities of service", withEach(testQualities)},
		{"big payload", withEach(testBigPayload)},
		{"many at once", testMany},
		{"wrong protocol", testWrongProtocol},
		{"refusal", testRefusal},
		{"superseded", testSuperseded},
		{"migration", testMigration},
		{"shutdown", testShutdown}, // the last
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, s) })
	}
}

// dialer connects a client until the test ends.
type dialer func(*testing.T, client.Options) *client.Client

// withEach runs a test with clients by the node's own implementation of QUIC, and by another.
func withEach(test func(*testing.T, *server, dialer)) func(*testing.T, *server) {
	return func(t *testing.T, s *server) {
		t.Run("quic-go", func(t *testing.T) {
			test(t, s, func(t *testing.T, o client.Options) *client.Client { c, _ := s.dial(t, o); return c })
		})
		t.Run("x/net", func(t *testing.T) { test(t, s, s.dialOther) })
	}
}

// inbox is what a client has received.
type inbox chan string

func (in inbox) add(p *mqtt.Publish) { in <- fmt.Sprintf("%s %s %d", p.Topic, p.Payload, p.QoS) }

func (in inbox) want(t *testing.T, want string) {
	t.Helper()
	select {
	case got := <-in:
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	case <-patience(t).Done():
		t.Fatalf("%q does not come", want)
	}
}

// At each quality of service, in two versions, over QUIC and over TCP beside it.
func testQualities(t *testing.T, s *server, dial dialer) {
	for _, version := range []mqtt.Version{mqtt.V311, mqtt.V5} {
		quic, tcp := make(inbox, 10), make(inbox, 10)
		over := dial(t, client.Options{Version: version, ClientID: "quic", OnMessage: quic.add})
		beside, err := client.Dial(patience(t), s.Nodes[0].MQTT, client.Options{Version: version, OnMessage: tcp.add})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(beside.Close)
		for _, c := range []*client.Client{over, beside} {
			if err := c.Subscribe(patience(t), "qos/#", 2); err != nil {
				t.Fatal(err)
			}
		}
		for qos := range byte(3) {
			for name, c := range map[string]*client.Client{"over": over, "beside": beside} {
				if err := c.Publish(patience(t), "qos/"+name, []byte("hello"), qos, false); err != nil {
					t.Fatal(err)
				}
				for _, in := range []inbox{quic, tcp} {
					in.want(t, fmt.Sprintf("qos/%s hello %d", name, qos))
				}
			}
		}
		over.Disconnect()
	}
}

func testBigPayload(t *testing.T, _ *server, dial dialer) {
	payload := bytes.Repeat([]byte("0123456789abcdef"), 8<<20/16)
	got := make(chan bool, 1)
	c := dial(t, client.Options{OnMessage: func(p *mqtt.Publish) { got <- bytes.Equal(p.Payload, payload) }})
	if err := c.Subscribe(patience(t), "big", 1); err != nil {
		t.Fatal(err)
	}
	if err := c.Publish(patience(t), "big", payload, 1, false); err != nil {
		t.Fatal(err)
	}
	select {
	case same := <-got:
		if !same {
			t.Error("another payload came")
		}
	case <-patience(t).Done():
		t.Fatal("the payload does not come")
	}
}

// Two hundred clients connect at the same moment, and each hears itself.
func testMany(t *testing.T, s *server) {
	const clients, transports = 200, 10
	shared := make([]*quic.Transport, transports)
	for i := range shared {
		shared[i] = newTransport(t)
	}
	ctx := patience(t)
	var all sync.WaitGroup
	for i := range clients {
		all.Go(func() {
			if err := s.hearYourself(ctx, shared[i%transports], fmt.Sprintf("many/%d", i)); err != nil {
				t.Errorf("client %d: %v", i, err)
			}
		})
	}
	all.Wait()
}

// hearYourself connects a client that publishes what it has subscribed to.
func (s *server) hearYourself(ctx context.Context, transport *quic.Transport, topic string) error {
	in := make(inbox, 1)
	c, _, err := s.connect(ctx, transport, client.Options{OnMessage: in.add})
	if err != nil {
		return err
	}
	defer c.Disconnect()
	if err := c.Subscribe(ctx, topic, 1); err != nil {
		return err
	}
	if err := c.Publish(ctx, topic, []byte("me"), 1, false); err != nil {
		return err
	}
	select {
	case <-in:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func testWrongProtocol(t *testing.T, s *server) {
	trust := s.trust.Clone()
	trust.NextProtos = []string{"h3"}
	_, err := newTransport(t).Dial(patience(t), s.addr, trust, nil)
	var refusal *quic.TransportError
	if !errors.As(err, &refusal) || !refusal.ErrorCode.IsCryptoError() {
		t.Errorf("got %v", err)
	}
}

// The answer to a CONNECT that is refused arrives before the connection ends, every time.
func testRefusal(t *testing.T, s *server) {
	text := []byte{1, 1} // payload format indicator: UTF-8
	will := &mqtt.Will{Topic: "will", Payload: []byte{0xff}, Forward: text}
	for range 10 {
		_, _, err := s.connect(patience(t), newTransport(t), client.Options{Will: will})
		var refusal *client.RefusedError
		if !errors.As(err, &refusal) || refusal.Code != mqtt.PayloadFormatInvalid {
			t.Fatalf("got %v", err)
		}
	}
}

func testSuperseded(t *testing.T, s *server) {
	ended := s.watched(t, client.Options{ClientID: "twice"})
	s.dial(t, client.Options{ClientID: "twice"})
	ended(mqtt.SessionTakenOver)
}

// watched connects a client and returns a function that awaits the DISCONNECT which ends it.
func (s *server) watched(t *testing.T, o client.Options) func(mqtt.ReasonCode) {
	t.Helper()
	reasons := make(chan error, 1)
	o.OnClose = func(err error) { reasons <- err }
	s.dial(t, o)
	return func(want mqtt.ReasonCode) {
		t.Helper()
		select {
		case err := <-reasons:
			var refusal *client.RefusedError
			if !errors.As(err, &refusal) || refusal.Code != want {
				t.Errorf("the client is told %v, want %v", err, want)
			}
		case <-patience(t).Done():
			t.Error("the connection does not end")
		}
	}
}

// A client goes over to another socket and loses nothing.
func testMigration(t *testing.T, s *server) {
	in := make(inbox, 10)
	c, conn := s.dial(t, client.Options{OnMessage: in.add})
	if err := c.Subscribe(patience(t), "migration", 2); err != nil {
		t.Fatal(err)
	}
	for move := range 3 {
		path, err := conn.connection.AddPath(newTransport(t))
		if err != nil {
			t.Fatal(err)
		}
		if err := path.Probe(patience(t)); err != nil {
			t.Fatal(err)
		}
		if err := path.Switch(); err != nil {
			t.Fatal(err)
		}
		if err := c.Publish(patience(t), "migration", fmt.Append(nil, move), 2, false); err != nil {
			t.Fatal(err)
		}
		in.want(t, fmt.Sprintf("migration %d 2", move))
	}
}

// A node that stops tells its clients, and does not wait long for those who do not listen.
func testShutdown(t *testing.T, s *server) {
	ended := s.watched(t, client.Options{})
	if code := s.Terminate(0); code != 0 {
		t.Errorf("exit code %d", code)
	}
	ended(mqtt.ServerShuttingDown)
}
