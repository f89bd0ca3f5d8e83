package users

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/foxmq/foxmq/internal/filewatch"
)

// fixture is a store whose files can be changed.
type fixture struct {
	*Store
	t    *testing.T
	dir  string
	logs *observer.ObservedLogs
}

func open(t *testing.T) *fixture {
	t.Helper()
	core, logs := observer.New(zapcore.InfoLevel)
	f := &fixture{t: t, dir: t.TempDir(), logs: logs}
	f.write("users.toml", Record("alice", cheap("a")))
	f.write("permissions.toml", "[[permissions.alice.topic]]\nfilter = 'a'\n")
	var err error
	f.Store, err = Open(Config{f.path("users.toml"), f.path("permissions.toml"), zap.New(core)})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *fixture) path(name string) string { return filepath.Join(f.dir, name) }

func (f *fixture) write(name, content string) {
	f.t.Helper()
	if err := os.WriteFile(f.path(name), []byte(content), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// knows tells whether it is the user's password.
func (f *fixture) knows(user, password string) bool {
	_, err := f.Authenticate(f.t.Context(), netip.Addr{}, user, []byte(password))
	return err == nil
}

// look lets Run look at the files n times, and returns what it logged.
func (f *fixture) look(n int) string {
	time.Sleep(time.Duration(n) * filewatch.Every)
	synctest.Wait()
	var messages []string
	for _, e := range f.logs.TakeAll() {
		messages = append(messages, e.Level.CapitalString()+" "+e.Message)
	}
	return strings.Join(messages, "\n")
}

// running runs test while the store runs, in a bubble with its own time.
func running(t *testing.T, test func(*testing.T, *fixture)) {
	synctest.Test(t, func(t *testing.T) {
		f := open(t)
		done := make(chan error)
		ctx, cancel := context.WithCancel(t.Context())
		go func() { done <- f.Run(ctx) }()
		time.Sleep(filewatch.Every / 2)
		test(t, f)
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

func TestChangesComeIntoForce(t *testing.T) {
	running(t, func(t *testing.T, f *fixture) {
		if f.look(3) != "" {
			t.Error("something was read though nothing changed")
		}
		const auth = "[auth]\nallow-anonymous-login = true\nsilent-connect-errors = true\n"
		f.write("users.toml", auth+Record("bob", cheap("b")))
		f.write("permissions.toml", "[[permissions.alice.topic]]\nfilter = 'new'\n")
		if got := f.look(1); got != "INFO configuration file reloaded\nINFO configuration file reloaded" {
			t.Errorf("the log says %q", got)
		}
		if f.knows("alice", "a") || !f.knows("bob", "b") {
			t.Error("the old users are in force")
		}
		if !f.AllowAnonymous() || !f.SilentConnectErrors() || f.Users() != 1 {
			t.Error("the old settings are in force")
		}
		if f.MayPublish("alice", "", "new") || !f.MayPublish("alice", "", "a") || f.MaySubscribe("alice", "", "new") {
			t.Error("the old permissions are in force")
		}
	})
}

func TestABadFileLeavesTheOldInForce(t *testing.T) {
	running(t, func(t *testing.T, f *fixture) {
		f.write("users.toml", "[users.bob]\n")
		f.write("permissions.toml", "[[permissions")
		const want = "ERROR configuration file not reloaded, what it said before stays in force"
		if got := f.look(1); got != want+"\n"+want {
			t.Errorf("the log says %q", got)
		}
		if got := f.look(3); got != "" {
			t.Errorf("the log goes on with %q", got)
		}
		if !f.knows("alice", "a") || f.MayPublish("alice", "", "a") {
			t.Error("the old files are not in force")
		}
		f.write("users.toml", Record("bob", cheap("b")))
		if f.look(1); !f.knows("bob", "b") {
			t.Error("a mended file is not read")
		}
	})
}

func TestAFileThatIsGoneStaysInForce(t *testing.T) {
	running(t, func(t *testing.T, f *fixture) {
		if err := os.Remove(f.path("permissions.toml")); err != nil {
			t.Fatal(err)
		}
		if got := f.look(1); got != "WARN configuration file is gone, what it said stays in force" {
			t.Errorf("the log says %q", got)
		}
		if got := f.look(3); got != "" || f.MayPublish("alice", "", "a") {
			t.Errorf("the log goes on with %q, or what was denied is allowed", got)
		}
		f.write("permissions.toml", "")
		if f.look(1); !f.MayPublish("alice", "", "a") {
			t.Error("the file that came back is not read")
		}
	})
}

func TestReloadReadsAtOnce(t *testing.T) {
	running(t, func(t *testing.T, f *fixture) {
		f.Reload()
		f.Reload()
		synctest.Wait()
		if got := f.look(0); !strings.HasPrefix(got, "INFO configuration file reloaded\n") {
			t.Errorf("the log says %q", got)
		}
	})
}

func TestTheFilesNeedNotBeThere(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(Config{UsersFile: filepath.Join(dir, "u"), PermissionsFile: filepath.Join(dir, "p")})
	if err != nil {
		t.Fatal(err)
	}
	if s.Users() != 0 || s.AllowAnonymous() || !s.MayPublish("", "", "a") {
		t.Error("a store without files knows something")
	}
}

func TestABadFileAtTheStartIsAnError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users.toml")
	if err := os.WriteFile(path, []byte("\nx = 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(Config{UsersFile: path, PermissionsFile: path + "x"})
	if err == nil || err.Error() != path+`:2: unknown key "x"` {
		t.Errorf("Open: %v", err)
	}
}
