package replica_test

import (
	"fmt"
	"sort"
	"strings"
	"testing"

	"github.com/foxmq/foxmq/internal/replica"
	"pgregory.net/rapid"
)

func drawMessage(t *rapid.T) replica.Message {
	return replica.Message{
		Topic:     rapid.SampledFrom([]string{"a", "a/b", "a/c", "b", "b/c", "d"}).Draw(t, "topic"),
		Payload:   []byte(rapid.SampledFrom([]string{"", "x", "y"}).Draw(t, "payload")),
		QoS:       byte(rapid.IntRange(0, 2).Draw(t, "qos")),
		Retain:    rapid.Bool().Draw(t, "retain"),
		HasExpiry: rapid.Bool().Draw(t, "has expiry"),
		Expiry:    uint32(rapid.IntRange(0, 3).Draw(t, "expiry")),
	}
}

func drawConnect(t *rapid.T, connection uint64) replica.Command {
	c := &replica.Connect{
		Connection: connection,
		ClientID:   rapid.SampledFrom([]string{"alice", "bob", "carol", "dave"}).Draw(t, "client"),
		Clean:      rapid.IntRange(0, 3).Draw(t, "clean") == 0,
		Expiry:     rapid.SampledFrom([]uint32{0, 2, 5, 1000}).Draw(t, "expiry"),
	}
	if rapid.Bool().Draw(t, "has will") {
		will := drawMessage(t)
		c.Will, c.WillDelay = &will, uint32(rapid.IntRange(0, 4).Draw(t, "delay"))
	}
	return c
}

func drawPublish(t *rapid.T, connection uint64) replica.Command {
	p := &replica.Publish{Connection: connection, Message: drawMessage(t)}
	if p.Message.QoS == 2 {
		p.PacketID = uint16(rapid.IntRange(0, 2).Draw(t, "packet id"))
	}
	return p
}

var (
	plainFilters  = []string{"a", "#", "a/+", "+/c", "b/#"}
	sharedFilters = []string{"$share/g/#", "$share/g/a/#", "$share/h/#"}
)

func drawFilter(t *rapid.T, s *oracleSession) string {
	filters := sharedFilters
	if s != nil && s.lasting && rapid.Bool().Draw(t, "plain") {
		filters = plainFilters
	}
	return rapid.SampledFrom(filters).Draw(t, "filter")
}

func drawSubscribe(t *rapid.T, connection uint64, s *oracleSession) replica.Command {
	c := &replica.Subscribe{Connection: connection, ID: uint32(rapid.IntRange(0, 2).Draw(t, "id"))}
	for range rapid.IntRange(1, 2).Draw(t, "filters") {
		sub := replica.Subscription{
			Filter:            drawFilter(t, s),
			QoS:               byte(rapid.IntRange(0, 2).Draw(t, "qos")),
			RetainAsPublished: rapid.Bool().Draw(t, "retain as published"),
			RetainHandling:    byte(rapid.IntRange(0, 2).Draw(t, "retain handling")),
		}
		sub.NoLocal = !strings.HasPrefix(sub.Filter, "$share") && rapid.Bool().Draw(t, "no local")
		c.Subscriptions = append(c.Subscriptions, sub)
	}
	return c
}

func drawAck(t *rapid.T, connection uint64, s *oracleSession) replica.Command {
	a := &replica.Ack{Connection: connection, Done: []uint64{rapid.Uint64Range(0, 9).Draw(t, "number")}}
	if s == nil {
		return a
	}
	for _, d := range s.queue {
		switch rapid.IntRange(0, 3).Draw(t, "ack") {
		case 0:
			a.Received = append(a.Received, d.Number)
		case 1:
			if d.Number > a.Done[len(a.Done)-1] {
				a.Done = append(a.Done, d.Number)
			}
		}
	}
	return a
}

