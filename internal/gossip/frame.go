package gossip

import (
	"encoding/binary"
	"fmt"
	"io"
)

// frameHeader is the length of the big-endian length before each hello and each message, in bytes.
const frameHeader = 4

// maxHello bounds the hello of any version, in bytes.
const maxHello = 1024

// trusted is how much is set aside on a mere claim of a frame's length, in bytes. Beyond it, memory grows with what
// has really arrived, so that a claim alone costs the receiver little.
const trusted = 1 << 20

// frameError says that a frame is not one. It is the peer's fault, unlike an error of the connection.
type frameError struct{ length, limit int }

func (e *frameError) Error() string {
	return fmt.Sprintf("frame of %d bytes, at least 1 and at most %d allowed", e.length, e.limit)
}

// readFrame reads a frame of at most limit bytes into a buffer of its own and returns its body.
func readFrame(r io.Reader, limit int) ([]byte, error) {
	var header [frameHeader]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return nil, err
	}
	length := int(binary.BigEndian.Uint32(header[:]))
	if length == 0 || length > limit {
		return nil, &frameError{length, limit}
	}
	body := make([]byte, min(length, trusted))
	for have := 0; ; {
		n, err := io.ReadFull(r, body[have:])
		if err != nil {
			return nil, fmt.Errorf("read frame: %w", err)
		}
		if have += n; have == length {
			return body, nil
		}
		grown := make([]byte, min(length, 2*have))
		copy(grown, body)
		body = grown
	}
}

// beginFrame appends room for a frame's header; endFrame fills it in when the body has been appended.
func beginFrame(dst []byte) []byte { return append(dst, make([]byte, frameHeader)...) }

func endFrame(frame []byte) []byte {
	binary.BigEndian.PutUint32(frame, uint32(len(frame)-frameHeader))
	return frame
}
