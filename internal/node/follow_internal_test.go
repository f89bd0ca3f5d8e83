package node

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/foxmq/foxmq/internal/consensus/driver"
	"github.com/foxmq/foxmq/internal/event"
)

// wireEvent returns the encoding of an event that the node made, born in that round.
func wireEvent(t testing.TB, n *Node, birth uint64) []byte {
	t.Helper()
	e := sealed(t, n, birth)
	if err := e.Sign(n.cfg.Key); err != nil {
		t.Fatal(err)
	}
	return e.Append(nil)
}

// logOf returns an answer with a log up to that round.
func logOf(round uint64, events ...[]byte) []byte {
	b := binary.AppendUvarint(nil, round)
	for _, e := range events {
		b = appendBlock(b, e)
	}
	return append(b, 0)
}

// again is the same bytes over and over.
type again struct{ bytes, rest []byte }

func (a *again) Read(b []byte) (n int, err error) {
	if len(a.rest) == 0 {
		a.rest = a.bytes
	}
	n = copy(b, a.rest)
	a.rest = a.rest[n:]
	return n, nil
}

// lostNode returns a node that is lost, whose peers answer as that function says, and what its loop is given.
func lostNode(t *testing.T, answer func(n *Node, peer int) (io.Reader, error)) (n *Node, peers *peersOf, heard func() []*event.Event) {
	t.Helper()
	n = newTestNode(t, 5, nil)
	peers = &peersOf{log: func(_ context.Context, peer int) (io.ReadCloser, error) {
		r, err := answer(n, peer)
		return io.NopCloser(r), err
	}}
	n.transport = peers
	n.picture.Store(&driver.Status{State: driver.Lost, Pending: 7, Ancient: 5})
	var events []*event.Event
	var readers sync.WaitGroup
	for _, box := range n.peers[1:] {
		readers.Go(func() {
			for m := range box.mail {
				events = append(events, m.message.Events...) // one peer is read at a time
			}
		})
	}
	return n, peers, func() []*event.Event {
		for _, box := range n.peers[1:] {
			close(box.mail)
		}
		readers.Wait()
		return events
	}
}

// TestLogsOfLiars: one that sends garbage, one that forges, one that sends what is old, and one whose answer breaks off
// are left, and no harm is done.
func TestLogsOfLiars(t *testing.T) {
	lies := []struct {
		answer func(n *Node) io.Reader
		why    error
	}{
		{func(*Node) io.Reader { return bytes.NewReader(logOf(9, []byte("garbage"))) }, event.ErrMalformed},
		{func(n *Node) io.Reader { return bytes.NewReader(logOf(9, append(wireEvent(t, n, 6), 1))) }, errAnswer},
		{func(*Node) io.Reader {
			return bytes.NewReader(binary.AppendUvarint(logOf(9)[:1], maxEvent+1))
		}, errAnswer},
		{func(n *Node) io.Reader { return bytes.NewReader(logOf(9, sealed(t, n, 6).Append(nil))) }, errForged},
		{func(n *Node) io.Reader { return bytes.NewReader(logOf(9, wireEvent(t, n, 4))) }, errOld},
		{func(n *Node) io.Reader { b := logOf(9, wireEvent(t, n, 6)); return bytes.NewReader(b[:len(b)-9]) }, io.ErrUnexpectedEOF},
		{func(*Node) io.Reader { return bytes.NewReader(nil) }, io.EOF},
	}
	for i, lie := range lies {
		n, _, heard := lostNode(t, func(n *Node, _ int) (io.Reader, error) { return lie.answer(n), nil })
		if err := n.followPeer(t.Context(), 1); !errors.Is(err, lie.why) {
			t.Errorf("lie %d: %v", i, err)
		}
		for _, e := range heard() {
			if e.BirthRound < 5 || !e.Verify(n.cfg.Keys[0]) {
				t.Errorf("lie %d: %+v is taken in", i, e)
			}
		}
	}
}

// TestLogThatLeadsNowhere: one that sends the same for ever is left, too, but not while rounds are decided.
func TestLogThatLeadsNowhere(t *testing.T) {
	n, _, heard := lostNode(t, nil)
	defer heard()
	in := bufio.NewReader(&again{bytes: appendBlock(nil, wireEvent(t, n, 6))})
	f := &follower{node: n, peer: 1, birth: 5, begin: 6, pending: 6, idle: idleLog - 100*idleEach}
	events, _, err := readPiece(in, n.cfg.Domain)
	if err == nil {
		err = f.take(t.Context(), events) // a round was decided since the 6th
	}
	if err != nil || f.idle > 0 || f.progress.done.Load() != 1 {
		t.Fatalf("%v, %+v", err, f)
	}
	f.idle = idleLog - 100*idleEach
	if err := f.read(t.Context(), in); !errors.Is(err, errIdle) {
		t.Error(err)
	}
	n.picture.Store(&driver.Status{State: driver.Behind, Pending: 200, Ancient: 7 + farBehind})
	if err := f.read(t.Context(), in); !errors.Is(err, errPassed) {
		t.Errorf("what it reads is long ancient: %v", err)
	}
}

// TestFollowAsksTheNext: peers are asked until the node takes part.
func TestFollowAsksTheNext(t *testing.T) { synctest.Test(t, followAsksTheNext) }

