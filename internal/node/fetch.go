package node

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/foxmq/foxmq/internal/consensus/driver"
	"github.com/foxmq/foxmq/internal/event"
	"github.com/foxmq/foxmq/internal/replica"
	"github.com/foxmq/foxmq/internal/replica/lthash"
	"github.com/foxmq/foxmq/internal/store"
)

// fetchPause is how long a node waits between two rounds of asking its peers.
const fetchPause = time.Second

// fetchProgress tells how far the fetching has come.
type fetchProgress struct {
	records uint64 // how many there are; at least 1
	done    atomic.Uint64
}

func (p *fetchProgress) percent() int { return int(min(100, 100*p.done.Load()/p.records)) }

// fetch looks for a checkpoint whenever the node is lost, and returns ErrInstalled when one is on the disk. Without a
// disk it does nothing.
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

// fetchFromAny asks one peer after the other as long as the node is lost.
func (n *Node) fetchFromAny(ctx context.Context) error {
	defer n.fetched.Store(nil)
	for n.lost() && ctx.Err() == nil {
		for i := 1; i < len(n.peers) && n.lost(); i++ {
			peer := (n.cfg.Self + i) % len(n.peers)
			err := n.fetchFrom(ctx, peer)
			if err == nil {
				return ErrInstalled
			}
			n.cfg.Logger.Info("checkpoint cannot be fetched", zap.Int("member", peer), zap.Error(err))
		}
		select {
		case <-ctx.Done():
		case <-time.After(fetchPause):
		}
	}
	return nil
}

func (n *Node) lost() bool {
	p := n.picture.Load()
	return p != nil && p.State == driver.Lost
}

// fetchFrom fetches a checkpoint from a peer and installs it. It goes on with what it has of the one that is offered. A
// peer whose records do not add up to what is certified has lied, or its own are wrong.
func (n *Node) fetchFrom(ctx context.Context, peer int) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	o, err := n.requestOffer(ctx, peer)
	if err != nil {
		return fmt.Errorf("ask for an offer: %w", err)
	}
	p, base, err := n.check(o)
	if err != nil {
		return fmt.Errorf("check the offer: %w", err)
	}
	n.cfg.Logger.Info("fetching a checkpoint", zap.Int("member", peer), zap.Uint64("round", p.round),
		zap.Uint64("index", p.chain.index), zap.Uint64("records", o.records))
	digest := p.digest()
	i, err := n.cfg.Disk.NewImport(digest[:])
	if err != nil {
		return err
	}
	if err := n.receive(ctx, peer, i, o.records, p); err != nil {
		return errors.Join(fmt.Errorf("fetch the records: %w", err), i.Close())
	}
	return errors.Join(n.install(i, p, base), i.Close())
}

func (n *Node) requestOffer(ctx context.Context, peer int) (*offer, error) {
	answer, err := n.transport.Request(ctx, peer, (&fetchRequest{}).append(nil))
	if err != nil {
		return nil, err
	}
	defer answer.Close()
	return readOffer(bufio.NewReader(answer), n.cfg.Domain)
}

// check returns what an offer is, if it is certified. The events of the consensus snapshot prove themselves.
func (n *Node) check(o *offer) (*position, *driver.Snapshot, error) {
	m, err := decodeMeta(o.meta)
	if err != nil {
		return nil, nil, err
	}
	base, err := driver.DecodeSnapshot(o.base, n.cfg.Domain)
	if err != nil {
		return nil, nil, err
	}
	if err := base.Check(len(n.cfg.Keys)); err != nil {
		return nil, nil, err
	}
	p := &position{round: m.round, chain: m.chain, state: o.state, base: base.Anchor()}
	if base.Round != p.round || !n.certifies(o.votes, p) {
		return nil, nil, errors.New("it is not signed by a supermajority")
	}
	if base, err = base.Adopt(len(n.cfg.Keys), p.base); err != nil {
		return nil, nil, err
	}
	for _, events := range [][]*event.Event{base.Events, base.Last} {
		if len(n.intake.verified(slices.Clone(events))) < len(events) {
			return nil, nil, errors.New("an event is not signed by its creator")
		}
	}
	return p, base, nil
}

// certifies reports whether a supermajority of members voted for the position.
func (n *Node) certifies(votes []event.Vote, p *position) bool {
	digest := p.digest()
	voters := map[int]bool{}
	for i := range votes {
		v := &votes[i]
		if v.Creator < len(n.cfg.Keys) && v.Round == p.round && v.Digest == digest && !voters[v.Creator] &&
			v.Verify(n.cfg.Keys[v.Creator], n.cfg.Domain) {
			voters[v.Creator] = true
		}
	}
	return len(voters) >= n.quorum
}

// receive fetches the records that the import lacks, and checks them all. Those that are not the certified ones are
// thrown away.
func (n *Node) receive(ctx context.Context, peer int, i *store.Import, records uint64, p *position) error {
	after, have := i.Progress()
	progress := &fetchProgress{records: max(1, records)}
	progress.done.Store(have)
	n.fetched.Store(progress)
	answer, err := n.transport.Request(ctx, peer, (&fetchRequest{digest: p.digest(), after: after}).append(nil))
	if err != nil {
		return err
	}
	defer answer.Close()
	if err := receiveRecords(bufio.NewReaderSize(answer, 64<<10), i, progress); err != nil {
		return err
	}
	var sum lthash.Hash
	err = i.State(func(key, value []byte) error {
		seed := replica.Seed(key, value)
		sum.Add(&seed)
		return nil
	})
	if err != nil {
		return err
	}
	if sum.Sum() != p.state {
		return errors.Join(errors.New("they are not those that were signed"), i.Discard())
	}
	return nil
}

// maxRecords bounds a state that is fetched, in bytes. The limits of the machine do not let it come near.
const maxRecords int64 = 16 << 30

func receiveRecords(in *bufio.Reader, i *store.Import, progress *fetchProgress) error {
	for bytes := int64(0); bytes < maxRecords; progress.done.Add(1) {
		key, err := readBlock(in, maxRecord)
		if err != nil || len(key) == 0 {
			return err
		}
		value, err := readBlock(in, maxRecord)
		if err != nil {
			return err
		}
		if err := i.Add(key, value); err != nil {
			return err
		}
		bytes += int64(len(key) + len(value))
	}
	return fmt.Errorf("%w: more than %d bytes", errAnswer, maxRecords)
}

// install makes the import this node's state from the next start on. Its own last event goes with it: nobody else may
// have it.
func (n *Node) install(i *store.Import, p *position, base *driver.Snapshot) error {
	if last := n.last.Load(); last != nil {
		base.AddLast(last)
	}
	m := p.meta(nil)
	return i.Install(base.Append(nil), m.append(nil), nil)
}
