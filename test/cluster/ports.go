package cluster

import (
	"io"
	"math/rand/v2"
	"net"
	"testing"
)

// Ports of nodes are below those that systems give to connections: a client's connection must not take the port of a
// node that is down and comes back.
const (
	firstPort = 12000
	lastPort  = 32000
)

// freePorts returns n ports that were free a moment ago.
func freePorts(t testing.TB, n int, network string) []int {
	t.Helper()
	ports := make([]int, 0, n)
	for tries := 0; len(ports) < n; tries++ {
		if tries == 1000 {
			t.Fatalf("no free %s ports from %d to %d", network, firstPort, lastPort)
		}
		port := firstPort + rand.IntN(lastPort-firstPort)
		l, err := listen(network, port)
		if err != nil {
			continue
		}
		defer l.Close() // not before all are chosen
		ports = append(ports, port)
	}
	return ports
}

func listen(network string, port int) (io.Closer, error) {
	if network == "udp" {
		return net.ListenPacket("udp", loopback(port))
	}
	return net.Listen("tcp", loopback(port))
}
