package gossip

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/foxmq/foxmq/internal/tlsutil"
)

// serverFunc is a server made of a function.
type serverFunc func(ctx context.Context, peer int, request []byte, answer io.Writer) error

func (f serverFunc) Serve(ctx context.Context, peer int, request []byte, answer io.Writer) error {
	return f(ctx, peer, request, answer)
}

// serves returns a change of the configuration that makes every node serve so.
func serves(f serverFunc) func(*Config) { return func(cfg *Config) { cfg.Server = f } }

// endless writes until it cannot.
func endless(_ context.Context, _ int, _ []byte, answer io.Writer) error {
	for chunk := make([]byte, 100_000); ; {
		if _, err := answer.Write(chunk); err != nil {
			return err
		}
	}
}

// silent answers nothing until nobody wants an answer any more.
func silent(ctx context.Context, _ int, _ []byte, _ io.Writer) error {
	<-ctx.Done()
	return ctx.Err()
}

// pair starts two nodes, of which member 0 dials, and waits until they are connected.
func pair(t *testing.T, change func(*Config)) []*node {
	t.Helper()
	nodes := newStar(t, 2, change)
	nodes[0].awaitConnected(t, 1)
	nodes[1].awaitConnected(t, 0)
	return nodes
}

// request asks a peer, which must answer.
func (n *node) request(t *testing.T, peer int, request string) io.ReadCloser {
	t.Helper()
	answer, err := n.Request(t.Context(), peer, []byte(request))
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func TestAnswerComesWholeWhoeverDialled(t *testing.T) {
	content := make([]byte, 5<<20+3)
	for i := range content {
		content[i] = byte(i * i >> 7)
	}
	nodes := pair(t, serves(func(_ context.Context, peer int, request []byte, answer io.Writer) error {
		_, err := io.Copy(answer, io.MultiReader(
			bytes.NewReader([]byte{byte(peer)}), bytes.NewReader(request), bytes.NewReader(content)))
		return err
	}))
	for i, n := range nodes {
		request := strings.Repeat("q", MaxRequest)
		answer := n.request(t, 1-i, request)
		want := append(append([]byte{byte(i)}, request...), content...)
		if got, err := io.ReadAll(answer); err != nil || !bytes.Equal(got, want) {
			t.Errorf("of %d: %d bytes, %v", i, len(got), err)
		}
		if err := answer.Close(); err != nil {
			t.Error(err)
		}
	}
	for i, n := range nodes {
		eventually(t, "the request counts", func() bool { return n.Peers()[0].RequestsServed == 1 })
		if s := n.Peers()[0]; s.RequestsRefused != 0 || s.BytesServed != uint64(len(content)+MaxRequest+2) {
			t.Errorf("of %d: %+v", i, s)
		}
	}
}

func TestEmptyAnswerIsAnAnswer(t *testing.T) {
	nodes := pair(t, serves(func(context.Context, int, []byte, io.Writer) error { return nil }))
	for range 3 * peerRequests { // whose streams are given back
		if got, err := io.ReadAll(nodes[0].request(t, 1, "?")); err != nil || len(got) != 0 {
			t.Fatalf("%d bytes, %v", len(got), err)
		}
	}
}

func TestRefusalTellsWhy(t *testing.T) {
	long := strings.Repeat("ä", maxRefusal)
	for name, test := range map[string]struct {
		server Server
		text   string
	}{
		"no server": {nil, "nothing is served"},
		"its words": {serverFunc(func(_ context.Context, _ int, _ []byte, answer io.Writer) error {
			_, _ = io.WriteString(answer, "not sent")
			return errors.New("no such checkpoint")
		}), "no such checkpoint"},
		"too many words": {serverFunc(func(context.Context, int, []byte, io.Writer) error {
			return errors.New(long)
		}), long[:maxRefusal]},
	} {
		t.Run(name, func(t *testing.T) {
			nodes := pair(t, func(cfg *Config) { cfg.Server = test.server })
			for range 3 * peerRequests {
				_, err := nodes[0].Request(t.Context(), 1, []byte("?"))
				var refused *RefusedError
				if !errors.As(err, &refused) || refused.Text != test.text {
					t.Fatalf("got %v", err)
				}
			}
			eventually(t, "refusals count", func() bool { return nodes[1].Peers()[0].RequestsRefused == 3*peerRequests })
		})
	}
}

func TestAnswerThatFailsMidwayDoesNotLookWhole(t *testing.T) {
	nodes := pair(t, serves(func(_ context.Context, _ int, _ []byte, answer io.Writer) error {
		_, _ = answer.Write(make([]byte, 3*serveChunk))
		return errors.New("disk trouble")
	}))
	answer, err := nodes[0].Request(t.Context(), 1, []byte("?"))
	if err == nil { // else that it failed was heard before the answer's beginning
		defer answer.Close()
		_, err = io.ReadAll(answer)
	}
	if err == nil || errors.Is(err, ErrNotConnected) {
		t.Errorf("the answer ended with %v", err)
	}
	if s := nodes[1].Peers()[0]; s.RequestsServed != 0 {
		t.Errorf("counted as served: %+v", s)
	}
}

func TestNobodyToAsk(t *testing.T) {
	n, _ := besieged(t, Config{})
	for _, peer := range []int{-1, 0, 1, 2} {
		if _, err := n.Request(t.Context(), peer, []byte("?")); !errors.Is(err, ErrNotConnected) {
			t.Errorf("peer %d: %v", peer, err)
		}
	}
	for _, size := range []int{0, MaxRequest + 1} {
		if _, err := n.Request(t.Context(), 1, make([]byte, size)); err == nil || errors.Is(err, ErrNotConnected) {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}

func TestContextEndsARequest(t *testing.T) {
	heard := make(chan context.CancelFunc, 1) // what ends the request that is not answered
	nodes := pair(t, serves(func(ctx context.Context, peer int, request []byte, answer io.Writer) error {
		if string(request) == "much" {
			return endless(ctx, peer, request, answer)
		}
		(<-heard)()
		return silent(ctx, peer, request, answer)
	}))
	for range 2 * peerRequests {
		ctx, cancel := context.WithCancel(t.Context())
		heard <- cancel
		if _, err := nodes[0].Request(ctx, 1, []byte("silence")); !errors.Is(err, context.Canceled) {
			t.Errorf("before the answer: %v", err)
		}
		ctx, cancel = context.WithCancel(t.Context())
		answer, err := nodes[0].Request(ctx, 1, []byte("much"))
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Millisecond, cancel)
		if _, err = io.Copy(io.Discard, answer); !errors.Is(err, context.Canceled) {
			t.Errorf("while reading: %v", err)
		}
		answer.Close()
	}
	eventually(t, "all have ended", func() bool { return nodes[1].Peers()[0].RequestsRefused == 4*peerRequests })
	if len(nodes[1].serving)+len(nodes[1].peers[0].serving) != 0 {
		t.Error("the server is still at one")
	}
}

func TestClosedAnswerEndsItsServer(t *testing.T) {
	ended := make(chan error)
	nodes := pair(t, serves(func(ctx context.Context, _ int, _ []byte, answer io.Writer) error {
		_, _ = answer.Write(make([]byte, 2*serveChunk))
		<-ctx.Done()
		ended <- ctx.Err()
		return ctx.Err()
	}))
	for i, n := range nodes {
		answer := n.request(t, 1-i, "?")
		if _, err := io.ReadFull(answer, make([]byte, serveChunk)); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(answer.Close(), answer.Close()); err != nil {
			t.Error(err)
		}
		<-ended
		if _, err := answer.Read(make([]byte, 2*serveChunk)); err == nil {
			t.Error("a closed answer can be read")
		}
	}
}

// Of two nodes with endless answers under way, either stops: nothing is left, and the other hears of it.
func TestStopEndsRequests(t *testing.T) {
	for stopped := range 2 {
		nodes := pair(t, serves(endless))
		answer := nodes[0].request(t, 1, "?")
		nodes[stopped].stop()
		if _, err := io.Copy(io.Discard, answer); err == nil {
			t.Error("the answer ended as if it were whole")
		}
		if stopped == 1 {
			nodes[0].awaitDisconnected(t, 1)
		}
		if _, err := nodes[0].Request(t.Context(), 1, []byte("?")); err == nil {
			t.Error("one that is gone was asked")
		}
	}
}

func TestServerIsDoneBeforeDisconnected(t *testing.T) {
	began, ended := make(chan struct{}), make(chan struct{})
	nodes := pair(t, serves(func(ctx context.Context, _ int, _ []byte, _ io.Writer) error {
		close(began)
		<-ctx.Done()
		close(ended)
		return ctx.Err()
	}))
	go func() { _, _ = nodes[0].Request(context.Background(), 1, []byte("?")) }()
	<-began
	nodes[0].stop()
	nodes[1].awaitDisconnected(t, 0)
	select {
	case <-ended:
	default:
		t.Error("the server was still at it")
	}
}

func TestFewRequestsAreUnderWayAtATime(t *testing.T) {
	release := make(chan struct{})
	nodes := newStar(t, 4, func(cfg *Config) {
		cfg.Server = serverFunc(func(ctx context.Context, _ int, _ []byte, _ io.Writer) error {
			select {
			case <-release:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	})
	asked := make(chan error, 8)
	ask := func(n *node) {
		answer, err := n.Request(t.Context(), 0, []byte("?"))
		if err == nil {
			err = answer.Close()
		}
		asked <- err
	}
	for range nodes[1:] {
		nodes[0].next(t, func(c call) bool { return c.kind == "connected" })
	}
	for _, n := range nodes[1:] {
		n.awaitConnected(t, 0)
	}
	const all = moreRequests*peerRequests + 1 // two peers ask for all that they may, a third once
	for i := range all {
		go ask(nodes[1+i/peerRequests])
	}
	eventually(t, "all that may be are under way", func() bool {
		return len(nodes[0].serving) == moreRequests && len(nodes[0].peers[3].serving) == 1
	})
	// One more of a peer with two under way has to wait for a stream; a second of another peer is refused.
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := nodes[1].Request(ctx, 0, []byte("?")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a third request: %v", err)
	}
	var refused *RefusedError
	_, err := nodes[3].Request(t.Context(), 0, []byte("?"))
	if !errors.As(err, &refused) || refused.Text != errBusy.Error() {
		t.Errorf("a sixth request: %v", err)
	}
	close(release)
	go ask(nodes[1])
	for range all + 1 {
		if err := <-asked; err != nil {
			t.Error(err)
		}
	}
}

func TestPeerOfAnotherProtocolIsNamedSo(t *testing.T) {
	n, members := besieged(t, Config{})
	cert, err := tlsutil.Certificate(members[1].key, "of old")
	if err != nil {
		t.Fatal(err)
	}
	config := tlsutil.Mutual(cert, "foxmq-gossip/1", func(tlsutil.Peer) error { return nil })
	listener, err := quic.ListenAddr(members[1].addr, config, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	line := n.awaitLog(t, "peer speaks another version")
	if got := fields(line); got["peer"] != int64(1) {
		t.Errorf("logged %v", got)
	}
}

func FuzzRequest(f *testing.F) {
	f.Add(frameOf([]byte("checkpoint")))
	f.Add(append(frameOf([]byte("checkpoint")), 0))
	f.Add([]byte{0, 0, 0, 9, 1})
	f.Add([]byte{0, 1, 0, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		request, err := readRequest(bytes.NewReader(b))
		switch {
		case err != nil && !errors.Is(err, errRequest):
			t.Errorf("%x is not the peer's fault: %v", b, err)
		case err == nil && (len(request) > MaxRequest || !bytes.Equal(frameOf(request), b)):
			t.Errorf("%x is read as %x", b, request)
		}
	})
}

func FuzzAnswerStatus(f *testing.F) {
	f.Add([]byte{statusAnswered, 1, 2})
	f.Add([]byte("\x01no such checkpoint"))
	f.Add([]byte("\x01\xff"))
	f.Add([]byte{2})
	f.Fuzz(func(t *testing.T, b []byte) {
		err := readStatus(bytes.NewReader(b))
		var refused *RefusedError
		switch {
		case len(b) > 0 && b[0] == statusAnswered:
			if err != nil {
				t.Errorf("%x: %v", b, err)
			}
		case errors.As(err, &refused):
			if len(refused.Text) > 3*maxRefusal || b[0] != statusRefused {
				t.Errorf("%x is refused with %q", b, refused.Text)
			}
		case !errors.Is(err, errAnswer):
			t.Errorf("%x: %v", b, err)
		}
	})
}

// TestWhoAsksTooOftenIsHeardLater: in virtual time, so that what a busy machine takes does not count.
func TestWhoAsksTooOftenIsHeardLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, members := newWorld(time.Millisecond), settlers(t, 2)
		nodes := []*node{w.start(t, members, 0), w.start(t, members, 1)}
		nodes[1].awaitConnected(t, 0)
		nodes[0].awaitConnected(t, 1)
		start := time.Now()
		const later = 8
		for range requestBurst + later {
			if _, err := nodes[1].Request(t.Context(), 0, []byte("?")); err == nil || errors.Is(err, ErrNotConnected) {
				t.Fatal(err) // nothing is served here
			}
		}
		if took := time.Since(start); took < (later-1)*time.Second/requestPerSecond {
			t.Errorf("took %v", took)
		}
		if s := nodes[0].Peers()[0]; s.RequestsDelayed != later {
			t.Errorf("counted: %+v", s)
		}
	})
}
