package topic

import (
	"strings"
	"testing"
)

func TestValidName(t *testing.T) {
	for name, want := range map[string]bool{
		"a":                         true,
		"/":                         true,
		"a//b/":                     true,
		"$SYS/broker":               true,
		"sport/tennis player":       true,
		"é/\U0001F98A":              true,
		"\uFEFFa":                   true, // [MQTT-1.5.4-3]
		strings.Repeat("x", 65535):  true,
		strings.Repeat("/", 65535):  true,
		"":                          false,
		"a/+":                       false,
		"a/#":                       false,
		"a+":                        false,
		"a\x00b":                    false,
		"\xff":                      false,
		"\xed\xa0\x80":              false, // a surrogate
		"\xc0\xaf":                  false, // an overlong /
		strings.Repeat("x", 65536):  false,
		strings.Repeat("é", 32768):  false,
		"\xf4\x90\x80\x80 too high": false,
	} {
		if got := ValidName(name); got != want {
			t.Errorf("ValidName(%.20q) = %v", name, got)
		}
	}
}

func TestValidFilter(t *testing.T) {
	for filter, want := range map[string]bool{
		"#":                             true,
		"+":                             true,
		"/":                             true,
		"+/+":                           true,
		"a/#":                           true,
		"/+/#":                          true,
		"a/+/b":                         true,
		"$share":                        true,
		"a" + strings.Repeat("/a", 199): true,
		"":                              false,
		"a#":                            false,
		"a/#/b":                         false,
		"#/":                            false,
		"##":                            false,
		"a+":                            false,
		"+a/b":                          false,
		"a/b+/c":                        false,
		"+#":                            false,
		"a\x00":                         false,
		"\xc3":                          false,
		"a" + strings.Repeat("/a", 200): false,
		strings.Repeat("x", 65536):      false,
	} {
		if got := ValidFilter(filter); got != want {
			t.Errorf("ValidFilter(%.20q) = %v", filter, got)
		}
	}
}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		in, group, filter string
		ok                bool
	}{
		{"a/b", "", "a/b", true},
		{"$share/g/a/#", "g", "a/#", true},
		{"$share/g/#", "g", "#", true},
		{"$share/g//", "g", "/", true},
		{"$share", "", "$share", true},
		{"$shared/g/a", "", "$shared/g/a", true},
		{"$share/", "", "", false},
		{"$share/g", "g", "", false},
		{"$share/g/", "g", "", false},
		{"$share//a", "", "a", false},
		{"$share/g+/a", "g+", "a", false},
		{"$share/#/a", "#", "a", false},
		{"$share/g/a#", "g", "a#", false},
		{"a#", "", "a#", false},
	} {
		group, filter, ok := Parse(c.in)
		if group != c.group || filter != c.filter || ok != c.ok {
			t.Errorf("Parse(%q) = %q, %q, %v", c.in, group, filter, ok)
		}
	}
}

// TestMatch holds the examples of section 4.7 and the edges around them. A filter stands before the names that it
// matches; after the bar come names that it does not match.
func TestMatch(t *testing.T) {
	for _, line := range []string{
		"sport/tennis/player1/# sport/tennis/player1 sport/tennis/player1/ranking " +
			"sport/tennis/player1/score/wimbledon | sport/tennis sport/tennis/player10",
		"sport/# sport sport/ | sports",
		"# a / a/b/c | $SYS $SYS/a",
		"sport/tennis/+ sport/tennis/player1 | sport/tennis/player1/ranking",
		"sport/+ sport/ | sport sport/a/b",
		"+ a | / a/b $SYS",
		"+/+ /finance a/b | a a/b/c $SYS/a",
		"/+ /finance / | finance",
		"+/monitor/Clients x/monitor/Clients | $SYS/monitor/Clients",
		"$SYS/# $SYS/ $SYS $SYS/a/b | $SYSa a",
		"$SYS/monitor/+ $SYS/monitor/Clients | $SYS/monitor",
		"+/# a a/b / | $a",
		"a/+/# a/b a/ a/b/c | a",
		"ACCOUNTS ACCOUNTS | Accounts /ACCOUNTS ACCOUNTS/",
		"a/$b/+ a/$b/c |",
		"a/+ a/$b |",
	} {
		matches := true
		filter, names, _ := strings.Cut(line, " ")
		for _, name := range strings.Fields(names) {
			if name == "|" {
				matches = false
			} else if Match(filter, name) != matches {
				t.Errorf("Match(%q, %q) = %v", filter, name, !matches)
			}
		}
	}
}
