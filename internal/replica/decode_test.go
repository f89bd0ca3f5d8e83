package replica_test

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/foxmq/foxmq/internal/replica"
)

// commands are one of each shape.
var commands = []replica.Command{
	&replica.Publish{Connection: 1, Message: replica.Message{Topic: "t", Payload: []byte("p")}},
	&replica.Publish{Connection: 1 << 40, Message: replica.Message{
		Topic: "a/b/c", QoS: 2, Retain: true, HasExpiry: true, Expiry: 1<<32 - 1,
		Properties: []byte{1, 1, 3, 0, 1, 'x'}, Payload: bytes.Repeat([]byte("z"), 300),
	}},
	&replica.Publish{Connection: 3, Message: replica.Message{Topic: "empty", QoS: 1, Payload: []byte{}}},
	&replica.Connect{Connection: 2, ClientID: "ключ"},
	&replica.Connect{Connection: 2, ClientID: "c", Will: &replica.Message{Topic: "w", Payload: []byte("gone")}},
	&replica.End{Connection: 9},
	&replica.End{Connection: 9, PublishWill: true},
}

func TestDecodeReadsWhatAppendWrote(t *testing.T) {
	for _, cmd := range commands {
		b := cmd.Append(nil)
		got, err := replica.DecodeCommand(b)
		if err != nil {
			t.Errorf("%+v: %v", cmd, err)
			continue
		}
		clear(b)
		if !reflect.DeepEqual(got, cmd) {
			t.Errorf("got %+v, want %+v", got, cmd)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	publish := func(m replica.Message) []byte { return (&replica.Publish{Connection: 1, Message: m}).Append(nil) }
	for name, b := range map[string][]byte{
		"nothing":                 {},
		"unknown kind":            {9, 1},
		"connection 0":            (&replica.End{}).Append(nil),
		"long varint":             {3, 0x81, 0x00, 0},
		"truncated":               {3, 1},
		"bytes behind":            {3, 1, 0, 0},
		"neither true nor false":  {3, 1, 2},
		"no topic":                publish(replica.Message{}),
		"wildcard in a topic":     publish(replica.Message{Topic: "a/#"}),
		"topic not UTF-8":         publish(replica.Message{Topic: "\xff"}),
		"topic with NUL":          publish(replica.Message{Topic: "a\x00"}),
		"topic too long":          publish(replica.Message{Topic: strings.Repeat("a", 1<<16)}),
		"QoS 3":                   publish(replica.Message{Topic: "t", QoS: 3}),
		"unknown flag":            publish(replica.Message{Topic: "t", QoS: 0x20}),
		"empty properties":        publish(replica.Message{Topic: "\x00", QoS: 0x10})[:5],
		"property of its own":     publish(replica.Message{Topic: "t", Properties: []byte{0x23, 0, 1}}),
		"property cut off":        publish(replica.Message{Topic: "t", Properties: []byte{8, 0, 9, 'x'}}),
		"client id empty":         (&replica.Connect{Connection: 1}).Append(nil),
		"client id not UTF-8":     (&replica.Connect{Connection: 1, ClientID: "\xc3"}).Append(nil),
		"client id with NUL":      (&replica.Connect{Connection: 1, ClientID: "a\x00b"}).Append(nil),
		"larger than any command": publish(replica.Message{Topic: "t", Payload: make([]byte, replica.MaxCommand)}),
	} {
		if cmd, err := replica.DecodeCommand(b); !errors.Is(err, replica.ErrMalformed) {
			t.Errorf("%s: got %+v, %v", name, cmd, err)
		}
	}
}

// FuzzDecode: what decodes is what Append makes of it, byte by byte, and nothing else.
func FuzzDecode(f *testing.F) {
	for _, cmd := range commands {
		f.Add(cmd.Append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		cmd, err := replica.DecodeCommand(b)
		if err != nil {
			if !errors.Is(err, replica.ErrMalformed) {
				t.Fatalf("unexpected error: %v", err)
			}
			return
		}
		if got := cmd.Append(nil); !bytes.Equal(got, b) {
			t.Fatalf("%x decodes to %+v, which is %x", b, cmd, got)
		}
	})
}

// FuzzApply: no transaction, however hostile, upsets a machine or sets two machines apart.
func FuzzApply(f *testing.F) {
	for i, cmd := range commands {
		f.Add(byte(i), cmd.Append(replica.Header{Incarnation: 2}.Append(nil)))
	}
	f.Fuzz(func(t *testing.T, node byte, tx []byte) {
		a, b := replica.New(3, scriptLimits), replica.New(3, scriptLimits)
		var ra, rb replica.Result
		for i, cmd := range []replica.Command{
			&replica.Connect{Connection: 1, ClientID: "c", Will: &replica.Message{Topic: "w", Payload: []byte("gone")}},
			nil,
			&replica.Publish{Connection: 1, Message: replica.Message{Topic: "t", Payload: []byte("p"), Retain: true}},
		} {
			bytes := tx
			if cmd != nil {
				bytes = cmd.Append(replica.Header{Incarnation: 1, Number: uint64(i)}.Append(nil))
			}
			a.Apply(int64(i), int(node%3), bytes, &ra)
			b.Apply(int64(i), int(node%3), append([]byte(nil), bytes...), &rb)
			if show(&ra) != show(&rb) || a.Digest() != b.Digest() {
				t.Fatalf("two machines differ: %s%s", show(&ra), show(&rb))
			}
		}
	})
}

// newPublisher returns a machine of one node with one connection, and a function that applies a PUBLISH of it.
func newPublisher(payload []byte) (publish func() replica.Outcome) {
	m := replica.New(1, replica.DefaultLimits)
	var res replica.Result
	h := replica.Header{Incarnation: 1}
	m.Apply(1, 0, (&replica.Connect{Connection: 1, ClientID: "c"}).Append(h.Append(nil)), &res)
	message := replica.Message{Topic: "some/topic/here", Payload: payload}
	cmd := (&replica.Publish{Connection: 1, Message: message}).Append(nil)
	var tx []byte
	return func() replica.Outcome {
		h.Number++
		tx = append(h.Append(tx[:0]), cmd...)
		m.Apply(1, 0, tx, &res)
		return res.Outcome
	}
}

// TestPublishAllocatesLittle: the command and its bytes, and no more for a topic that was seen before.
func TestPublishAllocatesLittle(t *testing.T) {
	publish := newPublisher([]byte("payload"))
	allocs := testing.AllocsPerRun(100, func() {
		if o := publish(); o != replica.Applied {
			t.Fatal(o)
		}
	})
	if allocs > 2 {
		t.Errorf("%v allocations", allocs)
	}
}

func BenchmarkApplyPublish(b *testing.B) {
	publish := newPublisher(make([]byte, 64))
	b.ReportAllocs()
	for b.Loop() {
		publish()
	}
}
