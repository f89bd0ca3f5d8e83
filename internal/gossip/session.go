package gossip

import (
	"bufio"
	"errors"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/foxmq/foxmq/internal/event"
)

// Sizes of the buffers of one session, in bytes.
const (
	readBuffer = 32 << 10
	// batchSize is how much goes into one write. A frame that is larger goes alone, and is not copied.
	batchSize = 32 << 10
)

// ending is how a link ended, as the dialler wants to know it.
type ending int

const (
	endedEarly  ending = iota // before it had lasted long enough to count as a success
	endedLate                 // after a time of use
	endedBlamed               // a side found that the other breaks the protocol
)

// steady is how long a link must last for the dialler to begin anew with short pauses.
const steady = time.Second

// session uses the present link until it ends, and tells the handler of its beginning, its messages and its end.
func (p *peer) session() {
	l, q := p.begin()
	if l == nil {
		return
	}
	p.connects.Add(1)
	p.notices.comes.info(p.log, "peer connected", zap.Stringer("remote_addr", l.conn.RemoteAddr()),
		zap.Bool("dialled", l.dialler == p.t.cfg.Self))
	p.t.cfg.Handler.Connected(p.index)

	var others sync.WaitGroup
	others.Go(func() { p.send(l, q) })
	others.Go(func() { p.attend(l) })
	err := p.receive(l)
	how := p.judge(l, err)
	p.end(l)
	others.Wait()

	p.notices.goes.info(p.log, "peer disconnected", zap.NamedError("reason", err))
	p.t.cfg.Handler.Disconnected(p.index)
	select {
	case <-p.lost: // nobody has asked for the ending before this one
	default:
	}
	p.lost <- how
}

// begin makes the present link the one that push feeds.
func (p *peer) begin() (*link, *queue) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.link == nil {
		return nil, nil
	}
	p.queue = newQueue(p.t.cfg.QueueMessages, p.t.cfg.QueueBytes)
	return p.link, p.queue
}

// end closes the link, if it is not closed, and forgets it, unless another has taken its place.
func (p *peer) end(l *link) {
	l.close(codeLost, "stream ended")
	p.mu.Lock()
	defer p.mu.Unlock()
	p.queue = nil
	if p.link == l {
		p.link = nil
	}
}

// receive reads messages and hands them over, until an error ends it.
func (p *peer) receive(l *link) error {
	r := bufio.NewReaderSize(l.stream, readBuffer)
	domain := event.Domain(p.t.book)
	for {
		frame, err := readFrame(r, event.MaxMessage)
		if err != nil {
			return err
		}
		m, err := event.DecodeMessage(frame, domain)
		if err != nil {
			return err
		}
		p.messagesIn.Add(1)
		p.bytesIn.Add(uint64(frameHeader + len(frame)))
		if err = p.t.cfg.Handler.Message(p.index, m); err != nil {
			return &breachError{err}
		}
	}
}

// breachError is why the handler takes a message for none that a correct peer sends.
type breachError struct{ error }

func (e *breachError) Unwrap() error { return e.error }

// judge looks at why receive ended and closes the link with what that deserves.
func (p *peer) judge(l *link, err error) ending {
	var frame *frameError
	var breach *breachError
	switch {
	case errors.As(err, &frame), errors.Is(err, event.ErrMalformed):
		p.convict(err) // first: from the moment that the peer hears of it, it is not let in again
		l.close(codeMalformed, "malformed message")
		return endedBlamed
	case errors.As(err, &breach):
		p.denounce(err)
		l.close(codeMisbehaved, "misbehaviour")
		return endedBlamed
	case convicted(err):
		return endedBlamed
	case blamed(err):
		p.notices.shunsUs.warn(p.log, "peer keeps this node away", zap.Error(err))
		return endedBlamed
	case time.Since(l.since) >= steady:
		return endedLate
	}
	return endedEarly
}

// convict counts and logs that the peer sent what is malformed, and keeps it away for a while.
func (p *peer) convict(err error) {
	p.malformedIn.Add(1)
	p.notices.malformed.warn(p.log, "malformed message from peer", zap.Error(err), zap.Duration("penalty", p.shun()))
}

// denounce does the same for a message that is well-formed, and yet none that a correct peer sends.
func (p *peer) denounce(err error) {
	p.breaches.Add(1)
	p.notices.breach.warn(p.log, "peer misbehaves", zap.Error(err), zap.Duration("penalty", p.shun()))
}

// send encodes and writes what is queued until the link ends.
func (p *peer) send(l *link, q *queue) {
	var pending []*outgoing
	var buffer []byte
	for {
		select {
		case <-l.conn.Context().Done():
			return
		case <-q.ready:
		}
		pending = q.take(pending[:0], batchSize)
		for len(pending) > 0 {
			if err := p.write(l, pending, &buffer); err != nil {
				l.close(codeLost, "stream broke")
				return
			}
			clear(pending)
			pending = q.take(pending[:0], batchSize)
		}
	}
}

// write writes the messages' frames with one call, joined in the buffer if they are several. Those that are too
// large to be read by the peer are dropped.
func (p *peer) write(l *link, messages []*outgoing, buffer *[]byte) error {
	joined, count := (*buffer)[:0], uint64(0)
	for _, o := range messages {
		frame := o.encoded()
		switch {
		case len(frame) > frameHeader+event.MaxMessage:
			p.dropped.Add(1)
			p.notices.oversized.warn(p.log, "message is too large to send", zap.Int("bytes", len(frame)))
			continue
		case len(messages) == 1:
			joined = frame
		default:
			joined = append(joined, frame...)
			*buffer = joined
		}
		count++
	}
	n, err := l.stream.Write(joined)
	p.bytesOut.Add(uint64(n))
	if err == nil {
		p.messagesOut.Add(count)
	}
	return err
}
