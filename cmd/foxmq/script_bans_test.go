package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/foxmq/foxmq/internal/admin"
	"github.com/foxmq/foxmq/internal/replica"
)

// banList starts the admin listener of a node that keeps two bans at most, and returns its address. It is the year 2026
// there. Its token, if any, is the argument.
func (s *shell) banList(token ...string) string {
	server, err := admin.Listen(admin.Config{
		Addr: "127.0.0.1:0", Token: strings.Join(token, ""), Bans: &listedBans{},
		Status: func() any { return status{Version: "1.0.0"} },
	})
	s.check(err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx) }()
	s.t.Cleanup(func() {
		cancel()
		s.check(<-done)
	})
	return server.Addr().String()
}

// listedBans is the bans of a cluster without a cluster. One request comes at a time.
type listedBans struct{ all []admin.Ban }

func (l *listedBans) List() []admin.Ban { return l.all }

func (l *listedBans) Add(_ context.Context, r admin.BanRequest) (admin.Ban, error) {
	target, err := banTarget(r.Kind, r.Value)
	if err == nil {
		err = replica.CheckBanReason(r.Reason)
	}
	if err != nil {
		return admin.Ban{}, fmt.Errorf("%w: %w", admin.ErrBadBan, err)
	}
	if len(l.all) == 2 {
		return admin.Ban{}, admin.ErrTooManyBans
	}
	ban := admin.Ban{Kind: r.Kind, Value: target.Value, Reason: r.Reason, Node: 3}
	if r.Seconds > 0 {
		ban.Until = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Add(time.Duration(r.Seconds) * time.Second)
	}
	l.all = append(l.all, ban)
	return ban, nil
}

func (l *listedBans) Remove(_ context.Context, kind, value string) error {
	target, err := banTarget(kind, value)
	if err != nil {
		return fmt.Errorf("%w: %w", admin.ErrBadBan, err)
	}
	i := slices.IndexFunc(l.all, func(b admin.Ban) bool { return b.Kind == kind && b.Value == target.Value })
	if i < 0 {
		return admin.ErrNotBanned
	}
	l.all = slices.Delete(l.all, i, i+1)
	return nil
}
