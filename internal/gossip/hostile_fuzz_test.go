package gossip

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"go.uber.org/zap"

	"github.com/foxmq/foxmq/internal/event"
	"github.com/foxmq/foxmq/internal/tlsutil"
)

// mirror takes every message, and answers requests with themselves.
type mirror struct{}

func (mirror) Connected(int)                     {}
func (mirror) Disconnected(int)                  {}
func (mirror) Message(int, *event.Message) error { return nil }
func (mirror) Serve(_ context.Context, _ int, request []byte, answer io.Writer) error {
	_, err := answer.Write(request)
	return err
}

// FuzzPeer plays a member with its own key: it shakes hands, says hello, and then what it likes on the stream for messages
// and on one for a request. Whatever that is, the connection ends with the code that it deserves, and the member is let in
// again the next time.
func FuzzPeer(f *testing.F) {
	message := frameOf((&event.Message{Boot: true, Want: []event.ID{{1}}}).Append(nil))
	f.Add([]byte{}, frameOf([]byte("checkpoint")))
	f.Add(message, frameOf([]byte{1}))
	f.Add(append(bytes.Clone(message), message[:7]...), append(frameOf([]byte("more")), 0))
	f.Add([]byte{0, 0, 0, 1, 0xff}, []byte{0, 0, 0, 9, 1})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff}, []byte{0, 1, 0, 1})
	n, members := besieged(f, Config{
		Handler: mirror{}, Server: mirror{}, Penalty: 1, MaxPenalty: 1, HandshakeTimeout: patience, IdleTimeout: patience,
	})
	socket, err := openSocket(f.Context(), "127.0.0.1:0", zap.NewNop())
	if err != nil {
		f.Fatal(err)
	}
	transport := &quic.Transport{Conn: socket}
	f.Cleanup(func() { transport.Close(); socket.Close() })
	cert, err := tlsutil.Certificate(members[1].key, "intruder")
	if err != nil {
		f.Fatal(err)
	}
	config := tlsutil.Mutual(cert, protocol, func(tlsutil.Peer) error { return nil })
	remote, err := net.ResolveUDPAddr("udp", members[0].addr)
	if err != nil {
		f.Fatal(err)
	}

	instance := uint64(0)
	f.Fuzz(func(t *testing.T, messages, request []byte) {
		want := deserves(messages, request)
		for range hearings {
			instance++
			n.forgive()
			conn, err := transport.Dial(t.Context(), remote, config, &quic.Config{})
			if err != nil {
				t.Fatal(err)
			}
			first := say(t, conn, append(greeting(n, func(h *hello) { h.instance = instance }), messages...))
			if _, err := readHello(first); err == nil {
				ask(t, conn, request)
			}
			_ = first.Close()
			err = endOf(t, conn)
			if reset := new(quic.StatelessResetError); errors.As(err, &reset) {
				continue
			}
			if !closedWith(err, want) {
				t.Errorf("after messages %x and request %x: %v, want code %d", messages, request, err, want)
			}
			return
		}
		t.Errorf("after messages %x and request %x: forgotten %d times, want code %d", messages, request, hearings, want)
	})
}

// hearings is how often the same is said until the node's reason for ending the connection is heard. A process that does
// not run for a few of QUIC's time-outs hears it together with the reset that answers its own last packet, for by then the
// node remembers the connection no more, and either of the two may be looked at first.
const hearings = 10

// forgive lets the peer and others come, and ask, as often as they like.
func (n *node) forgive() {
	p := n.peers[1]
	p.mu.Lock()
	p.arrivals, p.asks, p.shunned = allowance{}, allowance{}, time.Time{}
	p.mu.Unlock()
	n.entrance.mu.Lock()
	n.entrance.general.spent = allowance{}
	n.entrance.mu.Unlock()
}

// ask says a request and waits until there is an answer, or none.
func ask(t *testing.T, conn *quic.Conn, request []byte) {
	stream, err := conn.OpenStream()
	if err != nil {
		return // the connection has ended
	}
	_, _ = stream.Write(request)
	_ = stream.Close()
	_ = stream.SetReadDeadline(time.Now().Add(patience))
	answer, err := io.ReadAll(stream)
	if err == nil && (len(answer) == 0 || !bytes.Equal(answer[1:], request[frameHeader:])) {
		t.Errorf("request %x is answered with %x", request, answer)
	}
}

// deserves returns the code with which the connection is to end.
func deserves(messages, request []byte) quic.ApplicationErrorCode {
	if _, err := readRequest(bytes.NewReader(request)); errors.Is(err, errRequest) {
		return codeMalformed
	}
	for r := bytes.NewReader(messages); ; {
		b, err := readFrame(r, event.MaxMessage)
		var frame *frameError
		if errors.As(err, &frame) {
			return codeMalformed
		} else if err != nil {
			return codeLost
		}
		if _, err = event.DecodeMessage(b, event.Domain{}); err != nil {
			return codeMalformed
		}
	}
}
