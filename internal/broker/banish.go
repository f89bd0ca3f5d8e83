package broker

import (
	"context"
	"errors"
	"math"
	"time"

	"go.uber.org/zap"

	"github.com/foxmq/foxmq/internal/fair"
	"github.com/foxmq/foxmq/internal/mqtt"
	"github.com/foxmq/foxmq/internal/replica"
)

// Errors of Ban and Unban.
var (
	ErrTooManyBans = errors.New("there are as many bans as there may be")
	ErrNotBanned   = errors.New("there is no such ban")
)

// Ban keeps a client, a user or an address out of the cluster. It returns the ban once that is ordered and holds on this
// node; after the error of ctx it may still come to hold. The target must be one of replica.NewBanTarget, and the reason
// one that replica.CheckBanReason lets pass.
func (b *Broker) Ban(ctx context.Context, cmd *replica.Ban) (replica.BanEntry, error) {
	d, err := b.decree(ctx, cmd)
	switch {
	case err != nil:
		return replica.BanEntry{}, err
	case d.outcome != replica.Applied:
		return replica.BanEntry{}, ErrTooManyBans
	}
	return *d.ban, nil
}

// Unban lifts a ban. It returns as Ban does.
func (b *Broker) Unban(ctx context.Context, target replica.BanTarget) error {
	d, err := b.decree(ctx, &replica.Unban{Target: target})
	if err == nil && d.outcome != replica.Applied {
		return ErrNotBanned
	}
	return err
}

// Bans returns the bans that hold on this node, by kind and value.
func (b *Broker) Bans() []replica.BanEntry { return b.bans.list() }

// decree is an operator's command in the stream.
type decree struct {
	applied chan struct{} // closed when it is; then the rest is set, and constant
	outcome replica.Outcome
	ban     *replica.BanEntry // that it made or lifted; nil if it was refused
}

// decree submits a command and waits until it is applied, or ctx ends.
func (b *Broker) decree(ctx context.Context, cmd replica.Command) (*decree, error) {
	d := &decree{applied: make(chan struct{})}
	if err := b.config.Stream.Submit(ctx, fair.Key{}, cmd, replica.Token{Owner: d, Kind: tokenOther}); err != nil {
		return nil, err
	}
	select {
	case <-d.applied:
		return d, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-b.quit.Done():
		return nil, b.quit.Err()
	}
}

// done tells who waits what became of the decree. Its own effect is the last one.
func (d *decree) done(r *replica.Result) {
	if d.outcome = r.Outcome; r.Outcome == replica.Applied {
		d.ban = r.Effects[len(r.Effects)-1].Ban
	}
	close(d.applied)
}

// Restored takes in the bans of the state that the node starts with. The node calls it before Applied.
func (d *dispatcher) Restored(m *replica.Machine) { m.Bans(d.broker.bans.put) }

// banned makes a ban hold on this node. Those whom it is about are closed at the end of the batch, so that many bans in
// one batch cost one look at each client.
func (d *dispatcher) banned(e *replica.BanEntry) {
	d.broker.bans.put(e)
	d.newBans = true
	d.broker.config.Log.Info("banned", describeBan(e)...)
}

func (d *dispatcher) unbanned(e *replica.BanEntry) {
	d.broker.bans.remove(e.BanTarget)
	d.broker.config.Log.Info("ban is over", describeBan(e)...)
}

func describeBan(e *replica.BanEntry) []zap.Field {
	until := zap.Skip()
	if e.Until != math.MaxInt64 {
		until = zap.Time("until", time.Unix(0, e.Until).UTC())
	}
	return []zap.Field{
		zap.Stringer("kind", e.Kind), zap.String("value", e.Value), until, zap.String("reason", e.Reason),
		zap.Int("by_member", e.Node),
	}
}

// closeBanned closes the clients that a new ban is about, with the reason code that DISCONNECT has for it: 0x8A, banned,
// is CONNACK's alone (MQTT 5, section 2.4). Their wills go, as whenever the server closes.
func (d *dispatcher) closeBanned() {
	d.newBans = false
	closed := 0
	for _, c := range d.byID {
		if d.broker.isBanned(c) && c.close(mqtt.AdministrativeAction) {
			closed++
		}
	}
	if closed > 0 {
		d.broker.counters.bannedConnections.Add(uint64(closed))
		d.broker.config.Log.Info("connections closed by a ban", zap.Int("connections", closed))
	}
}

func (b *Broker) isBanned(c *client) bool { return b.bans.keepOut(c.id, c.user, c.address) }

// refuseBanned answers CONNECT so if the client is banned, and reports whether it is.
func (b *Broker) refuseBanned(c *client) bool {
	if !b.isBanned(c) {
		return false
	}
	b.counters.bannedConnects.Add(1)
	c.refuse(&mqtt.Error{Code: mqtt.Banned})
	return true
}
