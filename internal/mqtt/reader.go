package mqtt

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// Reader reads packets. It belongs to one goroutine.
type Reader struct {
	src     *bufio.Reader
	limit   int
	version Version
	field   [4]byte // the remaining length
	publish Publish // the one that Next returns, every time
}

// firstPiece is what Reader allocates, in bytes, for a packet before any of it has come.
const firstPiece = 64 << 10

// NewReader returns a Reader of packets of at most limit bytes, header included, as version v has them. On a server
// v is 0: the first CONNECT sets it.
func NewReader(src *bufio.Reader, v Version, limit int) *Reader {
	return &Reader{src: src, version: v, limit: limit}
}

// SetSource changes where packets are read from, nil for nowhere until it is called again. The packet that Next returned
// last is no longer valid.
func (r *Reader) SetSource(src *bufio.Reader) {
	r.src = src
	r.publish = Publish{} // or a client that is silent now would keep its last message in memory
}

// Version returns the version of the packets to come, 0 before the first CONNECT.
func (r *Reader) Version() Version { return r.version }

// Next reads the next packet. The errors are io.EOF where the stream ends between two packets, other errors of the
// source, and an *Error; after any of them the Reader is of no use.
//
// The packet is valid until the next call. What a *Publish or a *Connect refers to, such as the payload, stays valid
// for ever; what other packets refer to does not.
func (r *Reader) Next() (Packet, error) {
	r.publish = Publish{} // or a client that is silent now would keep its last message in memory
	first, err := r.src.ReadByte()
	if err != nil {
		if errors.Is(err, io.EOF) {
			return nil, io.EOF
		}
		return nil, fmt.Errorf("read packet: %w", err)
	}
	d := decoder{version: r.version, packet: Type(first >> 4)}
	size, err := r.header(&d, first)
	if err != nil {
		return nil, err
	}
	if d.packet == TypePublish || d.packet == TypeConnect || size > r.src.Size() {
		return r.keep(&d, first, size)
	}
	return r.borrow(&d, first, size)
}

// header checks the first byte, so that what is no MQTT is refused before more of it has come, and reads the remaining
// length, which must keep the limit [MQTT-3.2.2-15].
func (r *Reader) header(d *decoder, first byte) (size int, err error) {
	d.checkFirst(first)
	if d.err != nil {
		return 0, d.err
	}
	n := 0
	for more := true; more && n < len(r.field); n++ {
		if r.field[n], err = r.src.ReadByte(); err != nil {
			return 0, cut(err)
		}
		more = r.field[n] >= 0x80
	}
	d.rest = r.field[:n]
	size = int(d.varint())
	if 1+n+size > r.limit {
		d.fail(PacketTooLarge, "")
	}
	if d.err != nil {
		return 0, d.err
	}
	return size, nil
}

// borrow decodes a packet where it lies in the source's buffer.
func (r *Reader) borrow(d *decoder, first byte, size int) (Packet, error) {
	body, err := r.src.Peek(size)
	if err != nil {
		return nil, cut(err)
	}
	p, err := r.decode(d, first, body)
	if err != nil {
		return nil, err
	}
	if _, err := r.src.Discard(size); err != nil {
		return nil, cut(err)
	}
	return p, nil
}

// keep decodes a packet from bytes of its own.
func (r *Reader) keep(d *decoder, first byte, size int) (Packet, error) {
	body, err := r.body(size)
	if err != nil {
		return nil, cut(err)
	}
	return r.decode(d, first, body)
}

func (r *Reader) decode(d *decoder, first byte, body []byte) (Packet, error) {
	d.rest = body
	var p Packet = &r.publish
	if d.packet == TypePublish {
		d.publish(&r.publish, first)
	} else {
		p = d.decode(first)
	}
	if d.err != nil {
		return nil, d.err
	}
	r.version = d.version // which a CONNECT has set
	return p, nil
}

// body reads size bytes. Its memory grows with what has come, not with what was announced: else a few bytes from
// many clients could claim it all.
func (r *Reader) body(size int) ([]byte, error) {
	body := make([]byte, min(size, firstPiece))
	for read := 0; ; {
		n, err := io.ReadFull(r.src, body[read:])
		if err != nil {
			return nil, err
		}
		if read += n; read == size {
			return body, nil
		}
		grown := make([]byte, min(size, 4*len(body)))
		copy(grown, body)
		body = grown
	}
}

// cut wraps an error in the middle of a packet.
func cut(err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("read packet: %w", err)
}
