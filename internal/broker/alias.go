package broker

import "github.com/foxmq/foxmq/internal/mqtt"

// leastAliased is the length in bytes from which a topic is worth an alias: the property itself takes three.
const leastAliased = 4

// aliases are the topic aliases that a client is sent. They belong to its writer goroutine. A topic gets the next free
// one when it is first sent. When none is left, each further topic takes a look at one alias in turn: if that was not
// used since the last look, the topic takes it over, else the topic goes out in full. So topics in use keep their
// aliases, however many others pass by, and an alias is never looked for. The zero value is for a client that takes
// none, and costs it nothing.
type aliases struct {
	most  int // the client's Topic Alias Maximum or our own bound, whichever is lower
	known map[string]uint16
	slots []aliasSlot // by alias - 1
	hand  int         // the slot that is looked at next
}

// aliasSlot is what an alias stands for.
type aliasSlot struct {
	topic string
	used  bool // since the hand came by
}

// apply puts an alias into a packet, and takes the topic out of it if the client knows the alias [MQTT-3.3.2-12]. A
// packet with a new alias is longer by three bytes; if fits does not let it go, it goes without.
func (a *aliases) apply(p *mqtt.Publish, fits func(size int) bool) {
	if a.most == 0 || len(p.Topic) < leastAliased {
		return
	}
	if alias, ok := a.known[p.Topic]; ok {
		a.slots[alias-1].used = true
		p.Topic, p.TopicAlias = "", alias
		return
	}
	slot, ok := a.free()
	if !ok {
		return
	}
	p.TopicAlias = uint16(slot + 1)
	if !fits(p.Size(mqtt.V5)) {
		p.TopicAlias = 0
		return
	}
	a.assign(slot, p.Topic)
}

// free returns a slot that a new topic may have, the one behind the last if it is new.
func (a *aliases) free() (slot int, ok bool) {
	if len(a.slots) < a.most {
		return len(a.slots), true
	}
	slot = a.hand
	a.hand = (a.hand + 1) % len(a.slots)
	used := a.slots[slot].used
	a.slots[slot].used = false
	return slot, !used
}

func (a *aliases) assign(slot int, topic string) {
	if a.known == nil {
		a.known = map[string]uint16{}
	}
	if slot == len(a.slots) {
		a.slots = append(a.slots, aliasSlot{})
	}
	delete(a.known, a.slots[slot].topic)
	a.slots[slot] = aliasSlot{topic: topic}
	a.known[topic] = uint16(slot + 1)
}
