package gossip

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/quic-go/quic-go"
	"go.uber.org/zap"
)

// How many requests are under way at a time: of one peer, and, beside the first of each, of all together. So none who asks
// much keeps another from asking at all.
const (
	peerRequests = 2
	moreRequests = 2
)

// How often a peer may ask: more often than one that catches up does. Beyond it, it is heard later.
const (
	requestBurst     = 32
	requestPerSecond = 4
)

// serveChunk is how much of an answer is written with one call, in bytes.
const serveChunk = 64 << 10

// errRequest is wrapped by errors about a request that is none.
var errRequest = errors.New("malformed request")

// Why a request is not handed to the server.
var (
	errNoServer = errors.New("nothing is served")
	errBusy     = errors.New("busy with other requests")
)

// attend answers the requests that come on a link until the link ends.
func (p *peer) attend(l *link) {
	var requests sync.WaitGroup
	defer requests.Wait()
	// The peer may open a stream as soon as one has ended for QUIC, which may be before its server has noticed.
	slots := make(chan struct{}, peerRequests)
	for {
		select {
		case slots <- struct{}{}:
		case <-l.conn.Context().Done():
			return
		}
		stream, err := l.conn.AcceptStream(l.conn.Context())
		if err != nil {
			return
		}
		requests.Go(func() {
			defer func() { <-slots }()
			if p.mayAsk(l) {
				p.attendTo(l, stream)
			}
		})
	}
}

// mayAsk waits until the peer may ask once more, and reports whether the link is there still.
func (p *peer) mayAsk(l *link) bool {
	delayed := false
	for {
		p.mu.Lock()
		ok := p.asks.take(time.Now(), requestBurst, requestPerSecond)
		p.mu.Unlock()
		if ok {
			return true
		}
		if !delayed {
			delayed = true
			p.requestsDelayed.Add(1)
		}
		timer := time.NewTimer(time.Second / requestPerSecond)
		select {
		case <-timer.C:
		case <-l.conn.Context().Done():
			timer.Stop()
			return false
		}
	}
}

// attendTo hears a request, has it answered, and leaves neither direction of the stream open.
func (p *peer) attendTo(l *link, stream *quic.Stream) {
	_ = stream.SetReadDeadline(time.Now().Add(p.t.cfg.HandshakeTimeout))
	request, err := readRequest(stream)
	stream.CancelRead(streamUnwanted)
	switch {
	case errors.Is(err, errRequest):
		p.convict(err)
		l.close(codeMalformed, "malformed request")
		return
	case err != nil:
		p.log.Debug("no request on its stream", zap.Error(err))
		stream.CancelWrite(streamLate)
		return
	}
	r := newReply(p, stream)
	if err = p.serveRequest(request, r); err == nil {
		err = r.finish()
	}
	if err != nil {
		p.log.Debug("request not answered", zap.Error(err))
		p.requestsRefused.Add(1)
		r.refuse(err)
		return
	}
	p.requestsServed.Add(1)
}

// readRequest reads a request, behind which the stream must end. Its error wraps errRequest if what was read is none.
func readRequest(r io.Reader) ([]byte, error) {
	request, err := readFrame(r, MaxRequest)
	var frame *frameError
	switch {
	case errors.As(err, &frame), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, fmt.Errorf("%w: %w", errRequest, err)
	case err != nil:
		return nil, err
	}
	var more [1]byte
	switch n, err := io.ReadFull(r, more[:]); {
	case n > 0:
		return nil, fmt.Errorf("%w: bytes behind it", errRequest)
	case !errors.Is(err, io.EOF):
		return nil, err
	}
	return request, nil
}

// serveRequest hands the request to the server, if there is one and it has not too much to do.
func (p *peer) serveRequest(request []byte, r *reply) error {
	server := p.t.cfg.Server
	if server == nil {
		return errNoServer
	}
	place := p.place()
	if place == nil {
		return errBusy
	}
	defer func() { <-place }()
	return server.Serve(r.stream.Context(), p.index, request, r.buffer)
}

// place takes a place for a request, and returns where it was taken: nil if there is none.
func (p *peer) place() chan struct{} {
	for _, places := range []chan struct{}{p.serving, p.t.serving} {
		select {
		case places <- struct{}{}:
			return places
		default:
		}
	}
	return nil
}

// reply writes an answer: what the server writes is collected in chunks, which go when the pacer lets them.
type reply struct {
	p      *peer
	stream *quic.Stream
	buffer *bufio.Writer // before Write
	begun  bool          // something has been written to the stream
}

func newReply(p *peer, stream *quic.Stream) *reply {
	r := &reply{p: p, stream: stream}
	r.buffer = bufio.NewWriterSize(r, serveChunk)
	_ = r.buffer.WriteByte(statusAnswered) // there is room for it
	return r
}

// Write writes to the stream. It fails when the peer reads nothing for too long.
func (r *reply) Write(b []byte) (n int, err error) {
	for n < len(b) && err == nil {
		chunk := b[n:min(len(b), n+serveChunk)]
		if err = r.p.t.pacer.wait(r.stream.Context(), len(chunk)); err != nil {
			break
		}
		r.begun = true
		_ = r.stream.SetWriteDeadline(time.Now().Add(r.p.t.cfg.StallTimeout))
		var written int
		written, err = r.stream.Write(chunk)
		n += written
		r.p.bytesServed.Add(uint64(written))
	}
	return n, err
}

// finish writes the rest of the answer and its end.
func (r *reply) finish() error {
	if err := r.buffer.Flush(); err != nil {
		return err
	}
	return r.stream.Close()
}

// refuse tells the peer the reason why there is no answer, or breaks off the answer that has begun.
func (r *reply) refuse(reason error) {
	if !r.begun {
		text := reason.Error()
		_, err := r.Write(append([]byte{statusRefused}, text[:min(len(text), maxRefusal)]...))
		if err == nil && r.stream.Close() == nil {
			return
		}
	}
	r.stream.CancelWrite(streamBroken)
}
