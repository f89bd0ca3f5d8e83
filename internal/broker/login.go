package broker

import (
	"context"
	"errors"
	"net"
	"net/netip"

	"github.com/foxmq/foxmq/internal/mqtt"
)

// Authenticator knows the users.
type Authenticator interface {
	// Authenticate returns the login of the user whose password it is, for a client that comes from that address; it
	// is zero if the client has none. It may take its time, until ctx ends. ErrBusy says that the password has not been
	// looked at; any other error, that it is wrong.
	Authenticate(ctx context.Context, from netip.Addr, user string, password []byte) (Login, error)
}

// ErrBusy is an Authenticator's error where too many clients log in at once.
var ErrBusy = errors.New("too many clients log in at once")

// Login is what a client was let in on. Its methods may be called from any goroutine, and do not wait.
type Login interface {
	// Stands tells whether the client would be let in again.
	Stands() bool
	// Leave says that the connection has ended.
	Leave()
}

// anonymous is the Login of a client that names no user.
type anonymous struct{ allowed func() bool }

func (a anonymous) Stands() bool { return a.allowed() }
func (anonymous) Leave()         {}

// logIn checks user and password. A client that names no user is anonymous, whatever password it gives; one whose
// connection has proven a name is the user of that name, whatever it says.
func (c *client) logIn(p *mqtt.Connect) error {
	if c.user = provenName(c.conn); c.user != "" {
		return nil
	}
	if !p.HasUsername {
		c.login = anonymous{c.broker.config.AllowAnonymous}
		if c.login.Stands() {
			return nil
		}
		c.broker.counters.badLogins.Add(1)
		return &mqtt.Error{Code: mqtt.NotAuthorized}
	}
	c.pause()
	ctx, cancel := context.WithTimeout(c.ctx, c.broker.config.ConnectTimeout)
	defer cancel()
	login, err := c.broker.config.Users.Authenticate(ctx, c.address, p.Username, p.Password)
	switch {
	case errors.Is(err, ErrBusy):
		return &mqtt.Error{Code: mqtt.QuotaExceeded}
	case err != nil:
		c.broker.counters.badLogins.Add(1)
		return &mqtt.Error{Code: mqtt.BadUserNameOrPassword}
	}
	c.user, c.login = p.Username, login
	return nil
}

// provenName returns the name that a client has proven by a certificate, "" if its connection knows of none.
func provenName(conn net.Conn) string {
	if named, ok := conn.(interface{ ClientName() string }); ok {
		return named.ClientName()
	}
	return ""
}

// addressOf returns the address from which a connection comes, zero if it comes from none.
func addressOf(conn net.Conn) netip.Addr {
	remote := conn.RemoteAddr()
	if known, ok := remote.(interface{ AddrPort() netip.AddrPort }); ok {
		return known.AddrPort().Addr().Unmap().WithZone("")
	}
	if remote == nil {
		return netip.Addr{}
	}
	parsed, err := netip.ParseAddrPort(remote.String())
	if err != nil {
		return netip.Addr{}
	}
	return parsed.Addr().Unmap().WithZone("")
}
