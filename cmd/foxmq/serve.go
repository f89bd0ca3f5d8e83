package main

import (
	"context"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/foxmq/foxmq/internal/config"
)

// serve assembles a node and runs it until ctx ends or one of its parts fails; the first error stops all. It
// returns after the last goroutine has.
func serve(ctx context.Context, cfg config.Config, log *zap.Logger) error {
	id, err := loadIdentity(&cfg)
	if err != nil {
		return err
	}
	store, err := openUsers(&cfg, log)
	if err != nil {
		return err
	}
	if id.alone {
		log.Warn("no address book, this node is alone", zap.String("config_dir", cfg.Dir))
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return store.Run(ctx) })
	group.Go(func() error { return reloadOnHangup(ctx, store) })
	return group.Wait()
}
