package websocket

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// clientAddr returns where a request comes from if trusted proxies say so by X-Forwarded-For, without a port; else nil.
// Each proxy adds at the end whom it was asked by, so the list is believed from its end on, as long as trusted proxies
// have written it: what stands before may be the client's invention.
func (l *Listener) clientAddr(r *http.Request) net.Addr {
	client, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !l.trusts(client.Addr()) {
		return nil
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	var found netip.Addr
	for _, hop := range slices.Backward(hops) {
		ip, ok := parseHop(strings.TrimSpace(hop))
		if !ok {
			break
		}
		if found = ip; !l.trusts(ip) {
			break
		}
	}
	if !found.IsValid() {
		return nil
	}
	return &net.TCPAddr{IP: found.AsSlice()}
}

func (l *Listener) trusts(ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	return slices.ContainsFunc(l.config.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// parseHop takes an address as proxies write it: with a port or without, that of IPv6 in brackets or not.
func parseHop(hop string) (netip.Addr, bool) {
	if addrPort, err := netip.ParseAddrPort(hop); err == nil {
		return addrPort.Addr().Unmap().WithZone(""), true
	}
	ip, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(hop, "["), "]"))
	return ip.Unmap().WithZone(""), err == nil
}
