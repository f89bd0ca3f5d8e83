package websocket

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// Messages, fragments of them, and empty ones are one stream; each write is one message.
func TestAStreamOfBytes(t *testing.T) {
	client, conn := pair(t, serveTCP(t, Config{}))
	var want []byte
	for i, size := range []int{1, 0, 2, 100, 70_000, 0, 5} {
		message := bytes.Repeat([]byte{byte(i)}, size)
		want = append(want, message...)
		w, err := client.NextWriter(websocket.BinaryMessage)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = w.Write(message) // in fragments, if it is longer than the buffer
		_ = w.Close()
	}
	got := make([]byte, len(want))
	if _, err := io.ReadFull(conn, got); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%v, or other bytes came", err)
	}
	for _, message := range [][]byte{{1, 2, 3}, bytes.Repeat([]byte("x"), 300_000)} {
		if n, err := conn.Write(message); n != len(message) || err != nil {
			t.Fatal(n, err)
		}
		kind, got, err := client.ReadMessage()
		if kind != websocket.BinaryMessage || !bytes.Equal(got, message) || err != nil {
			t.Errorf("kind %d, %d bytes, %v", kind, len(got), err)
		}
	}
}

// A text message ends the connection, and what was behind it is not served.
func TestTextEndsTheConnection(t *testing.T) {
	client, conn := pair(t, serveTCP(t, Config{}))
	for _, kind := range []int{websocket.BinaryMessage, websocket.TextMessage, websocket.BinaryMessage} {
		if err := client.WriteMessage(kind, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	got, err := io.ReadAll(conn)
	if string(got) != "x" || !errors.Is(err, errNotBinary) {
		t.Errorf("got %q, %v", got, err)
	}
	for range 2000 { // gorilla/websocket panics at the thousandth
		if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, errNotBinary) {
			t.Fatal(err)
		}
	}
	if _, _, err := client.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseUnsupportedData) {
		t.Errorf("the client is told %v", err)
	}
}

func TestPingIsAnswered(t *testing.T) {
	client, conn := pair(t, serveTCP(t, Config{}))
	go func() { _, _ = io.Copy(io.Discard, conn) }()
	var pong string
	client.SetPongHandler(func(data string) error { pong = data; return errors.New("enough") })
	if err := client.WriteControl(websocket.PingMessage, []byte("there?"), time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, _, _ = client.ReadMessage(); pong != "there?" {
		t.Errorf("the pong is %q", pong)
	}
}

// A client that closes, with or without a word, is at its end.
func TestTheClientCloses(t *testing.T) {
	l := serveTCP(t, Config{})
	for _, code := range []int{0, websocket.CloseNormalClosure, websocket.CloseGoingAway} {
		client, conn := pair(t, l)
		if code != 0 {
			message := websocket.FormatCloseMessage(code, "")
			if err := client.WriteControl(websocket.CloseMessage, message, time.Now().Add(patience)); err != nil {
				t.Fatal(err)
			}
		}
		client.NetConn().(*net.TCPConn).CloseWrite()
		if got, err := io.ReadAll(conn); len(got) > 0 || err != nil {
			t.Errorf("code %d: %q, %v", code, got, err)
		}
		if err := conn.(*Conn).CloseWrite(); err != nil {
			t.Error(err)
		}
		if _, _, err := client.ReadMessage(); code != 0 && !websocket.IsCloseError(err, code) {
			t.Errorf("code %d is answered %v", code, err)
		}
	}
}

func TestGoodbye(t *testing.T) {
	client, conn := pair(t, serveTCP(t, Config{}))
	testGoodbye(t, client, conn)
}

// testGoodbye ends a connection as the broker does: its read is interrupted, the last packet goes, and what the client
// still sends is read until it has closed.
func testGoodbye(t *testing.T, client *websocket.Conn, conn net.Conn) {
	t.Helper()
	_ = conn.SetReadDeadline(time.Unix(0, 1))
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a read that is interrupted: %v", err)
	}
	if _, err := conn.Write([]byte("last")); err != nil {
		t.Error(err)
	}
	if err := client.WriteMessage(websocket.BinaryMessage, []byte("unread")); err != nil {
		t.Error(err)
	}
	if err := conn.(*Conn).CloseWrite(); err != nil {
		t.Error(err)
	}
	if _, got, err := client.ReadMessage(); string(got) != "last" || err != nil {
		t.Errorf("the client got %q, %v", got, err)
	}
	if _, _, err := client.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseNormalClosure) {
		t.Errorf("the client is told %v", err)
	}
	client.Close()
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	if _, err := io.Copy(io.Discard, conn); err != nil {
		t.Error(err)
	}
}

// A deadline that is set while a write waits ends that write.
func TestWriteDeadline(t *testing.T) {
	_, conn := pair(t, serveTCP(t, Config{}))
	_ = conn.SetDeadline(time.Now().Add(patience))
	failed := make(chan error, 1)
	go func() {
		for {
			if _, err := conn.Write(make([]byte, 1<<20)); err != nil { // the client does not read
				failed <- err
				return
			}
		}
	}()
	_ = conn.SetWriteDeadline(time.Now().Add(time.Millisecond))
	if err := <-failed; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error(err)
	}
}

// deadlines is a connection that notes its write deadline.
type deadlines struct {
	net.Conn
	write time.Time
}

func (d *deadlines) SetWriteDeadline(t time.Time) error { d.write = t; return nil }

// What gorilla/websocket sets for a pong does not hold for data.
func TestAPongHasItsOwnDeadline(t *testing.T) {
	d := &deadlines{}
	s := &socket{Conn: d}
	ours, pong := time.Unix(30, 0), time.Unix(1, 0)
	c := &Conn{socket: s}
	_ = c.SetWriteDeadline(ours)
	if _ = s.SetWriteDeadline(pong); !d.write.Equal(pong) {
		t.Errorf("the pong's deadline is %v", d.write)
	}
	if _ = s.SetWriteDeadline(time.Time{}); !d.write.Equal(ours) {
		t.Errorf("then the deadline of data is %v", d.write)
	}
}
