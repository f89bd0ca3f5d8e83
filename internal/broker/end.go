package broker

import (
	"errors"
	"io"
	"os"
	"time"

	"github.com/foxmq/foxmq/internal/mqtt"
	"github.com/foxmq/foxmq/internal/replica"
)

const (
	// goodbyeTimeout is how long the last packets may take to leave.
	goodbyeTimeout = 2 * time.Second
	// linger is how long we read on after our last packet. A socket that is closed with unread bytes in it resets
	// the connection, and the client may never see why.
	linger = time.Second
	// lingerBytes bounds what is read meanwhile.
	lingerBytes = 1 << 20
)

// How a client can end the connection.
var (
	errDisconnect = errors.New("client disconnected")
	errKeepWill   = errors.New("client disconnected and wants its will published")
)

// close begins the end of the connection: an MQTT 5 client that is connected gets a DISCONNECT with the reason code,
// if that is not 0. It never waits. Of several calls the first counts, and it alone returns true.
func (c *client) close(reason mqtt.ReasonCode) bool {
	return c.finish(func(dst []byte, p phase) []byte {
		if p == connected && c.version == mqtt.V5 && reason != 0 {
			return (&mqtt.Disconnect{Code: reason}).Append(dst, c.version)
		}
		return dst
	})
}

// finish begins the end of the connection with a last packet, which last appends.
func (c *client) finish(last func(dst []byte, p phase) []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase == closing {
		return false
	}
	c.control = last(c.control, c.phase)
	if c.phase == connected {
		c.report()
		c.unsent = c.session.Unsent()
		c.abandon(c.session)
	}
	c.phase = closing
	c.session = nil
	c.cancel()
	c.conn.SetReadDeadline(time.Unix(0, 1))
	c.conn.SetWriteDeadline(time.Now().Add(goodbyeTimeout))
	c.wakeWriter()
	c.change.Broadcast()
	return true
}

// end is the last thing a reader does. It returns when no other goroutine knows the client. The stream, which may be
// full, does not wait for the socket, and the socket for the stream only as awaitOrder says. The stream is told before
// anything else that may take a moment: a client that says goodbye and connects again at once must not find itself taken
// over, and its will published [MQTT-3.14.4-3].
func (c *client) end(err error) {
	c.close(c.reason(err))
	saidSo := errors.Is(err, errDisconnect) || errors.Is(err, errKeepWill)
	c.helpers.Go(func() { c.hangUp(saidSo) })
	if !c.announceEnd(willGoes(err)) && c.mortal {
		close(c.goodbye.applied)
	}
	close(c.ended)
	c.broker.forget(c)
	c.helpers.Wait()
}

// willGoes tells whether the will does after a connection that ended so. A client that was refused has none.
func willGoes(err error) bool { return !errors.Is(err, errDisconnect) && !errors.Is(err, errRefused) }

// hangUp closes the socket when the last packets are out.
func (c *client) hangUp(saidSo bool) {
	c.mu.Lock()
	for c.writing {
		c.change.Wait()
	}
	c.mu.Unlock()
	if saidSo {
		c.awaitOrder()
	}
	c.lingerOn()
	c.conn.Close()
}

// reason is what a client is told about the error that ended its connection, and counts it.
func (c *client) reason(err error) mqtt.ReasonCode {
	counters := &c.broker.counters
	var protocol *mqtt.Error
	switch {
	case errors.Is(err, errUnavailable):
		return mqtt.ServerBusy
	case errors.Is(err, errTooFast):
		counters.tooFast.Add(1)
		return mqtt.MessageRateTooHigh
	case errors.As(err, &protocol):
		counters.protocol.Add(1)
		return protocol.Code
	case errors.Is(err, os.ErrDeadlineExceeded) && c.ctx.Err() == nil:
		counters.keepAlive.Add(1)
		return mqtt.KeepAliveTimeout
	default:
		return 0
	}
}

// announceEnd tells the cluster that the connection is over, after everything that the client has submitted, and reports
// whether it has to. A CONNECT that nobody else has seen, and nothing followed, is taken back instead.
func (c *client) announceEnd(publishWill bool) bool {
	c.awaitBacklog(0)
	if !c.announced.Load() || c.over.Load() {
		return false
	}
	stream := c.broker.config.Stream
	if !c.input.submitted && stream.Withdraw(c.from, c.connectToken()) {
		return false
	}
	cmd, token := c.farewell(publishWill), replica.Token{}
	if c.mortal {
		token = replica.Token{Owner: c.goodbye, Kind: tokenOther}
	}
	// The only errors of Submit are that the node or the broker stops: then the node's next boot tells the cluster.
	return stream.TrySubmit(c.from, cmd, token) == nil || stream.Submit(c.broker.quit, c.from, cmd, token) == nil
}

// farewell is the end of the connection as the client wants it.
func (c *client) farewell(publishWill bool) *replica.End {
	cmd := &replica.End{Connection: c.number, PublishWill: publishWill}
	if expiry := c.input.lastExpiry; expiry != nil {
		cmd.HasExpiry, cmd.Expiry = true, *expiry
	}
	c.mu.Lock()
	cmd.HasUnsent, cmd.Unsent = c.lasting, c.unsent
	c.mu.Unlock()
	return cmd
}

// lingerOn lets the client read our last packet before the socket goes.
func (c *client) lingerOn() {
	half, ok := c.conn.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	c.conn.SetReadDeadline(time.Now().Add(linger))
	_, _ = io.Copy(io.Discard, io.LimitReader(c.conn, lingerBytes))
}
