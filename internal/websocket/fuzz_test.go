package websocket

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// wire is a connection whose client has said everything already.
type wire struct {
	net.Conn // nil
	in       *bytes.Reader
	out      bytes.Buffer
}

func (w *wire) Read(p []byte) (int, error)       { return w.in.Read(p) }
func (w *wire) Write(p []byte) (int, error)      { return w.out.Write(p) }
func (w *wire) Close() error                     { return nil }
func (w *wire) SetDeadline(time.Time) error      { return nil }
func (w *wire) SetWriteDeadline(time.Time) error { return nil }

// hijacked is the answer to a handshake that came over a wire.
type hijacked struct {
	*httptest.ResponseRecorder
	wire *wire
}

func (h hijacked) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	r := bufio.NewReaderSize(bytes.NewReader(nil), 4096)
	return h.wire, bufio.NewReadWriter(r, bufio.NewWriterSize(h.wire, 4096)), nil
}

// FuzzConn sends any bytes behind the handshake. What is read must be what oracle, which is slow and plain, makes of them,
// and what is answered must be no more than what was sent gives reason for.
func FuzzConn(f *testing.F) {
	binaryFrame, text, ping, closing := byte(0x82), byte(0x81), byte(0x89), byte(0x88)
	for _, seed := range [][]byte{
		frame(binaryFrame, "\xc0\x00"),
		bytes.Join([][]byte{frame(0x02, "a"), frame(ping, "p"), frame(0x00, ""), frame(0x80, "b"), frame(binaryFrame, "c")}, nil),
		append(frame(binaryFrame, "a"), frame(text, "b")...),
		append(frame(binaryFrame, "a"), frame(closing, "\x03\xe8")...),
		frame(binaryFrame, string(make([]byte, 300))),
		frame(0x83, "x"),
		frame(0xc2, "x"),
		frame(0x09, "x"),
		frame(0x80, "x"),
		{0x82, 0x01, 'x'},
		{0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 'x'},
		{0x82, 0xff, 0, 0, 0, 0, 0x10, 0, 0, 6, 0, 0, 0, 0, 'x'},
	} {
		f.Add(seed, uint16(3))
	}
	l := New(nil, Config{})
	request := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
	for name, value := range map[string]string{
		"Connection": "Upgrade", "Upgrade": "websocket", "Sec-Websocket-Version": "13",
		"Sec-Websocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==", "Sec-Websocket-Protocol": "mqtt",
	} {
		request.Header.Set(name, value)
	}
	f.Fuzz(func(t *testing.T, input []byte, size uint16) {
		w := &wire{in: bytes.NewReader(input)}
		conn, err := l.upgrade(hijacked{httptest.NewRecorder(), w}, request)
		if err != nil {
			t.Fatal(err)
		}
		w.out.Reset()
		var got []byte
		for p := make([]byte, 1+int(size)); ; {
			n, err := conn.Read(p)
			got = append(got, p[:n]...)
			if err != nil {
				break
			}
		}
		if want := oracle(input); !bytes.Equal(got, want) {
			t.Errorf("read %x, want %x", got, want)
		}
		if w.out.Len() > len(input)+256 { // a close frame, which may say why
			t.Errorf("%d bytes are answered with %d", len(input), w.out.Len())
		}
		if _, err := conn.Write([]byte("x")); err == nil && !bytes.HasSuffix(w.out.Bytes(), []byte{0x82, 1, 'x'}) {
			t.Errorf("a frame of one byte is %x", w.out.Bytes())
		}
		if err := conn.CloseWrite(); err != nil {
			t.Error(err)
		}
		if _, err := io.Copy(io.Discard, conn); err != nil {
			t.Error(err)
		}
	})
}

// frame makes a short frame of a client's. The mask changes nothing.
func frame(first byte, payload string) []byte {
	b := []byte{first, 0x80 | byte(len(payload))}
	if len(payload) > 125 {
		b = binary.BigEndian.AppendUint16([]byte{first, 0x80 | 126}, uint16(len(payload)))
	}
	return append(append(b, 0, 0, 0, 0), payload...)
}

// oracle returns the bytes of all binary messages up to where RFC 6455 or MQTT ends the connection.
func oracle(in []byte) (out []byte) {
	open, total := false, uint64(0) // whether a message is open, and how long it is
	for len(in) >= 2 {
		first, length, masked := in[0], uint64(in[1]&0x7f), in[1]&0x80 != 0
		opcode, last := first&0xf, first&0x80 != 0
		in = in[2:]
		extra := map[uint64]int{126: 2, 127: 8}[length]
		if first&0x70 != 0 || !masked || opcode >= 8 && (!last || extra > 0) || len(in) < extra+4 {
			return out
		}
		if extra > 0 {
			length = 0
			for _, b := range in[:extra] {
				length = length<<8 | uint64(b)
			}
		}
		switch opcode {
		case 0, 2:
			if open != (opcode == 0) {
				return out
			}
			if opcode == 2 {
				total = 0
			}
			if total += length; length > readLimit || total > readLimit {
				return out
			}
			open = !last
		case 9, 10:
		default: // text, the end, or what nobody knows
			return out
		}
		mask, payload := in[extra:extra+4], in[extra+4:]
		whole := uint64(len(payload)) >= length
		if whole {
			payload = payload[:length]
		}
		in = in[extra+4+len(payload):]
		if opcode < 8 {
			for i, b := range payload {
				out = append(out, b^mask[i%4])
			}
		}
		if !whole {
			return out
		}
	}
	return out
}
