package listener

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/foxmq/foxmq/internal/fair"
)

// await waits until something holds.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("waited for " + what)
		}
	}
}

// busy returns handshakes of which one is worked on until done is called.
func busy(t *testing.T) (h *Handshakes, done func()) {
	t.Helper()
	h = NewHandshakes(1)
	if !h.turns.TryAcquire(fair.Key{}, 1) {
		t.Fatal("no turn")
	}
	return h, func() { h.turns.Release(1) }
}

// A handshake waits for those that are worked on, and is made then. What comes afterwards needs no turn.
func TestHandshakesTakeTurns(t *testing.T) {
	dir := t.TempDir()
	server := writePair(t, dir)
	h, done := busy(t)
	l := h.Listen(listenTCP(t, "127.0.0.1"), open(t, dir, "").TLS(), false)
	shaken := make(chan error)
	go func() { shaken <- shake(t, l, trusting(server)) }()
	await(t, "somebody to wait", func() bool { return h.Stats().Waiting == 1 })
	done()
	if err := <-shaken; err != nil {
		t.Error(err)
	}
	if !h.turns.TryAcquire(fair.Key{}, 1) {
		t.Error("a turn is not given back")
	}
	if h.Stats() != (HandshakeStats{}) {
		t.Errorf("%+v", h.Stats())
	}
}

// Who stalls has no turn.
func TestStalledHandshakesHoldUpNobody(t *testing.T) {
	dir := t.TempDir()
	server := writePair(t, dir)
	h := NewHandshakes(1)
	l := h.Listen(listenTCP(t, "127.0.0.1"), open(t, dir, "").TLS(), false)
	for range 10 {
		if _, err := dial(t, l.Addr()).Write([]byte{0x16, 0x03, 0x01, 0x02, 0x00, 0x01}); err != nil {
			t.Fatal(err)
		}
		stalled := accept(t, l)
		go func() { _, _ = stalled.Read(make([]byte, 1)) }()
	}
	if err := shake(t, l, trusting(server)); err != nil {
		t.Error(err)
	}
}

// A wait for a turn ends at its deadline, and when the connection is closed.
func TestTheWaitForATurnEnds(t *testing.T) {
	for name, end := range map[string]func(net.Conn){
		"deadline before": func(net.Conn) {},
		"deadline":        func(conn net.Conn) { _ = conn.SetReadDeadline(time.Unix(0, 1)) },
		"both deadlines":  func(conn net.Conn) { _ = conn.SetDeadline(time.Unix(0, 1)) },
		"close":           func(conn net.Conn) { conn.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			writePair(t, dir)
			h, done := busy(t)
			defer done()
			l := h.Listen(listenTCP(t, "127.0.0.1"), open(t, dir, "").TLS(), false)
			if _, err := dial(t, l.Addr()).Write([]byte{0x16, 0x03, 0x01, 0x02, 0x00, 0x01}); err != nil {
				t.Fatal(err)
			}
			conn := accept(t, l)
			if name == "deadline before" {
				_ = conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
			}
			read := make(chan error)
			go func() {
				_, err := conn.Read(make([]byte, 1))
				read <- err
			}()
			if name != "deadline before" {
				await(t, "somebody to wait", func() bool { return h.Stats().Waiting == 1 })
			}
			end(conn)
			if err := <-read; !errors.Is(err, errNoTurn) {
				t.Error(err)
			}
			if got := h.Stats(); got != (HandshakeStats{Failed: 1}) {
				t.Errorf("%+v", got)
			}
		})
	}
}

// Handshakes that fail are counted once, whoever asks for them how often.
func TestFailedHandshakes(t *testing.T) {
	dir := t.TempDir()
	writePair(t, dir)
	h := NewHandshakes(1)
	l := h.Listen(listenTCP(t, "127.0.0.1"), open(t, dir, "").TLS(), false)
	for i := range 2 {
		client := dial(t, l.Addr())
		if _, err := io.WriteString(client, "no TLS"); err != nil {
			t.Fatal(err)
		}
		conn := accept(t, l)
		for range 2 {
			if _, err := conn.Read(make([]byte, 1)); err == nil {
				t.Error("read without a handshake")
			}
			if _, err := conn.Write(make([]byte, 1)); err == nil {
				t.Error("written without a handshake")
			}
		}
		if got := h.Stats().Failed; got != uint64(i+1) {
			t.Errorf("%d have failed", got)
		}
	}
}

// far is the connection of a client that is 300 ms away.
type far struct{ net.Conn }

func (f far) Read(p []byte) (int, error) {
	n, err := f.Conn.Read(p)
	time.Sleep(300 * time.Millisecond)
	return n, err
}

// Who would have been in time, had it not had to wait for its turn, is not said to have been too late.
func TestLateForWantOfATurn(t *testing.T) {
	dir := t.TempDir()
	writePair(t, dir)
	h, done := busy(t)
	l := h.Listen(listenTCP(t, "127.0.0.1"), open(t, dir, "").TLS(), false)
	client := far{dial(t, l.Addr())}
	go func() { _ = tls.Client(client, &tls.Config{InsecureSkipVerify: true}).Handshake() }()
	conn := accept(t, l)
	_ = conn.SetReadDeadline(time.Now().Add(time.Second))
	time.AfterFunc(800*time.Millisecond, done)
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, errNoTurn) {
		t.Error(err)
	}
}
