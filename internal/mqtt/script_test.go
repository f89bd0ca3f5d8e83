package mqtt

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"math"
	"os"
	"strings"
	"testing"
)

// TestRefused plays testdata/refused.txt, which explains itself.
func TestRefused(t *testing.T) {
	script, err := os.ReadFile("testdata/refused.txt")
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(string(script), "\n") {
		if line == "" || line[0] == '#' || line[0] == '=' {
			continue
		}
		fields := strings.Split(line, "|")
		if len(fields) != 3 {
			t.Fatalf("line %d has %d columns", i+1, len(fields))
		}
		v := Version(fields[0][0] - '0')
		_, err := read(packet(t, fields[1]), v)
		want := strings.TrimSpace(fields[2])
		if refusal := (*Error)(nil); !errors.As(err, &refusal) || err.Error() != want {
			t.Errorf("line %d: %v\nwant %s", i+1, err, want)
		}
	}
}

// read reads one packet, the whole of wire.
func read(wire []byte, v Version) (Packet, error) {
	src := bufio.NewReader(bytes.NewReader(wire))
	p, err := NewReader(src, v, math.MaxInt32).Next()
	if _, end := src.ReadByte(); err == nil && !errors.Is(end, io.EOF) {
		return nil, errors.New("more than one packet")
	}
	return p, err
}

// packet returns the bytes of a packet that is written as testdata/refused.txt says.
func packet(t testing.TB, text string) []byte {
	t.Helper()
	wire, rest := assemble(t, strings.Fields(text))
	if len(rest) > 0 {
		t.Fatalf("%q: what is %q?", text, rest)
	}
	return wire
}

// assemble makes bytes of words up to the end or a closing bracket, and returns the words that are left.
func assemble(t testing.TB, words []string) (wire []byte, rest []string) {
	t.Helper()
	for len(words) > 0 && words[0] != "]" {
		word := words[0]
		words = words[1:]
		switch {
		case word == "~":
			var body []byte
			body, words = assemble(t, words)
			wire = append(appendVarint(wire, uint32(len(body))), body...)
		case word == "[":
			var inner []byte
			if inner, words = assemble(t, words); len(words) == 0 {
				t.Fatal("[ without ]")
			}
			wire = append(appendVarint(wire, uint32(len(inner))), inner...)
			words = words[1:]
		case word[0] == '\'':
			wire = appendBlock(wire, strings.Trim(word, "'"))
		default:
			b, err := hex.DecodeString(word)
			if err != nil {
				t.Fatalf("%q: %v", word, err)
			}
			wire = append(wire, b...)
		}
	}
	return wire, words
}
