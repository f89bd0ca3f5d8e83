package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// ErrPublic says that an address would be open to others than this machine, and there is no token.
var ErrPublic = errors.New("others than this machine could reach it, and there is no token that they must know")

// Stats counts since the start.
type Stats struct {
	Denied uint64 // requests without the token, or for a host that this is not
}

// Stats returns what was counted.
func (s *Server) Stats() Stats { return Stats{Denied: s.denied.count.Load()} }

// denials counts requests that are not let in, and decides which of them to log.
type denials struct {
	count  atomic.Uint64
	logged atomic.Int64 // when one was logged last, in Unix seconds
}

// quiet is how long no other denial is logged, in seconds.
const quiet = 60

// guard lets those requests pass to h that bear the token, and those for the two pages that a supervisor asks, which
// tell nothing that it is worth hiding. Where there is no token a request must call this host by an address, localhost or
// the name that is listened on: a page of another site whose own name leads here (DNS rebinding) is none of ours.
func (s *Server) guard(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case s.cfg.Token == "" && !s.isHost(r.Host):
			s.deny(w, r, http.StatusMisdirectedRequest, "this host has no such name: ask it by its address")
		case s.cfg.Token == "" || r.URL.Path == "/healthz" || r.URL.Path == "/readyz" || bears(r, s.cfg.Token):
			h.ServeHTTP(w, r)
		default:
			w.Header().Set("WWW-Authenticate", "Bearer")
			s.deny(w, r, http.StatusUnauthorized, "the request does not bear the token of the admin listener")
		}
	})
}

// bears reports whether the request bears the token [RFC 6750, section 2.1]. The time it takes tells nothing of the
// token, not even its length.
func bears(r *http.Request, token string) bool {
	scheme, theirs, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	a, b := sha256.Sum256([]byte(theirs)), sha256.Sum256([]byte(token))
	return strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// isHost reports whether the Host header of a request names this host in a way that no other site can.
func (s *Server) isHost(header string) bool {
	host := hostOf(header)
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return true
	}
	return strings.EqualFold(host, "localhost") || strings.EqualFold(host, hostOf(s.cfg.Addr))
}

// hostOf returns an address without its port, if it has one.
func hostOf(addr string) string {
	if host, _, err := net.SplitHostPort(addr); err == nil {
		return host
	}
	return addr
}

// deny answers a request that is not let in, and ends its connection.
func (s *Server) deny(w http.ResponseWriter, r *http.Request, code int, why string) {
	count := s.denied.count.Add(1)
	now, last := time.Now().Unix(), s.denied.logged.Load()
	if now-last >= quiet && s.denied.logged.CompareAndSwap(last, now) {
		s.cfg.Logger.Warn("admin request denied", zap.String("remote_addr", r.RemoteAddr), zap.String("reason", why),
			zap.Uint64("denied_so_far", count))
	}
	w.Header().Set("Connection", "close")
	s.refuse(w, code, errors.New(why))
}
