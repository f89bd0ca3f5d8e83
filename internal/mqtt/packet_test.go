package mqtt

import (
	"bytes"
	"reflect"
	"testing"
)

// props makes user properties of names and values.
func props(pairs ...string) (u UserProperties) {
	for i := 0; i < len(pairs); i += 2 {
		u = u.Add(pairs[i], pairs[i+1])
	}
	return u
}

// example is a packet and the one form in which it is written.
type example struct {
	name string
	v    Version
	wire string // as testdata/refused.txt explains
	want Packet
}

func (e *example) String() string { return e.want.Type().String() + " " + e.v.String() + " " + e.name }

// examples returns every packet with as little and with as much as it can say.
func examples() []example {
	return []example{
		{"the least", V31, `10 ~ 'MQIsdp' 03 00 000a 'id'`, &Connect{
			Version: V31, KeepAlive: 10, ClientID: "id", ReceiveMaximum: 65535,
		}},
		{"the least", V311, `10 ~ 'MQTT' 04 02 0000 ''`, &Connect{
			Version: V311, CleanStart: true, ReceiveMaximum: 65535,
		}},
		{"the least", V5, `10 ~ 'MQTT' 05 00 0000 [ ] ''`, &Connect{Version: V5, ReceiveMaximum: 65535}},
		{"everything", V311, `10 ~ 'MQTT' 04 f6 ffff 'id' 'will/topic' 'gone' 'user' 'secret'`, &Connect{
			Version: V311, CleanStart: true, KeepAlive: 65535, ClientID: "id",
			Will:        &Will{Topic: "will/topic", Payload: []byte("gone"), QoS: 2, Retain: true},
			HasUsername: true, Username: "user", HasPassword: true, Password: []byte("secret"),
			ReceiveMaximum: 65535,
		}},
		{
			"everything", V5, `10 ~ 'MQTT' 05 ce 003c
			[ 11 0000000a 21 0014 27 00010000 22 000a 19 01 17 00 15 'SCRAM' 16 'data' 26 'k' 'v' 26 'k' 'w' ] 'id'
			[ 18 00000005 02 00000007 01 01 03 'text' 08 'answer' 09 'c' 26 'a' 'b' ] 'will' 'gone' 'user' 'secret'`,
			&Connect{
				Version: V5, CleanStart: true, KeepAlive: 60, ClientID: "id",
				Will: &Will{
					Topic: "will", Payload: []byte("gone"), QoS: 1, Delay: 5, HasExpiry: true, Expiry: 7,
					Forward: []byte("\x01\x01\x03\x00\x04text\x08\x00\x06answer\x09\x00\x01c\x26\x00\x01a\x00\x01b"),
				},
				HasUsername: true, Username: "user", HasPassword: true, Password: []byte("secret"),
				SessionExpiry: 10, ReceiveMaximum: 20, MaximumPacketSize: 65536, TopicAliasMaximum: 10,
				RequestResponseInfo: true, NoProblemInfo: true,
				AuthMethod: "SCRAM", AuthData: []byte("data"), UserProperties: props("k", "v", "k", "w"),
			},
		},
		{"a password alone", V5, `10 ~ 'MQTT' 05 42 0000 [ ] '' 'token'`, &Connect{
			Version: V5, CleanStart: true, HasPassword: true, Password: []byte("token"), ReceiveMaximum: 65535,
		}},

		{"success", V31, `20 02 00 00`, &Connack{ReceiveMaximum: 65535}},
		{"session present", V311, `20 02 01 00`, &Connack{SessionPresent: true, ReceiveMaximum: 65535}},
		{"refused", V311, `20 02 00 05`, &Connack{Code: NotAuthorized, ReceiveMaximum: 65535}},
		{"the least", V5, `20 ~ 01 00 [ ]`, &Connack{SessionPresent: true, ReceiveMaximum: 65535}},
		{"everything", V5, `20 ~ 00 9d [ 11 0000000a 21 0014 24 01 25 00 27 00010000 12 'new' 22 000a 1f 'why' 26 'k' 'v'
			28 00 29 00 2a 00 13 003c 1a 'info' 1c 'other' 15 'SCRAM' 16 'data' ]`, &Connack{
			Code: ServerMoved, HasSessionExpiry: true, SessionExpiry: 10, ReceiveMaximum: 20,
			HasMaximumQoS: true, MaximumQoS: 1, RetainUnavailable: true, WildcardsUnavailable: true,
			IDsUnavailable: true, SharedUnavailable: true, MaximumPacketSize: 65536, AssignedClientID: "new",
			TopicAliasMaximum: 10, HasServerKeepAlive: true, ServerKeepAlive: 60, ResponseInfo: "info",
			ServerReference: "other", ReasonString: "why", AuthMethod: "SCRAM", AuthData: []byte("data"),
			UserProperties: props("k", "v"),
		}},

		{"QoS 0", V31, `30 ~ 'a/b' 6869`, &Publish{Topic: "a/b", Payload: []byte("hi")}},
		{"QoS 1", V311, `3b ~ 'a' 000a`, &Publish{
			Topic: "a", Payload: []byte{}, QoS: 1, Dup: true, Retain: true, PacketID: 10,
		}},
		{"QoS 0", V5, `31 ~ 'a' [ ] 00`, &Publish{Topic: "a", Payload: []byte{0}, Retain: true}},
		{"everything", V5, `34 ~ 'a' ffff [ 02 00000007 23 000a 0b 01 0b ffffff7f
			26 'k' 'v' 03 'text' 26 'k' 'v' 01 01 08 'answer' 09 'c' ] 6869`, &Publish{
			Topic: "a", Payload: []byte("hi"), QoS: 2, PacketID: 65535, HasExpiry: true, Expiry: 7, TopicAlias: 10,
			SubscriptionIDs: []uint32{1, 268_435_455},
			Forward: []byte("\x26\x00\x01k\x00\x01v\x03\x00\x04text\x26\x00\x01k\x00\x01v\x01\x01" +
				"\x08\x00\x06answer\x09\x00\x01c"),
		}},
		{"alias for a topic", V5, `30 ~ '' [ 23 ffff ]`, &Publish{Payload: []byte{}, TopicAlias: 65535}},

		{"success", V31, `40 02 0001`, &Puback{PacketID: 1}},
		{"success", V5, `40 02 ffff`, &Puback{PacketID: 65535}},
		{"without properties", V5, `40 03 0001 10`, &Puback{PacketID: 1, Code: NoMatchingSubscribers}},
		{"everything", V5, `40 ~ 0001 97 [ 1f 'full' 26 'k' 'v' ]`, &Puback{
			PacketID: 1, Code: QuotaExceeded, ReasonString: "full", UserProperties: props("k", "v"),
		}},
		{"success", V311, `50 02 0001`, &Pubrec{PacketID: 1}},
		{"everything", V5, `50 ~ 0001 00 [ 1f 'full' 26 'k' 'v' ]`, &Pubrec{
			PacketID: 1, ReasonString: "full", UserProperties: props("k", "v"),
		}},
		{"success", V311, `62 02 0001`, &Pubrel{PacketID: 1}},
		{"unknown", V5, `62 03 0001 92`, &Pubrel{PacketID: 1, Code: PacketIdentifierNotFound}},
		{"success", V311, `70 02 0001`, &Pubcomp{PacketID: 1}},
		{"unknown", V5, `70 ~ 0001 92 [ 26 '' '' ]`, &Pubcomp{
			PacketID: 1, Code: PacketIdentifierNotFound, UserProperties: props("", ""),
		}},

		{"two filters", V311, `82 ~ 0001 'a/#' 00 '+' 02`, &Subscribe{
			PacketID: 1, Subscriptions: []Subscription{{Filter: "a/#"}, {Filter: "+", QoS: 2}},
		}},
		{"everything", V5, `82 ~ 0001 [ 0b 8001 26 'k' 'v' ] 'a' 2d '$share/g/b' 1a`, &Subscribe{
			PacketID: 1, SubscriptionID: 128, UserProperties: props("k", "v"),
			Subscriptions: []Subscription{
				{Filter: "a", QoS: 1, NoLocal: true, RetainAsPublished: true, RetainHandling: 2},
				{Filter: "$share/g/b", QoS: 2, RetainAsPublished: true, RetainHandling: 1},
			},
		}},
		{"one refused", V311, `90 ~ 0001 00 01 02 80`, &Suback{
			PacketID: 1, Codes: []ReasonCode{GrantedQoS0, GrantedQoS1, GrantedQoS2, UnspecifiedError},
		}},
		{"everything", V5, `90 ~ 0001 [ 1f 'why' 26 'k' 'v' ] 02 87`, &Suback{
			PacketID: 1, Codes: []ReasonCode{GrantedQoS2, NotAuthorized},
			ReasonString: "why", UserProperties: props("k", "v"),
		}},

		{"two filters", V31, `a2 ~ 0001 'a/#' '+'`, &Unsubscribe{PacketID: 1, Filters: []string{"a/#", "+"}}},
		{"everything", V5, `a2 ~ 0001 [ 26 'k' 'v' ] 'a'`, &Unsubscribe{
			PacketID: 1, Filters: []string{"a"}, UserProperties: props("k", "v"),
		}},
		{"success", V311, `b0 02 0001`, &Unsuback{PacketID: 1}},
		{"everything", V5, `b0 ~ 0001 [ 1f 'why' 26 'k' 'v' ] 00 11`, &Unsuback{
			PacketID: 1, Codes: []ReasonCode{Success, NoSubscriptionExisted},
			ReasonString: "why", UserProperties: props("k", "v"),
		}},

		{"", V311, `c0 00`, &Pingreq{}},
		{"", V5, `d0 00`, &Pingresp{}},

		{"normal", V311, `e0 00`, &Disconnect{}},
		{"normal", V5, `e0 00`, &Disconnect{}},
		{"without properties", V5, `e0 01 8e`, &Disconnect{Code: SessionTakenOver}},
		{"everything", V5, `e0 ~ 9c [ 11 00000000 1f 'why' 26 'k' 'v' 1c 'other' ]`, &Disconnect{
			Code: UseAnotherServer, HasSessionExpiry: true, ReasonString: "why", ServerReference: "other",
			UserProperties: props("k", "v"),
		}},

		{"success", V5, `f0 00`, &Auth{}},
		{"everything", V5, `f0 ~ 18 [ 15 'SCRAM' 16 'data' 1f 'why' 26 'k' 'v' ]`, &Auth{
			Code: ContinueAuthentication, AuthMethod: "SCRAM", AuthData: []byte("data"), ReasonString: "why",
			UserProperties: props("k", "v"),
		}},
	}
}

