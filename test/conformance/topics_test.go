package conformance

import (
	"fmt"
	"slices"

	"github.com/foxmq/foxmq/internal/mqtt"
)

// names are topic names, each published to once.
var names = []string{
	"~", "~/", "/~", "~/a", "~/a/b", "~/a/b/c", "~/a/", "~//b", "~/A", "~/a b", "/~/a", "$~", "$~/a", "~/$a",
}

// wildcards are filters and which of the names they match (section 4.7 of MQTT 5.0).
var wildcards = []struct {
	filter  string
	matches []string
}{
	{"~", []string{"~"}},
	{"~/a", []string{"~/a"}},
	{"~/#", []string{"~", "~/", "~/a", "~/a/b", "~/a/b/c", "~/a/", "~//b", "~/A", "~/a b", "~/$a"}},
	{"~/+", []string{"~/", "~/a", "~/A", "~/a b", "~/$a"}},
	{"~/+/b", []string{"~/a/b", "~//b"}},
	{"~/+/+", []string{"~/a/b", "~/a/", "~//b"}},
	{"~/a/#", []string{"~/a", "~/a/b", "~/a/b/c", "~/a/"}},
	{"~/+/#", []string{"~/", "~/a", "~/a/b", "~/a/b/c", "~/a/", "~//b", "~/A", "~/a b", "~/$a"}},
	{"+", []string{"~"}},
	{"+/+", []string{"~/", "/~", "~/a", "~/A", "~/a b", "~/$a"}},
	{"/+", []string{"/~"}},
	{"/#", []string{"/~", "/~/a"}},
	{"+/~", []string{"/~"}},
	{"+/a", []string{"~/a"}},
	{"#", []string{
		"~", "~/", "/~", "~/a", "~/a/b", "~/a/b/c", "~/a/", "~//b", "~/A", "~/a b", "/~/a", "~/$a",
	}},
	{"$~", []string{"$~"}},
	{"$~/#", []string{"$~", "$~/a"}},
	{"$~/+", []string{"$~/a"}},
	{"~/+/b/#", []string{"~/a/b", "~/a/b/c", "~//b"}},
}

var topicScripts = []script{
	{
		"wildcards as specified, live",
		"3.3.2-3 4.7.1-1 4.7.1-2 4.7.2-1 4.7.3-4", "3.3.2-3 4.7.1-2 4.7.1-3 4.7.2-1 4.7.3-4",
		func(s *stage) {
			s.wildcards(false)
		},
	},
	{
		"wildcards as specified, retained",
		"3.3.2-3 4.7.1-1 4.7.1-2 4.7.2-1 4.7.3-4", "3.3.2-3 4.7.1-2 4.7.1-3 4.7.2-1 4.7.3-4",
		func(s *stage) {
			s.wildcards(true)
		},
	},
	{"a name of 65,535 bytes", "4.7.3-3", "4.7.3-3", inVersions(func(s *stage, v mqtt.Version) {
		sub, pub := s.subscriber(v, "~/#"), s.publisher(v)
		name := "~/" + string(slices.Repeat([]byte("x"), 65535-1-len(s.word)))
		pub.publish(name, "x", 1)
		s.receives(sub, fmt.Sprintf(`PUBLISH %s "x" q1`, name))
		long := s.subscriber(v, name)
		pub.publish(name, "y", 1)
		s.receives(long, fmt.Sprintf(`PUBLISH %s "y" q1`, name))
	})},
	{"names with many levels", "", "", inVersions(func(s *stage, v mqtt.Version) {
		sub, pub := s.subscriber(v, "~/#", "~/+/+/#"), s.publisher(v)
		name := "~" + string(slices.Repeat([]byte("/"), 20_000))
		pub.publish(name, "x", 1)
		s.receives(sub, fmt.Sprintf(`PUBLISH %s "x" q1`, name))
	})},
}

// wildcards publishes to each name and subscribes to each filter, first the one or the other.
func (s *stage) wildcards(retained bool) {
	pub := s.publisher(mqtt.V5)
	publishAll := func(payload string) {
		for _, name := range names {
			pub.publishPacket(mqtt.Publish{Topic: name, Payload: []byte(payload), QoS: 1, Retain: retained})
		}
	}
	flag := ""
	if retained {
		flag = " retain"
		publishAll("x")
		defer publishAll("")
	}
	subs := make([]*peer, len(wildcards))
	for i, w := range wildcards {
		subs[i] = s.subscriber(mqtt.V5)
		subs[i].subscribe(mqtt.Subscription{Filter: w.filter})
	}
	if !retained {
		publishAll("x")
	}
	for i, w := range wildcards {
		got := s.settle(subs[i])
		want := make([]string, len(w.matches))
		for j, name := range w.matches {
			want[j] = fmt.Sprintf("PUBLISH %s %q%s", name, "x", flag)
		}
		if retained { // MQTT says nothing about their order
			slices.Sort(got)
			slices.Sort(want)
		}
		if !slices.Equal(got, want) {
			s.Errorf("%s: got %q, want %q", w.filter, got, want)
		}
	}
}
