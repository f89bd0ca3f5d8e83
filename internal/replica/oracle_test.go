package replica_test

import (
	"fmt"
	"sort"
	"strings"
	"testing"

	"github.com/foxmq/foxmq/internal/replica"
	"pgregory.net/rapid"
)

// oracle is the machine said slowly: lists that are searched from end to end, and no encoding.
type oracle struct {
	now      int64
	counters map[int][2]uint64 // node → incarnation, next number
	conns    []oracleConn
	retained []oracleRetained
}

type oracleConn struct {
	conn   replica.Conn
	client string
	will   *replica.Message
}

type oracleRetained struct {
	message *replica.Message
	until   int64 // 0: for ever
}

// apply says what show prints for the transaction.
func (o *oracle) apply(now int64, node int, h replica.Header, cmd replica.Command) string {
	o.now = now
	o.expire()
	last := o.counters[node]
	var effects string
	switch {
	case h.Incarnation < last[0] || h.Incarnation > last[0] && h.Number != 0:
		return "ignored\n"
	case h.Incarnation == last[0] && h.Number != last[1]:
		return "ignored\n"
	case h.Incarnation > last[0]:
		for {
			oldest := -1
			for i, c := range o.conns {
				if c.conn.Node == node && (oldest < 0 || c.conn.Number < o.conns[oldest].conn.Number) {
					oldest = i
				}
			}
			if oldest < 0 {
				break
			}
			effects += o.end(oldest, "ended", true)
		}
	}
	o.counters[node] = [2]uint64{h.Incarnation, h.Number + 1}
	outcome, more := o.execute(replica.Conn{Node: node, Incarnation: h.Incarnation}, cmd)
	return outcome + "\n" + effects + more
}

func (o *oracle) execute(conn replica.Conn, cmd replica.Command) (outcome, effects string) {
	switch c := cmd.(type) {
	case *replica.Connect:
		conn.Number = c.Connection
		return o.connect(conn, c)
	case *replica.End:
		conn.Number = c.Connection
		if i := o.find(conn); i >= 0 {
			return "applied", o.end(i, "ended", c.PublishWill)
		}
	case *replica.Publish:
		conn.Number = c.Connection
		if i := o.find(conn); i >= 0 {
			if c.Message.Retain && !o.retain(&c.Message) {
				return "full", ""
			}
			return "applied", o.line("deliver", o.conns[i], &c.Message)
		}
	}
	return "stale", ""
}

func (o *oracle) connect(conn replica.Conn, c *replica.Connect) (outcome, effects string) {
	live := 0
	for _, other := range o.conns {
		if other.conn == conn {
			return "invalid", ""
		}
		if other.conn.Node == conn.Node {
			live++
		}
	}
	if live == scriptLimits.Connections {
		return "full", ""
	}
	for i, other := range o.conns {
		if other.client == c.ClientID {
			effects = o.end(i, "superseded", true)
			break
		}
	}
	fresh := oracleConn{conn, c.ClientID, c.Will}
	o.conns = append(o.conns, fresh)
	return "applied", effects + o.line("connected", fresh, nil)
}

func (o *oracle) find(conn replica.Conn) int {
	for i, c := range o.conns {
		if c.conn == conn {
			return i
		}
	}
	return -1
}

func (o *oracle) end(i int, how string, will bool) string {
	c := o.conns[i]
	o.conns = append(o.conns[:i:i], o.conns[i+1:]...)
	effects := o.line(how, c, nil)
	if will && c.will != nil {
		if c.will.Retain {
			o.retain(c.will)
		}
		effects += o.line("deliver", c, c.will)
	}
	return effects
}

func (o *oracle) line(what string, c oracleConn, m *replica.Message) string {
	s := "  " + what + " " + showConn(c.conn) + " " + c.client
	if m != nil {
		s += " " + showMessage(m)
	}
	return s + "\n"
}

func (o *oracle) retain(m *replica.Message) bool {
	var others []oracleRetained
	for _, r := range o.retained {
		if r.message.Topic != m.Topic {
			others = append(others, r)
		}
	}
	if len(m.Payload) > 0 {
		if len(others) == scriptLimits.Retained {
			return false
		}
		r := oracleRetained{message: m}
		if m.HasExpiry {
			r.until = o.now + int64(m.Expiry)*second
		}
		others = append(others, r)
	}
	o.retained = others
	return true
}

