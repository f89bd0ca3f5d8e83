package broker

import (
	"context"

	"github.com/foxmq/foxmq/internal/mqtt"
)

// followUsers looks at the open connections again whenever the users or their permissions have changed, until ctx ends.
func (b *Broker) followUsers(ctx context.Context) {
	if b.config.UsersChanged == nil {
		return
	}
	for {
		changed := b.config.UsersChanged()
		b.recheck()
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
	}
}

// recheck holds the connected clients to what users and permissions are now. What a client publishes, or subscribes to,
// is held to that anyway; what it has subscribed to before is screened from now on.
func (b *Broker) recheck() {
	for _, c := range b.everyone() {
		if c.isConnected() { // else its reader sees to it
			c.screened.Store(true)
			c.recheckLogin()
		}
	}
}

// recheckLogin closes the connection of a client that would not be let in again: its user is gone, or has a new
// password, or anonymous clients are no longer welcome. One that has been let in on a certificate stays.
func (c *client) recheckLogin() {
	if c.login != nil && !c.login.Stands() && c.close(mqtt.NotAuthorized) {
		c.broker.counters.expelled.Add(1)
	}
}

func (c *client) isConnected() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.phase == connected
}

// mayReceive tells whether the client may be sent what was published to a topic. All that matches a subscription was
// allowed when that was made; so this is a question only if permissions have changed since, or may have.
func (c *client) mayReceive(topic string) bool {
	if !c.screened.Load() || c.broker.config.Permissions.MaySubscribe(c.user, c.id, topic) {
		return true
	}
	c.broker.counters.deniedDeliveries.Add(1)
	return false
}
