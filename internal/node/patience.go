package node

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"
)

// A peer's answer is to keep up with fetchPace, in bytes a second, but for fetchPatience: that is for the answer to begin,
// and for a pause of the peer, its machine or the network. A link of 1 Mbit/s is twice as fast.
const (
	fetchPace     = 64 << 10
	fetchPatience = 10 * time.Second
)

// fetchLimit is how long the first peer that is asked may take in all: one that lies about how much there is could go on
// for days, at that pace.
const fetchLimit = 30 * time.Minute

// Why a peer is left for the next.
var (
	errStalled = errors.New("the peer does not go on")
	errTooLong = errors.New("the peer does not come to an end")
)

// ask sends a request to a peer, whose answer is broken off when it is more than fetchPatience behind fetchPace.
func (n *Node) ask(ctx context.Context, peer int, r request) (*patientReader, error) {
	ctx, cancel := context.WithCancel(ctx)
	p := &patientReader{cancel: cancel, left: fetchPatience}
	p.timer = time.AfterFunc(p.left, func() { p.late.Store(true); cancel() })
	answer, err := n.transport.Request(ctx, peer, r.append(nil))
	p.timer.Stop()
	if err != nil {
		p.close()
		return nil, p.reason(err)
	}
	p.answer = answer
	return p, nil
}

// patientReader is an answer of a peer. The peer's time is used up while it is waited for, and grows with what it brings;
// time that was not used is not kept for later.
type patientReader struct {
	answer io.ReadCloser // nil: there is none
	cancel context.CancelFunc
	timer  *time.Timer   // runs while the peer is waited for, and not while this node is busy with what it read
	late   atomic.Bool   // the timer has cancelled the answer
	left   time.Duration // of the peer's time
}

// Read implements io.Reader.
func (p *patientReader) Read(b []byte) (int, error) {
	start := time.Now()
	p.timer.Reset(p.left)
	n, err := p.answer.Read(b)
	p.timer.Stop()
	p.left = min(fetchPatience, p.left-time.Since(start)+time.Duration(n)*time.Second/fetchPace)
	return n, p.reason(err)
}

// reason returns why the answer ends.
func (p *patientReader) reason(err error) error {
	if err != nil && p.late.Load() {
		return errStalled
	}
	return err
}

// close wants no more of the answer.
func (p *patientReader) close() {
	p.timer.Stop()
	p.cancel()
	if p.answer != nil {
		_ = p.answer.Close() // nothing more is read
	}
}
