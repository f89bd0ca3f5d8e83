package bench

import "encoding/binary"

// headerSize is how many bytes of a payload say what it is.
const headerSize = 20

// header stands at the front of every payload.
type header struct {
	publisher int
	seq       uint64 // counts this publisher's messages from 0
	sent      int64  // when it was about to be published, ns of the run's clock
}

func (h header) put(payload []byte) {
	binary.BigEndian.PutUint32(payload, uint32(h.publisher))
	binary.BigEndian.PutUint64(payload[4:], h.seq)
	binary.BigEndian.PutUint64(payload[12:], uint64(h.sent))
}

func parseHeader(payload []byte) (h header, ok bool) {
	if len(payload) < headerSize {
		return header{}, false
	}
	return header{
		publisher: int(binary.BigEndian.Uint32(payload)),
		seq:       binary.BigEndian.Uint64(payload[4:]),
		sent:      int64(binary.BigEndian.Uint64(payload[12:])),
	}, true
}
