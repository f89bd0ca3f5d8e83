package tomlfile

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestExpressionsAndTheirLines(t *testing.T) {
	var got []string
	for _, e := range Expressions([]byte(document)) {
		got = append(got, fmt.Sprintf("%d-%d %s", e.First, e.Last, strings.Join(e.Path, "|")))
	}
	want := []string{
		"1-1 title", "3-3 auth", "4-4 auth|on", "5-5 auth|dotted|key", "7-7 node", "8-10 node|key", "11-11 node|addr",
		"14-14 node", "15-15 node|addr", "16-16 node|sub", "17-18 node|sub|inner", "20-20 users|a b", "21-21 users|a b|hash",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the document has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func FuzzExpressions(f *testing.F) {
	f.Add([]byte(document))
	f.Add([]byte("a = \"\"\"\n# no comment\n\"\"\"\r\n[x]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		before := 0
		for _, e := range Expressions(data) {
			if e.First <= before || e.Last < e.First {
				t.Errorf("%+v comes after line %d", e, before)
			}
			before = e.Last
		}
	})
}
