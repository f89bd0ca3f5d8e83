package abuse

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/foxmq/foxmq/internal/mqtt"
	"github.com/foxmq/foxmq/test/cluster"
)

// orderVariable is what an attacker's environment holds its order in.
const orderVariable = "FOXMQ_ATTACK"

// Attackers come from 127.0.0.2 and the addresses behind it.
const (
	firstAddress = 2
	addresses    = 8
)

// order tells an attacker what to do.
type order struct {
	Attack                     string
	MQTT, WebSockets, TLS, Web string // addresses of the node; the last for WebSockets over TLS
	Large                      bool   // as large as make abuse wants it
}

// attacker is what an attack works with, in the attacker's process.
type attacker struct {
	order
	ctx  context.Context // ends when the attack does
	next atomic.Uint32   // counts connections
	once sync.Once       // of complain
}

// launch lets somebody attack the node until the returned function is called, which ends all connections with the process.
func launch(t *testing.T, c *cluster.Cluster, name string, large bool) (stop func()) {
	t.Helper()
	n := c.Nodes[0]
	text, err := json.Marshal(order{name, n.MQTT, n.WebSockets, n.MQTTS, n.SecureWebSockets, large})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("nice", "-n", "10", os.Args[0]) // else it took the processor from the node itself
	cmd.Env = append(os.Environ(), orderVariable+"="+string(text))
	cmd.Stderr = t.Output()
	leash, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		leash.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("attacker: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// obey attacks until standard input ends, and returns the process's exit code.
func obey(text string) int {
	ctx, cancel := context.WithCancel(context.Background())
	a := &attacker{ctx: ctx}
	if err := json.Unmarshal([]byte(text), &a.order); err != nil {
		panic(err)
	}
	go find(a.Attack).do(a)
	_, _ = io.Copy(io.Discard, os.Stdin)
	cancel()
	return 0
}

// size returns the first number, or the second in a large attack.
func (a *attacker) size(small, large int) int {
	if a.Large {
		return large
	}
	return small
}

// crowd calls f in n goroutines, again and again until the attack ends; there is a short pause after an error.
func (a *attacker) crowd(n int, f func(i int) error) {
	for i := range n {
		go func() {
			for a.ctx.Err() == nil {
				if err := f(i); err != nil {
					a.complain(err)
					time.Sleep(10 * time.Millisecond)
				}
			}
		}()
	}
}

// complain shows the first error of an attack that cannot be the node's defence.
func (a *attacker) complain(err error) {
	if errors.Is(err, errAddress) && a.ctx.Err() == nil {
		a.once.Do(func() { fmt.Fprintln(os.Stderr, err) })
	}
}

var errAddress = errors.New("no connection")

// dial connects from one of the attacker's addresses.
func (a *attacker) dial(to string) (*net.TCPConn, error) {
	from := net.IPv4(127, 0, 0, byte(firstAddress+a.next.Add(1)%addresses))
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: from}}
	conn, err := d.DialContext(a.ctx, "tcp", to)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errAddress, err)
	}
	return conn.(*net.TCPConn), nil
}

// guest is a connection of the attacker's that was let in.
type guest struct {
	net.Conn
	*mqtt.Reader
}

// enter connects and logs in.
func (a *attacker) enter(p *mqtt.Connect) (*guest, error) {
	conn, err := a.dial(a.MQTT)
	if err != nil {
		return nil, err
	}
	return login(conn, p)
}

// login logs in through a connection, and closes it on an error.
func login(conn net.Conn, p *mqtt.Connect) (*guest, error) {
	g := &guest{conn, mqtt.NewReader(bufio.NewReader(conn), mqtt.V5, math.MaxInt)}
	if err := g.send(p); err != nil {
		return nil, err
	}
	answer, err := g.Next()
	if err == nil {
		if ack, ok := answer.(*mqtt.Connack); !ok || ack.Code != mqtt.Success {
			err = fmt.Errorf("answered with %v", answer)
		}
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return g, nil
}

// clean is the CONNECT of a client that the server names.
func clean() *mqtt.Connect { return &mqtt.Connect{Version: mqtt.V5, CleanStart: true} }

// send writes packets with one call; an error closes the connection.
func (g *guest) send(packets ...mqtt.Packet) error {
	var b []byte
	for _, p := range packets {
		b = p.Append(b, mqtt.V5)
	}
	return g.write(b)
}

func (g *guest) write(b []byte) error {
	if _, err := g.Write(b); err != nil {
		g.Close()
		return err
	}
	return nil
}

// drain reads and forgets all that comes, until the connection ends.
func (g *guest) drain() {
	defer g.Close()
	for {
		if _, err := g.Next(); err != nil {
			return
		}
	}
}

// linger waits until the other side or the attack ends the connection, and closes it.
func (a *attacker) linger(conn net.Conn) {
	defer conn.Close()
	defer context.AfterFunc(a.ctx, func() { conn.Close() })()
	_, _ = io.Copy(io.Discard, conn)
}