// drawCommand draws what the connection may ask for; s is its session, or nil if it has none.
func drawCommand(t *rapid.T, connection uint64, s *oracleSession) replica.Command {
	switch rapid.IntRange(0, 10).Draw(t, "kind") {
	case 0, 1:
		return drawSubscribe(t, connection, s)
	case 2:
		return &replica.Unsubscribe{Connection: connection, Filters: []string{drawFilter(t, s), drawFilter(t, s)}}
	case 3, 4:
		return drawAck(t, connection, s)
	case 5:
		return &replica.Release{Connection: connection, PacketID: uint16(rapid.IntRange(1, 2).Draw(t, "packet id"))}
	case 6:
		return &replica.End{
			Connection:  connection,
			PublishWill: rapid.Bool().Draw(t, "publish will"),
			HasExpiry:   rapid.Bool().Draw(t, "has expiry"),
			HasUnsent:   rapid.Bool().Draw(t, "has unsent"),
			Unsent:      rapid.Uint64Range(0, 6).Draw(t, "unsent"),
		}
	case 7:
		return &replica.Tick{}
	default:
		return drawPublish(t, connection)
	}
}

// drawBan draws a ban, or what lifts one.
func drawBan(t *rapid.T) replica.Command {
	kind := replica.BanKind(rapid.IntRange(1, 3).Draw(t, "kind of ban"))
	value := rapid.SampledFrom([]string{"192.0.2.0/24", "10.0.0.1/32"}).Draw(t, "whom")
	if rapid.IntRange(0, 2).Draw(t, "lift") == 0 {
		return &replica.Unban{Target: target(kind, value)}
	}
	return &replica.Ban{
		Target:  target(kind, value),
		Seconds: uint32(rapid.IntRange(0, 4).Draw(t, "seconds of the ban")),
		Reason:  rapid.SampledFrom([]string{"", "why"}).Draw(t, "reason"),
	}
}

// members is how many there are in the random tests: three can declare the fourth dead.
const members = 4

// drawSuspicion draws a member and whom it suspects, or no longer does: often one that others suspect already.
func drawSuspicion(t *rapid.T, o *oracle) (node int, cmd *replica.Suspect) {
	cmd = &replica.Suspect{Member: rapid.IntRange(0, members).Draw(t, "suspect")}
	for member := range members {
		if len(o.suspects[member]) > len(o.suspects[cmd.Member]) {
			cmd.Member = member
		}
	}
	node = (cmd.Member + 1 + rapid.IntRange(0, members-1).Draw(t, "node")) % members
	cmd.Incarnation = max(o.counters[cmd.Member][0], 1)
	if rapid.IntRange(0, 9).Draw(t, "other boot") == 0 {
		cmd.Incarnation = uint64(rapid.IntRange(1, 9).Draw(t, "boot"))
	}
	cmd.Withdraw = rapid.IntRange(0, 4).Draw(t, "withdraw") == 0
	return node, cmd
}

// drawTransaction draws a node and what it asks for: often in the name of a live connection.
func drawTransaction(t *rapid.T, o *oracle) (node int, cmd replica.Command) {
	if rapid.IntRange(0, 7).Draw(t, "suspicion") <= 5*min(1, len(o.suspects)) {
		return drawSuspicion(t, o)
	}
	node = rapid.IntRange(0, members-1).Draw(t, "node")
	connection := uint64(rapid.IntRange(1, 5).Draw(t, "connection"))
	if rapid.IntRange(0, 11).Draw(t, "ban") == 11 {
		return node, drawBan(t)
	}
	live := o.connectedTo(node)
	if len(live) == 0 || rapid.IntRange(0, 3).Draw(t, "new") == 0 {
		return node, drawConnect(t, connection)
	}
	var s *oracleSession
	if rapid.IntRange(0, 9).Draw(t, "stray") > 0 {
		s = rapid.SampledFrom(live).Draw(t, "session")
		connection = s.conn.Number
	}
	cmd = drawCommand(t, connection, s)
	if e, ok := cmd.(*replica.End); ok && e.HasExpiry {
		e.Expiry = uint32(rapid.IntRange(0, 3).Draw(t, "new expiry"))
	}
	return node, cmd
}

