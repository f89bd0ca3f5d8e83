package replica_test

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/foxmq/foxmq/internal/replica"
)

const second = 1_000_000_000

// scriptLimits are the limits of the scripts' and the oracle's machines: low, so that they are met.
var scriptLimits = replica.Limits{
	Connections: 3, Retained: 4, RetainedBytes: 1 << 20,
	Sessions: 3, SessionBytes: 1 << 20, SessionSubscriptions: 3, SubscriptionBytes: 1 << 20,
	Queue: 4, QueueBytes: 1 << 20, Queued: 1000, QueuedBytes: 1 << 20, Bans: 2,
}

// TestScripts runs testdata's scripts: each line that starts with > is done, and the lines behind it are what it
// must print.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) { runScript(t, file) })
	}
}

func runScript(t *testing.T, file string) {
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s := script{machine: replica.New(4, scriptLimits)}
	var line, got, want string
	compare := func() {
		if got != want {
			t.Errorf("%s\ngot:\n%swant:\n%s", line, got, want)
		}
	}
	for in := bufio.NewScanner(f); in.Scan(); {
		text := in.Text()
		switch {
		case text == "" || strings.HasPrefix(text, "# "):
		case strings.HasPrefix(text, "> "):
			compare()
			line, got, want = text, s.do(strings.Fields(text[2:])), ""
		default:
			want += text + "\n"
		}
	}
	compare()
}

// script is a machine and the consensus time, which goes on by a second with each transaction.
type script struct {
	machine *replica.Machine
	now     int64
}

func (s *script) do(words []string) string {
	switch words[0] {
	case "retained":
		return retainedOf(s.machine, words[1])
	case "suspected":
		return fmt.Sprintln(s.machine.Suspected(number(words[1])))
	case "wait":
		s.now += int64(number(words[1])) * second
		return ""
	case "deadline":
		at, node, ok := s.machine.Deadline()
		if !ok {
			return "none\n"
		}
		return fmt.Sprintf("in %d s at node %d\n", (at-s.now)/second, node)
	}
	node, tx := parseTransaction(words)
	s.now += second
	var res replica.Result
	s.machine.Apply(s.now, node, tx, &res)
	return show(&res)
}

// retainedOf prints the retained messages that match the filter.
func retainedOf(m *replica.Machine, filter string) string {
	var b strings.Builder
	for after, more := "", true; more; {
		more = false
		m.Retained(filter, after, func(r replica.Retained) bool {
			fmt.Fprintln(&b, showMessage(r.Message))
			after, more = r.Message.Topic, true
			return len(after)%2 == 0 // stop now and then, and go on from there
		})
	}
	return b.String()
}

// parseTransaction reads node@incarnation#number command argument…
func parseTransaction(words []string) (node int, tx []byte) {
	var h replica.Header
	if _, err := fmt.Sscanf(words[0], "%d@%d#%d", &node, &h.Incarnation, &h.Number); err != nil {
		return 0, nil
	}
	tx = h.Append(nil)
	if words[1] == "nonsense" {
		return node, append(tx, 0xff)
	}
	return node, parseCommand(words[1], words[2:]).Append(tx)
}

