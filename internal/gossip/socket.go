package gossip

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"sync"

	"go.uber.org/zap"
)

// wantedBuffer is what quic-go asks of the kernel for either direction of its socket, in bytes.
const wantedBuffer = 7 << 20

// quietly keeps quic-go from printing to standard error that the kernel grants smaller buffers than it would like;
// the environment is the only way to tell it. openSocket logs it instead.
var quietly = sync.OnceFunc(func() { _ = os.Setenv("QUIC_GO_DISABLE_RECEIVE_BUFFER_WARNING", "true") })

// openSocket opens the UDP socket of which the one QUIC transport listens and dials.
func openSocket(ctx context.Context, addr string, log *zap.Logger) (net.PacketConn, error) {
	var config net.ListenConfig
	conn, err := config.ListenPacket(ctx, "udp", addr)
	if err != nil {
		return nil, fmt.Errorf("open gossip socket: %w", err)
	}
	if udp, ok := conn.(*net.UDPConn); ok {
		_ = udp.SetReadBuffer(wantedBuffer) // quic-go tries harder, but does not tell
		if size := receiveBuffer(udp); size > 0 && size < wantedBuffer {
			log.Debug("small udp receive buffer", zap.Int("bytes", size), zap.Int("wanted", wantedBuffer),
				zap.String("hint", "raise net.core.rmem_max and net.core.wmem_max"))
		}
	}
	return conn, nil
}

// resolve looks up a host:port of the address book, and returns its addresses of the family that the local socket can
// reach: one at least.
func resolve(ctx context.Context, addr string, local net.Addr) ([]netip.AddrPort, error) {
	host, portText, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("bad port in %q: %w", addr, err)
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, family(local), host)
	if err != nil {
		return nil, err
	}
	all := make([]netip.AddrPort, len(ips))
	for i, ip := range ips {
		all[i] = netip.AddrPortFrom(ip.Unmap(), uint16(port))
	}
	return all, nil
}

// family returns the network to look names up in for a socket bound to the local address.
func family(local net.Addr) string {
	udp, ok := local.(*net.UDPAddr)
	switch {
	case !ok || len(udp.IP) == 0 || (udp.IP.IsUnspecified() && udp.IP.To4() == nil):
		return "ip" // a socket of both families
	case udp.IP.To4() != nil:
		return "ip4"
	}
	return "ip6"
}