// drawHeader draws the header of a node's transaction: mostly the next one, sometimes any other.
func drawHeader(t *rapid.T, last [2]uint64) replica.Header {
	h := replica.Header{Incarnation: max(last[0], 1), Number: last[1]}
	switch rapid.IntRange(0, 29).Draw(t, "header") {
	case 0:
		h.Number = uint64(rapid.IntRange(0, 3).Draw(t, "number"))
	case 1:
		h = replica.Header{Incarnation: uint64(rapid.IntRange(1, 9).Draw(t, "incarnation"))}
	}
	return h
}

// TestLikeTheOracle feeds random transactions to two machines and the oracle: all say the same, and the machines'
// digests agree all along. In the end all sessions expire, and nothing is left of them.
func TestLikeTheOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := replica.New(members, scriptLimits), replica.New(members, scriptLimits)
		o := newOracle()
		now := int64(1)
		for i := range rapid.IntRange(1, 80).Draw(t, "transactions") {
			now += int64(rapid.SampledFrom([]int{0, 0, 0, 1, 1, 3}).Draw(t, "seconds"))*second + 1000
			node, cmd := drawTransaction(t, o)
			h := drawHeader(t, o.counters[node])
			compare(t, i+1, a, o, now, node, h, cmd)
			var res replica.Result
			b.Apply(now, node, cmd.Append(h.Append(nil)), &res)
			if a.Digest() != b.Digest() {
				t.Fatalf("transaction %d: digests differ", i+1)
			}
		}
		for node := range members {
			compare(t, 100+node, a, o, now, node, replica.Header{Incarnation: 50}, &replica.Tick{})
		}
		compare(t, 200, a, o, now+1000*second, 0, replica.Header{Incarnation: 50, Number: 1}, &replica.Tick{})
		c := a.Counts()
		if c.Sessions+c.Connections+c.Subscriptions+c.Groups+c.Queued+c.QueuedBytes != 0 {
			t.Fatalf("something is left: %+v", c)
		}
	})
}

// compare applies a transaction to the machine and the oracle.
func compare(
	t *rapid.T, i int, m *replica.Machine, o *oracle, now int64, node int, h replica.Header, cmd replica.Command,
) {
	var res replica.Result
	want := o.apply(now, node, h, cmd)
	m.Apply(now, node, cmd.Append(h.Append(nil)), &res)
	if got := show(&res); got != want {
		t.Fatalf("transaction %d, %T:\ngot:\n%swant:\n%s", i, cmd, got, want)
	}
	if got, want := sortedLines(retainedOf(m, "#")), o.retainedMessages(); got != want {
		t.Fatalf("transaction %d, %T: retained\n%swant\n%s", i, cmd, got, want)
	}
	if at, _, _ := m.Deadline(); at != o.deadline() {
		t.Fatalf("transaction %d, %T: deadline %d, want %d", i, cmd, at, o.deadline())
	}
	for member := range members {
		if got, want := fmt.Sprint(m.Suspected(member)), fmt.Sprint(o.suspects[member]); got != want {
			t.Fatalf("transaction %d, %T: member %d is suspected by %s, want %s", i, cmd, member, got, want)
		}
	}
	got, counts := m.Counts(), o.counts()
	if got.Connections != counts.Connections || got.Sessions != counts.Sessions || got.Retained != counts.Retained ||
		got.Subscriptions != counts.Subscriptions || got.Groups != counts.Groups || got.Bans != counts.Bans {
		t.Fatalf("transaction %d, %T: counts %+v, want %+v", i, cmd, got, counts)
	}
}

func sortedLines(s string) string {
	lines := strings.SplitAfter(s, "\n")
	sort.Strings(lines)
	return strings.Join(lines, "")
}

