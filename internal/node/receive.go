package node

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/foxmq/foxmq/internal/consensus/driver"
	"github.com/foxmq/foxmq/internal/event"
	"github.com/foxmq/foxmq/internal/replica"
	"github.com/foxmq/foxmq/internal/replica/lthash"
	"github.com/foxmq/foxmq/internal/store"
)

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
	var refused error // by the disk
	add := func(key, value []byte) error { refused = i.Add(key, value); return refused }
	if err := receiveRecords(bufio.NewReaderSize(answer, 64<<10), add, progress); refused != nil {
		// It may be a liar's records that fill the disk, which others go on behind as long as the checkpoint is the same.
		return errors.Join(err, i.Discard())
	} else if err != nil {
		return err
	}
	var sum lthash.Hash
	err = i.State(func(key, value []byte) error {
		seed := replica.Seed(key, value)
		sum.Add(&seed)
		return nil
	})
	if err != nil {
		return errors.Join(err, i.Discard())
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
