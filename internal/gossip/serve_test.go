package gossip

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/foxmq/foxmq/internal/event"
)

// In virtual time: two answers at once come at the rate, neither faster nor slower, and a message that comes meanwhile
// takes hardly longer than on an idle connection, for the rate leaves half of the bandwidth.
func TestAnswersKeepToTheRateAndMessagesPassThem(t *testing.T) {
	const rate, size, delay = 1 << 20, 4 << 20, 10 * time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		w, members := newWorld(delay), settlers(t, 2)
		w.bandwidth = 2 * rate
		server := serverFunc(func(_ context.Context, _ int, _ []byte, answer io.Writer) error {
			_, err := answer.Write(make([]byte, size))
			return err
		})
		nodes := []*node{w.start(t, members, 0), w.startWith(t, members, 1, Config{Server: server, ServeRate: rate})}
		nodes[0].awaitConnected(t, 1)
		nodes[1].awaitConnected(t, 0)
		time.Sleep(time.Minute)

		start := time.Now()
		read := make(chan error, peerRequests)
		for range peerRequests {
			answer := nodes[0].request(t, 1, "?")
			go func() {
				_, err := io.Copy(io.Discard, answer)
				read <- err
			}()
		}
		worst, messages := time.Duration(0), 0
		for len(read) < peerRequests {
			time.Sleep(97 * time.Millisecond)
			sent := time.Now()
			nodes[1].Send(0, &event.Message{Boot: true})
			nodes[0].awaitMessage(t, 1)
			worst, messages = max(worst, time.Since(sent)), messages+1
		}
		took, want := time.Since(start), peerRequests*size*time.Second/rate
		if took < want-pacerSlack || took > want+want/20 {
			t.Errorf("took %v, want %v", took, want)
		}
		// In the way is what of a chunk has left, which the bandwidth carries in 31 ms, and mostly nothing.
		if most := delay + serveChunk*time.Second/(2*rate) + 10*time.Millisecond; worst > most || messages < 50 {
			t.Errorf("of %d messages, one took %v", messages, worst)
		}
		t.Logf("%d bytes in %v; the slowest of %d messages took %v", peerRequests*size, took, messages, worst)
		for range peerRequests {
			if err := <-read; err != nil {
				t.Error(err)
			}
		}
	})
}

// Two answers that nobody reads fill their own windows and no more: messages go on in both directions, more than any
// window holds, and as fast as a stream's window allows.
func TestUnreadAnswersDoNotStopMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, members := newWorld(50*time.Millisecond), settlers(t, 2)
		cfg := Config{Server: serverFunc(endless), ServeRate: 1 << 30, StallTimeout: time.Hour}
		nodes := []*node{w.startWith(t, members, 0, cfg), w.startWith(t, members, 1, cfg)}
		time.Sleep(time.Minute)
		const grown = 5 << 20 // so much must be read fast until the windows are at their largest
		for range peerRequests {
			answer := nodes[0].request(t, 1, "?")
			if _, err := io.CopyN(io.Discard, answer, grown); err != nil {
				t.Fatal(err)
			}
			defer answer.Close()
		}
		time.Sleep(time.Minute)
		unread := nodes[1].Peers()[0].BytesServed - peerRequests*grown
		if unread < peerRequests*maxStreamWindow*3/4 || unread > peerRequests*maxStreamWindow {
			t.Errorf("%d bytes are unread", unread)
		}
		large := &event.Message{Events: []*event.Event{newEvent(t, nodes[0].cfg.Book, 8<<20)}}
		for range 2 {
			for i, n := range nodes {
				start := time.Now()
				if !n.Send(1-i, large) || len(nodes[1-i].awaitMessage(t, i).Events) != 1 {
					t.Fatal("a message is lost")
				}
				if took := time.Since(start); i == 1 && took > 10*w.delay {
					t.Errorf("a message took %v", took)
				}
			}
		}
	})
}

func TestRequesterThatNeverReadsIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, members := newWorld(time.Millisecond), settlers(t, 2)
		ended := make(chan error, 1)
		server := serverFunc(func(ctx context.Context, peer int, request []byte, answer io.Writer) error {
			err := endless(ctx, peer, request, answer)
			ended <- err
			return err
		})
		nodes := []*node{w.start(t, members, 0), w.startWith(t, members, 1, Config{Server: server})}
		nodes[0].awaitConnected(t, 1)
		nodes[1].awaitConnected(t, 0)
		start := time.Now()
		answer := nodes[0].request(t, 1, "?")
		defer answer.Close()
		if err := <-ended; err == nil {
			t.Error("an endless answer was taken")
		}
		if after := time.Since(start); after < 10*time.Second || after > 11*time.Second {
			t.Errorf("given up after %v", after)
		}
		if _, err := io.Copy(io.Discard, answer); err == nil {
			t.Error("the answer ended as if it were whole")
		}
		exchange(t, nodes[0], nodes[1], &event.Message{})
		if s := nodes[1].Peers()[0]; s.Connects != 1 || s.Malformed != 0 || s.RequestsRefused != 1 {
			t.Errorf("afterwards: %+v", s)
		}
	})
}

