package gossip

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"go.uber.org/zap"

	"github.com/foxmq/foxmq/internal/event"
	"github.com/foxmq/foxmq/internal/tlsutil"
)

// intrude opens a QUIC connection to the address with the key, and says nothing. What it does beyond that is the
// test's affair.
func intrude(t testing.TB, addr string, key *ecdsa.PrivateKey) (*quic.Conn, error) {
	t.Helper()
	cert, err := tlsutil.Certificate(key, "intruder")
	if err != nil {
		t.Fatal(err)
	}
	socket, err := openSocket(t.Context(), "127.0.0.1:0", zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	transport := &quic.Transport{Conn: socket}
	t.Cleanup(func() { transport.Close(); socket.Close() })
	remote, err := net.ResolveUDPAddr("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	config := tlsutil.Mutual(cert, protocol, func(tlsutil.Peer) error { return nil })
	return transport.Dial(ctx, remote, config, &quic.Config{})
}

// endOf returns why the other side closed the connection.
func endOf(t testing.TB, conn *quic.Conn) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	select {
	case <-conn.Context().Done():
		return context.Cause(conn.Context())
	case <-ctx.Done():
		t.Fatal("the connection was left open")
		return nil
	}
}

// besieged starts member 0 of a book of two, whose other member the test plays.
func besieged(t testing.TB, cfg Config) (*node, []member) {
	t.Helper()
	members, sockets := newMembers(t, 2)
	sockets[1].Close()
	cfg.Book, cfg.Key, cfg.Conn = newBook(members), members[0].key, sockets[0]
	return run(t, cfg), members
}

// say opens the connection's stream and writes to it.
func say(t testing.TB, conn *quic.Conn, b []byte) *quic.Stream {
	t.Helper()
	stream, err := conn.OpenStream()
	if err != nil {
		t.Fatal(err)
	}
	if _, err = stream.Write(b); err != nil {
		t.Fatal(err)
	}
	return stream
}

// greeting returns the hello of member 1 of the node's book as a frame, after change has had its way with it.
func greeting(n *node, change func(*hello)) []byte {
	h := &hello{version: Version, member: 1, book: n.book, instance: 1, generation: 1}
	change(h)
	return endFrame(h.append(beginFrame(nil)))
}

func TestOwnKeyElsewhereIsRefused(t *testing.T) {
	n, members := besieged(t, Config{})
	conn, err := intrude(t, members[0].addr, members[0].key)
	if err == nil {
		err = endOf(t, conn)
	}
	var transport *quic.TransportError
	if !errors.As(err, &transport) || !transport.ErrorCode.IsCryptoError() {
		t.Errorf("ended with %v", err)
	}
	n.awaitLog(t, "another node uses this node's key")
}

func TestBadHelloEndsTheConnection(t *testing.T) {
	if c := (Config{}).withDefaults(); c.HandshakeTimeout != 3*time.Second {
		t.Errorf("by default a hello is waited for for %v", c.HandshakeTimeout)
	}
	for name, test := range map[string]struct {
		hello func(*node) []byte
		code  quic.ApplicationErrorCode
		log   string
	}{
		"of another member": {
			func(n *node) []byte { return greeting(n, func(h *hello) { h.member = 0 }) },
			codeMalformed, "malformed message from peer",
		},
		"of another version": {
			func(*node) []byte { return []byte{0, 0, 0, 1, Version + 1} },
			codeRefused, "peer speaks another version",
		},
		"cut short": {
			func(*node) []byte { return []byte{0, 0, 0, 2, Version, 0} },
			codeMalformed, "malformed message from peer",
		},
		"empty": {
			func(*node) []byte { return []byte{0, 0, 0, 0} },
			codeMalformed, "malformed message from peer",
		},
		"too long": {
			func(*node) []byte { return []byte{0xff, 0, 0, 0} },
			codeMalformed, "malformed message from peer",
		},
		"that never ends": {
			func(*node) []byte { return []byte{0, 0, 0, 9} },
			codeUnresponsive, "incoming connection not used",
		},
	} {
		t.Run(name, func(t *testing.T) {
			n, members := besieged(t, Config{HandshakeTimeout: patience / 100})
			conn, err := intrude(t, members[0].addr, members[1].key)
			if err != nil {
				t.Fatal(err)
			}
			say(t, conn, test.hello(n))
			if err := endOf(t, conn); !closedWith(err, test.code) {
				t.Errorf("ended with %v", err)
			}
			n.awaitLog(t, test.log)
		})
	}
}

func TestPeerThatMisbehavedIsKeptAway(t *testing.T) {
	n, members := besieged(t, Config{})
	for _, want := range []quic.ApplicationErrorCode{codeMalformed, codePenalty} {
		conn, err := intrude(t, members[0].addr, members[1].key)
		if err != nil {
			t.Fatal(err)
		}
		say(t, conn, append(greeting(n, func(*hello) {}), 0, 0, 0, 1, 0xff))
		if err := endOf(t, conn); !closedWith(err, want) {
			t.Errorf("ended with %v, want code %d", err, want)
		}
	}
}

func TestPeerThatBreaksTheRulesIsKeptAway(t *testing.T) {
	n, members := besieged(t, Config{})
	breach := (&event.Message{Want: []event.ID{forbidden}}).Append(beginFrame(nil))
	for _, want := range []quic.ApplicationErrorCode{codeMisbehaved, codePenalty} {
		conn, err := intrude(t, members[0].addr, members[1].key)
		if err != nil {
			t.Fatal(err)
		}
		say(t, conn, append(greeting(n, func(*hello) {}), endFrame(breach)...))
		if err := endOf(t, conn); !closedWith(err, want) {
			t.Errorf("ended with %v, want code %d", err, want)
		}
	}
	n.awaitLog(t, "peer misbehaves")
	if s := n.Peers()[0]; s.Breaches != 1 || s.Malformed != 0 || s.KeptAway <= 0 {
		t.Errorf("counted: %+v", s)
	}
}

func TestPeerThatComesAgainAndAgainIsKeptAway(t *testing.T) {
	n, members := besieged(t, Config{})
	for i := range arrivalBurst * 2 {
		conn, err := intrude(t, members[0].addr, members[1].key)
		if err != nil {
			t.Fatal(err)
		}
		stream := say(t, conn, greeting(n, func(h *hello) { h.instance = uint64(i) }))
		_, err = readHello(stream)
		if n.peers[1].shunnedFor() > 0 {
			if err = endOf(t, conn); !closedWith(err, codePenalty) {
				t.Errorf("ended with %v", err)
			}
			if s := n.Peers()[0]; s.Crowdings != 1 {
				t.Errorf("counted: %+v", s)
			}
			n.awaitLog(t, "peer connects too often")
			return
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Error("it was let in each time")
}

func TestNewInstanceReplacesAConnectionThatStillLives(t *testing.T) {
	n, members := besieged(t, Config{})
	conn, err := intrude(t, members[0].addr, members[1].key)
	if err != nil {
		t.Fatal(err)
	}
	say(t, conn, greeting(n, func(h *hello) { h.generation = 9 }))
	n.awaitConnected(t, 1)

	again, err := intrude(t, members[0].addr, members[1].key)
	if err != nil {
		t.Fatal(err)
	}
	m := (&event.Message{}).Append(beginFrame(nil))
	say(t, again, append(greeting(n, func(h *hello) { h.instance = 2 }), endFrame(m)...))
	n.awaitDisconnected(t, 1)
	n.awaitConnected(t, 1)
	n.awaitMessage(t, 1)
	if err := endOf(t, conn); !closedWith(err, codeReplaced) {
		t.Errorf("the old connection ended with %v", err)
	}
}

func TestOnlyStreamsForMessagesAndRequestsAreAllowed(t *testing.T) {
	n, members := besieged(t, Config{})
	conn, err := intrude(t, members[0].addr, members[1].key)
	if err != nil {
		t.Fatal(err)
	}
	stream := say(t, conn, greeting(n, func(h *hello) { h.generation = 7 }))
	if answer, err := readHello(stream); err != nil || answer.book != n.book || answer.generation != 7 {
		t.Fatalf("answered with %+v, %v", answer, err)
	}
	for range peerRequests {
		if _, err := conn.OpenStream(); err != nil {
			t.Error(err)
		}
	}
	if _, err := conn.OpenStream(); err == nil {
		t.Error("a stream too many was opened")
	}
	if _, err := conn.OpenUniStream(); err == nil {
		t.Error("a unidirectional stream was opened")
	}
}

func TestEndOfStreamEndsTheConnection(t *testing.T) {
	n, members := besieged(t, Config{})
	conn, err := intrude(t, members[0].addr, members[1].key)
	if err != nil {
		t.Fatal(err)
	}
	stream := say(t, conn, greeting(n, func(*hello) {}))
	n.awaitConnected(t, 1)
	if err := stream.Close(); err != nil {
		t.Fatal(err)
	}
	n.awaitDisconnected(t, 1)
	if err := endOf(t, conn); !closedWith(err, codeLost) {
		t.Errorf("ended with %v", err)
	}
	if _, err := io.ReadAll(stream); err == nil {
		t.Error("the stream ended without an error")
	}
}