// TestPackets reads each packet from the wire, and writes it.
func TestPackets(t *testing.T) {
	for _, e := range examples() {
		t.Run(e.String(), func(t *testing.T) {
			wire := packet(t, e.wire)
			got, err := read(wire, e.v)
			if err != nil || !reflect.DeepEqual(got, e.want) {
				t.Errorf("read %+v, %v\nwant %+v", got, err, e.want)
			}
			if written := e.want.Append([]byte("before"), e.v); string(written) != "before"+string(wire) {
				t.Errorf("wrote %x\nwant  %x", bytes.TrimPrefix(written, []byte("before")), wire)
			}
		})
	}
}

// TestTolerated shows other forms of packets that are well-formed too.
func TestTolerated(t *testing.T) {
	for _, e := range []example{
		{"flags without the fields", V31, `10 ~ 'MQIsdp' 03 c2 0000 'id'`, &Connect{
			Version: V31, CleanStart: true, ClientID: "id", ReceiveMaximum: 65535,
		}},
		{"a user name without the password", V31, `10 ~ 'MQIsdp' 03 c2 0000 'id' 'user'`, &Connect{
			Version: V31, CleanStart: true, ClientID: "id", HasUsername: true, Username: "user", ReceiveMaximum: 65535,
		}},
		{"defaults spelled out", V5, `10 ~ 'MQTT' 05 00 0000 [ 11 00000000 21 ffff 22 0000 17 01 19 00 ] ''`, &Connect{
			Version: V5, ReceiveMaximum: 65535,
		}},
		{"an unused byte", V31, `20 02 01 00`, &Connack{ReceiveMaximum: 65535}},
		{"success spelled out", V5, `40 03 0001 00`, &Puback{PacketID: 1}},
		{"no properties spelled out", V5, `50 04 0001 00 00`, &Pubrec{PacketID: 1}},
		{"sent again", V31, `6a 02 0001`, &Pubrel{PacketID: 1}},
		{"sent again", V31, `8a ~ 0001 'a' 00`, &Subscribe{PacketID: 1, Subscriptions: []Subscription{{Filter: "a"}}}},
		{"sent again", V31, `aa ~ 0001 'a'`, &Unsubscribe{PacketID: 1, Filters: []string{"a"}}},
		{"properties apart", V5, `30 ~ 'a' [ 03 'x' 02 00000001 26 'a' 'b' 26 'c' 'd' 23 0001 01 01 ]`, &Publish{
			Topic: "a", Payload: []byte{}, HasExpiry: true, Expiry: 1, TopicAlias: 1,
			Forward: []byte("\x03\x00\x01x\x26\x00\x01a\x00\x01b\x26\x00\x01c\x00\x01d\x01\x01"),
		}},
		{"normal spelled out", V5, `e0 02 00 00`, &Disconnect{}},
	} {
		t.Run(e.String(), func(t *testing.T) {
			got, err := read(packet(t, e.wire), e.v)
			if err != nil || !reflect.DeepEqual(got, e.want) {
				t.Errorf("read %+v, %v\nwant %+v", got, err, e.want)
			}
		})
	}
}

