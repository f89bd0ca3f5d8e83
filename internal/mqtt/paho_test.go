package mqtt

import (
	"bytes"
	"reflect"
	"testing"

	paho5 "github.com/eclipse/paho.golang/packets"
	paho3 "github.com/eclipse/paho.mqtt.golang/packets"
)

// pahoLacks says which examples Paho cannot handle, and why.
var pahoLacks = map[string]string{
	"connect 5.0 everything": "it writes half of the will properties",
	"publish 5.0 everything": "it knows one subscription identifier",
	"disconnect 5.0 normal":  "it does not read the short form",
	"auth 5.0 success":       "it does not write the short form",
}

// TestPaho has the examples read and written by others, the Eclipse Paho codecs, and expects the same packets back:
// what this package agrees upon with itself could still be wrong.
func TestPaho(t *testing.T) {
	for _, e := range examples() {
		if pahoLacks[e.String()] != "" {
			continue
		}
		t.Run(e.String(), func(t *testing.T) {
			through := throughPaho3
			if e.v == V5 {
				through = throughPaho5
			}
			wire, err := through(packet(t, e.wire))
			if err != nil {
				t.Fatal(err)
			}
			got, err := read(wire, e.v)
			if err != nil || !reflect.DeepEqual(sorted(t, got), sorted(t, e.want)) {
				t.Errorf("read %+v, %v\nwant %+v", got, err, e.want)
			}
		})
	}
}

func throughPaho3(wire []byte) ([]byte, error) {
	p, err := paho3.ReadPacket(bytes.NewReader(wire))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = p.Write(&out)
	return out.Bytes(), err
}

func throughPaho5(wire []byte) ([]byte, error) {
	p, err := paho5.ReadPacket(bytes.NewReader(wire))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	_, err = p.WriteTo(&out)
	return out.Bytes(), err
}

// sorted returns p with the forwarded properties in an order of our own: Paho does not keep the sender's.
func sorted(t *testing.T, p Packet) Packet {
	t.Helper()
	switch p := p.(type) {
	case *Publish:
		p.Forward = sortedForward(t, p.Forward)
	case *Connect:
		if p.Will != nil {
			p.Will.Forward = sortedForward(t, p.Will.Forward)
		}
	}
	return p
}

func sortedForward(t *testing.T, b []byte) []byte {
	t.Helper()
	f, err := ParseForward(b)
	if err != nil {
		t.Fatal(err)
	}
	return f.Append(nil)
}
