package broker_test

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/foxmq/foxmq/internal/broker"
	"github.com/foxmq/foxmq/internal/mqtt"
)

// kit is a broker over a fakeStream, in a bubble of virtual time. Clients are connected by pipes; a test reads as a
// script of who sends what and what each has got when nothing moves any more.
type kit struct {
	t      *testing.T
	stream *fakeStream
	broker *broker.Broker
	peers  []*peer
	stop   context.CancelFunc // of the broker
}

// play runs a script against a broker with the config.
func play(t *testing.T, config broker.Config, script func(k *kit)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		k := &kit{t: t, stream: newFakeStream()}
		k.broker = k.stream.serve(t, config)
		var ctx context.Context
		ctx, k.stop = context.WithCancel(context.Background())
		var running sync.WaitGroup
		running.Go(k.stream.run)
		running.Go(func() { _ = k.broker.Run(ctx) })
		defer func() { // when the script has failed, too
			k.stop()
			for _, p := range k.peers {
				p.hangUp()
			}
			k.stream.limit(1000)
			k.stream.resume()
			synctest.Wait()
			k.stream.stop()
			running.Wait()
		}()
		script(k)
	})
}

// serve makes a broker over the stream. Unless the config says otherwise, everybody is let in.
func (s *fakeStream) serve(t testing.TB, config broker.Config) *broker.Broker {
	t.Helper()
	config.Stream, config.State = s, s
	if config.Users == nil {
		config.Users, config.AllowAnonymous = nobody{}, func() bool { return true }
	}
	b, err := broker.New(config)
	if err != nil {
		t.Fatal(err)
	}
	s.broker = b
	return b
}

type nobody struct{}

func (nobody) Authenticate(context.Context, netip.Addr, string, []byte) (broker.Login, error) {
	return nil, errors.New("nobody is known")
}

// peer is a client without any cleverness of its own.
type peer struct {
	kit     *kit
	name    string
	version mqtt.Version
	conn    net.Conn

	mu     sync.Mutex
	change sync.Cond // on mu
	out    []byte    // guarded by mu
	got    []string  // guarded by mu
	deaf   bool      // it does not read; guarded by mu
	closed bool      // we hung up; guarded by mu
}

// dial connects a peer that has sent nothing.
func (k *kit) dial(name string, version mqtt.Version) *peer {
	return k.attach(name, version, func(c net.Conn) net.Conn { return c })
}

// attach is dial by a connection that the broker sees as dress makes it.
func (k *kit) attach(name string, version mqtt.Version, dress func(net.Conn) net.Conn) *peer {
	ours, theirs := net.Pipe()
	p := k.adopt(name, version, ours)
	k.broker.Handle(dress(theirs))
	return p
}

// adopt makes a peer of the client's end of a connection.
func (k *kit) adopt(name string, version mqtt.Version, conn net.Conn) *peer {
	p := &peer{kit: k, name: name, version: version, conn: conn}
	p.change.L = &p.mu
	k.peers = append(k.peers, p)
	go p.write()
	go p.read()
	return p
}

// write sends what is in out; a pipe holds up its writer until the other end reads.
func (p *peer) write() {
	for {
		p.mu.Lock()
		for len(p.out) == 0 && !p.closed {
			p.change.Wait()
		}
		out := p.out
		p.out = nil
		p.mu.Unlock()
		if len(out) == 0 {
			return
		}
		if _, err := p.conn.Write(out); err != nil {
			return
		}
	}
}

// read collects what arrives, until the broker closes the connection.
func (p *peer) read() {
	r := mqtt.NewReader(bufio.NewReader(hearing{p}), p.version, 1<<20)
	for {
		packet, err := r.Next()
		p.mu.Lock()
		if err != nil {
			p.got = append(p.got, "closed")
			p.mu.Unlock()
			return
		}
		p.got = append(p.got, describe(packet))
		p.mu.Unlock()
	}
}

// hearing reads from the pipe while the peer is not deaf. What a read under way still brings is heard later.
type hearing struct{ *peer }

func (h hearing) Read(b []byte) (int, error) {
	h.listen()
	n, err := h.conn.Read(b)
	h.listen()
	return n, err
}

func (p *peer) listen() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.deaf && !p.closed {
		p.change.Wait()
	}
}

// settle waits until nothing moves any more.
func (k *kit) settle() { synctest.Wait() }

// set changes what is guarded by mu.
func (p *peer) set(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
	p.change.Broadcast()
}

// send sends packets as soon as the broker reads them.
func (p *peer) send(packets ...mqtt.Packet) {
	for _, packet := range packets {
		p.raw(packet.Append(nil, p.version)...)
	}
}

func (p *peer) raw(b ...byte) { p.set(func() { p.out = append(p.out, b...) }) }

func (p *peer) hangUp() {
	p.set(func() { p.closed = true })
	p.conn.Close()
}

// take returns what the peer has got since the last time, when nothing moves any more.
func (p *peer) take() (got []string) {
	synctest.Wait()
	p.set(func() { got, p.got = p.got, nil })
	return got
}

// gets checks that the peer has got exactly these packets since the last time.
func (p *peer) gets(want ...string) {
	p.kit.t.Helper()
	if got := p.take(); !slices.Equal(got, want) {
		p.kit.t.Fatalf("%s got\n\t%s\nwant\n\t%s", p.name, strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}
