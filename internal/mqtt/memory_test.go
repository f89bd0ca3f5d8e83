package mqtt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"runtime"
	"testing"
)

// crowd returns a packet of MQTT 5 with head behind the fixed header, then properties, then part, repeated, up to
// about size bytes; in says whether the parts are properties.
func crowd(first byte, size int, head, part []byte, in bool, tail []byte) []byte {
	parts := bytes.Repeat(part, size/len(part))
	body := append([]byte(nil), head...)
	if in {
		body = append(appendVarint(body, uint32(len(parts))), parts...)
		body = append(body, tail...)
	} else {
		body = append(append(body, 0), parts...)
	}
	return append(appendVarint([]byte{first}, uint32(len(body))), body...)
}

// TestDecodingTakesMemoryInProportion reads packets that are made of as many small parts as fit. None may take many times
// its size.
func TestDecodingTakesMemoryInProportion(t *testing.T) {
	const size = 4 << 20
	user := []byte{0x26, 0, 0, 0, 0}
	connect := []byte{0, 4, 'M', 'Q', 'T', 'T', 5, 2, 0, 0}
	for _, c := range []struct {
		name   string
		packet []byte
	}{
		{"CONNECT, user properties", crowd(0x10, size, connect, user, true, []byte{0, 0})},
		{"PUBLISH, user properties", crowd(0x30, size, []byte{0, 1, 'a'}, user, true, nil)},
		{"PUBLISH, subscription identifiers", crowd(0x30, size, []byte{0, 1, 'a'}, []byte{0x0b, 1}, true, nil)},
		{"PUBACK, user properties", crowd(0x40, size, []byte{0, 1, 0}, user, true, nil)},
		{"SUBSCRIBE, user properties", crowd(0x82, size, []byte{0, 1}, user, true, []byte{0, 1, 'a', 0})},
		{"SUBSCRIBE, filters", crowd(0x82, size, []byte{0, 1}, []byte{0, 1, '#', 0}, false, nil)},
		{"UNSUBSCRIBE, user properties", crowd(0xa2, size, []byte{0, 1}, user, true, []byte{0, 1, 'a'})},
		{"UNSUBSCRIBE, filters", crowd(0xa2, size, []byte{0, 1}, []byte{0, 1, '#'}, false, nil)},
		{"DISCONNECT, user properties", crowd(0xe0, size, []byte{0}, user, true, nil)},
	} {
		t.Run(c.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := newReader(bytes.NewReader(c.packet), V5, len(c.packet)).Next()
			runtime.ReadMemStats(&after)
			taken := int(after.TotalAlloc - before.TotalAlloc)
			t.Logf("%.1f times the size; %v", float64(taken)/float64(len(c.packet)), err)
			if taken > 6*len(c.packet) {
				t.Errorf("%d bytes for a packet of %d", taken, len(c.packet))
			}
		})
	}
}

func TestTooManyFilters(t *testing.T) {
	for _, n := range []int{maxFilters, maxFilters + 1} {
		filters := make([]Subscription, n)
		names := make([]string, n)
		for i := range filters {
			names[i] = string(binary.BigEndian.AppendUint16([]byte("x"), 0x4141))
			filters[i].Filter = names[i]
		}
		for _, p := range []Packet{&Subscribe{PacketID: 1, Subscriptions: filters}, &Unsubscribe{PacketID: 1, Filters: names}} {
			wire := p.Append(nil, V5)
			_, err := newReader(bytes.NewReader(wire), V5, len(wire)).Next()
			var refusal *Error
			if refused := errors.As(err, &refusal) && refusal.Code == QuotaExceeded; refused != (n > maxFilters) {
				t.Errorf("%s with %d filters: %v", p.Type(), n, err)
			}
		}
	}
}
