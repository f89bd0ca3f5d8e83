package users

import (
	"strings"
	"testing"
)

const rules = `
[permissions.alice]
topic = [
  { filter = "a/secret", allowed = ["publish", "subscribe"], denied = ["subscribe"] },
  { filter = "a/#", allowed = ["publish", "subscribe"] },
  { filter = "b/+", allowed = ["publish"], denied = [] },
  { filter = "$SYS/#", denied = ["publish", "subscribe"] },
]

[[permissions.'*'.topic]]
filter = "public/#"
allowed = ["subscribe", "publish"]
[[permissions.'*'.topic]]
filter = "#"

[permissions.root]
`

func TestPermissions(t *testing.T) {
	p, err := parsePermissions("f", []byte(rules))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		user, topic        string
		publish, subscribe bool
	}{
		{"alice", "a/secret", true, false}, // denied wins over allowed
		{"alice", "a/other", true, true},
		{"alice", "a", true, true},
		{"alice", "b/c", true, false},    // what is not allowed is denied
		{"alice", "b/c/d", true, true},   // no filter matches
		{"alice", "private", true, true}, // '*' is for users without an entry
		{"alice", "$SYS/uptime", false, false},
		{"bob", "public/x", true, true},
		{"bob", "private", false, false},
		{"", "public/x", true, true}, // anonymous
		{"", "private", false, false},
		{"bob", "$SYS/uptime", true, true}, // # does not match it
		{"root", "private", true, true},    // an entry without rules
	} {
		if got := p.mayPublish(names{user: test.user}, test.topic); got != test.publish {
			t.Errorf("%q may publish to %q: %v", test.user, test.topic, got)
		}
		if got := p.maySubscribe(names{user: test.user}, test.topic); got != test.subscribe {
			t.Errorf("%q may subscribe to %q: %v", test.user, test.topic, got)
		}
	}
}

func TestASubscriptionMayNotReachWhatIsDenied(t *testing.T) {
	p, err := parsePermissions("f", []byte(rules))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		user, filter string
		want         bool
	}{
		{"alice", "a/#", false}, // would see a/secret
		{"alice", "a/+", false},
		{"alice", "a/+/x", true},
		{"alice", "+/secret", false},
		{"alice", "#", false},
		{"alice", "c/#", true},
		{"alice", "b/c/+", true},
		{"alice", "$SYS/#", false},
		{"bob", "public/#", true},
		{"bob", "public/+", true},
		{"bob", "#", false},
		{"bob", "+/x", false},
	} {
		if got := p.maySubscribe(names{user: test.user}, test.filter); got != test.want {
			t.Errorf("%q may subscribe to %q: %v", test.user, test.filter, got)
		}
	}
}

func TestWithoutPermissionsAllIsAllowed(t *testing.T) {
	p, err := parsePermissions("f", nil)
	if err != nil || !p.mayPublish(names{user: "alice"}, "a") || !p.maySubscribe(nobody, "#") {
		t.Errorf("denied, %v", err)
	}
}

func TestBadPermissionsNameTheLine(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"[permissions.alice]\ntopics = []\n", `f:2: unknown key "permissions.alice.topics"`},
		{"\n[[permissions.alice.topic]]\nfilter = 'a/#/b'\n", `f:2: permissions of "alice": "a/#/b" is not a topic filter`},
		{"[[permissions.a.topic]]\nallowed = []\n", `f:1: permissions of "a": "" is not a topic filter`},
		{"[[permissions.a.topic]]\nfilter = '$share/g/a'\n", `f:1: permissions of "a": "$share/g/a" is not a topic filter`},
		{
			"[[permissions.a.topic]]\nfilter = 'a'\ndenied = ['all']\n",
			`f:1: permissions of "a": allowed and denied are lists of "publish" and "subscribe"`,
		},
		{"permissions = 1", `f:1: "permissions" cannot be of the type integer`},
	} {
		if _, err := parsePermissions("f", []byte(test.in)); err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%q: %v, want %s", test.in, err, test.want)
		}
	}
}

func FuzzPermissions(f *testing.F) {
	f.Add([]byte(rules), "a/b", "a/+")
	f.Fuzz(func(t *testing.T, data []byte, name, filter string) {
		p, err := parsePermissions("f", data)
		if err != nil {
			return
		}
		for user := range p {
			p.mayPublish(names{user: user}, name)
			p.maySubscribe(names{user: user}, filter)
		}
	})
}
