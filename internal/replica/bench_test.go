package replica_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/foxmq/foxmq/internal/replica"
)

// bencher submits the transactions of one node to a machine.
type bencher struct {
	*replica.Machine
	header replica.Header
	tx     []byte
	res    replica.Result
}

func newBencher() *bencher { return bencherOf(replica.DefaultLimits) }

func bencherOf(limits replica.Limits) *bencher {
	return &bencher{Machine: replica.New(1, limits), header: replica.Header{Incarnation: 1}}
}

func (b *bencher) do(cmd replica.Command) {
	b.tx = cmd.Append(b.header.Append(b.tx[:0]))
	b.Apply(1, 0, b.tx, &b.res)
	b.header.Number++
}

// BenchmarkApplyPublishToTen measures a PUBLISH at QoS 1 to ten connected lasting sessions, and their acknowledgements.
func BenchmarkApplyPublishToTen(b *testing.B) {
	m := newBencher()
	subscription := []replica.Subscription{{Filter: "some/#", QoS: 1}}
	for c := uint64(1); c <= 10; c++ {
		m.do(&replica.Connect{Connection: c, ClientID: fmt.Sprint("client ", c), Expiry: 10})
		m.do(&replica.Subscribe{Connection: c, Subscriptions: subscription})
	}
	publish := &replica.Publish{Connection: 1, Message: replica.Message{
		Topic: "some/topic/here", QoS: 1, Payload: make([]byte, 64),
	}}
	b.ReportAllocs()
	for i := uint64(0); b.Loop(); i++ {
		m.do(publish)
		for c := uint64(1); c <= 10; c++ {
			m.do(&replica.Ack{Connection: c, Done: []uint64{i}})
		}
	}
}

// BenchmarkApplyPublishOnce measures a PUBLISH at QoS 2 of a lasting session to nobody, and its PUBREL.
func BenchmarkApplyPublishOnce(b *testing.B) {
	m := newBencher()
	m.do(&replica.Connect{Connection: 1, ClientID: "client", Expiry: 10})
	publish := &replica.Publish{Connection: 1, Message: replica.Message{
		Topic: "some/topic/here", QoS: 2, Payload: make([]byte, 64),
	}}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		publish.PacketID = uint16(1 + i%65_535)
		m.do(publish)
		m.do(&replica.Release{Connection: 1, PacketID: publish.PacketID})
	}
}

// BenchmarkApplyRetain measures a retained PUBLISH that replaces another.
func BenchmarkApplyRetain(b *testing.B) {
	m := newBencher()
	m.do(&replica.Connect{Connection: 1, ClientID: "client", Expiry: 10})
	publish := &replica.Publish{Connection: 1, Message: replica.Message{Retain: true, Payload: make([]byte, 64)}}
	topics := make([]string, 1000)
	for i := range topics {
		topics[i] = fmt.Sprint("some/topic/", i)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		publish.Message.Topic = topics[i%len(topics)]
		m.do(publish)
	}
}

// BenchmarkFlush measures a Flush after a thousand retained messages have changed, which are of a thousand topics.
func BenchmarkFlush(b *testing.B) {
	m := newBencher()
	m.do(&replica.Connect{Connection: 1, ClientID: "client", Expiry: 10})
	publish := &replica.Publish{Connection: 1, Message: replica.Message{Retain: true, Payload: make([]byte, 64)}}
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		for i := range 1000 {
			publish.Message.Topic = fmt.Sprint("some/topic/", i)
			m.do(publish)
		}
		b.StartTimer()
		m.Flush(func(_, _ []byte) {})
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/record")
}

// BenchmarkLoad measures the Load of a million retained messages, and of a tenth of that of sleeping sessions, each with
// a subscription; and how much memory a retained message takes then.
func BenchmarkLoad(b *testing.B) {
	const messages, sessions = 1_000_000, 100_000
	m := newBencher()
	m.do(&replica.Connect{Connection: 1, ClientID: "client"})
	publish := &replica.Publish{Connection: 1, Message: replica.Message{Retain: true, Payload: make([]byte, 64)}}
	load := func(disk []byte) *replica.Machine {
		loaded, err := replica.Load(1, replica.DefaultLimits, parseRecords(disk))
		if err != nil {
			b.Fatal(err)
		}
		return loaded
	}
	write := func() []byte {
		return appendRecords(nil, func(yield func(key, value []byte) bool) {
			m.Flush(func(key, value []byte) { yield(key, value) })
		})
	}
	for i := range messages {
		publish.Message.Topic = fmt.Sprint("some/topic/", i)
		m.do(publish)
	}
	disk := write()
	m.Machine = nil
	before := heap()
	m.Machine = load(disk)
	each := float64(heap()-before) / messages
	for i := range uint64(sessions) {
		client := fmt.Sprint("sleeper ", i)
		m.do(&replica.Connect{Connection: 2 + i, ClientID: client, Expiry: replica.Never})
		m.do(&replica.Subscribe{Connection: 2 + i, Subscriptions: []replica.Subscription{{Filter: client, QoS: 1}}})
		m.do(&replica.End{Connection: 2 + i})
	}
	again := records{}
	for key, value := range parseRecords(disk) {
		again[string(key)] = value
	}
	if err := again.flush(m.Machine); err != nil {
		b.Fatal(err)
	}
	disk = appendRecords(nil, again.sorted())
	hash := m.Hash()
	again, m.Machine = nil, nil
	runtime.GC()
	b.ResetTimer()
	for b.Loop() {
		if load(disk).Hash() != hash {
			b.Fatal("another state")
		}
	}
	b.ReportMetric(each, "B/retained")
}

// heap returns how many bytes are in use.
func heap() uint64 {
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return s.HeapAlloc
}
