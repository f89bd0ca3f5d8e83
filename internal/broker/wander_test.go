package broker_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/foxmq/foxmq/internal/mqtt"
	"github.com/foxmq/foxmq/internal/replica"
)

// TestAWanderingClient lets a client with a lasting session live through whatever chance brings: acknowledgements sooner
// or later and in any order, lost connections, goodbyes, a takeover by another node, an order that stands still. In the
// end it must have every message above QoS 0, and all that it has in the order of the stream, at QoS 2 once.
func TestAWanderingClient(t *testing.T) {
	for seed := range uint64(150) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			play(t, generous, func(k *kit) {
				w := newWanderer(k, rand.New(rand.NewPCG(seed, 0)))
				for range 200 {
					w.step()
				}
				w.finish()
			})
		})
	}
}

// wanderer is the client and, since it knows what must come, its own judge.
type wanderer struct {
	k   *kit
	rng *rand.Rand
	pub *peer
	p   *peer // nil: not connected

	published int            // messages "1" and on
	lossy     map[int]bool   // those at QoS 0, and those that may have expired
	got       []int          // in the order in which each came first
	ids       map[int]uint16 // the packet identifier that it came with
	held      map[uint16]int // messages at QoS 2 that PUBREL has not released
	owed      []mqtt.Packet  // acknowledgements
	elsewhere uint64         // transactions of the other node
}

func newWanderer(k *kit, rng *rand.Rand) *wanderer {
	w := &wanderer{k: k, rng: rng, lossy: map[int]bool{}, ids: map[int]uint16{}, held: map[uint16]int{}}
	w.pub = k.join("pub", mqtt.V5, silent)
	w.p = k.begin("wanderer", mqtt.V5, silent)
	w.p.subscribe("a")
	return w
}

func (w *wanderer) step() {
	switch n := w.rng.IntN(100); {
	case n < 35:
		w.publish()
	case n < 70:
		w.listen()
		w.pay(w.rng.IntN(4))
	case n < 78:
		w.leave()
	case n < 88:
		w.come()
	case n < 92:
		w.k.stream.freeze()
	case n < 97:
		w.k.stream.resume()
	default:
		time.Sleep(time.Duration(w.rng.IntN(200)) * time.Millisecond)
	}
}

func (w *wanderer) publish() {
	w.published++
	m := &mqtt.Publish{Topic: "a", Payload: fmt.Append(nil, w.published), QoS: byte(w.rng.IntN(3))}
	if m.QoS > 0 {
		m.PacketID = uint16(w.published)
	}
	if w.rng.IntN(8) == 0 {
		m.HasExpiry, m.Expiry = true, 1
	}
	w.lossy[w.published] = m.QoS == 0 || m.HasExpiry
	w.pub.send(m)
	if m.QoS == 2 {
		w.k.settle()
		w.pub.pubrel(m.PacketID)
	}
}

// listen takes in what has come, and owes its acknowledgements.
func (w *wanderer) listen() {
	if w.p == nil {
		return
	}
	for _, line := range w.p.take() {
		w.hear(line)
	}
}

func (w *wanderer) hear(line string) {
	var message int
	var qos byte
	var id uint16
	if _, err := fmt.Sscanf(line, "PUBREL #%d", &id); err == nil {
		delete(w.held, id)
		w.owed = append(w.owed, &mqtt.Pubcomp{PacketID: id})
		return
	}
	if n, _ := fmt.Sscanf(line, `PUBLISH a "%d" q%d #%d`, &message, &qos, &id); n == 0 {
		w.k.t.Fatalf("got %s", line)
	}
	switch first, known := w.ids[message]; {
	case !known && w.held[id] != 0:
		w.k.t.Fatalf("%s: the identifier stands for %d", line, w.held[id])
	case !known:
		w.got = append(w.got, message)
		w.ids[message] = id
	case first != id || !strings.Contains(line, " dup") || qos == 2 && w.held[id] != message:
		w.k.t.Fatalf("%s comes again, first with #%d", line, first)
	}
	switch qos {
	case 1:
		w.owed = append(w.owed, &mqtt.Puback{PacketID: id})
	case 2:
		w.held[id] = message
		w.owed = append(w.owed, &mqtt.Pubrec{PacketID: id})
	}
}

// pay sends so many of the acknowledgements that are owed, in any order.
func (w *wanderer) pay(n int) {
	for range min(n, len(w.owed)) {
		i := w.rng.IntN(len(w.owed))
		w.p.send(w.owed[i])
		w.owed = slices.Delete(w.owed, i, i+1)
	}
}

func (w *wanderer) leave() {
	if w.p == nil {
		return
	}
	w.listen()
	if w.rng.IntN(2) == 0 {
		w.p.send(&mqtt.Disconnect{})
		w.k.settle()
	}
	w.p.hangUp()
	w.p, w.owed = nil, nil
}

// come connects again, after another node may have had the session for a moment, with whatever connection there was.
func (w *wanderer) come() {
	w.listen()
	w.owed = nil
	w.k.stream.resume()
	if w.rng.IntN(3) == 0 {
		conn := w.elsewhere + 1
		w.k.stream.elsewhere(w.elsewhere, &replica.Connect{Connection: conn, ClientID: "wanderer", Expiry: 3600})
		w.k.stream.elsewhere(w.elsewhere+1, &replica.End{Connection: conn})
		w.elsewhere += 2
	}
	old := w.p
	w.p = w.k.come("wanderer", mqtt.V5, silent, receiveMaximum(uint16(1+w.rng.IntN(5))))
	time.Sleep(time.Second) // a connection of before may be waited for
	if old != nil {
		old.hangUp()
	}
	lines := w.p.take()
	if len(lines) == 0 || lines[0] != present {
		w.k.t.Fatalf("came back to %q", lines)
	}
	for _, line := range lines[1:] {
		w.hear(line)
	}
}

// finish takes in everything that there still is.
func (w *wanderer) finish() {
	w.come()
	for {
		w.listen()
		if len(w.owed) == 0 {
			break
		}
		w.pay(len(w.owed))
	}
	time.Sleep(time.Second)
	if n := w.k.queued(); n != 0 {
		w.k.t.Errorf("%d deliveries are left in the state", n)
	}
	if !slices.IsSorted(w.got) {
		w.k.t.Errorf("out of order: %v", w.got)
	}
	for message := 1; message <= w.published; message++ {
		if _, came := w.ids[message]; !came && !w.lossy[message] {
			w.k.t.Errorf("message %d did not come", message)
		}
	}
}
