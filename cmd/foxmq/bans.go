package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/foxmq/foxmq/internal/admin"
	"github.com/foxmq/foxmq/internal/broker"
	"github.com/foxmq/foxmq/internal/replica"
)

// banKinds are the kinds of bans by the names that people use.
var banKinds = map[string]replica.BanKind{
	replica.BanClient.String():  replica.BanClient,
	replica.BanUser.String():    replica.BanUser,
	replica.BanAddress.String(): replica.BanAddress,
}

// bans shows the broker's bans to the admin listener.
type bans struct{ broker *broker.Broker }

// List implements admin.Bans.
func (b bans) List() []admin.Ban {
	entries := b.broker.Bans()
	all := make([]admin.Ban, len(entries))
	for i := range entries {
		all[i] = showBan(&entries[i])
	}
	return all
}

func showBan(e *replica.BanEntry) admin.Ban {
	ban := admin.Ban{Kind: e.Kind.String(), Value: e.Value, Reason: e.Reason, Node: e.Node}
	if e.Until != math.MaxInt64 {
		ban.Until = time.Unix(0, e.Until).UTC()
	}
	return ban
}

// Add implements admin.Bans.
func (b bans) Add(ctx context.Context, r admin.BanRequest) (admin.Ban, error) {
	target, err := banTarget(r.Kind, r.Value)
	if err == nil {
		err = replica.CheckBanReason(r.Reason)
	}
	if err != nil {
		return admin.Ban{}, fmt.Errorf("%w: %w", admin.ErrBadBan, err)
	}
	e, err := b.broker.Ban(ctx, &replica.Ban{Target: target, Seconds: r.Seconds, Reason: r.Reason})
	switch {
	case errors.Is(err, broker.ErrTooManyBans):
		return admin.Ban{}, fmt.Errorf("%w: %d, lift others first", admin.ErrTooManyBans, len(b.broker.Bans()))
	case err != nil:
		return admin.Ban{}, err
	}
	return showBan(&e), nil
}

// Remove implements admin.Bans.
func (b bans) Remove(ctx context.Context, kind, value string) error {
	target, err := banTarget(kind, value)
	if err != nil {
		return fmt.Errorf("%w: %w", admin.ErrBadBan, err)
	}
	err = b.broker.Unban(ctx, target)
	if errors.Is(err, broker.ErrNotBanned) {
		return admin.ErrNotBanned
	}
	return err
}

func banTarget(kind, value string) (replica.BanTarget, error) {
	k, ok := banKinds[kind]
	if !ok {
		return replica.BanTarget{}, fmt.Errorf("kind %q: want client, user or address", kind)
	}
	return replica.NewBanTarget(k, value)
}
