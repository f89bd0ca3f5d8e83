package broker

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/foxmq/foxmq/internal/mqtt"
)

// receiver is a client that takes aliases as MQTT says, and notes what is not allowed.
type receiver struct {
	t      *testing.T
	most   uint16
	topics map[uint16]string
}

// take returns the topic that the packet is for.
func (r *receiver) take(p *mqtt.Publish) string {
	r.t.Helper()
	switch {
	case p.TopicAlias > r.most:
		r.t.Fatalf("alias %d of %d", p.TopicAlias, r.most)
	case p.TopicAlias == 0:
		return p.Topic
	case p.Topic != "":
		r.topics[p.TopicAlias] = p.Topic
	}
	return r.topics[p.TopicAlias]
}

func anySize(int) bool { return true }

func TestAliasesAlwaysStandForTheirTopic(t *testing.T) {
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 0))
		a := aliases{most: 1 + random.IntN(8)}
		r := receiver{t: t, most: uint16(a.most), topics: map[uint16]string{}}
		limit := 8 + random.IntN(40)
		fits := func(size int) bool { return size <= limit }
		for range 2000 {
			p := mqtt.Publish{Topic: fmt.Sprint("topic/", random.IntN(1+random.IntN(20)))}
			topic, fitted := p.Topic, fits(p.Size(mqtt.V5))
			a.apply(&p, fits)
			if got := r.take(&p); got != topic {
				t.Fatalf("seed %d: %q arrives as %q", seed, topic, got)
			}
			if fitted && !fits(p.Size(mqtt.V5)) {
				t.Fatalf("seed %d: an alias makes the packet too large", seed)
			}
			if len(a.known) > a.most || len(a.slots) > a.most {
				t.Fatalf("seed %d: %d aliases and %d slots of %d", seed, len(a.known), len(a.slots), a.most)
			}
		}
	}
}

func TestTopicsInUseKeepTheirAliases(t *testing.T) {
	a := aliases{most: 2}
	r := receiver{t: t, most: 2, topics: map[uint16]string{}}
	full := map[string]int{} // how often the topic was spelled out
	send := func(topic string) {
		p := mqtt.Publish{Topic: topic}
		a.apply(&p, anySize)
		if p.Topic != "" {
			full[topic]++
		}
		if got := r.take(&p); got != topic {
			t.Fatalf("%q arrives as %q", topic, got)
		}
	}
	for i := range 100 {
		send("always")
		send(fmt.Sprint("passing/", i))
	}
	if full["always"] != 1 {
		t.Errorf("a topic in use was spelled out %d times", full["always"])
	}
	for range 10 {
		send("newcomer")
	}
	if full["newcomer"] > 3 {
		t.Errorf("a newcomer was spelled out %d times", full["newcomer"])
	}
}

func TestShortTopicsGetNoAlias(t *testing.T) {
	a := aliases{most: 10}
	for range 2 {
		p := mqtt.Publish{Topic: "a/b"}
		if a.apply(&p, anySize); p.TopicAlias != 0 {
			t.Fatalf("alias %d for a topic of three bytes", p.TopicAlias)
		}
	}
}

func TestAliasesCostNothingToClientsWithoutThem(t *testing.T) {
	var a aliases
	p := mqtt.Publish{Topic: "some/topic"}
	if n := testing.AllocsPerRun(100, func() { a.apply(&p, anySize) }); n != 0 || p.TopicAlias != 0 {
		t.Fatalf("%v allocations, alias %d", n, p.TopicAlias)
	}
}
