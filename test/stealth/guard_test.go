package stealth

import (
	"bytes"
	"net"
	"testing"

	"github.com/foxmq/foxmq/internal/mqtt"
)

// TestAnAddressThatMisbehavesIsKeptOut offends on each listener, from an address of its own.
func TestAnAddressThatMisbehavesIsKeptOut(t *testing.T) {
	n := start(t, "--ban-after", "3", "--max-connections-per-address", "8") // one may not have gone yet when the next comes
	good := append(connect(func(*mqtt.Connect) {}), (&mqtt.Disconnect{}).Append(nil, mqtt.V5)...)
	connack := (&mqtt.Connack{Code: mqtt.Success}).Append(nil, mqtt.V5)[:1]
	for i, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			bad, other := net.IPv4(127, 0, 0, byte(50+i)), net.IPv4(127, 0, 0, byte(70+i))
			comesIn := func(from net.IP) bool {
				got, err := n.knock(w, from, good)
				return err == nil && bytes.HasPrefix(got, connack)
			}
			for range 3 {
				if !comesIn(bad) {
					t.Error("kept out before the third offence")
				}
				_, _ = n.knock(w, bad, []byte{0, 0})
			}
			if local := w.name == "Unix"; comesIn(bad) != local { // there nobody has an address
				t.Errorf("comes in after three offences: %v", !local)
			}
			if !comesIn(other) {
				t.Error("another address is kept out")
			}
		})
	}
}

// TestTheConnectionsOfAnAddressAreCounted on all listeners together.
func TestTheConnectionsOfAnAddressAreCounted(t *testing.T) {
	n := start(t, "--max-connections-per-address", "5")
	crowd := net.IPv4(127, 0, 0, 90)
	for _, w := range ways {
		c, err := w.dial(n, crowd)
		if err != nil {
			t.Fatalf("%s: %v", w.name, err)
		}
		defer c.Close()
		says := connect(func(p *mqtt.Connect) { p.ClientID = w.name })
		if _, err := c.Write(says); err != nil {
			t.Fatalf("%s: %v", w.name, err)
		}
		if _, err := c.Read(make([]byte, 1)); err != nil {
			t.Fatalf("%s: %v", w.name, err)
		}
	}
	for _, w := range ways {
		got, err := n.knock(w, crowd, connect(func(p *mqtt.Connect) { p.AuthMethod = "x" }))
		if local := w.name == "Unix"; (err == nil && len(got) > 0) != local {
			t.Errorf("%s: one more gets % x, %v", w.name, got, err)
		}
	}
}
