package replica_test

import (
	"fmt"
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

func newBencher() *bencher {
	return &bencher{Machine: replica.New(1, replica.DefaultLimits), header: replica.Header{Incarnation: 1}}
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
