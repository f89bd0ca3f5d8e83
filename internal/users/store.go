package users

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"sync/atomic"

	"go.uber.org/zap"

	"github.com/foxmq/foxmq/internal/filewatch"
)

// Config says where the users stand.
type Config struct {
	UsersFile       string // need not exist
	PermissionsFile string // need not exist
	Log             *zap.Logger
}

// Store is the users and what they may do, as the files say. Run keeps it up to date.
type Store struct {
	log         *zap.Logger
	login       *login
	accounts    atomic.Pointer[accounts]
	permissions atomic.Pointer[permissions]
	changed     atomic.Pointer[chan struct{}] // closed when something else comes into force
	watcher     *filewatch.Watcher
	files       []*watched // after Open, Run's
}

// watched is a file that is read when it changes.
type watched struct {
	*filewatch.File
	load func(data []byte) error // parses and puts in force
}

// Open reads the files. An error about their content names the file and the line.
func Open(c Config) (*Store, error) {
	s := &Store{log: c.Log, login: newLogin(), watcher: filewatch.NewWatcher()}
	if s.log == nil {
		s.log = zap.NewNop()
	}
	s.changed.Store(new(make(chan struct{})))
	s.accounts.Store(&accounts{})
	s.permissions.Store(&permissions{})
	s.files = []*watched{
		{filewatch.New(c.UsersFile), func(data []byte) error {
			a, err := parseAccounts(c.UsersFile, data)
			if err == nil {
				s.accounts.Store(a)
			}
			return err
		}},
		{filewatch.New(c.PermissionsFile), func(data []byte) error {
			p, err := parsePermissions(c.PermissionsFile, data)
			if err == nil {
				s.permissions.Store(&p)
			}
			return err
		}},
	}
	for _, f := range s.files {
		if _, err := f.check(true); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Run reads the files again when they change, and when Reload says so, until ctx ends, which is no error.
func (s *Store) Run(ctx context.Context) error {
	s.watcher.Run(ctx, func(force bool) {
		for _, f := range s.files {
			s.refresh(f, force)
		}
	})
	return nil
}

// Reload makes Run read the files again now, whether they seem to have changed or not.
func (s *Store) Reload() { s.watcher.Reload() }

func (s *Store) refresh(f *watched, force bool) {
	switch read, err := f.check(force); {
	case errors.Is(err, fs.ErrNotExist):
		s.log.Warn("configuration file is gone, what it said stays in force", zap.String("file", f.Path()))
	case err != nil:
		s.log.Error("configuration file not reloaded, what it said before stays in force",
			zap.String("file", f.Path()), zap.Error(err))
	case read:
		close(*s.changed.Swap(new(make(chan struct{}))))
		s.log.Info("configuration file reloaded", zap.String("file", f.Path()))
	}
}

// check reads the file if it has changed, or if forced to. That it is gone, or cannot be read, is told once and not
// at every look; that it never was there is no error.
func (f *watched) check(force bool) (read bool, err error) {
	changed, err := f.Look()
	if !changed && (!force || errors.Is(err, fs.ErrNotExist)) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read configuration: %w", err)
	}
	data, err := os.ReadFile(f.Path())
	if err != nil {
		return false, fmt.Errorf("read configuration: %w", err)
	}
	return true, f.load(data)
}

// Authenticate returns the login of the user whose password it is, or else ErrWrong or ErrBusy. It may take some
// milliseconds; under load it waits for its turn until ctx ends, and an address from which many wrong passwords come
// waits longer for the answer. A client without an address has the zero one.
func (s *Store) Authenticate(ctx context.Context, from netip.Addr, user string, password []byte) (*Login, error) {
	h, p, err := s.login.authenticate(ctx, s.accounts.Load(), from, user, password)
	if err != nil {
		return nil, err
	}
	return &Login{store: s, user: user, hash: h, proof: p}, nil
}

// Stats is what has been counted of logins since Open.
type Stats struct {
	Checking int64  // passwords that are being checked now
	Waiting  int64  // logins that wait for their turn now
	Failed   uint64 // for the user or the password
	Slowed   uint64 // of those, answered late because of many failures from the address
	Refused  uint64 // without a check, because too many waited or for too long
}

// Stats returns the counters. They are read one by one, not at one moment.
func (s *Store) Stats() Stats {
	c := &s.login.counters
	return Stats{
		Checking: c.checking.Load(),
		Waiting:  int64(s.login.room.waiting()),
		Failed:   c.failed.Load(),
		Slowed:   c.slowed.Load(),
		Refused:  c.refused.Load(),
	}
}

// MayPublish tells whether the client with that id may publish to the topic. An anonymous client's user is "".
func (s *Store) MayPublish(user, client, topic string) bool {
	return s.permissions.Load().mayPublish(names{user, client}, topic)
}

// MaySubscribe tells whether the client may subscribe to the filter, which is without $share/group/: whether each
// topic that it matches is allowed.
func (s *Store) MaySubscribe(user, client, filter string) bool {
	return s.permissions.Load().maySubscribe(names{user, client}, filter)
}

// Limits returns what users.toml allows the user; of an anonymous client, "", and of a user without limits it is zero.
func (s *Store) Limits(user string) Limits { return s.accounts.Load().limits[user] }

// Changed returns a channel that is closed when a file has been read again after the call. Who acts on changes takes
// the channel first and then looks at what is in force.
func (s *Store) Changed() <-chan struct{} { return *s.changed.Load() }

// Users returns the number of users.
func (s *Store) Users() int { return len(s.accounts.Load().names) }

// AllowAnonymous tells whether users.toml lets clients in that name no user.
func (s *Store) AllowAnonymous() bool { return s.accounts.Load().allowAnonymous }

// SilentConnectErrors tells whether users.toml wants refused connections closed without a word.
func (s *Store) SilentConnectErrors() bool { return s.accounts.Load().silentErrors }