// TestOldVersions shows what of a packet is left where the version cannot say it.
func TestOldVersions(t *testing.T) {
	for _, c := range []struct {
		name string
		v    Version
		in   Packet
		wire string
	}{
		{"no session present", V31, &Connack{SessionPresent: true}, `20 02 00 00`},
		{"no connack for a malformed packet", V311, &Connack{Code: MalformedPacket}, ``},
		{"no connack to nobody", 0, &Connack{Code: UnsupportedProtocolVersion}, ``},
		{"old version", V311, &Connack{Code: UnsupportedProtocolVersion}, `20 02 00 01`},
		{"busy", V311, &Connack{Code: ServerBusy, ReasonString: "x"}, `20 02 00 03`},
		{"no properties", V311, &Publish{Topic: "a", HasExpiry: true, Expiry: 1, Forward: []byte{1, 1}}, `30 03 'a'`},
		{"no reason", V311, &Puback{PacketID: 1, Code: QuotaExceeded}, `40 02 0001`},
		{"one failure", V311, &Suback{PacketID: 1, Codes: []ReasonCode{1, NotAuthorized}}, `90 04 0001 01 80`},
		{"no codes", V311, &Unsuback{PacketID: 1, Codes: []ReasonCode{0}}, `b0 02 0001`},
		{"no reason", V311, &Disconnect{Code: DisconnectWithWill}, `e0 00`},
		{"no auth", V311, &Auth{Code: ReAuthenticate, AuthMethod: "x"}, ``},
		{"no options", V311, &Subscribe{PacketID: 1, SubscriptionID: 1, Subscriptions: []Subscription{
			{Filter: "a", QoS: 1, NoLocal: true, RetainAsPublished: true, RetainHandling: 2},
		}}, `82 ~ 0001 'a' 01`},
	} {
		if got, want := c.in.Append(nil, c.v), packet(t, c.wire); !bytes.Equal(got, want) {
			t.Errorf("%s %s: wrote %x, want %x", c.in.Type(), c.name, got, want)
		}
	}
}

// TestLongFields: what MQTT cannot express is cut, so that the packets behind it are still understood.
func TestLongFields(t *testing.T) {
	long := string(bytes.Repeat([]byte("x"), 70_000))
	p, err := read((&Publish{Topic: long, Payload: []byte(long)}).Append(nil, V5), V5)
	if err != nil {
		t.Fatal(err)
	}
	if got := p.(*Publish); len(got.Topic) != 65_535 || len(got.Payload) != 70_000 {
		t.Errorf("topic of %d bytes, payload of %d", len(got.Topic), len(got.Payload))
	}
}

func TestUserPropertiesAll(t *testing.T) {
	var got []string
	for name, value := range props("a", "1", "b", "2", "a", "3").All() {
		got = append(got, name+"="+value)
	}
	if want := []string{"a=1", "b=2", "a=3"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