// parseCommand reads what follows a command's name: most begin with the number of a connection.
func parseCommand(name string, words []string) replica.Command {
	switch name {
	case "tick":
		return &replica.Tick{}
	case "ban":
		return parseBan(words)
	case "suspect", "trust":
		s := &replica.Suspect{Withdraw: name == "trust"}
		if _, err := fmt.Sscanf(words[0], "%d@%d", &s.Member, &s.Incarnation); err != nil {
			panic(err)
		}
		return s
	case "unban":
		return &replica.Unban{Target: parseTarget(words)}
	}
	connection := uint64(number(words[0]))
	words = words[1:]
	switch name {
	case "connect":
		return parseConnect(connection, words)
	case "end":
		e := &replica.End{Connection: connection}
		for _, word := range words {
			unsent, has := strings.CutPrefix(word, "unsent=")
			switch {
			case word == "will":
				e.PublishWill = true
			case has:
				e.HasUnsent, e.Unsent = true, uint64(number(unsent))
			default:
				e.HasExpiry, e.Expiry = true, seconds(word)
			}
		}
		return e
	case "publish":
		p := &replica.Publish{Connection: connection, Message: parseMessage(words[0])}
		if len(words) > 1 {
			p.PacketID = uint16(number(words[1]))
		}
		return p
	case "release":
		return &replica.Release{Connection: connection, PacketID: uint16(number(words[0]))}
	case "subscribe":
		return parseSubscribe(connection, words)
	case "unsubscribe":
		return &replica.Unsubscribe{Connection: connection, Filters: words}
	case "received":
		return &replica.Ack{Connection: connection, Received: numbers(words)}
	case "done":
		return &replica.Ack{Connection: connection, Done: numbers(words)}
	}
	panic("unknown command " + name)
}

// parseBan reads kind value [for=seconds] [reason].
func parseBan(words []string) *replica.Ban {
	b := &replica.Ban{Target: parseTarget(words)}
	for _, word := range words[2:] {
		if strings.HasPrefix(word, "for=") {
			b.Seconds = seconds(word)
		} else {
			b.Reason = word
		}
	}
	return b
}

func parseTarget(words []string) replica.BanTarget {
	for kind := replica.BanClient; kind <= replica.BanAddress; kind++ {
		if kind.String() == words[0] {
			return replica.BanTarget{Kind: kind, Value: words[1]}
		}
	}
	panic("no kind of ban " + words[0])
}

// parseConnect reads client [clean] [expiry=seconds] [will=message] [delay=seconds].
func parseConnect(connection uint64, words []string) *replica.Connect {
	c := &replica.Connect{Connection: connection, ClientID: words[0]}
	for _, word := range words[1:] {
		switch key, value, _ := strings.Cut(word, "="); key {
		case "clean":
			c.Clean = true
		case "expiry":
			c.Expiry = seconds(word)
		case "delay":
			c.WillDelay = seconds(word)
		case "will":
			will := parseMessage(value)
			c.Will = &will
		}
	}
	return c
}

// parseSubscribe reads filter:option… filter:option… [id=number]. A digit is the QoS.
func parseSubscribe(connection uint64, words []string) *replica.Subscribe {
	c := &replica.Subscribe{Connection: connection}
	for _, word := range words {
		if id, ok := strings.CutPrefix(word, "id="); ok {
			c.ID = uint32(number(id))
			continue
		}
		parts := strings.Split(word, ":")
		s := replica.Subscription{Filter: parts[0]}
		for _, option := range parts[1:] {
			switch option {
			case "nolocal":
				s.NoLocal = true
			case "published":
				s.RetainAsPublished = true
			case "new":
				s.RetainHandling = 1
			case "never":
				s.RetainHandling = 2
			default:
				s.QoS = byte(number(option))
			}
		}
		c.Subscriptions = append(c.Subscriptions, s)
	}
	return c
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		panic(err)
	}
	return n
}

func numbers(words []string) (list []uint64) {
	for _, word := range words {
		list = append(list, uint64(number(word)))
	}
	return list
}

// seconds reads name=seconds or name=never.
func seconds(s string) uint32 {
	_, value, _ := strings.Cut(s, "=")
	if value == "never" {
		return replica.Never
	}
	return uint32(number(value))
}

// parseMessage reads topic:payload[:qos][:retain][:expiry=seconds].
func parseMessage(s string) replica.Message {
	parts := strings.Split(s, ":")
	m := replica.Message{Topic: parts[0], Payload: []byte(parts[1])}
	for _, p := range parts[2:] {
		switch {
		case p == "retain":
			m.Retain = true
		case strings.HasPrefix(p, "expiry="):
			m.HasExpiry, m.Expiry = true, seconds(p)
		default:
			m.QoS = byte(number(p))
		}
	}
	return m
}