func followAsksTheNext(t *testing.T) {
	n, peers, heard := lostNode(t, func(n *Node, peer int) (io.Reader, error) {
		switch peer {
		case 1:
			return nil, errNothing
		case 2:
			return bytes.NewReader(logOf(9, []byte("garbage"))), nil
		}
		n.picture.Store(&driver.Status{State: driver.Active, Pending: 8, Ancient: 5})
		return bytes.NewReader(logOf(12, wireEvent(t, n, 6), wireEvent(t, n, 7))), nil
	})
	n.follow(t.Context())
	if !slices.Equal(peers.asked, []int{1, 2, 3}) {
		t.Errorf("%v were asked", peers.asked)
	}
	if got := n.fetched.Load().percent(); got != 20 {
		t.Errorf("%d %% are done", got)
	}
	if events := heard(); len(events) != 2 || events[0].BirthRound != 6 || events[1].BirthRound != 7 {
		t.Errorf("%d events were taken in", len(events))
	}
}

// TestFollowEndsWithTheNode: a node that stops does not wait until there is room in a mailbox that nobody reads any more.
func TestFollowEndsWithTheNode(t *testing.T) {
	n := newTestNode(t, 2, nil)
	ctx, cancel := context.WithCancel(t.Context())
	n.transport = &peersOf{log: func(context.Context, int) (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(bytes.NewReader([]byte{9}), &again{bytes: appendBlock(nil, wireEvent(t, n, 6))})), nil
	}}
	n.picture.Store(&driver.Status{State: driver.Lost, Pending: 7, Ancient: 5})
	go func() {
		for len(n.peers[1].mail) < mailboxSize {
			<-n.wakes
		}
		cancel()
	}()
	if err := n.followPeer(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestFollowGoesOn: a peer is asked again for what it wrote while a long log was read.
func TestFollowGoesOn(t *testing.T) { synctest.Test(t, followGoesOn) }

func followGoesOn(t *testing.T) {
	n, peers, heard := lostNode(t, func(n *Node, peer int) (io.Reader, error) {
		round := min(n.picture.Load().Pending+farBehind, 7+2*farBehind+1)
		n.picture.Store(&driver.Status{State: driver.Behind, Pending: round, Ancient: 5})
		return bytes.NewReader(logOf(12, wireEvent(t, n, round))), nil
	})
	defer heard()
	n.follow(t.Context())
	if !slices.Equal(peers.asked, []int{1, 1, 1}) {
		t.Errorf("%v were asked", peers.asked)
	}
}

// TestFollowAfterAnInstall: a node that has installed a checkpoint does not wait until it is lost, nor does it stop when
// it seems to take part because nobody has told it yet how far the others are. Once is enough.
func TestFollowAfterAnInstall(t *testing.T) { synctest.Test(t, followAfterAnInstall) }

func followAfterAnInstall(t *testing.T) {
	n, peers, heard := lostNode(t, func(n *Node, peer int) (io.Reader, error) {
		n.picture.Store(&driver.Status{State: driver.Active, Pending: 8, Ancient: 5})
		log := logOf(12)[:1]
		for range 4 * pieceEvents {
			log = appendBlock(log, wireEvent(t, n, 8))
		}
		return bytes.NewReader(append(log, 0)), nil
	})
	n.picture.Store(&driver.Status{State: driver.Active, Pending: 7, Ancient: 5})
	n.follow(t.Context())
	if len(peers.asked) > 0 {
		t.Error("a log is asked for where none was installed")
	}
	n.installed.Store(true)
	n.follow(t.Context())
	if len(peers.asked) == 0 {
		t.Error("no log is asked for by a node that seems to take part")
	}
	n.picture.Store(&driver.Status{State: driver.Behind, Pending: 9, Ancient: 5})
	n.follow(t.Context())
	if got := len(heard()); !slices.Equal(peers.asked, []int{1}) || got != 4*pieceEvents {
		t.Errorf("%v were asked, %d events were taken in", peers.asked, got)
	}
}

// TestFollowAfterALiar: one that hands out an empty log after an install does not keep this node from asking the next.
func TestFollowAfterALiar(t *testing.T) { synctest.Test(t, followAfterALiar) }

func followAfterALiar(t *testing.T) {
	n, peers, heard := lostNode(t, func(n *Node, peer int) (io.Reader, error) {
		if peer == 2 {
			n.picture.Store(&driver.Status{State: driver.Active, Pending: 12, Ancient: 5})
		}
		return bytes.NewReader(logOf(12)), nil
	})
	defer heard()
	n.picture.Store(&driver.Status{State: driver.Observing, Pending: 7, Ancient: 5})
	n.installed.Store(true)
	n.follow(t.Context())
	if !slices.Equal(peers.asked, []int{1, 2}) || n.installed.Load() {
		t.Errorf("%v were asked", peers.asked)
	}
}

// TestAnotherPeerIsAskedFirstNextTime: one whose log leads on by a round each time, so that this node is lost again ten seconds
// later, does not keep it from the others.
func TestAnotherPeerIsAskedFirstNextTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, peers, heard := lostNode(t, func(n *Node, _ int) (io.Reader, error) {
			round := n.picture.Load().Pending
			n.picture.Store(&driver.Status{State: driver.Behind, Pending: round + 1, Ancient: 5})
			return bytes.NewReader(logOf(1<<20, wireEvent(t, n, round))), nil
		})
		defer heard()
		for range 4 {
			if err := n.fetchFromAny(t.Context()); err != nil {
				t.Fatal(err)
			}
			p := *n.picture.Load()
			p.State = driver.Lost
			n.picture.Store(&p)
		}
		if !slices.Equal(peers.asked, []int{1, 2, 3, 4}) {
			t.Errorf("%v were asked", peers.asked)
		}
	})
}
