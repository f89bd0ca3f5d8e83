package gossip

import (
	"encoding/hex"
	"testing"
	"time"

	"go.uber.org/zap/zaptest/observer"

	"github.com/foxmq/foxmq/internal/event"
)

func TestEverybodyTalksToEverybody(t *testing.T) {
	nodes, _ := newCluster(t, 4)
	for i, a := range nodes {
		for j, b := range nodes {
			if i == j {
				continue
			}
			sent := &event.Message{Boot: true, Tips: []event.Tip{{Creator: i, Seq: uint64(j) + 1, ID: event.ID{1}}}}
			got := exchange(t, a, b, sent)
			if !got.Boot || len(got.Tips) != 1 || got.Tips[0] != sent.Tips[0] {
				t.Errorf("from %d to %d: got %+v", i, j, got)
			}
		}
	}
}

func TestEventsArriveInOrderWithTheirIdentity(t *testing.T) {
	nodes := newStar(t, 2, asIs)
	nodes[0].awaitConnected(t, 1)
	const count = 500
	for i := range count {
		e := &event.Event{Seq: 1, BirthRound: uint64(i) + 1, Time: 1}
		if err := e.Seal(nodes[0].cfg.Book.Domain()); err != nil {
			t.Fatal(err)
		}
		if !nodes[0].Send(1, &event.Message{Events: []*event.Event{e}, Want: []event.ID{e.ID()}}) {
			t.Fatal("message lost")
		}
	}
	for i := range count {
		m := nodes[1].awaitMessage(t, 0)
		if len(m.Events) != 1 || m.Events[0].BirthRound != uint64(i)+1 || m.Events[0].ID() != m.Want[0] {
			t.Fatalf("message %d: got %+v", i, m)
		}
	}
}

func TestLargeMessageArrives(t *testing.T) {
	nodes, _ := newCluster(t, 2)
	e := newEvent(t, nodes[0].cfg.Book, 12<<20)
	got := exchange(t, nodes[0], nodes[1], &event.Message{Events: []*event.Event{e}})
	if got.Events[0].ID() != e.ID() {
		t.Error("it is not the event that was sent")
	}
}

func TestNothingIsSentToWhomThereIsNot(t *testing.T) {
	members, sockets := newMembers(t, 2)
	sockets[1].Close()
	n := run(t, Config{Book: newBook(members), Self: 0, Key: members[0].key, Conn: sockets[0]})
	for _, to := range []int{-1, 0, 1, 2} {
		if n.Send(to, &event.Message{}) {
			t.Errorf("a message to %d is said to be on its way", to)
		}
	}
}

func TestOnlyOneOfTwoNeedsToBeReachable(t *testing.T) {
	for _, hidden := range []int{0, 1} {
		members, sockets := newMembers(t, 2)
		members[hidden].addr = deadAddr(t)
		book := newBook(members)
		var nodes []*node
		for i, m := range members {
			nodes = append(nodes, run(t, Config{Book: book, Self: i, Key: m.key, Conn: sockets[i]}))
		}
		exchange(t, nodes[0], nodes[1], &event.Message{})
		exchange(t, nodes[1], nodes[0], &event.Message{})
	}
}

// fields returns a log line's fields by name.
func fields(line observer.LoggedEntry) map[string]any { return line.ContextMap() }

func TestOtherAddressBookIsRefusedAndLoggedOnBothSides(t *testing.T) {
	members, sockets := newMembers(t, 2)
	book, other := newBook(members), newBook(members)
	other.Members[0].Addr = "localhost" + other.Members[0].Addr[len("127.0.0.1"):]
	nodes := []*node{
		run(t, Config{Book: book, Self: 0, Key: members[0].key, Conn: sockets[0]}),
		run(t, Config{Book: other, Self: 1, Key: members[1].key, Conn: sockets[1]}),
	}
	for i, n := range nodes {
		got := fields(n.awaitLog(t, "peer has another address book"))
		mine, theirs := n.cfg.Book.Hash(), nodes[1-i].cfg.Book.Hash()
		if got["address_book"] != hex.EncodeToString(mine[:]) || got["peer_address_book"] != hex.EncodeToString(theirs[:]) {
			t.Errorf("member %d does not log both hashes: %v", i, got)
		}
		if got["peer"] != int64(1-i) || got["peer_addr"] != n.cfg.Book.Members[1-i].Addr || got["remote_addr"] == nil {
			t.Errorf("member %d does not log who the peer is: %v", i, got)
		}
		if n.Peers()[0].Connected {
			t.Errorf("member %d is connected", i)
		}
	}
}

// Only one side can dial here; both must log all the same.
func TestRefusalReachesTheLogOfBothSidesOfOneConnection(t *testing.T) {
	members, sockets := newMembers(t, 2)
	book := newBook(members)
	members[0].addr = deadAddr(t) // member 1 dials nobody
	nodes := []*node{
		run(t, Config{Book: book, Self: 0, Key: members[0].key, Conn: sockets[0]}),
		run(t, Config{Book: newBook(members), Self: 1, Key: members[1].key, Conn: sockets[1]}),
	}
	for _, n := range nodes {
		n.awaitLog(t, "peer has another address book")
	}
}

