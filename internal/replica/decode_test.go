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
	&replica.Connect{
		Connection: 2, ClientID: "c", Clean: true, Expiry: replica.Never,
		Will: &replica.Message{Topic: "w", Payload: []byte("gone")}, WillDelay: 7,
	},
	&replica.End{Connection: 9},
	&replica.End{Connection: 9, PublishWill: true, HasExpiry: true, Expiry: 1 << 31},
	&replica.End{Connection: 9, HasUnsent: true, Unsent: 1 << 40},
	&replica.Publish{Connection: 1, PacketID: 65535, Message: replica.Message{Topic: "t", QoS: 2, Payload: []byte("p")}},
	&replica.Release{Connection: 1, PacketID: 1},
	&replica.Subscribe{Connection: 1, ID: 268_435_455, Subscriptions: []replica.Subscription{
		{Filter: "a/+/#", QoS: 1, NoLocal: true, RetainAsPublished: true, RetainHandling: 2},
		{Filter: "$share/g/a/#", QoS: 2, RetainHandling: 1},
	}},
	&replica.Unsubscribe{Connection: 1, Filters: []string{"a/+/#", "$share/g/a/#"}},
	&replica.Ack{Connection: 1, Received: []uint64{0, 1, 300}},
	&replica.Ack{Connection: 1, Received: []uint64{5}, Done: []uint64{4, 1<<64 - 2}},
	&replica.Tick{},
	&replica.Ban{Target: target(replica.BanClient, "ключ"), Seconds: 1<<32 - 1, Reason: "sends nonsense"},
	&replica.Ban{Target: target(replica.BanUser, "alice")},
	&replica.Ban{Target: target(replica.BanAddress, "192.0.2.7"), Seconds: 3600},
	&replica.Unban{Target: target(replica.BanAddress, "2001:db8::/32")},
	&replica.Suspect{Member: 255, Incarnation: 1 << 40},
	&replica.Suspect{Incarnation: 1, Withdraw: true},
}

// target is a ban's target in its one form.
func target(kind replica.BanKind, value string) replica.BanTarget {
	t, err := replica.NewBanTarget(kind, value)
	if err != nil {
		panic(err)
	}
	return t
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
	filter := func(f string) []replica.Subscription { return []replica.Subscription{{Filter: f}} }
	publish := func(m replica.Message) []byte { return (&replica.Publish{Connection: 1, Message: m}).Append(nil) }
	for name, b := range map[string][]byte{
		"nothing":                 {},
		"unknown kind":            {9, 1},
		"connection 0":            (&replica.End{}).Append(nil),
		"long varint":             {3, 0x81, 0x00, 0},
		"truncated":               {3, 1},
		"bytes behind":            {3, 1, 0, 0},
		"bytes behind a tick":     {8, 0},
		"unknown end":             {3, 1, 4},
		"unknown connect":         {2, 1, 4, 1, 'c', 0},
		"packet id at QoS 1":      {9, 1, 7, 1, 1, 't'},
		"packet id 0":             {9, 1, 0, 2, 1, 't'},
		"packet id too large":     {4, 1, 0x80, 0x80, 4},
		"release of nothing":      {4, 1, 0},
		"no subscription":         {5, 1, 0},
		"subscription id":         (&replica.Subscribe{Connection: 1, ID: 1 << 28, Subscriptions: filter("a")}).Append(nil),
		"bad filter":              (&replica.Subscribe{Connection: 1, Subscriptions: filter("a#")}).Append(nil),
		"group without a filter":  (&replica.Subscribe{Connection: 1, Subscriptions: filter("$share/g")}).Append(nil),
		"subscription at QoS 3":   {5, 1, 0, 1, 'a', 3},
		"retain handling 3":       {5, 1, 0, 1, 'a', 0x30},
		"unknown option":          {5, 1, 0, 1, 'a', 0x40},
		"no local and shared":     append(append([]byte{5, 1, 0, 10}, "$share/g/a"...), 4),
		"no filter":               {6, 1},
		"bad filter to leave":     (&replica.Unsubscribe{Connection: 1, Filters: []string{""}}).Append(nil),
		"nothing acknowledged":    {7, 1, 0, 0},
		"more numbers than bytes": {7, 1, 3, 0},
		"number too large":        append(append([]byte{7, 1, 1}, bytes.Repeat([]byte{0xff}, 9)...), 1, 0),
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
		"kind of ban unknown":     {10, 4, 1, 'a', 0, 0},
		"ban of no client":        {10, 1, 0, 0, 0},
		"ban without a reason":    {10, 1, 1, 'a', 0},
		"ban of an address":       (&replica.Unban{Target: replica.BanTarget{Kind: 3, Value: "192.0.2.7"}}).Append(nil),
		"bits behind a prefix":    (&replica.Unban{Target: replica.BanTarget{Kind: 3, Value: "192.0.2.7/24"}}).Append(nil),
		"target too long":         (&replica.Unban{Target: replica.BanTarget{Kind: 2, Value: strings.Repeat("a", 1025)}}).Append(nil),
		"reason too long":         (&replica.Ban{Target: target(replica.BanUser, "a"), Reason: strings.Repeat("a", 257)}).Append(nil),
		"reason with an escape":   (&replica.Ban{Target: target(replica.BanUser, "a"), Reason: "\x1b[2J"}).Append(nil),
		"suspected boot 0":        {12, 0, 1, 0},
		"unknown suspicion":       {12, 2, 1, 1},
		"member too large":        {12, 0, 0x80, 0x80, 4, 1},
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
			&replica.Connect{
				Connection: 1, ClientID: "c", Expiry: 1,
				Will: &replica.Message{Topic: "w", Payload: []byte("gone")}, WillDelay: 1,
			},
			&replica.Subscribe{Connection: 1, Subscriptions: []replica.Subscription{
				{Filter: "#", QoS: 2}, {Filter: "$share/g/#", QoS: 1},
			}},
			&replica.Publish{Connection: 1, PacketID: 1, Message: replica.Message{Topic: "t", QoS: 2}},
			nil,
			&replica.Publish{Connection: 1, Message: replica.Message{Topic: "t", Payload: []byte("p"), Retain: true}},
			&replica.End{Connection: 1, PublishWill: true},
			&replica.Tick{},
			&replica.Connect{Connection: 2, ClientID: "c", Expiry: 1},
		} {
			bytes := tx
			if cmd != nil {
				bytes = cmd.Append(replica.Header{Incarnation: 1, Number: uint64(i)}.Append(nil))
			}
			a.Apply(int64(i)*second/2, int(node%3), bytes, &ra)
			b.Apply(int64(i)*second/2, int(node%3), append([]byte(nil), bytes...), &rb)
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