func (o *oracle) expire() {
	var kept []oracleRetained
	for _, r := range o.retained {
		if r.until == 0 || r.until > o.now {
			kept = append(kept, r)
		}
	}
	o.retained = kept
}

func (o *oracle) retainedMessages() string {
	var lines []string
	for _, r := range o.retained {
		lines = append(lines, showMessage(r.message)+"\n")
	}
	sort.Strings(lines)
	return strings.Join(lines, "")
}

func drawMessage(t *rapid.T) replica.Message {
	return replica.Message{
		Topic:     rapid.SampledFrom([]string{"a", "a/b", "a/c", "b", "b/c", "d"}).Draw(t, "topic"),
		Payload:   []byte(rapid.SampledFrom([]string{"", "x", "y"}).Draw(t, "payload")),
		Retain:    rapid.Bool().Draw(t, "retain"),
		HasExpiry: rapid.Bool().Draw(t, "has expiry"),
		Expiry:    uint32(rapid.IntRange(0, 3).Draw(t, "expiry")),
	}
}

func drawCommand(t *rapid.T) replica.Command {
	connection := uint64(rapid.IntRange(1, 5).Draw(t, "connection"))
	switch rapid.IntRange(0, 3).Draw(t, "kind") {
	case 0:
		c := &replica.Connect{
			Connection: connection,
			ClientID:   rapid.SampledFrom([]string{"alice", "bob", "carol"}).Draw(t, "client"),
		}
		if rapid.Bool().Draw(t, "has will") {
			will := drawMessage(t)
			c.Will = &will
		}
		return c
	case 1:
		return &replica.End{Connection: connection, PublishWill: rapid.Bool().Draw(t, "publish will")}
	default:
		return &replica.Publish{Connection: connection, Message: drawMessage(t)}
	}
}

// drawHeader draws the header of a node's transaction: mostly the next one, sometimes any other.
func drawHeader(t *rapid.T, last [2]uint64) replica.Header {
	h := replica.Header{Incarnation: max(last[0], 1), Number: last[1]}
	switch rapid.IntRange(0, 9).Draw(t, "header") {
	case 0:
		h.Number = uint64(rapid.IntRange(0, 3).Draw(t, "number"))
	case 1:
		h = replica.Header{Incarnation: uint64(rapid.IntRange(1, 9).Draw(t, "incarnation"))}
	}
	return h
}

// TestLikeTheOracle feeds random transactions to two machines and the oracle: all say the same, and the machines'
// digests agree all along.
func TestLikeTheOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := replica.New(3, scriptLimits), replica.New(3, scriptLimits)
		o := &oracle{counters: map[int][2]uint64{}}
		now := int64(1)
		var res replica.Result
		for i := range rapid.IntRange(1, 60).Draw(t, "transactions") {
			now += int64(rapid.IntRange(0, 1).Draw(t, "seconds"))*second + 1000
			node := rapid.IntRange(0, 2).Draw(t, "node")
			h := drawHeader(t, o.counters[node])
			cmd := drawCommand(t)
			tx := cmd.Append(h.Append(nil))
			want := o.apply(now, node, h, cmd)
			a.Apply(now, node, tx, &res)
			if got := show(&res); got != want {
				t.Fatalf("transaction %d:\ngot:\n%swant:\n%s", i+1, got, want)
			}
			b.Apply(now, node, append([]byte(nil), tx...), &res)
			if a.Digest() != b.Digest() {
				t.Fatalf("transaction %d: digests differ", i+1)
			}
			if got, want := sortedLines(retainedOf(a, "#")), o.retainedMessages(); got != want {
				t.Fatalf("transaction %d: retained\n%swant\n%s", i+1, got, want)
			}
			if c := a.Counts(); c.Connections != len(o.conns) || c.Retained != len(o.retained) {
				t.Fatalf("transaction %d: counts %+v", i+1, c)
			}
		}
	})
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
