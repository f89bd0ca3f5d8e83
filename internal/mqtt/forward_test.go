package mqtt

import (
	"errors"
	"reflect"
	"testing"
)

func TestForward(t *testing.T) {
	want := Forwarded{
		Text: true, ContentType: "text", ResponseTopic: "answer/here", CorrelationData: []byte{1, 2},
		UserProperties: props("k", "v", "k", "w"),
	}
	wire := want.Append(nil)
	if got, err := ParseForward(wire); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	if n := testing.AllocsPerRun(100, func() { CheckForward(wire) }); n != 0 || !CheckForward(wire) {
		t.Errorf("CheckForward is %v after %v allocations", CheckForward(wire), n)
	}
	if got, err := ParseForward(nil); err != nil || !reflect.DeepEqual(got, Forwarded{}) {
		t.Errorf("of nothing: got %+v, %v", got, err)
	}
}

// TestForwardRefuses: only what a PUBLISH could have brought, and only what is forwarded.
func TestForwardRefuses(t *testing.T) {
	for text, want := range map[string]ReasonCode{
		`01`:                    MalformedPacket,
		`01 02`:                 ProtocolError,
		`01 01 01 01`:           ProtocolError,
		`02 00000001`:           MalformedPacket, // message expiry has a field of its own
		`23 0001`:               MalformedPacket, // so has the topic alias
		`0b 01`:                 MalformedPacket, // and the subscription identifier
		`03 0001 ff`:            MalformedPacket,
		`08 'a/#'`:              TopicNameInvalid,
		`09 0002 01`:            MalformedPacket,
		`26 'k'`:                MalformedPacket,
		`26 'k' 'v' 00`:         MalformedPacket,
		`03 'a' 26 '' '' 03 ''`: ProtocolError,
	} {
		b := packet(t, text)
		_, err := ParseForward(b)
		if refusal := (*Error)(nil); !errors.As(err, &refusal) || refusal.Code != want || CheckForward(b) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}

func TestFitsPayload(t *testing.T) {
	text := props("k", "\x01\x01")
	text = append(text, 1, 1)
	for _, c := range []struct {
		forward []byte
		payload string
		want    bool
	}{
		{nil, "\xff", true},
		{[]byte{1, 0}, "\xff", true},
		{props("k", "\x01\x01"), "\xff", true},
		{text, "\xff", false},
		{text, "\xed\xa0\x80", false}, // a surrogate
		{text, "\xc0\xaf", false},     // overlong
		{text, "a\x00ü", true},
		{text, "", true},
	} {
		if got := FitsPayload(c.forward, []byte(c.payload)); got != c.want {
			t.Errorf("% x, payload %q: %v", c.forward, c.payload, got)
		}
	}
	if n := testing.AllocsPerRun(100, func() { FitsPayload(text, text) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
