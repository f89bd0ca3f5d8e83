package node

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/foxmq/foxmq/internal/event"
)

const (
	// pieceEvents and pieceBytes bound what is taken of a peer's log at a time, but for one event that is larger. A
	// message of more events is one that the driver takes for an answer, whose rest it would ask for.
	pieceEvents = 15
	pieceBytes  = 1 << 20
	// idleLog is how many bytes of a log may come without that a round is decided. Each event counts as many more as
	// come in the time that it takes to verify it.
	idleLog  = 512 << 20
	idleEach = 4 << 10
	// farBehind is how many rounds a log may tell of what is ancient here before the rest is asked for anew, without that:
	// what peers pushed meanwhile may lead on from it for long. A log that leads on by as many is asked for again.
	farBehind = 64
	// caughtPatience is for how long a node is to take part, in ns, before it stops to read a log that is to go on.
	caughtPatience = int64(time.Second)
)

// Why a peer's log is not read on.
var (
	errForged = errors.New("an event is not signed by its creator")
	errOld    = errors.New("an event is older than what was asked for")
	errIdle   = errors.New("it leads to no round")
	errPassed = errors.New("this node has come further by itself")
)

// follow lets one peer after the other hand out what this node lacks, from a log that it keeps, if this node is lost or
// has installed a checkpoint. Nothing of that has to be trusted: the driver takes it in like what comes by gossip.
func (n *Node) follow(ctx context.Context) {
	for i := 1; i < len(n.peers) && n.needsLog() && ctx.Err() == nil; i++ {
		peer := n.toAsk(i)
		if err := n.followOn(ctx, peer); err != nil {
			n.cfg.Logger.Debug("log of a peer cannot be read", zap.Int("member", peer), zap.Error(err))
		}
	}
}

// needsLog reports whether this node lacks what peers may no longer have in memory: it is lost, or it has installed a
// checkpoint. Then it may seem to take part, until a peer's push tells it how far behind it is.
func (n *Node) needsLog() bool { return n.lost() || n.installed.Load() }

// followOn takes in the log of a peer, and then what the peer has written meanwhile, until this node takes part or is not
// far behind. Under load, what is missing at the end of a long log soon is too much to be asked for.
func (n *Node) followOn(ctx context.Context, peer int) error {
	for {
		before := n.picture.Load().Pending
		err := within(ctx, fetchLimit, func(ctx context.Context) error { return n.followPeer(ctx, peer) })
		if err != nil && !errors.Is(err, errPassed) {
			return err
		}
		if err == nil {
			pause(ctx) // the driver is taking in the last of it
		}
		after := n.picture.Load().Pending
		if after == before && !n.active() {
			return errIdle
		}
		n.installed.Store(false)
		if after < before+farBehind || n.active() {
			return nil
		}
	}
}

// followPeer takes in the log of a peer up to its end, or until this node takes part again.
func (n *Node) followPeer(ctx context.Context, peer int) error {
	before := n.picture.Load()
	answer, err := n.ask(ctx, peer, &logRequest{birth: before.Ancient})
	if err != nil {
		return err
	}
	defer answer.close()
	in := bufio.NewReaderSize(answer, 64<<10)
	target, err := binary.ReadUvarint(in)
	if err != nil {
		return err
	}
	n.cfg.Logger.Info("reading the log of a peer", zap.Int("member", peer), zap.Uint64("round", before.Pending),
		zap.Uint64("to_round", target))
	f := &follower{
		node: n, peer: peer, birth: before.Ancient, target: target, begin: before.Pending, pending: before.Pending,
	}
	f.progress.records = max(target, before.Pending+1) - before.Pending
	n.fetched.Store(&f.progress)
	n.following.Store(true)
	defer n.listen()
	err = f.read(ctx, in)
	n.cfg.Logger.Info("read the log of a peer", zap.Int("member", peer), zap.Uint64("round", f.pending), zap.Error(err))
	return err
}

// follower reads the log of a peer.
type follower struct {
	node     *Node
	peer     int
	birth    uint64 // the least birth round of what was asked for
	target   uint64 // the round that the peer was deciding then, as it says
	begin    uint64 // the one that this node was deciding
	pending  uint64 // the one that it is deciding now
	idle     int    // bytes read since it was another
	caught   int64  // since when this node seems to take part, in ns; 0: it does not
	progress fetchProgress
}

func (f *follower) read(ctx context.Context, in *bufio.Reader) error {
	for more := true; more && ctx.Err() == nil; {
		var events []*event.Event
		var err error
		if events, more, err = readPiece(in, f.node.cfg.Domain); err != nil {
			return err
		}
		if err := f.take(ctx, events); err != nil {
			return err
		}
		if f.caughtUp() {
			return nil
		}
	}
	return ctx.Err()
}

// caughtUp reports whether this node takes part again. Before peers have pushed anything it may seem so, though it is far
// behind.
func (f *follower) caughtUp() bool {
	if !f.node.active() {
		f.caught = 0
		return false
	}
	now := f.node.cfg.Now()
	if f.caught == 0 {
		f.caught = now
	}
	return f.pending >= f.target || now >= f.caught+caughtPatience
}

// take has the driver take events in, as soon as it can.
func (f *follower) take(ctx context.Context, events []*event.Event) error {
	for _, e := range events {
		if e.BirthRound < f.birth {
			return errOld
		}
		f.idle += len(e.Payload) + idleEach
	}
	m := &event.Message{Events: events}
	if !f.node.verify(f.peer, m) {
		return errForged
	}
	f.node.deliver(f.peer, mail{message: m}, ctx.Done())
	p := f.node.picture.Load()
	if p.Pending > f.pending {
		f.pending, f.idle = p.Pending, 0
		f.progress.done.Store(p.Pending - f.begin)
	}
	switch {
	case f.idle > idleLog:
		return errIdle
	case len(events) > 0 && events[len(events)-1].BirthRound+farBehind < p.Ancient:
		return errPassed
	}
	return nil
}

// readPiece reads events of an answer, and tells whether there may be more of them.
func readPiece(in *bufio.Reader, domain event.Domain) (events []*event.Event, more bool, err error) {
	for size := 0; len(events) < pieceEvents && size < pieceBytes; {
		b, err := readBlock(in, maxEvent)
		if err != nil || len(b) == 0 {
			return events, false, err
		}
		e, rest, err := event.Decode(b, domain)
		switch {
		case err != nil:
			return nil, false, err
		case len(rest) > 0:
			return nil, false, fmt.Errorf("%w: bytes behind an event", errAnswer)
		}
		events = append(events, e)
		size += len(b)
	}
	return events, true, nil
}
