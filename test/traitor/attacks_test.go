package traitor

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"io"
	"slices"
	"time"

	"github.com/foxmq/foxmq/internal/event"
)

// attacks are the ways to break the rules that are tried, by what they are floods of, or lies about. Those that cost the
// traitor no less than the nodes make themselves felt on a machine that it has for itself only: that it is read slowly then
// is for the tests of internal/node to show, in virtual time.
var attacks = map[string]attack{
	"garbage":                              {run: once(frame([]byte{0xff, 1, 2, 3})), told: []string{"peer_malformed_total"}, cut: true},
	"oversize frames":                      {run: once([]byte{0xff, 0xff, 0xff, 0xff}), told: []string{"peer_malformed_total"}, cut: true},
	"claimed lengths":                      {run: claimLengths},
	"forged events":                        {run: forge, told: []string{"peer_breaches_total", "node_peer_bad_signatures_total"}, cut: true},
	"votes of others":                      {run: voteForOthers, told: []string{"peer_breaches_total", "node_peer_bad_signatures_total"}, cut: true},
	"own votes":                            {run: vote},
	"empty messages":                       {run: sayNothing, told: []string{"node_peer_slowed_seconds"}},
	"questions":                            {run: ask, told: []string{"node_peer_handed_again_bytes_total", "node_peer_slowed_seconds"}},
	"questions whose answers are not read": {run: askAndNotRead, told: []string{"node_peer_handed_bytes_total"}},
	"tips of what there is not":            {run: lieAboutTips},
	"events of far-off rounds":             {run: lieAboutRounds},
	"forks":                                {run: fork, told: []string{"node_peer_forks_total"}},
	"replays":                              {run: replay},
	"connections":                          {run: leave, told: []string{"peer_crowdings_total"}, cut: true},
	"requests":                             {run: request, told: []string{"peer_requests_refused_total", "peer_requests_delayed_total"}},
}

// once says something and waits for what comes of it.
func once(b []byte) func(*line) error {
	return func(l *line) error {
		if err := l.write(b); err != nil {
			return err
		}
		l.listen()
		return nil
	}
}

// flood says one message after the other, and hears what the node says meanwhile.
func (l *line) flood(next func() *event.Message) error {
	go l.listen()
	for {
		if m := next(); m == nil {
			time.Sleep(time.Millisecond) // until something is heard
		} else if err := l.say(m); err != nil {
			return err
		}
	}
}

// claimLengths begins a message of the largest size, and brings as much of it as keeps the node waiting.
func claimLengths(l *line) error {
	go l.listen()
	claim := binary.BigEndian.AppendUint32(nil, event.MaxMessage)
	for ; ; time.Sleep(time.Millisecond) {
		if err := l.write(claim); err != nil {
			return err
		}
		claim = claim[:1]
	}
}

// forge makes events in the name of another.
func forge(l *line) error {
	e := &event.Event{Creator: 0, Seq: 1, BirthRound: 1}
	if err := e.Seal(l.book.Domain()); err != nil {
		return err
	}
	rand.Read(e.Signature[:])
	return l.flood(func() *event.Message { return &event.Message{Events: []*event.Event{e}} })
}

// signed returns a vote of the traitor.
func (m *traitor) signed(round uint64) event.Vote {
	v := event.Vote{Creator: self, Round: round, Digest: [32]byte{1}}
	if v.Sign(m.key, m.book.Domain()) != nil {
		panic("not a vote")
	}
	return v
}

func voteForOthers(l *line) error {
	v := l.signed(64)
	v.Creator = 1
	return l.flood(func() *event.Message { return &event.Message{Votes: []event.Vote{v}} })
}

// vote votes on rounds that are far off, more than a node keeps votes on.
func vote(l *line) error {
	said := make([]event.Message, 8)
	for i := range said {
		for k := range event.MaxMessageVotes {
			said[i].Votes = append(said[i].Votes, l.signed(1<<40+64*uint64(i*event.MaxMessageVotes+k)))
		}
	}
	next := 0
	return l.flood(func() *event.Message {
		next++
		return &said[next%len(said)]
	})
}

// sayNothing says it a hundred times with one packet.
func sayNothing(l *line) error {
	go l.listen()
	for nothing := bytes.Repeat(frame((&event.Message{Boot: true}).Append(nil)), 100); ; {
		if err := l.write(nothing); err != nil {
			return err
		}
	}
}

// ids returns what the traitor has heard of.
func (m *traitor) ids() []event.ID {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.known)
}

func (m *traitor) question() *event.Message {
	if ids := m.ids(); len(ids) > 0 {
		return &event.Message{Want: ids}
	}
	return nil
}

func ask(l *line) error { return l.flood(l.question) }

// askAndNotRead reads until there is something to ask for.
func askAndNotRead(l *line) error {
	for len(l.ids()) < 20 {
		body, err := l.hear()
		if err != nil {
			return err
		}
		if said, err := event.DecodeMessage(body, l.book.Domain()); err == nil && len(said.Events) > 0 {
			l.remember(body, said.Events)
		}
	}
	for {
		if err := l.say(l.question()); err != nil {
			return err
		}
	}
}

// anything returns the id of no event.
func anything() (id event.ID) {
	rand.Read(id[:])
	return id
}

func lieAboutTips(l *line) error {
	return l.flood(func() *event.Message {
		m := &event.Message{}
		for i := range event.MaxMessageIDs {
			m.Tips = append(m.Tips, event.Tip{Creator: i % 4, Seq: 1 << 40, ID: anything()})
		}
		return m
	})
}

func lieAboutRounds(l *line) error {
	return l.flood(func() *event.Message {
		m := &event.Message{}
		for range 64 {
			parent := event.Parent{Creator: self, Seq: 1 << 40, BirthRound: 1 << 40, ID: anything()}
			e := &event.Event{Seq: 1<<40 + 1, BirthRound: 1 << 40, Parents: []event.Parent{parent}}
			m.Events = append(m.Events, l.event(e))
		}
		return m
	})
}

// fork makes many first events, each on the newest event of another that it has heard of.
func fork(l *line) error {
	count := int64(0)
	return l.flood(func() *event.Message {
		l.mu.Lock()
		last := l.latest[0]
		l.mu.Unlock()
		if last == nil {
			return nil
		}
		m := &event.Message{}
		for range 64 {
			count++
			parent := event.Parent{Creator: last.Creator, Seq: last.Seq, BirthRound: last.BirthRound, ID: last.ID()}
			e := &event.Event{Seq: 1, BirthRound: last.BirthRound, Time: count, Parents: []event.Parent{parent}}
			m.Events = append(m.Events, l.event(e))
		}
		return m
	})
}

// replay says what the nodes have said, over and over.
func replay(l *line) error {
	go l.listen()
	for {
		l.mu.Lock()
		all := bytes.Join(l.frames, nil)
		l.mu.Unlock()
		if len(all) == 0 {
			time.Sleep(time.Millisecond)
		} else if err := l.write(all); err != nil {
			return err
		}
	}
}

// leave is gone as soon as it has come.
func leave(*line) error { return nil }

// request asks for what there is not, on as many streams as it may have.
func request(l *line) error {
	go l.listen()
	for {
		stream, err := l.conn.OpenStreamSync(l.conn.Context())
		if err != nil {
			return err
		}
		go func() {
			_, _ = stream.Write(frame([]byte("anything?")))
			_ = stream.Close()
			_, _ = io.Copy(io.Discard, stream)
		}()
	}
}
