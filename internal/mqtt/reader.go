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
	publish Publish // the one that Next returns, every time
}

// firstPiece is what Reader allocates, in bytes, for a packet before any of it has come.
const firstPiece = 64 << 10

// NewReader returns a Reader of packets of at most limit bytes, header included, as version v has them. On a server
// v is 0: the first CONNECT sets it.
func NewReader(src *bufio.Reader, v Version, limit int) *Reader {
	return &Reader{src: src, version: v, limit: limit}
}

// Version returns the version of the packets to come, 0 before the first CONNECT.
func (r *Reader) Version() Version { return r.version }

// Next reads the next packet. The errors are io.EOF where the stream ends between two packets, other errors of the
// source, and an *Error; after any of them the Reader is of no use.
//
// The packet is valid until the next call. What a *Publish or a *Connect refers to, such as the payload, stays valid
// for ever; what other packets refer to does not.
func (r *Reader) Next() (Packet, error) {
	first, err := r.src.ReadByte()
	if err != nil {
		if errors.Is(err, io.EOF) {
			return nil, io.EOF
		}
		return nil, fmt.Errorf("read packet: %w", err)
	}
	t := Type(first >> 4)
	size, err := r.remaining(t)
	if err != nil {
		return nil, err
	}
	if t == TypePublish || t == TypeConnect || size > r.src.Size() {
		return r.keep(first, size)
	}
	return r.borrow(first, size)
}

// remaining reads the remaining length and checks the packet's size [MQTT-3.1.2-24].
func (r *Reader) remaining(t Type) (int, error) {
	var field [4]byte
	for i := range field {
		b, err := r.src.ReadByte()
		if err != nil {
			return 0, cut(err)
		}
		field[i] = b
		if b < 0x80 {
			return r.checkLength(t, field[:i+1])
		}
	}
	return r.checkLength(t, field[:])
}

func (r *Reader) checkLength(t Type, field []byte) (int, error) {
	d := decoder{rest: field, packet: t}
	n := int(d.varint())
	if 1+len(field)+n > r.limit {
		d.fail(PacketTooLarge, "")
	}
	if d.err != nil {
		return 0, d.err
	}
	return n, nil
}

// borrow decodes a packet where it lies in the source's buffer.
func (r *Reader) borrow(first byte, size int) (Packet, error) {
	body, err := r.src.Peek(size)
	if err != nil {
		return nil, cut(err)
	}
	p, err := Decode(first, body, r.version)
	if err != nil {
		return nil, err
	}
	if _, err := r.src.Discard(size); err != nil {
		return nil, cut(err)
	}
	return p, nil
}

// keep decodes a packet from bytes of its own.
func (r *Reader) keep(first byte, size int) (Packet, error) {
	body, err := r.body(size)
	if err != nil {
		return nil, cut(err)
	}
	if Type(first>>4) == TypePublish {
		if err := DecodePublish(&r.publish, first, body, r.version); err != nil {
			return nil, err
		}
		return &r.publish, nil
	}
	p, err := Decode(first, body, r.version)
	if err != nil {
		return nil, err
	}
	if c, ok := p.(*Connect); ok {
		r.version = c.Version
	}
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
