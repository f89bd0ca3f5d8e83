package node

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/foxmq/foxmq/internal/event"
)

// ballotsOf has members vote on round 32: each letter is what one of them says, a dot that it says nothing. The first is
// this node.
func ballotsOf(says string) *ballots {
	b := newBallots(0, len(says))
	for i, letter := range says {
		if letter != '.' {
			b.add(event.Vote{Creator: i, Round: 32, Digest: [sha256.Size]byte{byte(letter)}})
		}
	}
	return b
}

// TestVerdict shows when a node takes itself to be wrong: f others that lie never bring it there, and no more than one
// that is correct among those who say the same is needed.
func TestVerdict(t *testing.T) {
	for says, want := range map[string]verdict{
		"A":       agreed,
		"A...":    agreed,
		"AAAA":    agreed,
		".BBB":    agreed, // it says nothing itself
		"AB..":    disputed,
		"ABCD":    disputed,
		"AABB":    disputed, // more are to say the other thing
		"ABB.":    outvoted,
		"ABBC":    outvoted,
		"ABBB":    outvoted,
		"AAAB":    disputed,
		"ABB....": disputed, // both may lie
		"ABBB...": outvoted,
		"AAABBB.": disputed,
		"AAABBBB": outvoted,
		"AB":      disputed, // nobody knows who of two is wrong
		"ABB":     outvoted,
	} {
		if got := ballotsOf(says).judge(32); got != want {
			t.Errorf("%s: verdict %d, want %d", says, got, want)
		}
	}
	if got := ballotsOf("ABBB").judge(64); got != agreed {
		t.Errorf("votes on another round count: verdict %d", got)
	}
}

func TestCertificateTakesASupermajorityOrAllOthers(t *testing.T) {
	for says, want := range map[string]int{
		"AAA.": 3, ".AAA": 3, "AAAA": 4, "AA..": 0, "AABB": 0, "AAAB": 3, "AAAAB..": 0, "AAAAAB.": 5, "AAAA..": 0, "AAAAA.": 5,
		"A": 1, ".A": 1, "A.": 1, "AA": 2, "AB": 1, "A..": 0, ".AA": 2, "AAB": 2, "AAA": 3, // a lost one cannot vote
	} {
		votes := ballotsOf(says).certificate(32, [sha256.Size]byte{'A'})
		if len(votes) != want {
			t.Errorf("%s: %d votes certify, want %d", says, len(votes), want)
		}
	}
}

// full is a transport on which messages to the first peer are lost for as long as it is told to.
type full struct {
	Transport
	on   bool
	sent []*event.Message // to that peer
}

func (f *full) Send(to int, m *event.Message) bool {
	if to != 1 {
		return true
	}
	if !f.on {
		f.sent = append(f.sent, m)
	}
	return !f.on
}

// TestLostVoteIsSaidAgain: what was lost together with a vote, and the vote, come to the peer none the less.
func TestLostVoteIsSaidAgain(t *testing.T) {
	n := newTestNode(t, 4, nil)
	transport := &full{on: true}
	n.transport = transport
	l := newLoop(n, transport)
	l.open(1, mail{connected: true}, 1)
	l.driver.Ready()
	l.driver.Advance()
	n.vote(32, [sha256.Size]byte{1})
	transport.on = false
	l.hear()
	if len(transport.sent) != 1 || len(transport.sent[0].Votes) != 1 {
		t.Errorf("the peer is sent %v", transport.sent)
	}
	if r := l.driver.Ready(); len(r.Send) != 1 || r.Send[0].To != 1 {
		t.Errorf("the driver has %v to be sent", r.Send)
	}
	l.driver.Advance()
	transport.sent = nil
	if l.hear(); len(transport.sent) > 0 {
		t.Error("it is said once more")
	}
}

// TestBallotsKeepTheLatest: a member that votes without end, or on rounds that are far away, displaces its own votes only.
func TestBallotsKeepTheLatest(t *testing.T) {
	b := newBallots(0, 4)
	b.add(event.Vote{Creator: 1, Round: 32, Digest: [sha256.Size]byte{1}})
	for i := range uint64(10 * votesKept) {
		b.add(event.Vote{Creator: 2, Round: (i * 7919 % 1000) * 32})
	}
	if n := len(b.votes[2]); n != votesKept {
		t.Errorf("%d votes of one member are kept, want %d", n, votesKept)
	}
	for i := 1; i < votesKept; i++ {
		if b.votes[2][i-1].Round >= b.votes[2][i].Round {
			t.Fatalf("votes out of order: %d, %d", b.votes[2][i-1].Round, b.votes[2][i].Round)
		}
	}
	if len(b.votes[1]) != 1 {
		t.Error("another member's vote has gone")
	}
}

// TestVoteIsReplaced: a member that has fetched its state anew says something else than before.
func TestVoteIsReplaced(t *testing.T) {
	b := ballotsOf("AAB.")
	v := event.Vote{Creator: 2, Round: 32, Digest: [sha256.Size]byte{'A'}}
	if b.has(&v) {
		t.Error("it is known before it was cast")
	}
	b.add(v)
	if !b.has(&v) || b.judge(32) != agreed || len(b.certificate(32, v.Digest)) != 3 {
		t.Errorf("the old vote counts still: %v", fmt.Sprint(b.votes[2]))
	}
}

// TestOutvotedNodeSaysWhere: a node that is outvoted ends, and says how far it had applied the stream, if it had.
func TestOutvotedNodeSaysWhere(t *testing.T) {
	for index, want := range map[uint64]string{0: "round 32", 7: "round 32, at or before index 7"} {
		n := &Node{ballots: ballotsOf("ABBB"), fatal: make(chan error, 1)}
		n.applied.Store(index)
		n.compare(32)
		if err := <-n.fatal; !errors.Is(err, ErrDiverged) || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("at index %d it ends with: %v", index, err)
		}
	}
}
