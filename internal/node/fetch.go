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

// fetchFromAny asks one peer after the other as long as the node is lost: for the log that it lacks, and if none has that
// for a checkpoint. Whenever one takes too long for that, the next may take twice as long: it may be the state that is
// large.
func (n *Node) fetchFromAny(ctx context.Context) error {
	defer n.fetched.Store(nil)
	for limit := fetchLimit; n.lost() && ctx.Err() == nil; {
		n.follow(ctx)
		for i := 1; i < len(n.peers) && n.lost(); i++ {
			peer := (n.cfg.Self + i) % len(n.peers)
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

// listen has the node hear and say again what it did not while records were fetched. Before there was something to fetch
// it did: there may never be, and what it misses may come yet.
func (n *Node) listen() {
	n.fetching.Store(false)
	n.following.Store(false)
	n.wake()
}

func (n *Node) requestOffer(ctx context.Context, peer int, round uint64) (*offer, error) {
	answer, err := n.ask(ctx, peer, &fetchRequest{round: round})
	if err != nil {
		return nil, err
	}
	defer answer.close()
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
	p := &position{round: m.round, chain: m.chain, state: m.state, base: base.Anchor()}
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

// certifies reports whether so many members voted for the position that it is theirs.
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
	return len(voters) >= certifying(len(n.cfg.Keys))
}

// receive fetches the records that the import lacks, and checks them all. Those that are not the certified ones are
// thrown away.
func (n *Node) receive(ctx context.Context, peer int, i *store.Import, records uint64, p *position) error {
	after, have := i.Progress()
	progress := &fetchProgress{records: max(1, records)}
	progress.done.Store(have)
	n.fetched.Store(progress)
	answer, err := n.ask(ctx, peer, &fetchRequest{digest: p.digest(), after: after})
	if err != nil {
		return err
	}
	defer answer.close()
	if err := receiveRecords(bufio.NewReaderSize(answer, 64<<10), i.Add, progress); err != nil {
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

// receiveRecords adds the records of an answer, which are no more than was said.
func receiveRecords(in *bufio.Reader, add func(key, value []byte) error, progress *fetchProgress) error {
	for bytes := int64(0); bytes < maxRecords; progress.done.Add(1) {
		key, err := readBlock(in, maxRecord)
		if err != nil || len(key) == 0 {
			return err
		}
		if progress.done.Load() >= progress.records {
			return fmt.Errorf("%w: more than %d records", errAnswer, progress.records)
		}
		value, err := readBlock(in, maxRecord)
		if err != nil {
			return err
		}
		if err := add(key, value); err != nil {
			return err
		}
		bytes += int64(len(key) + len(value))
	}
	return fmt.Errorf("%w: more than %d bytes", errAnswer, maxRecords)
}

// installation is a checkpoint that was fetched whole.
type installation struct {
	target   *store.Import
	position *position
	base     *driver.Snapshot
	done     chan error // capacity 1: what has come of it
}

// handOver has the loop install a checkpoint. Once it has that in hand, it is waited for whatever ctx says: the import is
// in use.
func (n *Node) handOver(ctx context.Context, i *installation) error {
	i.done = make(chan error, 1)
	select {
	case n.installs <- i:
		return <-i.done
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Why a checkpoint that was fetched is not installed.
var (
	errBackwards = errors.New("this node has come as far itself")
	errFound     = errors.New("peers hand out again what this node missed")
)

// install makes a checkpoint this node's state from the next start on, and reports whether it did. It is the loop that
// does it, because nothing may be created or written meanwhile: an own event that left and was forgotten would be made
// again, another one with the same number. The last one goes with the checkpoint, for nobody else may have it.
func (l *loop) install(i *installation) bool {
	err := l.installable(i)
	if err == nil {
		if own := l.node.last.Load(); own != nil {
			i.base.AddLast(own)
		}
		m := i.position.meta(nil)
		err = i.target.Install(i.base.Append(nil), m.append(nil), nil)
	}
	i.done <- err
	return err == nil
}

// installable returns why a checkpoint is of no use any more.
func (l *loop) installable(i *installation) error {
	switch {
	case l.driver.State() != driver.Lost:
		return errFound
	case i.position.round < l.driver.Engine().Pending():
		return errBackwards
	}
	return nil
}
