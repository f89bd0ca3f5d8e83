package cluster

import (
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"
)

// Link says what happens to the datagrams from one node to another. The zero value passes all of them on at once.
type Link struct {
	Cut       bool          // nothing passes
	Loss      float64       // share of the datagrams that is lost, 0 to 1
	Duplicate float64       // share that comes twice
	Delay     time.Duration // of every datagram
	Jitter    time.Duration // added at most, drawn for each datagram, so that they overtake each other
}

// maxDelayed bounds how many datagrams are under way on one link; like a router, it drops what is beyond.
const maxDelayed = 4096

// Network carries the datagrams between nodes, well or badly. Each node has a public address, which stands in the
// address book, and a private one, on which it listens. What a node sends to another's public address reaches that
// one's private address, as if it came from the sender's public address: every node sees the others at the
// addresses that it knows.
//
// It draws what it does from a seed; but it cannot make the same datagrams come at the same times.
type Network struct {
	public  []*net.UDPConn // by node
	private []*net.UDPAddr // by node
	group   sync.WaitGroup // readers, and datagrams that are delayed

	mu    sync.Mutex
	links [][]link // [from][to]; guarded by mu
}

// link is one direction.
type link struct {
	Link
	rng     *rand.Rand
	delayed int // datagrams under way
}

// newNetwork opens a public address for each of n nodes and chooses private ones. It is closed when the test ends.
func newNetwork(t testing.TB, n int, seed uint64) *Network {
	t.Helper()
	w := &Network{}
	t.Cleanup(w.close)
	for i := range n {
		conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetReadBuffer(4 << 20) // as much as the system allows
		w.public = append(w.public, conn)
		links := make([]link, n)
		for j := range links {
			links[j].rng = rand.New(rand.NewPCG(seed, uint64(i*n+j)))
		}
		w.links = append(w.links, links)
	}
	for _, port := range freePorts(t, n, "udp") {
		w.private = append(w.private, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
	}
	for to := range w.public {
		w.group.Go(func() { w.carry(to) })
	}
	return w
}

func (w *Network) close() {
	for _, c := range w.public {
		_ = c.Close()
	}
	w.group.Wait()
}

// ports returns the ports of the public and of the private addresses.
func (w *Network) ports() (public, private []int) {
	for i, c := range w.public {
		public = append(public, c.LocalAddr().(*net.UDPAddr).Port)
		private = append(private, w.private[i].Port)
	}
	return public, private
}

// carry passes on what is sent to the node's public address, until that is closed.
func (w *Network) carry(to int) {
	buf := make([]byte, 64<<10)
	for {
		n, source, err := w.public[to].ReadFromUDP(buf)
		if err != nil {
			return
		}
		for from, a := range w.private {
			if a.Port == source.Port {
				w.pass(from, to, buf[:n])
			}
		}
	}
}

// pass does to one datagram what the link does.
func (w *Network) pass(from, to int, datagram []byte) {
	copies, delays := w.fate(from, to)
	for i := range copies {
		if delays[i] == 0 {
			_, _ = w.public[from].WriteToUDP(datagram, w.private[to])
			continue
		}
		late := append([]byte(nil), datagram...)
		w.group.Add(1)
		time.AfterFunc(delays[i], func() {
			defer w.group.Done()
			_, _ = w.public[from].WriteToUDP(late, w.private[to])
			w.mu.Lock()
			w.links[from][to].delayed--
			w.mu.Unlock()
		})
	}
}

// fate draws how often a datagram arrives and how late.
func (w *Network) fate(from, to int) (copies int, delays [2]time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := &w.links[from][to]
	if l.Cut || l.rng.Float64() < l.Loss || l.delayed >= maxDelayed {
		return 0, delays
	}
	copies = 1
	if l.rng.Float64() < l.Duplicate {
		copies = 2
	}
	for i := range copies {
		delays[i] = l.Delay
		if l.Jitter > 0 {
			delays[i] += time.Duration(l.rng.Int64N(int64(l.Jitter)))
		}
		if delays[i] > 0 {
			l.delayed++
		}
	}
	return copies, delays
}

// Set changes the link from one node to another.
func (w *Network) Set(from, to int, l Link) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.links[from][to].Link = l
}

// SetAll changes all links.
func (w *Network) SetAll(l Link) {
	for from := range w.private {
		for to := range w.private {
			w.Set(from, to, l)
		}
	}
}

// Heal makes all links pass everything on.
func (w *Network) Heal() { w.SetAll(Link{}) }

// Partition cuts every link between the nodes named and all others.
func (w *Network) Partition(side ...int) {
	inside := make([]bool, len(w.private))
	for _, i := range side {
		inside[i] = true
	}
	for from := range w.private {
		for to := range w.private {
			w.Set(from, to, Link{Cut: inside[from] != inside[to]})
		}
	}
}
