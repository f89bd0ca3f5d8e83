package broker_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/foxmq/foxmq/internal/broker"
	"github.com/foxmq/foxmq/internal/mqtt"
)

// The benchmarks run a broker over the fake stream with clients on loopback TCP. One operation is one message
// delivered to one subscriber.
func BenchmarkOneToOneQoS0(b *testing.B)   { workload{1, 1, 64, 0, false}.run(b) }
func BenchmarkTenToTenQoS1(b *testing.B)   { workload{10, 10, 256, 1, true}.run(b) }
func BenchmarkFanOut100(b *testing.B)      { workload{1, 100, 64, 0, false}.run(b) }
func BenchmarkFanIn100(b *testing.B)       { workload{100, 1, 64, 0, false}.run(b) }
func BenchmarkFanOut100Large(b *testing.B) { workload{1, 100, 16 << 10, 0, false}.run(b) }

type workload struct {
	publishers, subscribers, size int
	qos                           byte
	paired                        bool // the i-th publisher's messages go to the i-th subscriber only
}

// inFlight is how many messages at QoS 1 a publisher sends before it waits for PUBACK; at QoS 0 it sends as many
// before it waits for what was delivered, so that nothing is dropped.
const inFlight = 100

func (w workload) run(b *testing.B) {
	stream := newFakeStream()
	server := stream.serve(b, broker.Config{})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var serving, applying, clients sync.WaitGroup
	applying.Go(stream.run)
	serving.Go(func() { _ = server.Run(ctx, listener) })

	each := b.N/(w.publishers*w.fanOut()) + 1
	credit := make(chan struct{}, each*w.publishers/inFlight+1)
	subs := make([]net.Conn, w.subscribers)
	for i := range subs {
		subs[i] = w.dial(b, listener, fmt.Sprintf("s%d", i))
		write(b, subs[i], &mqtt.Subscribe{PacketID: 1, Subscriptions: []mqtt.Subscription{{Filter: w.filter(i), QoS: w.qos}}})
		read(b, subs[i], 5)
	}
	pubs := make([]net.Conn, w.publishers)
	for i := range pubs {
		pubs[i] = w.dial(b, listener, fmt.Sprintf("p%d", i))
	}
	b.ResetTimer()
	for i, conn := range subs {
		expect := each * w.publishers
		if w.paired {
			expect = each
		}
		clients.Go(func() { w.consume(conn, expect, credit, i == 0) })
	}
	for i, conn := range pubs {
		clients.Go(func() { w.produce(conn, i, each, credit) })
	}
	clients.Wait()
	b.StopTimer()
	b.ReportMetric(float64(each*w.publishers*w.fanOut())/b.Elapsed().Seconds(), "msg/s")
	if d := server.Stats().QueueDropped; d > 0 {
		b.Errorf("%d dropped", d)
	}
	for _, c := range append(subs, pubs...) {
		c.Close()
	}
	stop()
	serving.Wait()
	stream.stop()
	applying.Wait()
}

func (w workload) fanOut() int {
	if w.paired {
		return 1
	}
	return w.subscribers
}

func (w workload) filter(i int) string {
	if w.paired {
		return fmt.Sprintf("bench/%d", i)
	}
	return "bench/#"
}

func (w workload) dial(b *testing.B, l net.Listener, id string) net.Conn {
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	write(b, conn, &mqtt.Connect{Version: mqtt.V311, ClientID: id, CleanStart: true})
	read(b, conn, 4)
	return conn
}

// window is how many messages in all may be under way at QoS 0.
func (w workload) consume(conn net.Conn, expect int, credit chan struct{}, gives bool) {
	in := bufio.NewReaderSize(conn, 64<<10)
	var acks []byte
	header := make([]byte, 4)
	for n := 1; n <= expect; n++ {
		id, ok := skipPublish(in, header)
		if !ok {
			return
		}
		if w.qos > 0 {
			acks = (&mqtt.Puback{PacketID: id}).Append(acks, mqtt.V311)
			if in.Buffered() == 0 || len(acks) > 1000 {
				_, _ = conn.Write(acks)
				acks = acks[:0]
			}
		}
		if w.qos == 0 && gives && n%inFlight == 0 {
			credit <- struct{}{}
		}
	}
	if w.qos == 0 && gives {
		close(credit)
	}
}

// skipPublish reads a PUBLISH and returns its packet identifier, if it has one.
func skipPublish(in *bufio.Reader, header []byte) (id uint16, ok bool) {
	first, err := in.ReadByte()
	if err != nil {
		return 0, false
	}
	size, shift := 0, 0
	for {
		c, _ := in.ReadByte()
		size |= int(c&0x7f) << shift
		if shift += 7; c < 0x80 {
			break
		}
	}
	if first&6 != 0 {
		b, _ := in.Peek(2)
		n := int(b[0])<<8 | int(b[1])
		b, _ = in.Peek(2 + n + 2)
		id = uint16(b[2+n])<<8 | uint16(b[3+n])
	}
	_, err = in.Discard(size)
	return id, err == nil
}

func (w workload) produce(conn net.Conn, i, count int, credit chan struct{}) {
	p := mqtt.Publish{Topic: fmt.Sprintf("bench/%d", i), Payload: make([]byte, w.size), QoS: w.qos}
	var burst []byte
	acks := make([]byte, 4*inFlight)
	// At QoS 0 sixteen bursts are under way per broker; further ones wait for credit.
	for sent := 0; sent < count; {
		n := min(inFlight, count-sent)
		burst = burst[:0]
		for range n {
			p.PacketID++
			if p.PacketID == 0 {
				p.PacketID = 1
			}
			burst = p.Append(burst, mqtt.V311)
		}
		if _, err := conn.Write(burst); err != nil {
			return
		}
		sent += n
		if w.qos > 0 {
			_, _ = io.ReadFull(conn, acks[:4*n])
		} else if sent > 16*inFlight/w.publishers && sent < count {
			<-credit
		}
	}
}

func write(b *testing.B, conn net.Conn, p mqtt.Packet) {
	if _, err := conn.Write(p.Append(nil, mqtt.V311)); err != nil {
		b.Fatal(err)
	}
}

func read(b testing.TB, conn net.Conn, n int) {
	if _, err := io.ReadFull(conn, make([]byte, n)); err != nil {
		b.Fatal(err)
	}
}