// TestDigestTellsStatesApart changes one thing at a time.
func TestDigestTellsStatesApart(t *testing.T) {
	base := []string{"0@1#0 connect 1 alice will=w:gone", "0@1#1 publish 1 t:x:retain"}
	others := [][]string{
		base[:1],
		{base[0], "0@1#1 publish 1 t:x"},
		{base[0], "0@1#1 publish 1 t:y:retain"},
		{"0@1#0 connect 1 alice will=w:gone:retain", base[1]},
		{"0@1#0 connect 1 alice", base[1]},
		{"0@1#0 connect 1 bob will=w:gone", base[1]},
		{base[0], "0@1#1 connect 2 bob", "0@1#2 publish 2 t:x:retain", "0@1#3 end 2"},
		{base[0], "0@1#1 connect 2 eve", "0@1#2 publish 2 t:x:retain", "0@1#3 end 2"},
		{"0@2#0 connect 1 alice will=w:gone", "0@2#1 publish 1 t:x:retain"},
		{"1@1#0 connect 1 alice will=w:gone", "1@1#1 publish 1 t:x:retain"},
	}
	lasting := []string{
		"0@1#0 connect 1 alice expiry=9", "0@1#1 subscribe 1 t:2 id=1", "0@1#2 subscribe 1 $share/g/t:2",
		"0@1#3 publish 1 t:x:2 7", "0@1#4 publish 1 t:y:1",
	}
	for _, change := range [][2]string{
		{"expiry=9", "expiry=8"},
		{"connect 1 alice", "connect 1 alice will=w:gone delay=1"},
		{"connect 1 alice", "connect 1 alice will=w:gone delay=2"},
		{"t:2 id=1", "t:2 id=2"},
		{"t:2 id=1", "t:2"},
		{"t:2 id=1", "t:1 id=1"},
		{"t:2 id=1", "t:2:nolocal id=1"},
		{"t:2 id=1", "t:2:published id=1"},
		{"$share/g/t:2", "$share/g/t:1"},
		{"$share/g/t:2", "$share/h/t:2"},
		{"t:x:2 7", "t:x:2"},
		{"t:x:2 7", "t:x:2 8"},
		{"0@1#4 publish 1 t:y:1", "0@1#4 publish 1 t:z:1"},
		{"0@1#4 publish 1 t:y:1", "0@1#4 received 1 0"},
		{"0@1#4 publish 1 t:y:1", "0@1#4 received 1 1"},
		{"0@1#4 publish 1 t:y:1", "0@1#4 done 1 0"},
		{"0@1#4 publish 1 t:y:1", "0@1#4 end 1"},
		{"0@1#4 publish 1 t:y:1", "0@1#4 end 1 expiry=8"},
		{"0@1#4 publish 1 t:y:1", "0@1#4 tick"},
		{"0@1#4 publish 1 t:y:1", "1@1#0 suspect 0@1"},
		{"0@1#4 publish 1 t:y:1", "2@1#0 suspect 0@1"},
		{"0@1#4 publish 1 t:y:1", "1@1#0 trust 0@1"},
		{"0@1#4 publish 1 t:y:1", "0@1#4 ban user eve"},
		{"0@1#4 publish 1 t:y:1", "0@1#4 ban client eve"},
		{"0@1#4 publish 1 t:y:1", "0@1#4 ban user eva"},
		{"0@1#4 publish 1 t:y:1", "0@1#4 ban user eve for=1"},
		{"0@1#4 publish 1 t:y:1", "0@1#4 ban user eve for=2"},
		{"0@1#4 publish 1 t:y:1", "0@1#4 ban user eve why"},
		{"", ""},
	} {
		all := strings.Replace(strings.Join(lasting, "\n"), change[0], change[1], 1)
		others = append(others, strings.Split(all, "\n"))
	}
	seen := map[[32]byte]string{}
	for _, lines := range append(others, base) {
		s := script{machine: replica.New(4, scriptLimits)}
		for _, line := range lines {
			s.do(strings.Fields(line))
		}
		name := fmt.Sprint(lines)
		if other, ok := seen[s.machine.Digest()]; ok {
			t.Errorf("%s and %s have one digest", name, other)
		}
		seen[s.machine.Digest()] = name
	}
}
