package replica_test

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/foxmq/foxmq/internal/replica"
)

const second = 1_000_000_000

// scriptLimits are the limits of the scripts' and the oracle's machines: low, so that they are met.
var scriptLimits = replica.Limits{Connections: 3, Retained: 4, RetainedBytes: 1 << 20}

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
	if words[0] == "retained" {
		return retainedOf(s.machine, words[1])
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
	if len(words) < 3 {
		return node, append(tx, 0xff)
	}
	connection, err := strconv.ParseUint(words[2], 10, 64)
	if err != nil {
		panic(err)
	}
	var cmd replica.Command
	switch rest := words[3:]; words[1] {
	case "connect":
		c := &replica.Connect{Connection: connection, ClientID: rest[0]}
		if len(rest) > 1 {
			will := parseMessage(strings.TrimPrefix(rest[1], "will="))
			c.Will = &will
		}
		cmd = c
	case "end":
		cmd = &replica.End{Connection: connection, PublishWill: len(rest) > 0}
	case "publish":
		cmd = &replica.Publish{Connection: connection, Message: parseMessage(rest[0])}
	}
	return node, cmd.Append(tx)
}

// parseMessage reads topic:payload[:retain][:expiry=seconds].
func parseMessage(s string) replica.Message {
	parts := strings.Split(s, ":")
	m := replica.Message{Topic: parts[0], Payload: []byte(parts[1])}
	for _, p := range parts[2:] {
		if p == "retain" {
			m.Retain = true
			continue
		}
		seconds, err := strconv.Atoi(strings.TrimPrefix(p, "expiry="))
		if err != nil {
			panic(err)
		}
		m.HasExpiry, m.Expiry = true, uint32(seconds)
	}
	return m
}

func showMessage(m *replica.Message) string {
	s := m.Topic + ":" + string(m.Payload)
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
		replica.Applied: "applied", replica.Stale: "stale", replica.Full: "full",
		replica.Invalid: "invalid", replica.Ignored: "ignored",
	}
	kinds = map[replica.Kind]string{
		replica.Deliver: "deliver", replica.Connected: "connected",
		replica.Superseded: "superseded", replica.Ended: "ended",
	}
)

// show prints a result: the outcome, and an indented line for each effect.
func show(res *replica.Result) string {
	var b strings.Builder
	fmt.Fprintln(&b, outcomes[res.Outcome])
	for _, e := range res.Effects {
		fmt.Fprintf(&b, "  %s %s %s", kinds[e.Kind], showConn(e.Conn), e.ClientID)
		if e.Message != nil {
			fmt.Fprintf(&b, " %s", showMessage(e.Message))
		}
		b.WriteString("\n")
	}
	return b.String()
}

func showConn(c replica.Conn) string { return fmt.Sprintf("%d@%d/%d", c.Node, c.Incarnation, c.Number) }
