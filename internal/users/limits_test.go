package users

import "testing"

func TestLimitsAreThoseOfTheUser(t *testing.T) {
	running(t, func(t *testing.T, f *fixture) {
		if got := f.Limits("alice"); got != (Limits{}) {
			t.Errorf("alice has no limits in the file, but %+v", got)
		}
		f.write("users.toml", Record("alice", cheap("a"))+"max-connections = 3\npublish-rate = 10\npublish-bytes = 1000\n"+
			Record("bob", cheap("b"))+"publish-rate = 0\n")
		f.look(1)
		if got, want := f.Limits("alice"), (Limits{Connections: 3, PublishRate: 10, PublishBytes: 1000}); got != want {
			t.Errorf("alice's limits are %+v, want %+v", got, want)
		}
		for _, user := range []string{"bob", "nobody", ""} {
			if got := f.Limits(user); got != (Limits{}) {
				t.Errorf("%q has limits: %+v", user, got)
			}
		}
	})
}

func TestChangesAreTold(t *testing.T) {
	running(t, func(t *testing.T, f *fixture) {
		told := func(changed <-chan struct{}) bool {
			select {
			case <-changed:
				return true
			default:
				return false
			}
		}
		changed := f.Changed()
		f.write("users.toml", "[users")
		if f.look(2); told(changed) {
			t.Error("a file that does not parse is told as a change")
		}
		f.write("users.toml", Record("bob", cheap("b")))
		if f.look(1); !told(changed) {
			t.Error("a change was not told")
		}
		if told(f.Changed()) {
			t.Error("what has been told is told again")
		}
	})
}
