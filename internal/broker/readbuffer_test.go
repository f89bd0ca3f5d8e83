package broker_test

import (
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/foxmq/foxmq/internal/broker"
	"github.com/foxmq/foxmq/internal/mqtt"
)

// However the bytes come, one by one or many packets at once, on a socket or on what is more than one, they are read.
func TestBytesComeInPieces(t *testing.T) {
	for name, open := range map[string]func(t *testing.T) net.Listener{
		"tcp":  func(t *testing.T) net.Listener { return opened(t, "tcp", "127.0.0.1:0") },
		"unix": func(t *testing.T) net.Listener { return opened(t, "unix", filepath.Join(t.TempDir(), "socket")) },
		"wrapped": func(t *testing.T) net.Listener {
			return wrapping{opened(t, "tcp", "127.0.0.1:0")}
		},
	} {
		t.Run(name, func(t *testing.T) {
			stream, listener := newFakeStream(), open(t)
			defer serveOn(t, stream, broker.Config{}, listener)()
			conn, err := net.Dial(listener.Addr().Network(), listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			sent := uint64(0)
			send := func(b []byte) {
				if _, err := conn.Write(b); err != nil {
					t.Fatal(err)
				}
				sent += uint64(len(b))
				awaitReceived(t, stream.broker, sent)
			}
			connect := mqtt.Connect{Version: mqtt.V311, ClientID: "client", CleanStart: true}
			for _, c := range connect.Append(nil, mqtt.V311) {
				send([]byte{c})
			}
			read(t, conn, 4)
			publish := mqtt.Publish{PacketID: 1, Topic: "t", QoS: 1, Payload: make([]byte, 20_000)}
			packet := publish.Append(nil, mqtt.V311)
			send(packet[:3])
			send(packet[3:10_000])
			send(packet[10_000:])
			read(t, conn, 4)
			many := make([]byte, 2*10_001)
			for i := 0; i < len(many); i += 2 {
				many[i] = 0xc0
			}
			send(many[:len(many)-1]) // the last PINGREQ lacks its second byte
			read(t, conn, 2*10_000)
			send(many[len(many)-1:])
			read(t, conn, 2)
		})
	}
}

func opened(t *testing.T, network, address string) net.Listener {
	listener, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

// wrapping is a listener whose connections are more than sockets.
type wrapping struct{ net.Listener }

func (l wrapping) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	return struct{ net.Conn }{conn}, err
}

// awaitReceived waits until the broker has read so many bytes.
func awaitReceived(t *testing.T, b *broker.Broker, n uint64) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); b.Stats().BytesReceived < n; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d bytes read of %d", b.Stats().BytesReceived, n)
		}
	}
}

// A silent client is found out on a socket, too.
func TestSilenceEndsOverTCP(t *testing.T) {
	address, stop := listen(t, broker.Config{MaxKeepAlive: 1})
	defer stop()
	if words := lastWords(t, address, nil); len(words) != 2 || words[1] != "DISCONNECT 8d" {
		t.Fatalf("got %v", words)
	}
}
