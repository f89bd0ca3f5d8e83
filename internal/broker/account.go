package broker

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/foxmq/foxmq/internal/mqtt"
)

// UserLimits are what a user may do on this node with all its connections together. Zero is no limit of the user's own.
type UserLimits struct {
	Connections  int // open at a time; clients count, so that one may take over its own older connection
	PublishRate  int // publishes a second
	PublishBytes int // bytes a second of these: topic, properties and payload
}

// account is what the connections of one user have in common.
type account struct {
	clients map[string]int // open connections by client id; guarded by accounts.mu

	limits atomic.Pointer[UserLimits]
	mu     sync.Mutex
	pace   pace // guarded by mu
}

// take takes a publish as pace does. A nil account is that of an anonymous client, which has no user.
func (a *account) take(size int, now int64) time.Duration {
	if a == nil {
		return 0
	}
	limits := a.limits.Load()
	if limits.PublishRate == 0 && limits.PublishBytes == 0 {
		return 0
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.pace.take(size, limits.PublishRate, limits.PublishBytes, now)
}

// accounts are those of the users who are here.
type accounts struct {
	config *Config

	mu     sync.Mutex
	byUser map[string]*account // guarded by mu
}

// limitsOf returns what a user may do. What is said of the user comes before what is said of all.
func (t *accounts) limitsOf(user string) *UserLimits {
	var limits UserLimits
	if t.config.UserLimits != nil {
		limits = t.config.UserLimits(user)
	}
	if limits.Connections == 0 {
		limits.Connections = t.config.MaxConnectionsPerUser
	}
	return &limits
}

// enter counts a connection, if its user may have one more.
func (t *accounts) enter(user, client string) (*account, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	a := t.byUser[user]
	if a == nil {
		a = &account{clients: map[string]int{}}
		a.limits.Store(t.limitsOf(user))
	}
	if most := a.limits.Load().Connections; most > 0 && a.clients[client] == 0 && len(a.clients) >= most {
		return nil, false
	}
	a.clients[client]++
	t.byUser[user] = a
	return a, true
}

// leave takes back an enter.
func (t *accounts) leave(user, client string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	a := t.byUser[user]
	if a.clients[client]--; a.clients[client] == 0 {
		delete(a.clients, client)
	}
	if len(a.clients) == 0 {
		delete(t.byUser, user)
	}
}

// refresh looks again at what the users may do.
func (t *accounts) refresh() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for user, a := range t.byUser {
		a.limits.Store(t.limitsOf(user))
	}
}

// openAccount counts the client among its user's, unless it is anonymous.
func (c *client) openAccount() error {
	if c.user == "" {
		return nil
	}
	account, ok := c.broker.accounts.enter(c.user, c.id)
	if !ok {
		c.broker.counters.crowdedUsers.Add(1)
		return &mqtt.Error{Code: mqtt.QuotaExceeded}
	}
	c.account = account
	return nil
}

func (c *client) leaveAccount() {
	if c.account != nil {
		c.broker.accounts.leave(c.user, c.id)
	}
}
