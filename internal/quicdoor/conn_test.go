package quicdoor

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
)

func TestAStreamOfBytes(t *testing.T) {
	client, conn := serve(t, Config{}).pair(t)
	for _, size := range []int{1, 1000, 70_000, 5_000_000} {
		want := bytes.Repeat([]byte("abcdefg"), size/7+1)
		for _, way := range []struct {
			from io.Writer
			to   io.Reader
		}{{client, conn}, {conn, client}} {
			go func() { _, _ = way.from.Write(want) }()
			got := make([]byte, len(want))
			if _, err := io.ReadFull(way.to, got); err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%d bytes: %v, or other bytes came", size, err)
			}
		}
	}
}

// Every further stream is refused, and no harm to the first, until there have been too many.
func TestFurtherStreamsAreRefused(t *testing.T) {
	d := serve(t, Config{})
	client := d.dial(t, nil)
	first, conn := d.open(t, client)
	for range maxStreams - 1 {
		second, err := client.OpenStream()
		if err != nil {
			t.Fatal(err)
		}
		say(t, second, "me too")
		var refusal *quic.StreamError
		if _, err := second.Read(make([]byte, 1)); !errors.As(err, &refusal) || !refusal.Remote || refusal.ErrorCode != 0x97 {
			t.Errorf("the answer is %v", err)
		}
		<-second.Context().Done()
	}
	converse(t, first, conn)
	if _, err := client.OpenStream(); !errors.Is(err, &quic.StreamLimitReachedError{}) {
		t.Errorf("one stream more: %v", err)
	}
	if _, err := client.OpenUniStream(); !errors.Is(err, &quic.StreamLimitReachedError{}) {
		t.Errorf("a stream that goes one way: %v", err)
	}
	if client.ConnectionState().SupportsDatagrams.Remote {
		t.Error("datagrams are spoken")
	}
	if s := d.Stats(); s.RefusedStreams != maxStreams-1 || s.Waiting != 0 {
		t.Errorf("stats: %+v", s)
	}
}

// A client that ends its side of the stream, or the connection, is at its end; one that breaks off is not.
func TestTheClientEnds(t *testing.T) {
	d := serve(t, Config{})
	for name, test := range map[string]struct {
		end     func(*quic.Conn, *quic.Stream)
		regular bool
	}{
		"the stream":      {func(_ *quic.Conn, s *quic.Stream) { _ = s.Close() }, true},
		"the connection":  {func(c *quic.Conn, _ *quic.Stream) { _ = c.CloseWithError(0, "bye") }, true},
		"with a reset":    {func(_ *quic.Conn, s *quic.Stream) { s.CancelWrite(1) }, false},
		"without reading": {func(c *quic.Conn, s *quic.Stream) { s.CancelRead(1); _ = s.Close() }, true},
	} {
		t.Run(name, func(t *testing.T) {
			client := d.dial(t, nil)
			stream, conn := d.open(t, client)
			test.end(client, stream)
			if got, err := io.ReadAll(conn); len(got) > 0 || (err == nil) != test.regular {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

// goodbye ends a connection as the broker does: its read is interrupted, the last packet goes, and what the client still
// sends is read until it has ended.
func goodbye(t *testing.T, conn net.Conn) {
	t.Helper()
	_ = conn.SetReadDeadline(time.Unix(0, 1))
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a read that is interrupted: %v", err)
	}
	say(t, conn, "last words")
	if err := conn.(*Conn).CloseWrite(); err != nil {
		t.Error(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	if _, err := io.Copy(io.Discard, conn); err != nil {
		t.Error(err)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
}

// The client gets the last packet, whether it ends its side before or after, and even if the network loses it at first.
func TestGoodbye(t *testing.T) {
	for name, test := range map[string]struct{ early, lossy bool }{
		"after the server":                    {},
		"before the server":                   {early: true},
		"after the server, on a bad network":  {lossy: true},
		"before the server, on a bad network": {early: true, lossy: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testGoodbye(t, test.early, test.lossy)
		})
	}
}

func testGoodbye(t *testing.T, early, lossy bool) {
	d := serve(t, Config{})
	r := newRelay(t, d.Addr())
	client := dialAt(t, r.addr(), d.client, nil)
	stream, conn := d.open(t, client)
	converse(t, stream, conn)
	say(t, stream, "unread")
	if early {
		_ = stream.Close()
	}
	if lossy {
		r.down.Store(3)
	}
	said := make(chan struct{})
	go func() {
		defer close(said)
		goodbye(t, conn)
	}()
	if early {
		<-said
	}
	hear(t, stream, "last words")
	if _, err := stream.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("then came %v", err)
	}
	_ = stream.Close()
	<-said
	<-client.Context().Done() // the server ends the connection by itself
	var closed *quic.ApplicationError
	if err := context.Cause(client.Context()); !errors.As(err, &closed) || closed.ErrorCode != codeNormal {
		t.Errorf("the connection ended with %v", err)
	}
}

// Close without CloseWrite ends everything at once: who reads or writes meanwhile is told.
func TestCloseEndsReadsAndWrites(t *testing.T) {
	client, conn := serve(t, Config{}).pair(t)
	ended := make(chan error, 2)
	go func() { _, err := conn.Read(make([]byte, 1)); ended <- err }()
	go func() { _, err := conn.Write(make([]byte, 64<<20)); ended <- err }()
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := <-ended; err == nil {
			t.Error("no error")
		}
	}
	if _, err := io.Copy(io.Discard, client); err == nil {
		t.Error("the client takes it for the end of the stream")
	}
}

// A deadline that is set while a write waits ends that write.
func TestWriteDeadline(t *testing.T) {
	_, conn := serve(t, Config{}).pair(t)
	failed := make(chan error, 1)
	go func() {
		_, err := conn.Write(make([]byte, 64<<20)) // the client does not read
		failed <- err
	}()
	_ = conn.SetWriteDeadline(time.Now().Add(time.Millisecond))
	if err := <-failed; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error(err)
	}
}

// A client that would forget the server soon, and has no keep alive of QUIC's own, stays connected: the server asks often
// enough.
func TestASilentClientStays(t *testing.T) {
	t.Parallel()
	d := serve(t, Config{})
	client := d.dial(t, &quic.Config{MaxIdleTimeout: 4 * time.Second})
	stream, conn := d.open(t, client)
	select {
	case <-client.Context().Done():
		t.Fatal(context.Cause(client.Context()))
	case <-time.After(5 * time.Second):
	}
	converse(t, stream, conn)
}

func TestALostClientIsForgotten(t *testing.T) {
	t.Parallel()
	d := serve(t, Config{IdleTimeout: time.Second})
	r := newRelay(t, d.Addr())
	_, conn := d.open(t, dialAt(t, r.addr(), d.client, nil))
	r.up.Store(true)
	var idle *quic.IdleTimeoutError
	if _, err := conn.Read(make([]byte, 1)); !errors.As(err, &idle) || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the read ends with %v", err)
	}
}
