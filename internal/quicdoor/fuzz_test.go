package quicdoor

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
)

// What a hostile client does is a script: one byte for what, one for how much.
const (
	doWrite = iota
	doReset
	doStopReading
	doEnd
	doSecondStream
	doOneWay
	doDatagram
	doHangUp
	deeds
)

// FuzzClient lets a client do anything with its connection. What is accepted of it must be what it has written, as far as
// it came, and its end; and a good client beside it must not notice.
func FuzzClient(f *testing.F) {
	f.Add([]byte{doWrite, 10, doEnd, 0})
	f.Add([]byte{doWrite, 200, doSecondStream, 50, doWrite, 1, doReset, 3})
	f.Add([]byte{doSecondStream, 9, doWrite, 1, doHangUp, 1})
	f.Add(bytes.Repeat([]byte{doSecondStream, 200}, 2*maxStreams))
	f.Add([]byte{doOneWay, 1, doDatagram, 1, doStopReading, 2, doWrite, 3})
	d := serve(f, Config{})
	good, served := d.pair(f)
	f.Fuzz(func(t *testing.T, script []byte) {
		client := d.dial(t, &quic.Config{EnableDatagrams: true})
		stream, err := client.OpenStream()
		if err != nil {
			t.Fatal(err)
		}
		say(t, stream, "hello")
		conn, err := d.Accept()
		if err != nil {
			t.Fatal(err)
		}
		wrote := make(chan []byte, 1)
		go func() { wrote <- append([]byte("hello"), act(client, stream, script)...) }()
		_ = conn.SetReadDeadline(time.Now().Add(patience))
		got, _ := io.ReadAll(conn)
		conn.Close()
		if want := <-wrote; !bytes.HasPrefix(want, got) {
			t.Errorf("got %q, of %q", got, want)
		}
		_ = good.SetDeadline(time.Now().Add(patience))
		_ = served.SetDeadline(time.Now().Add(patience))
		converse(t, good, served)
	})
}

// act runs a script to its end, which ends the connection, and returns what it wrote to the stream.
func act(client *quic.Conn, stream *quic.Stream, script []byte) (wrote []byte) {
	_ = stream.SetWriteDeadline(time.Now().Add(patience))
	for ; len(script) >= 2; script = script[2:] {
		amount := script[1]
		bytes := bytes.Repeat(script[:1], 50*int(amount))
		switch script[0] % deeds {
		case doWrite:
			n, _ := stream.Write(bytes)
			wrote = append(wrote, bytes[:n]...)
		case doReset:
			stream.CancelWrite(quic.StreamErrorCode(amount))
		case doStopReading:
			stream.CancelRead(quic.StreamErrorCode(amount))
		case doEnd:
			_ = stream.Close()
		case doSecondStream:
			if second, err := client.OpenStream(); err == nil {
				_ = second.SetWriteDeadline(time.Now().Add(patience))
				_, _ = second.Write(bytes)
			}
		case doOneWay:
			_, _ = client.OpenUniStream()
		case doDatagram:
			_ = client.SendDatagram(bytes)
		case doHangUp:
			_ = client.CloseWithError(quic.ApplicationErrorCode(amount), "")
		}
	}
	_ = client.CloseWithError(0, "")
	return wrote
}

// FuzzPackets sends any packet to the socket. A good client must not notice.
func FuzzPackets(f *testing.F) {
	// A long header of QUIC v1, one of a version that nobody has, a short header, and what is none of QUIC at all.
	initial := append([]byte{0xc0, 0, 0, 0, 1, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0}, make([]byte, 1200)...)
	f.Add(initial)
	f.Add(append([]byte{0xc0, 0x1a, 0x2a, 0x3a, 0x4a, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0}, make([]byte, 1200)...))
	f.Add(append([]byte{0x40, 1, 2, 3, 4}, make([]byte, 40)...))
	f.Add([]byte{0x10, 0x0c, 0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 0, 0, 0})
	f.Add([]byte{})
	d := serve(f, Config{})
	good, served := d.pair(f)
	socket, err := net.DialUDP("udp", nil, d.Addr().(*net.UDPAddr))
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { socket.Close() })
	f.Fuzz(func(t *testing.T, packet []byte) {
		for range 3 {
			_, _ = socket.Write(packet[:min(len(packet), 65_000)])
		}
		_ = good.SetDeadline(time.Now().Add(patience))
		_ = served.SetDeadline(time.Now().Add(patience))
		converse(t, good, served)
	})
}
