package users

import (
	"fmt"
	"math"
)

// Limits are what users.toml allows one user on one node. Zero is no limit of the user's own.
type Limits struct {
	Connections  int `json:"max-connections,omitempty"` // open at a time
	PublishRate  int `json:"publish-rate,omitempty"`    // messages a second, all connections together
	PublishBytes int `json:"publish-bytes,omitempty"`   // bytes a second of these messages
}

// limitKeys are the keys of a user's record that limit the user.
type limitKeys struct {
	MaxConnections int64 `toml:"max-connections"`
	PublishRate    int64 `toml:"publish-rate"`
	PublishBytes   int64 `toml:"publish-bytes"`
}

// limits checks the keys. Of an error it names the key.
func (k limitKeys) limits() (limits Limits, key string, err error) {
	for _, l := range []struct {
		key   string
		value int64
		into  *int
	}{
		{"max-connections", k.MaxConnections, &limits.Connections},
		{"publish-rate", k.PublishRate, &limits.PublishRate},
		{"publish-bytes", k.PublishBytes, &limits.PublishBytes},
	} {
		if l.value < 0 || l.value > math.MaxInt32 {
			return Limits{}, l.key, fmt.Errorf("%s = %d: want 0, which is no limit, to %d", l.key, l.value, math.MaxInt32)
		}
		*l.into = int(l.value)
	}
	return limits, "", nil
}
