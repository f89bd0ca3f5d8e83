package mqtt

import "testing"

// TestReasonNames holds a name of each kind; the rest are in use in testdata/refused.txt.
func TestReasonNames(t *testing.T) {
	for c, want := range map[ReasonCode]string{
		Success:               "success",
		SessionTakenOver:      "session taken over",
		WildcardsNotSupported: "wildcard subscriptions not supported",
		0x7f:                  "reason code 0x7f",
	} {
		if c.String() != want {
			t.Errorf("0x%02x is %q, want %q", byte(c), c, want)
		}
	}
	if NoSubscriptionExisted.Failed() || !UnspecifiedError.Failed() {
		t.Error("failures begin at 0x80")
	}
}

// TestReturnCodes: a return code read from an MQTT 3 CONNACK is written as the same.
func TestReturnCodes(t *testing.T) {
	for want, c := range returnCodes {
		if got, ok := c.ReturnCode(); !ok || int(got) != want {
			t.Errorf("%s: return code %d, %v; want %d", c, got, ok, want)
		}
	}
	for _, c := range []ReasonCode{MalformedPacket, ProtocolError, PacketTooLarge, KeepAliveTimeout} {
		if got, ok := c.ReturnCode(); ok {
			t.Errorf("%s: return code %d", c, got)
		}
	}
}

// TestReasonPlaces compares how many codes a packet may carry with the tables of MQTT 5.0.
func TestReasonPlaces(t *testing.T) {
	for packet, want := range map[Type]int{
		TypeConnack: 22, TypePuback: 9, TypePubrec: 9, TypePubrel: 2, TypePubcomp: 2, TypeSuback: 12, TypeUnsuback: 7,
		TypeDisconnect: 30, TypeAuth: 3, TypePublish: 0,
	} {
		got := 0
		for c := range reasons {
			if ReasonCode(c).validIn(packet) {
				got++
			}
		}
		if got != want {
			t.Errorf("%s may carry %d codes, want %d", packet, got, want)
		}
	}
}
