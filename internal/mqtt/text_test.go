package mqtt

import (
	"errors"
	"testing"
)

// notText are byte sequences that no UTF-8 encoded string holds [MQTT-1.5.4-1] [MQTT-1.5.4-2].
var notText = []string{
	"\x00", "a\x00b", // U+0000
	"\xff", "\xfe", "\x80", "a\xbf", // no first byte
	"\xc0\x80", "\xc1\xbf", "\xe0\x80\xaf", "\xe0\x9f\xbf", "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf", // overlong
	"\xed\xa0\x80", "\xed\xaf\xbf", "\xed\xb0\x80", "\xed\xbf\xbf", "\xed\xa0\x80\xed\xb0\x80", // surrogates
	"\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xf8\x88\x80\x80\x80", // above U+10FFFF
	"\xc3", "\xe2\x82", "\xf0\x9f\x98", // cut
}

// oddText are strings that are unusual and well-formed.
var oddText = []string{"\x01", "\x7f", "\u0080", "\ufeff", "\ufffd", "\uffff", "\ue000", "\U0001fffe", "\U0010ffff"}

// withText are packets from a client, each with the text in one of its strings.
func withText(s string) map[string]Packet {
	forward := func(f Forwarded) *Publish { return &Publish{Topic: "a", Forward: f.Append(nil)} }
	will := func(w Will) *Connect { return &Connect{Version: V5, ClientID: "c", Will: &w} }
	name, value := props(s, "v"), props("k", s)
	return map[string]Packet{
		"client id":             &Connect{Version: V5, ClientID: s},
		"client id, 3.1.1":      &Connect{Version: V311, ClientID: s},
		"client id, 3.1":        &Connect{Version: V31, ClientID: s},
		"user name":             &Connect{Version: V5, HasUsername: true, Username: s},
		"authentication method": &Connect{Version: V5, AuthMethod: s},
		"connect name":          &Connect{Version: V5, UserProperties: name},
		"connect value":         &Connect{Version: V5, UserProperties: value},
		"will topic":            will(Will{Topic: s}),
		"will content type":     will(Will{Topic: "a", Forward: (&Forwarded{ContentType: s}).Append(nil)}),
		"will response topic":   will(Will{Topic: "a", Forward: (&Forwarded{ResponseTopic: s}).Append(nil)}),
		"will name":             will(Will{Topic: "a", Forward: name}),
		"will value":            will(Will{Topic: "a", Forward: value}),
		"topic":                 &Publish{Topic: s},
		"content type":          forward(Forwarded{ContentType: s}),
		"response topic":        forward(Forwarded{ResponseTopic: s}),
		"publish name":          forward(Forwarded{UserProperties: name}),
		"publish value":         forward(Forwarded{UserProperties: value}),
		"puback reason":         &Puback{PacketID: 1, ReasonString: s},
		"puback name":           &Puback{PacketID: 1, UserProperties: name},
		"pubrec reason":         &Pubrec{PacketID: 1, ReasonString: s},
		"pubrec value":          &Pubrec{PacketID: 1, UserProperties: value},
		"pubrel reason":         &Pubrel{PacketID: 1, ReasonString: s},
		"pubrel name":           &Pubrel{PacketID: 1, UserProperties: name},
		"pubcomp reason":        &Pubcomp{PacketID: 1, ReasonString: s},
		"pubcomp value":         &Pubcomp{PacketID: 1, UserProperties: value},
		"filter":                &Subscribe{PacketID: 1, Subscriptions: []Subscription{{Filter: "a"}, {Filter: s}}},
		"subscribe name":        &Subscribe{PacketID: 1, Subscriptions: []Subscription{{Filter: "a"}}, UserProperties: name},
		"unsubscribe filter":    &Unsubscribe{PacketID: 1, Filters: []string{"a", s}},
		"unsubscribe value":     &Unsubscribe{PacketID: 1, Filters: []string{"a"}, UserProperties: value},
		"disconnect reason":     &Disconnect{ReasonString: s},
		"disconnect name":       &Disconnect{UserProperties: name},
		"auth method":           &Auth{Code: ReAuthenticate, AuthMethod: s},
		"auth reason":           &Auth{Code: ReAuthenticate, AuthMethod: "m", ReasonString: s},
		"auth value":            &Auth{Code: ReAuthenticate, AuthMethod: "m", UserProperties: value},
	}
}

func TestEveryStringIsText(t *testing.T) {
	for _, s := range notText {
		for name, p := range withText(s) {
			_, err := read(p.Append(nil, V5), V5)
			if refusal := (*Error)(nil); !errors.As(err, &refusal) || refusal.Code != MalformedPacket {
				t.Errorf("%s with %q: %v", name, s, err)
			}
		}
	}
	for _, s := range oddText {
		for name, p := range withText(s) {
			if _, err := read(p.Append(nil, V5), V5); err != nil {
				t.Errorf("%s with %q: %v", name, s, err)
			}
		}
	}
}
