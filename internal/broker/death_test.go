package broker_test

import (
	"testing"

	"github.com/foxmq/foxmq/internal/mqtt"
)

// TestDeclaredDead: a node that the others took to be dead closes the clients that it had then, and answers nothing that
// they sent behind their end. They can come back at once, and find their wills gone.
func TestDeclaredDead(t *testing.T) {
	for _, v := range versions {
		t.Run(v.String(), func(t *testing.T) {
			play(t, usual, func(k *kit) {
				farewell := []string{"closed"}
				if v == mqtt.V5 {
					farewell = []string{"DISCONNECT 8b", "closed"}
				}
				mortal := k.join("mortal", v, withWill("will"), func(c *mqtt.Connect) { c.Will.Retain = true })
				plain := k.join("plain", v)
				plain.subscribe("#")
				k.stream.freeze()
				plain.publish("late", "x", 1, 7)
				k.settle()
				k.stream.declareDead()
				mortal.gets(farewell...)
				plain.gets(farewell...)
				k.stream.resume()
				k.settle()

				again := k.join("plain", v)
				again.ask(1, mqtt.Subscription{Filter: "#", QoS: 2})
				again.gets("SUBACK #1 02", `PUBLISH will "gone" q1 #1 retain`)
				again.publish("soon", "y", 1, 7)
				again.gets("PUBACK #7", `PUBLISH soon "y" q1 #2`)
				k.join("mortal", v)
			})
		})
	}
}
