package users

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/foxmq/foxmq/internal/tomlfile"
	"github.com/foxmq/foxmq/internal/topic"
)

// permissionsFile is the form of permissions.toml.
type permissionsFile struct {
	Permissions map[string]struct {
		Topic []topicEntry `toml:"topic"`
	} `toml:"permissions"`
}

type topicEntry struct {
	Filter  string   `toml:"filter"`
	Allowed []string `toml:"allowed"`
	Denied  []string `toml:"denied"`
}

// permissions is what permissions.toml says: the rules of each user. It is immutable.
type permissions map[string][]rule

// rule decides about the topics that match its filter, unless an earlier rule of the user did.
type rule struct {
	filter             string // %u and %c in it stand for the client's names
	publish, subscribe bool   // what is allowed and not denied
}

// of returns the user's rules, or those of everyone else. Without either, everything is allowed.
func (p permissions) of(user string) []rule {
	if rules, ok := p[user]; ok {
		return rules
	}
	return p[Everyone]
}

// mayPublish tells whether a client may publish to a topic: the first rule whose filter matches decides, and without
// one it is allowed.
func (p permissions) mayPublish(who names, topic string) bool {
	rules := p.of(who.user)
	for i := range rules {
		if r := &rules[i]; who.fit(r.filter) && who.covers(r.filter, topic) { // a topic name matches itself alone
			return r.publish
		}
	}
	return true
}

// maySubscribe tells whether a client may subscribe to a filter: only if each topic that it matches is allowed. So a
// rule decides if it covers the filter; if it does no more than overlap it, it can only deny. If a/+ is denied and
// then # allowed, the filters a/b and # are denied and b/# is allowed.
//
// The answer is on the safe side: a filter is denied even if earlier rules allow all that a later one denies of it.
func (p permissions) maySubscribe(who names, filter string) bool {
	rules := p.of(who.user)
	for i := range rules {
		switch r := &rules[i]; {
		case !who.fit(r.filter):
		case who.covers(r.filter, filter):
			return r.subscribe
		case !r.subscribe && who.overlaps(r.filter, filter):
			return false
		}
	}
	return true
}

func parsePermissions(path string, data []byte) (permissions, error) {
	var f permissionsFile
	if err := tomlfile.Decode(path, data, &f); err != nil {
		return nil, err
	}
	p := make(permissions, len(f.Permissions))
	for _, user := range slices.Sorted(maps.Keys(f.Permissions)) {
		topics := f.Permissions[user].Topic
		rules := make([]rule, len(topics))
		for i := range topics {
			var err error
			if rules[i], err = topics[i].rule(); err != nil {
				key := fmt.Sprintf("permissions.%s.topic[%d]", user, i)
				return nil, locate(path, data, key, fmt.Errorf("permissions of %q: %w", user, err))
			}
		}
		p[user] = rules
	}
	return p, nil
}

// rule checks an entry. An action that is neither allowed nor denied is denied.
func (e *topicEntry) rule() (rule, error) {
	if !topic.ValidFilter(e.Filter) || strings.HasPrefix(e.Filter, "$share/") {
		return rule{}, fmt.Errorf("%q is not a topic filter", e.Filter)
	}
	for _, action := range slices.Concat(e.Allowed, e.Denied) {
		if action != "publish" && action != "subscribe" {
			return rule{}, errors.New(`allowed and denied are lists of "publish" and "subscribe"`)
		}
	}
	may := func(action string) bool {
		return slices.Contains(e.Allowed, action) && !slices.Contains(e.Denied, action)
	}
	return rule{filter: e.Filter, publish: may("publish"), subscribe: may("subscribe")}, nil
}
