package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/signal"
	"syscall"

	"go.uber.org/zap"

	"github.com/foxmq/foxmq/internal/broker"
	"github.com/foxmq/foxmq/internal/config"
	"github.com/foxmq/foxmq/internal/users"
)

// openUsers reads users.toml and permissions.toml. A node that nobody could connect to is an error.
func openUsers(cfg *config.Config, log *zap.Logger) (*users.Store, error) {
	path := cfg.File(config.UsersFile)
	store, err := users.Open(users.Config{
		UsersFile:       path,
		PermissionsFile: cfg.File(config.PermissionsFile),
		Log:             log.Named("users"),
	})
	if err != nil {
		return nil, err
	}
	if store.Users() == 0 && !store.AllowAnonymous() && !cfg.AllowAnonymousLogin {
		return nil, withHint(fmt.Errorf("%s has no users and anonymous login is off, so nobody could connect", path),
			"foxmq user add -O %s adds a user; --allow-anonymous-login lets everyone in", path)
	}
	return store, nil
}

// gate shows the users to the broker.
type gate struct{ store *users.Store }

// Authenticate implements broker.Authenticator.
func (g gate) Authenticate(ctx context.Context, from netip.Addr, user string, password []byte) (broker.Login, error) {
	login, err := g.store.Authenticate(ctx, from, user, password)
	switch {
	case errors.Is(err, users.ErrBusy):
		return nil, broker.ErrBusy
	case err != nil:
		return nil, err
	}
	return login, nil
}

// reloader is what reads its files again when it is told to.
type reloader interface{ Reload() }

// reloadOnHangup has files read again at each SIGHUP, until ctx ends, which is no error.
func reloadOnHangup(ctx context.Context, all ...reloader) error {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-hangups:
			for _, r := range all {
				r.Reload()
			}
		}
	}
}