// enter says hello as member 1, and waits until the node takes it for connected.
func enter(t *testing.T, n *node, members []member) (*quic.Conn, *quic.Stream) {
	t.Helper()
	conn, err := intrude(t, members[0].addr, members[1].key)
	if err != nil {
		t.Fatal(err)
	}
	stream := say(t, conn, greeting(n, func(*hello) {}))
	if _, err = readHello(stream); err != nil {
		t.Fatal(err)
	}
	n.awaitConnected(t, 1)
	return conn, stream
}

// stillHears fails the test unless the node reads a message on the stream.
func stillHears(t *testing.T, n *node, stream *quic.Stream) {
	t.Helper()
	if _, err := stream.Write(endFrame((&event.Message{Boot: true}).Append(beginFrame(nil)))); err != nil {
		t.Fatal(err)
	}
	n.awaitMessage(t, 1)
	if s := n.Peers()[0]; s.Malformed != 0 {
		t.Errorf("taken for malformed: %+v", s)
	}
}

func TestMalformedRequestEndsTheConnection(t *testing.T) {
	for name, request := range map[string][]byte{
		"empty":        {},
		"without body": {0, 0, 0, 0},
		"cut short":    {0, 0, 0, 3, 1, 2},
		"too long":     {0, 1, 0, 1},
		"with more":    {0, 0, 0, 1, 1, 2},
	} {
		t.Run(name, func(t *testing.T) {
			n, members := besieged(t, Config{Server: serverFunc(silent)})
			conn, _ := enter(t, n, members)
			if err := say(t, conn, request).Close(); err != nil {
				t.Fatal(err)
			}
			if err := endOf(t, conn); !closedWith(err, codeMalformed) {
				t.Errorf("ended with %v", err)
			}
			n.awaitLog(t, "malformed message from peer")
			n.awaitDisconnected(t, 1)
			if n.peers[1].shunnedFor() <= 0 {
				t.Error("it is not kept away")
			}
		})
	}
}

func TestRequestThatNeverComesIsGivenUp(t *testing.T) {
	n, members := besieged(t, Config{Server: serverFunc(silent), HandshakeTimeout: patience / 100})
	conn, messages := enter(t, n, members)
	for range 2 * peerRequests { // the streams are given back
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		stream, err := conn.OpenStreamSync(ctx)
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		if _, err = stream.Write([]byte{0, 0, 0, 9, 1}); err != nil {
			t.Fatal(err)
		}
		var reset *quic.StreamError
		if _, err = io.ReadAll(stream); !errors.As(err, &reset) || !reset.Remote || reset.ErrorCode != streamLate {
			t.Errorf("ended with %v", err)
		}
	}
	stillHears(t, n, messages)
}

// A peer that opens and resets streams as fast as it can has two servers at work at most, and is no worse off for it.
func TestResetRequestsDoNotPileUp(t *testing.T) {
	var now, most atomic.Int64
	n, members := besieged(t, Config{Server: serverFunc(func(ctx context.Context, _ int, _ []byte, _ io.Writer) error {
		for busy := now.Add(1); ; {
			if seen := most.Load(); busy <= seen || most.CompareAndSwap(seen, busy) {
				break
			}
		}
		defer now.Add(-1)
		<-ctx.Done()
		time.Sleep(time.Millisecond) // it notices late
		return ctx.Err()
	})})
	conn, messages := enter(t, n, members)
	for i := range 100 {
		stream, err := conn.OpenStreamSync(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		request := frameOf([]byte("?"))
		if _, err = stream.Write(request[:len(request)-i%2]); err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 {
			_ = stream.Close()
			eventually(t, "served", func() bool { return now.Load() > 0 })
		}
		stream.CancelRead(0)
		stream.CancelWrite(0)
	}
	stillHears(t, n, messages)
	eventually(t, "all have ended", func() bool { return now.Load() == 0 })
	if most.Load() > peerRequests {
		t.Errorf("%d at a time", most.Load())
	}
}

// The peer is asked, and what it says back is no answer.
func TestMalformedAnswerEndsTheConnection(t *testing.T) {
	for name, answer := range map[string][]byte{
		"empty":           {},
		"unknown status":  {7},
		"endless refusal": append([]byte{statusRefused}, make([]byte, maxRefusal+1)...),
	} {
		t.Run(name, func(t *testing.T) {
			n, members := besieged(t, Config{})
			conn, _ := enter(t, n, members)
			go func() {
				stream, err := conn.AcceptStream(context.Background())
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = stream.Write(answer)
				_ = stream.Close()
			}()
			if _, err := n.Request(t.Context(), 1, []byte("?")); !errors.Is(err, errAnswer) {
				t.Errorf("got %v", err)
			}
			if err := endOf(t, conn); !closedWith(err, codeMalformed) {
				t.Errorf("ended with %v", err)
			}
		})
	}
}

func TestPacerSharesTheRate(t *testing.T) {
	p := pacer{rate: 1000}
	now := time.Unix(1, 0)
	for i, want := range []time.Duration{-pacerSlack, 90, 190, 290} {
		if i > 0 {
			want *= time.Millisecond
		}
		if got := p.grant(now, 100); got != want {
			t.Errorf("grant %d waits %v, want %v", i, got, want)
		}
	}
	if got := p.grant(now.Add(time.Hour), 1); got != -pacerSlack {
		t.Errorf("after an hour, %v are caught up", -got)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	reason := errors.New("not wanted")
	cancel(reason)
	for range 2 {
		if err := p.wait(ctx, 1<<40); !errors.Is(err, reason) {
			t.Errorf("got %v", err)
		}
	}
}
