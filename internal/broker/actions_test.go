package broker_test

import (
	"github.com/foxmq/foxmq/internal/mqtt"
)

// versions are those that a behaviour which is not MQTT 5's alone is tested with.
var versions = []mqtt.Version{mqtt.V311, mqtt.V5}

// join connects a client with a clean session and checks that it is let in.
func (k *kit) join(name string, version mqtt.Version, change ...func(*mqtt.Connect)) *peer {
	k.t.Helper()
	p := k.dial(name, version)
	p.connect(change...)
	p.gets("CONNACK 00")
	return p
}

// connect sends CONNECT.
func (p *peer) connect(change ...func(*mqtt.Connect)) {
	c := &mqtt.Connect{Version: p.version, ClientID: p.name, CleanStart: true, KeepAlive: 60}
	for _, f := range change {
		f(c)
	}
	p.send(c)
}

func (p *peer) publish(topic, payload string, qos byte, id uint16) {
	p.send(&mqtt.Publish{Topic: topic, Payload: []byte(payload), QoS: qos, PacketID: id})
}

// retain returns when the message has been applied.
func (p *peer) retain(topic, payload string) {
	p.send(&mqtt.Publish{Topic: topic, Payload: []byte(payload), Retain: true})
	p.kit.settle()
}

func (p *peer) ask(id uint16, filters ...mqtt.Subscription) {
	p.send(&mqtt.Subscribe{PacketID: id, Subscriptions: filters})
}

// subscribe subscribes with the highest QoS to be had and takes in SUBACK.
func (p *peer) subscribe(filters ...string) {
	p.kit.t.Helper()
	for _, f := range filters {
		p.ask(1, mqtt.Subscription{Filter: f, QoS: 2})
		p.gets("SUBACK #1 02")
	}
}

func (p *peer) puback(id uint16)  { p.send(&mqtt.Puback{PacketID: id}) }
func (p *peer) pubrec(id uint16)  { p.send(&mqtt.Pubrec{PacketID: id}) }
func (p *peer) pubrel(id uint16)  { p.send(&mqtt.Pubrel{PacketID: id}) }
func (p *peer) pubcomp(id uint16) { p.send(&mqtt.Pubcomp{PacketID: id}) }
