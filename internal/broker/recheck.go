package broker

import (
	"context"
	"slices"

	"github.com/foxmq/foxmq/internal/mqtt"
	"github.com/foxmq/foxmq/internal/replica"
	"github.com/foxmq/foxmq/internal/topic"
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
	b.accounts.refresh()
	for _, c := range b.everyone() {
		if c.isConnected() { // else its reader sees to it
			c.screened.Store(true)
			c.recheckLogin()
			c.leaveGroups()
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

// leaveGroups takes back the client's shared subscriptions that it would not be granted any more, in its name: what it
// must not have is then not lost, but goes to another member.
func (c *client) leaveGroups() {
	var denied []string
	_ = c.broker.config.State.Do(func(m *replica.Machine) { // fails only if the node has stopped
		denied = slices.DeleteFunc(m.Shares(c.id), c.maySubscribe)
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(denied) > 0 && c.phase == connected {
		c.enqueue(postponed{cmd: &replica.Unsubscribe{Connection: c.number, Filters: denied}})
	}
}

// recheck has a client leave again what it was granted before the permissions changed and got after: when these were looked
// at again, its groups did not have it yet.
func (q *request) recheck() {
	c := q.client
	if q.unmakes || !c.screened.Load() {
		return
	}
	denied := slices.DeleteFunc(q.shared, c.maySubscribe)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(denied) > 0 && c.phase == connected {
		c.enqueue(postponed{cmd: &replica.Unsubscribe{Connection: c.number, Filters: denied}})
	}
}

// maySubscribe asks for the permission of a valid filter.
func (c *client) maySubscribe(filter string) bool {
	_, plain, _ := topic.Parse(filter)
	return c.broker.config.Permissions.MaySubscribe(c.user, c.id, plain)
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
