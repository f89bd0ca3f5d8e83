package bench

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/foxmq/foxmq/internal/client"
)

// publisher publishes until it is told to stop.
type publisher struct {
	run    *run
	index  int
	client *client.Client
	topic  string
	gate   *gate
	sent   atomic.Uint64
}

func (p *publisher) publish() {
	defer p.run.active.Add(-1)
	w := p.run.workload
	payload := make([]byte, w.Size)
	start := time.Now()
	for seq := uint64(0); p.gate.enter(seq, p.run.stop); seq++ {
		if w.Rate > 0 {
			p.keepPace(start, seq)
		}
		header{publisher: p.index, seq: seq, sent: p.run.now()}.put(payload)
		p.sent.Store(seq + 1)
		if p.client.PublishAsync(p.topic, payload, w.QoS, p.acknowledged) != nil {
			return // the run hears of it from the client
		}
	}
}

// keepPace waits until message number seq is due. Who is late does not wait, so that the rate holds over time.
func (p *publisher) keepPace(start time.Time, seq uint64) {
	w := p.run.workload
	due := time.Duration(seq) * time.Second * time.Duration(w.Publishers) / time.Duration(w.Rate)
	time.Sleep(due - time.Since(start))
}

// acknowledged is told of each publish at QoS 1 and 2. Of the connection's end the run hears otherwise.
func (p *publisher) acknowledged(err error) {
	if err != nil && !errors.Is(err, client.ErrClosed) {
		p.run.fail("publish: " + err.Error())
	}
}
