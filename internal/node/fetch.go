package node

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/foxmq/foxmq/internal/consensus/driver"
)

// fetchPause is how long a node waits between two rounds of asking its peers.
const fetchPause = time.Second

// fetchProgress tells how far the fetching has come.
type fetchProgress struct {
	records uint64 // how many there are; at least 1
	done    atomic.Uint64
}

func (p *fetchProgress) percent() int { return int(min(100, 100*p.done.Load()/p.records)) }

// fetch looks for a log whenever the node needs one and for a checkpoint whenever it is lost, and returns ErrInstalled
// when a checkpoint is on the disk. Without a disk it does nothing.
func (n *Node) fetch(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-n.strays:
		}
		if n.cfg.Disk == nil {
			continue
		}
		if err := n.fetchFromAny(ctx); err != nil {
			return err
		}
	}
}

// fetchFromAny asks one peer after the other for the log that this node lacks and, as long as it is lost then, for a
// checkpoint. Whenever one takes too long for that, the next may take twice as long: it may be the state that is large.
func (n *Node) fetchFromAny(ctx context.Context) error {
	defer n.fetched.Store(nil)
	defer func() { n.turn++ }()
	n.follow(ctx)
	for limit := fetchLimit; n.lost() && ctx.Err() == nil; n.follow(ctx) {
		for i := 1; i < len(n.peers) && n.lost(); i++ {
			peer := n.toAsk(i)
			err := within(ctx, limit, func(ctx context.Context) error { return n.fetchFrom(ctx, peer) })
			if err == nil {
				return ErrInstalled
			}
			if errors.Is(err, errTooLong) {
				limit *= 2
			}
			n.cfg.Logger.Info("checkpoint cannot be fetched", zap.Int("member", peer), zap.Error(err))
		}
		pause(ctx)
	}
	return nil
}

// toAsk returns the peer to be asked as the i-th, from 1 on. It is not always the same who is the first: he could hand out
// one old checkpoint after the other, each certified once, or as little of a log as makes this node ask no further.
func (n *Node) toAsk(i int) int {
	return (n.cfg.Self + 1 + (n.turn+i-1)%(len(n.peers)-1)) % len(n.peers)
}

// pause waits for fetchPause.
func pause(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(fetchPause):
	}
}

// within calls f, which gives up after so long.
func within(ctx context.Context, limit time.Duration, f func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errTooLong)
	defer cancel()
	err := f(ctx)
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func (n *Node) lost() bool {
	p := n.picture.Load()
	return p != nil && p.State == driver.Lost
}

// active reports whether the node takes part, as far as it knows.
func (n *Node) active() bool {
	p := n.picture.Load()
	return p != nil && p.State == driver.Active
}

// fetchFrom fetches a checkpoint from a peer and installs it. It goes on with what it has of the one that is offered. A
// peer whose records do not add up to what is certified has lied, or its own are wrong.
func (n *Node) fetchFrom(ctx context.Context, peer int) error {
	round := n.picture.Load().Pending
	o, err := n.requestOffer(ctx, peer, round)
	if err != nil {
		return fmt.Errorf("ask for an offer: %w", err)
	}
	p, base, err := n.check(o)
	if err != nil {
		return fmt.Errorf("check the offer: %w", err)
	}
	if p.round < round {
		return fmt.Errorf("check the offer: %w", errBackwards)
	}
	n.cfg.Logger.Info("fetching a checkpoint", zap.Int("member", peer), zap.Uint64("round", p.round),
		zap.Uint64("index", p.chain.index), zap.Uint64("records", o.records))
	digest := p.digest()
	i, err := n.cfg.Disk.NewImport(digest[:])
	if err != nil {
		return err
	}
	defer func() {
		if err := i.Close(); err != nil {
			n.cfg.Logger.Warn("what was fetched cannot be closed", zap.Error(err))
		}
	}()
	n.fetching.Store(true)
	defer n.listen()
	if err := n.receive(ctx, peer, i, o.records, p); err != nil {
		return fmt.Errorf("fetch the records: %w", err)
	}
	return n.handOver(ctx, &installation{target: i, position: p, base: base})
}
