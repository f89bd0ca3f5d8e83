package broker

import (
	"cmp"
	"net/netip"
	"slices"
	"sync"

	"github.com/foxmq/foxmq/internal/replica"
)

// bans are the bans that hold, for whoever lets clients in. The apply goroutine writes them, as the stream has them.
type bans struct {
	mu        sync.RWMutex
	entries   map[replica.BanTarget]*replica.BanEntry // guarded by mu
	addresses map[netip.Prefix]struct{}               // of those; guarded by mu
}

func newBans() *bans {
	return &bans{entries: map[replica.BanTarget]*replica.BanEntry{}, addresses: map[netip.Prefix]struct{}{}}
}

func (t *bans) put(e *replica.BanEntry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.entries[e.BanTarget] = e
	if e.Kind == replica.BanAddress {
		t.addresses[netip.MustParsePrefix(e.Value)] = struct{}{}
	}
}

func (t *bans) remove(target replica.BanTarget) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.entries, target)
	if target.Kind == replica.BanAddress {
		delete(t.addresses, netip.MustParsePrefix(target.Value))
	}
}

// keepOut reports whether a connection is banned for what is known of it; what is not known is empty.
func (t *bans) keepOut(client, user string, from netip.Addr) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if len(t.entries) == 0 {
		return false
	}
	return t.entries[replica.BanTarget{Kind: replica.BanClient, Value: client}] != nil ||
		t.entries[replica.BanTarget{Kind: replica.BanUser, Value: user}] != nil || t.covers(from)
}

// covers reports whether a prefix of the address is banned. There are at most 129 to look up. The caller holds mu.
func (t *bans) covers(addr netip.Addr) bool {
	if len(t.addresses) == 0 {
		return false
	}
	for bits := addr.BitLen(); bits >= 0; bits-- {
		if prefix, err := addr.Prefix(bits); err == nil {
			if _, banned := t.addresses[prefix]; banned {
				return true
			}
		}
	}
	return false
}

// list returns the bans, by kind and value.
func (t *bans) list() []replica.BanEntry {
	t.mu.RLock()
	all := make([]replica.BanEntry, 0, len(t.entries))
	for _, e := range t.entries {
		all = append(all, *e)
	}
	t.mu.RUnlock()
	slices.SortFunc(all, func(a, b replica.BanEntry) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Value, b.Value))
	})
	return all
}
