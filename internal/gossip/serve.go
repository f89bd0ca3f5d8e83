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

// How many requests are under way at a time: of one peer, and of all together.
const (
	peerRequests = 2
	allRequests  = 4
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
			p.attendTo(l, stream)
		})
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
	if err = p.t.serveRequest(p.index, request, r); err == nil {
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
func (t *Transport) serveRequest(peer int, request []byte, r *reply) error {
	if t.cfg.Server == nil {
		return errNoServer
	}
	select {
	case t.serving <- struct{}{}:
	default:
		return errBusy
	}
	defer func() { <-t.serving }()
	return t.cfg.Server.Serve(r.stream.Context(), peer, request, r.buffer)
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
