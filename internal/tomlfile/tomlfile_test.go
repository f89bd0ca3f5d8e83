package tomlfile

import (
	"maps"
	"testing"
)

const document = `title = "x"

[auth]
on = true
dotted.key = 1

[[node]]
key = '''
two
lines'''
addr = "a"

# a comment
[[node]]
addr = "b"
[node.sub]
inner = [{ deep = 1 },
  { deep = 2 }]

[users.'a b']
hash = ""
`

func TestLinesOfEveryKey(t *testing.T) {
	want := map[string]int{
		"title": 1, "auth": 3, "auth.on": 4, "auth.dotted": 5, "auth.dotted.key": 5,
		"node[0]": 7, "node[0].key": 8, "node[0].addr": 11,
		"node[1]": 14, "node[1].addr": 15, "node[1].sub": 16,
		"node[1].sub.inner": 17, "node[1].sub.inner[0]": 17, "node[1].sub.inner[0].deep": 17,
		"node[1].sub.inner[1]": 18, "node[1].sub.inner[1].deep": 18,
		"users": 20, "users.a b": 20, "users.a b.hash": 21,
	}
	got := Lines([]byte(document))
	delete(got, "node") // the array itself has no line that anyone asks for
	for key, line := range want {
		if got[key] == 0 && key[len(key)-1] == ']' {
			continue // an inline table has no place of its own, its keys have
		}
		if got[key] != line {
			t.Errorf("%s is on line %d, want %d", key, got[key], line)
		}
		delete(got, key)
	}
	if len(got) > 0 {
		t.Errorf("more keys than expected: %v", maps.Collect(maps.All(got)))
	}
}

func TestErrorsNameFileAndLine(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"a = 1\n\nb = 2\n", `f.toml:3: unknown key "b"`},
		{"a = 1\n[t]\nx.y = 1\n", `f.toml:2: unknown key "t"`},
		{"a = \"word\"\n", `f.toml:1: "a" cannot be of the type string`},
		{"a = 1\na = 2\n", `f.toml:2: key a is already defined`},
		{"a = \n", `f.toml:1: unexpected character U+000A at start of value`},
	} {
		var v struct {
			A int `toml:"a"`
		}
		err := Decode("f.toml", []byte(test.in), &v)
		if err == nil || err.Error() != test.want {
			t.Errorf("%q: %v, want %s", test.in, err, test.want)
		}
	}
}

func FuzzLines(f *testing.F) {
	f.Add([]byte(document))
	f.Add([]byte("a = [[{b=1}], []]\n[[a.b]]\n[a.b.c]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var v map[string]any
		err := Decode("f", data, &v)
		lines := Lines(data)
		for key := range v {
			if err == nil && lines[key] == 0 && lines[key+"[0]"] == 0 {
				t.Errorf("no line for %q", key)
			}
		}
	})
}