func TestUnknownKeyIsRefusedAndLoggedOnBothSides(t *testing.T) {
	members, sockets := newMembers(t, 2)
	book := newBook(members)
	stranger := member{newKey(t), members[1].addr}
	strangeBook := newBook([]member{members[0], stranger})
	nodes := []*node{
		run(t, Config{Book: book, Self: 0, Key: members[0].key, Conn: sockets[0]}),
		run(t, Config{Book: strangeBook, Self: 1, Key: stranger.key, Conn: sockets[1]}),
	}
	hash, strangeHash := book.Hash(), strangeBook.Hash()

	got := fields(nodes[0].awaitLog(t, "peer's key is not in the address book"))
	if got["peer_key"] != fingerprint(&stranger.key.PublicKey) || got["remote_addr"] != stranger.addr ||
		got["address_book"] != hex.EncodeToString(hash[:]) ||
		got["peer_address_book"] != hex.EncodeToString(strangeHash[:]) {
		t.Errorf("the member's log does not tell who was refused: %v", got)
	}
	nodes[0].awaitLog(t, "peer's address answers with the key of somebody else")

	nodes[1].awaitLog(t, "peer refuses this node's key")
	nodes[1].awaitLog(t, "dialling peer refuses this node's key")
	for _, n := range nodes {
		if n.Peers()[0].Connected || n.Peers()[0].Connects != 0 {
			t.Errorf("member %d was connected", n.cfg.Self)
		}
	}
}

func TestRestartedPeerIsBackAtOnce(t *testing.T) {
	for _, restarted := range []int{0, 1} {
		nodes, members := newCluster(t, 2)
		survivor := nodes[1-restarted]
		exchange(t, nodes[0], nodes[1], &event.Message{})
		nodes[restarted].stop()
		survivor.awaitDisconnected(t, restarted)
		again := run(t, Config{
			Book: survivor.cfg.Book, Self: restarted, Key: members[restarted].key, Listen: members[restarted].addr,
		})
		exchange(t, again, survivor, &event.Message{})
		exchange(t, survivor, again, &event.Message{})
	}
}

func TestMisbehavingPeerIsCutWhileOthersGoOn(t *testing.T) {
	nodes := newStar(t, 3, asIs)
	exchange(t, nodes[1], nodes[0], &event.Message{})
	exchange(t, nodes[2], nodes[0], &event.Message{})

	nodes[2].babble(t, 0, []byte{0, 0, 0, 2, 0xff, 0xff})

	nodes[0].awaitDisconnected(t, 2)
	got := fields(nodes[0].awaitLog(t, "malformed message from peer"))
	if got["peer"] != int64(2) {
		t.Errorf("the log does not name the peer: %v", got)
	}
	nodes[2].awaitLog(t, "peer keeps this node away")
	if s := nodes[0].Peers()[1]; s.Member != 2 || s.Malformed != 1 {
		t.Errorf("not counted: %+v", s)
	}
	exchange(t, nodes[1], nodes[0], &event.Message{})
	if s := nodes[0].Peers()[0]; s.Connects != 1 {
		t.Errorf("the honest peer had to connect %d times", s.Connects)
	}
}

func TestOverflowDropsTheQueueAndCounts(t *testing.T) {
	block := make(chan struct{})
	nodes := newStar(t, 2, func(c *Config) {
		c.QueueMessages, c.IdleTimeout = 8, time.Minute
		if c.Self == 1 {
			c.Handler = deaf(block)
		}
	})
	t.Cleanup(func() { close(block) })

	sender := nodes[0]
	sender.awaitConnected(t, 1)
	m := &event.Message{Events: []*event.Event{newEvent(t, sender.cfg.Book, 4<<20)}}
	lost, sent := 0, 0
	for ; lost == 0; sent++ { // the peer reads one message only: the windows fill up, then the queue
		if !sender.Send(1, m) {
			lost++
		}
	}
	s := sender.Peers()[0]
	if s.Overflows != 1 || s.Dropped != 9 || !s.Connected {
		t.Errorf("after %d messages: %+v", sent, s)
	}
}

// deaf is a handler that blocks in its first message until the channel is closed.
type deaf chan struct{}

func (d deaf) Connected(int)                     {}
func (d deaf) Message(int, *event.Message) error { <-d; return nil }
func (d deaf) Disconnected(int)                  {}

func TestStatusTellsOfTheConnection(t *testing.T) {
	nodes := newStar(t, 2, asIs)
	exchange(t, nodes[0], nodes[1], &event.Message{})
	exchange(t, nodes[1], nodes[0], &event.Message{})
	// What is written is counted afterwards, when the answer may have come already.
	eventually(t, "the message counts", func() bool { return nodes[0].Peers()[0].MessagesOut > 0 })
	s, addr := nodes[0].Peers()[0], nodes[0].cfg.Book.Members[1].Addr
	if s.Member != 1 || s.Addr != addr || !s.Connected || s.RemoteAddr != addr || s.RTT <= 0 ||
		s.MessagesIn == 0 || s.MessagesOut == 0 || s.BytesIn == 0 || s.BytesOut == 0 || s.Connects == 0 {
		t.Errorf("got %+v", s)
	}
}

func TestAddressInUseEndsRun(t *testing.T) {
	members, sockets := newMembers(t, 1)
	defer sockets[0].Close()
	transport, err := New(Config{
		Book: newBook(members), Self: 0, Key: members[0].key, Listen: members[0].addr, Handler: newRecorder(),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := transport.Run(t.Context()); err == nil {
		t.Error("run without a socket")
	}
}
