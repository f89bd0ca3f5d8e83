package broker_test

import (
	"testing"

	"github.com/foxmq/foxmq/internal/broker"
	"github.com/foxmq/foxmq/internal/mqtt"
)

// inVersions plays a script in each version that knows the behaviour.
func inVersions(t *testing.T, script func(k *kit, v mqtt.Version)) {
	for _, v := range versions {
		t.Run(v.String(), func(t *testing.T) {
			play(t, broker.Config{}, func(k *kit) { script(k, v) })
		})
	}
}

func TestPublishAtEveryQoS(t *testing.T) {
	inVersions(t, func(k *kit, v mqtt.Version) {
		alice, bob := k.join("alice", v), k.join("bob", v)
		bob.subscribe("a/+")

		alice.publish("a/b", "zero", 0, 0)
		alice.publish("a/b", "one", 1, 7)
		alice.publish("a/b", "two", 2, 8)
		alice.gets("PUBACK #7", "PUBREC #8")
		bob.gets(`PUBLISH a/b "zero"`, `PUBLISH a/b "one" q1 #1`, `PUBLISH a/b "two" q2 #2`)

		alice.pubrel(8)
		alice.gets("PUBCOMP #8")
		bob.puback(1)
		bob.pubrec(2)
		bob.gets("PUBREL #2")
		bob.pubcomp(2)
		bob.gets()
	})
}
