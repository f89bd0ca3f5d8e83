package main

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"io"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/foxmq/foxmq/internal/admin"
	"github.com/foxmq/foxmq/internal/broker"
	"github.com/foxmq/foxmq/internal/config"
	"github.com/foxmq/foxmq/internal/event"
	"github.com/foxmq/foxmq/internal/gossip"
	"github.com/foxmq/foxmq/internal/guard"
	"github.com/foxmq/foxmq/internal/node"
	"github.com/foxmq/foxmq/internal/store"
	"github.com/foxmq/foxmq/internal/users"
)

// drainWithin is how long a node that stops waits for the ends of its clients' connections to be ordered, so that
// the other nodes send their wills now and not when this one boots again.
const drainWithin = time.Second

// daemon is the parts of a node, put together.
type daemon struct {
	cfg    config.Config
	log    *zap.Logger
	users  *users.Store
	node   *node.Node
	gossip *gossip.Transport // nil: the node is alone
	broker *broker.Broker
	admin  *admin.Server
	store  *store.Store
	guard  *guard.Guard
	self   int // this node's number in the address book

	doors *doors // for MQTT clients
}

// serve runs a node until ctx ends or one of its parts fails. A node that has fetched a checkpoint starts again from its
// disk; one whose state turns out to be wrong starts again without it, and fetches one.
func serve(ctx context.Context, cfg config.Config, log *zap.Logger) error {
	id, err := loadIdentity(&cfg)
	if err != nil {
		return err
	}
	for {
		err := serveOnce(ctx, cfg, id, log)
		var corrupt *store.CorruptError
		switch {
		case errors.Is(err, node.ErrInstalled):
			log.Info("starting again from a checkpoint of the cluster")
		case id.peers() && (errors.Is(err, node.ErrDiverged) || errors.Is(err, node.ErrCorrupt) || errors.As(err, &corrupt)):
			if err := setAside(cfg.NodeDataDir(id.self), log, err); err != nil {
				return err
			}
		default:
			return err
		}
	}
}

// setAside keeps a data directory that is wrong for somebody to look at.
func setAside(dir string, log *zap.Logger, why error) error {
	aside, err := store.SetAside(dir, time.Now().UTC().Format("20060102T150405.000"))
	if err != nil {
		return errors.Join(why, err)
	}
	log.Error("this node's state is wrong; it is kept aside, and fetched from the cluster afresh",
		zap.Error(why), zap.String("kept_in", aside))
	return nil
}

// serveOnce assembles a node and runs it; the first error stops all. It returns after the last goroutine has.
func serveOnce(ctx context.Context, cfg config.Config, id *identity, log *zap.Logger) error {
	return serveOn(ctx, cfg, id, log, func(s *store.Store) node.Disk { return s })
}

// serveOn is serveOnce on the disk that is made of the store: the store itself, but for a benchmark that asks what it
// costs.
func serveOn(
	ctx context.Context, cfg config.Config, id *identity, log *zap.Logger, disk func(*store.Store) node.Disk,
) (err error) {
	d := &daemon{cfg: cfg, log: log, self: id.self}
	d.guard = guard.New(guard.Config{
		MaxConnections: cfg.MaxConnectionsPerAddress, BanAfter: cfg.BanAfter, BanTime: cfg.BanTime,
		Log: log.Named("mqtt::guard"),
	})
	if d.users, err = openUsers(&d.cfg, log); err != nil {
		return err
	}
	if id.alone {
		log.Warn("no address book, this node is alone", zap.String("config_dir", cfg.Dir))
	}
	if d.store, err = openStore(&cfg, id, log); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.store.Close()) }()
	if err := d.assemble(id, disk(d.store)); err != nil {
		return err
	}
	if err := d.listen(id); err != nil {
		return err
	}
	return d.run(ctx)
}

// openStore opens the node's data directory.
func openStore(cfg *config.Config, id *identity, log *zap.Logger) (*store.Store, error) {
	durability := store.Flush
	if cfg.Durability == "sync" {
		durability = store.Sync
	}
	return store.Open(store.Config{
		Dir: cfg.NodeDataDir(id.self), Durability: durability, Logger: log.Named("store"),
		Replicated: id.peers(), StopOnDamage: id.spare(),
	})
}

// assemble makes the parts and shows them to each other: here alone do the node and the broker meet.
func (d *daemon) assemble(id *identity, disk node.Disk) error {
	keys := make([]*ecdsa.PublicKey, len(id.book.Members))
	for i, m := range id.book.Members {
		keys[i] = m.Key
	}
	var err error
	d.node, err = node.New(node.Config{
		Self: id.self, Keys: keys, Key: id.key, Domain: event.Domain(id.book.Hash()),
		Disk: disk, PoolBytes: d.cfg.MaxPendingBytes, NodeTimeout: d.cfg.NodeTimeout, Logger: d.log.Named("node"),
	})
	if err != nil {
		return err
	}
	if len(keys) > 1 {
		d.gossip, err = gossip.New(gossip.Config{
			Book: id.book, Self: id.self, Key: id.key, Handler: d.node, Server: d.node,
			Listen: d.cfg.ClusterAddr, Log: d.log.Named("gossip"),
		})
		if err != nil {
			return err
		}
	}
	d.broker, err = broker.New(d.brokerConfig())
	d.log.Info("starting node", zap.Int("node", id.self), zap.Int("members", len(keys)),
		zap.String("version", version), zap.String("data_dir", d.cfg.NodeDataDir(id.self)))
	return err
}

// run runs the parts and stops them in order: the broker first, which tells its clients; then, when the ends of their
// connections have been ordered or drainWithin has passed, everything else. A node that still reads what its disk holds
// has nothing to drain, and its clients wait for it: there everything stops at once.
func (d *daemon) run(ctx context.Context) error {
	group, groupCtx := errgroup.WithContext(context.WithoutCancel(ctx))
	core, stopCore := context.WithCancel(groupCtx)
	defer stopCore()
	front, stopFront := context.WithCancel(groupCtx)
	defer context.AfterFunc(ctx, func() {
		stopFront()
		if !d.node.Restored() {
			stopCore()
		}
	})()

	group.Go(func() error { return d.node.Run(core, d.transport(), d.broker) })
	group.Go(func() error { return d.store.Run(core) })
	group.Go(func() error { return d.users.Run(core) })
	group.Go(func() error { return reloadOnHangup(core, append(d.doors.reloaders(), d.users)...) })
	if d.gossip != nil {
		group.Go(func() error { return d.gossip.Run(core) })
	}
	group.Go(func() error { return d.admin.Run(core) })
	d.doors.run(core, group)
	group.Go(func() error {
		defer stopCore()
		err := d.broker.Run(front, d.doors.listeners...)
		d.drain(core)
		return err
	})
	err := group.Wait()
	d.log.Info("stopped")
	return err
}

// drain waits until what was submitted is applied, within limits.
func (d *daemon) drain(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, drainWithin)
	defer cancel()
	for d.node.Quorum() && d.node.Status().PoolCount > 0 {
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Millisecond):
		}
	}
}

// transport returns what carries the node's messages.
func (d *daemon) transport() node.Transport {
	if d.gossip == nil {
		return nobody{}
	}
	return d.gossip
}

// nobody is the transport of a node that is alone.
type nobody struct{}

func (nobody) Send(int, *event.Message) bool { return true }

func (nobody) Request(context.Context, int, []byte) (io.ReadCloser, error) {
	return nil, errors.New("there is no peer")
}