func showMessage(m *replica.Message) string {
	s := m.Topic + ":" + string(m.Payload)
	if m.QoS > 0 {
		s += fmt.Sprintf(":%d", m.QoS)
	}
	if m.Retain {
		s += ":retain"
	}
	if m.HasExpiry {
		s += fmt.Sprintf(":expiry=%d", m.Expiry)
	}
	return s
}

var (
	outcomes = map[replica.Outcome]string{
		replica.Applied: "applied", replica.Stale: "stale", replica.Full: "full", replica.Invalid: "invalid",
		replica.Ignored: "ignored", replica.Repeated: "repeated", replica.Unknown: "unknown",
	}
	kinds = map[replica.Kind]string{
		replica.Deliver: "deliver", replica.Connected: "connected", replica.Superseded: "superseded",
		replica.Ended: "ended", replica.Send: "send", replica.Overflow: "overflow",
		replica.Subscribed: "subscribed", replica.Unsubscribed: "unsubscribed",
		replica.Banned: "banned", replica.Unbanned: "unbanned",
	}
)

// show prints a result: the outcome, and an indented line for each effect.
func show(res *replica.Result) string {
	var b strings.Builder
	fmt.Fprintln(&b, outcomes[res.Outcome])
	for _, e := range res.Effects {
		if e.Ban != nil {
			fmt.Fprintf(&b, "  %s %s\n", kinds[e.Kind], showBan(e.Ban))
			continue
		}
		fmt.Fprintf(&b, "  %s %s %s", kinds[e.Kind], showConn(e.Conn), e.ClientID)
		switch {
		case e.Message != nil:
			fmt.Fprintf(&b, " %s", showMessage(e.Message))
		case e.Delivery != nil:
			fmt.Fprintf(&b, " %s", showDelivery(e.Delivery))
		case e.Session != nil:
			b.WriteString(showSession(e.Session))
		}
		for _, code := range e.Codes {
			fmt.Fprintf(&b, " %#02x", byte(code))
		}
		b.WriteString("\n")
	}
	return b.String()
}

// showBan prints the target, until which second it holds, who asked for it by which transaction, and why.
func showBan(b *replica.BanEntry) string {
	until := "for good"
	if b.Until != math.MaxInt64 {
		until = fmt.Sprintf("until %d", b.Until/second)
	}
	return strings.TrimSpace(fmt.Sprintf("%s %s %s by %d at %d %s", b.Kind, b.Value, until, b.Node, b.Index, b.Reason))
}

// showDelivery prints the number, the QoS that it is sent with, what the message was published as, and the rest.
func showDelivery(d *replica.Delivery) string {
	s := fmt.Sprintf("#%d at %d", d.Number, d.QoS)
	if d.QoS == 0 {
		s = "at 0"
	}
	if s += " " + showMessage(d.Message); d.Retain {
		s += " retain"
	}
	if len(d.IDs) > 0 {
		s += fmt.Sprintf(" ids=%v", d.IDs)
	}
	return s
}

// showSession prints what a lasting session brings with it.
func showSession(s *replica.Session) string {
	out := " new"
	if s.Present {
		out = " present"
	}
	out += fmt.Sprintf(" epoch=%d offered=%d next=%d", s.Epoch, s.Offered, s.Next)
	for _, u := range s.Unfinished {
		out += " [" + showDelivery(u.Delivery)
		if u.Received {
			out += " received"
		}
		out += "]"
	}
	if len(s.Unreleased) > 0 {
		out += fmt.Sprintf(" unreleased=%v", s.Unreleased)
	}
	return out
}

func showConn(c replica.Conn) string { return fmt.Sprintf("%d@%d/%d", c.Node, c.Incarnation, c.Number) }
