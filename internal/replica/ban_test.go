package replica_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/foxmq/foxmq/internal/replica"
)

func TestNewBanTarget(t *testing.T) {
	for _, c := range []struct {
		kind        replica.BanKind
		value, want string // want is empty for what is refused
	}{
		{replica.BanClient, "sensor 7/8", "sensor 7/8"},
		{replica.BanClient, "", ""},
		{replica.BanUser, "a\x00", ""},
		{replica.BanUser, "\xff", ""},
		{replica.BanUser, strings.Repeat("a", replica.MaxBanValue), strings.Repeat("a", replica.MaxBanValue)},
		{replica.BanUser, strings.Repeat("a", replica.MaxBanValue+1), ""},
		{replica.BanAddress, "192.0.2.7", "192.0.2.7/32"},
		{replica.BanAddress, "192.0.2.7/24", "192.0.2.0/24"},
		{replica.BanAddress, "::ffff:192.0.2.7", "192.0.2.7/32"},
		{replica.BanAddress, "::ffff:192.0.2.0/120", ""},
		{replica.BanAddress, "2001:DB8:0::1", "2001:db8::1/128"},
		{replica.BanAddress, "2001:db8::1/32", "2001:db8::/32"},
		{replica.BanAddress, "fe80::1%eth0", ""},
		{replica.BanAddress, "192.0.2.7/33", ""},
		{replica.BanAddress, "example.com", ""},
		{0, "alice", ""},
		{4, "alice", ""},
	} {
		got, err := replica.NewBanTarget(c.kind, c.value)
		if c.want == "" {
			if !errors.Is(err, replica.ErrBanTarget) {
				t.Errorf("%v %.40q: got %+v, %v", c.kind, c.value, got, err)
			}
			continue
		}
		if want := (replica.BanTarget{Kind: c.kind, Value: c.want}); err != nil || got != want {
			t.Errorf("%v %.40q: got %+v, %v, want %+v", c.kind, c.value, got, err, want)
		}
		if again, err := replica.NewBanTarget(got.Kind, got.Value); err != nil || again != got {
			t.Errorf("%v %.40q: not one form: %+v, %v", c.kind, c.value, again, err)
		}
	}
}
