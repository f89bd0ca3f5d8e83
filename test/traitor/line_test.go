package traitor

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/foxmq/foxmq/internal/addressbook"
	"github.com/foxmq/foxmq/internal/event"
	"github.com/foxmq/foxmq/internal/tlsutil"
	"github.com/foxmq/foxmq/test/cluster"
)

// self is the member that the test plays.
const self = 3

// traitor has the key of a member whose node is gone, and speaks as docs/wire.md says as far as it likes.
type traitor struct {
	book      *addressbook.Book
	key       *ecdsa.PrivateKey
	config    *tls.Config
	transport *quic.Transport
	instance  atomic.Uint64

	mu     sync.Mutex
	frames [][]byte        // messages of the nodes, as they came; guarded by mu
	known  []event.ID      // of their events; guarded by mu
	latest [4]*event.Event // the newest of each member; guarded by mu
}

func newTraitor(t *testing.T, c *cluster.Cluster) *traitor {
	t.Helper()
	book, err := addressbook.Load(filepath.Join(c.Dir(), "address-book.toml"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := addressbook.LoadKey(filepath.Join(c.Dir(), "key_3.pem"))
	if err != nil {
		t.Fatal(err)
	}
	cert, err := tlsutil.Certificate(key, "traitor")
	if err != nil {
		t.Fatal(err)
	}
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &traitor{
		book: book, key: key,
		config:    tlsutil.Mutual(cert, "foxmq-gossip/2", func(tlsutil.Peer) error { return nil }),
		transport: &quic.Transport{Conn: socket},
	}
	t.Cleanup(func() { _ = m.transport.Close(); _ = socket.Close() })
	return m
}

// line is a connection of the traitor with a node, on which both hellos have been said.
type line struct {
	*traitor
	conn   *quic.Conn
	stream *quic.Stream
	in     *bufio.Reader
}

// dial shakes hands with a node, and says nothing.
func (m *traitor) dial(ctx context.Context, node int) (*quic.Conn, error) {
	addr, err := net.ResolveUDPAddr("udp", m.book.Members[node].Addr)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	return m.transport.Dial(ctx, addr, m.config, &quic.Config{KeepAlivePeriod: time.Second})
}

// greet says hello as a node does that has just started, and hears the answer.
func (m *traitor) greet(conn *quic.Conn) (*line, error) {
	stream, err := conn.OpenStream()
	if err != nil {
		return nil, err
	}
	hash := m.book.Hash()
	hello := append([]byte{2, 0, self}, hash[:]...)
	hello = binary.BigEndian.AppendUint64(hello, m.instance.Add(1))
	hello = binary.BigEndian.AppendUint64(hello, 1)
	l := &line{m, conn, stream, bufio.NewReader(stream)}
	if err := l.write(frame(hello)); err != nil {
		return nil, err
	}
	_, err = l.hear()
	return l, err
}

// frame puts a length before a body.
func frame(body []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
}

func (l *line) write(b []byte) error {
	_, err := l.stream.Write(b)
	return err
}

func (l *line) say(m *event.Message) error { return l.write(frame(m.Append(nil))) }

// hear reads a frame and returns its body.
func (l *line) hear() ([]byte, error) {
	var header [4]byte
	if _, err := io.ReadFull(l.in, header[:]); err != nil {
		return nil, err
	}
	body := make([]byte, binary.BigEndian.Uint32(header[:]))
	_, err := io.ReadFull(l.in, body)
	return body, err
}

// remembered is how many frames the traitor keeps, and how many ids.
const remembered = 500

// listen hears what the node says until the connection ends, and remembers the last of it.
func (l *line) listen() {
	for {
		body, err := l.hear()
		if err != nil {
			return
		}
		if said, err := event.DecodeMessage(body, l.book.Domain()); err == nil && len(said.Events) > 0 {
			l.remember(body, said.Events)
		}
	}
}

func (m *traitor) remember(body []byte, events []*event.Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.frames) < remembered {
		m.frames = append(m.frames, frame(body))
	}
	for _, e := range events {
		if len(m.known) < remembered {
			m.known = append(m.known, e.ID())
		}
		if last := m.latest[e.Creator]; last == nil || e.Seq > last.Seq {
			m.latest[e.Creator] = e
		}
	}
}

// event returns an event of the traitor, signed.
func (m *traitor) event(e *event.Event) *event.Event {
	e.Creator = self
	if e.Seal(m.book.Domain()) != nil || e.Sign(m.key) != nil {
		panic("not an event")
	}
	return e
}
