package users

import (
	"slices"
	"strings"
	"testing"

	"github.com/foxmq/foxmq/internal/topic"
)

// TestNamesStandInFilters compares filters that ask for names with those that somebody has written out.
func TestNamesStandInFilters(t *testing.T) {
	var filters []string
	for _, f := range allOf([]string{"", "ann", "%u", "x%c", "%c%u", "%", "%%u%x", "+", "#"}, 3) {
		if topic.ValidFilter(f) {
			filters = append(filters, f)
		}
	}
	others := allOf([]string{"", "ann", "x1", "1ann", "%u", "%ann%x", "+", "#"}, 3)
	others = slices.DeleteFunc(others, func(f string) bool { return !topic.ValidFilter(f) })
	who := names{user: "ann", client: "1"}
	written := strings.NewReplacer("%u", who.user, "%c", who.client)
	for _, f := range filters {
		plain := written.Replace(f)
		if !who.fit(f) {
			t.Errorf("the names do not fit into %q", f)
		}
		for _, other := range others {
			if got, want := who.covers(f, other), nobody.covers(plain, other); got != want {
				t.Errorf("%q covers %q: %v, but %q: %v", f, other, got, plain, want)
			}
			if got, want := who.overlaps(f, other), nobody.overlaps(plain, other); got != want {
				t.Errorf("%q overlaps %q: %v, but %q: %v", f, other, got, plain, want)
			}
		}
	}
}

// A client chooses its id: that must not let it have what the author of the filter did not mean.
func TestANameWidensNoFilter(t *testing.T) {
	p, err := parsePermissions("f", []byte(`
[[permissions.'*'.topic]]
filter = "%c/#"
allowed = ["publish", "subscribe"]
[[permissions.'*'.topic]]
filter = "home/%u/x-%c"
allowed = ["publish", "subscribe"]
[[permissions.'*'.topic]]
filter = "#"
[[permissions.'*'.topic]]
filter = "$SYS/#"
`))
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", "#", "+", "a/b", "a/#", "a+", "b#", "/", "$SYS"} {
		who := names{user: "ann", client: bad}
		for _, topic := range []string{"a", "a/b", "a/b/c", bad, bad + "/x", "home/ann/x-" + bad, "home/ann/x-a", "$SYS/x"} {
			if topic != "" && p.mayPublish(who, topic) {
				t.Errorf("client %q may publish to %q", bad, topic)
			}
		}
		for _, filter := range []string{"#", "+", "a/#", "+/#", "home/#", "home/ann/+", "$SYS/#", "$SYS/x"} {
			if p.maySubscribe(who, filter) {
				t.Errorf("client %q may subscribe to %q", bad, filter)
			}
		}
		who = names{user: bad, client: "1"}
		if p.mayPublish(who, "home/"+bad+"/x-1") || p.maySubscribe(who, "home/+/x-1") {
			t.Errorf("user %q may use home", bad)
		}
	}
	who := names{user: "ann", client: "1"}
	if !p.mayPublish(who, "1/a") || !p.maySubscribe(who, "1/#") || !p.mayPublish(who, "home/ann/x-1") ||
		p.mayPublish(who, "home/ann/x-2") || p.mayPublish(who, "home/eve/x-1") || p.maySubscribe(who, "home/ann/+") {
		t.Error("a client has not what is its own, or has what is another's")
	}
}
