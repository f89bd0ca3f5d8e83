// Package admin serves HTTP to whoever runs the node: whether the process lives, whether it is ready, how it is doing,
// and who is banned.
//
//	GET /healthz   200 "ok" as long as the process answers
//	GET /readyz    200 "ready", or 503 and the reason in one line, such as "no quorum"
//	GET /status    the node's status as JSON
//	GET /metrics   the same in numbers, as Prometheus reads them, with those of the process
//
//	GET /v1/bans                     the bans that hold, as JSON
//	POST /v1/bans                    makes a ban of a BanRequest
//	DELETE /v1/bans/{kind}/{value}   lifts one
//
// Whoever is let in can ban anybody. So the default address is of the loopback; elsewhere the server takes a token (RFC
// 6750), which every request but those for /healthz and /readyz must bear. Requests that change something are refused if
// a browser sends them for another site.
//
// # Concurrency
//
// A Server's exported methods may be called from any goroutine. Run ends its goroutines before it returns.
package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"golang.org/x/net/netutil"
)

// DefaultAddr is the address that is listened on unless told otherwise.
const DefaultAddr = "127.0.0.1:9883"

// Limits on a request. Each is far more than any of ours takes.
const (
	readTimeout    = 5 * time.Second
	writeTimeout   = 10 * time.Second
	idleTimeout    = time.Minute
	stopTimeout    = 2 * time.Second // for requests under way when Run is told to stop
	maxHeaderBytes = 16 << 10
)

// MaxConnections is how many connections are served at one time. Further ones wait to be accepted.
const MaxConnections = 256

// Node is what is asked for answers. Its methods must be safe for concurrent use and quick.
type Node interface {
	// Ready reports whether clients are served in full, and if not, why not, in a few words on one line.
	Ready() (ready bool, reason string)
}

// Config says what to serve. Node must be set.
type Config struct {
	Addr    string               // TCP address to listen on; empty is DefaultAddr
	Token   string               // what requests must bear; empty: nothing, and Addr must be of the loopback
	Node    Node                 // whose readiness is told
	Status  func() any           // what /status shows, as JSON; nil: there is no /status
	Metrics prometheus.Collector // what /metrics shows beside the process; nil: there is no /metrics
	Bans    Bans                 // what /v1/bans shows and changes; nil: there is no /v1/bans
	Logger  *zap.Logger          // nil: silent
}

// Server is the listener. Listen opens it, Run serves it.
type Server struct {
	cfg      Config
	listener net.Listener
	denied   denials
}

// Listen opens the listener. Until Run is called, requests wait; without Run, Close must be called. The error is
// [ErrPublic] if others than this machine could ask without a token.
func Listen(cfg Config) (*Server, error) {
	if cfg.Addr == "" {
		cfg.Addr = DefaultAddr
	}
	if cfg.Logger == nil {
		cfg.Logger = zap.NewNop()
	}
	addr, err := net.ResolveTCPAddr("tcp", cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("listen for admin requests: %w", err)
	}
	if cfg.Token == "" && !addr.IP.IsLoopback() {
		return nil, fmt.Errorf("listen for admin requests on %s: %w", cfg.Addr, ErrPublic)
	}
	l, err := net.ListenTCP("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen for admin requests: %w", err)
	}
	return &Server{cfg: cfg, listener: netutil.LimitListener(l, MaxConnections)}, nil
}

// Addr returns the address that is listened on.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Close closes a listener that Run is not called for.
func (s *Server) Close() error { return s.listener.Close() }

// Run serves until ctx is done, which is no error, or the listener fails. It is called once and closes the
// listener.
func (s *Server) Run(ctx context.Context) error {
	server := &http.Server{
		Handler:        s.handler(),
		ReadTimeout:    readTimeout,
		WriteTimeout:   writeTimeout,
		IdleTimeout:    idleTimeout,
		MaxHeaderBytes: maxHeaderBytes,
		ErrorLog:       zap.NewStdLog(s.cfg.Logger),
	}
	stopped := make(chan struct{})
	release := context.AfterFunc(ctx, func() {
		defer close(stopped)
		shutdown(server)
	})
	err := server.Serve(s.listener)
	if release() {
		close(stopped) // ctx is not done: the listener failed
		_ = server.Close()
	}
	<-stopped
	if !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve admin requests: %w", err)
	}
	return nil
}

// shutdown lets requests under way finish, but not for long.
func shutdown(server *http.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	if server.Shutdown(ctx) != nil {
		_ = server.Close()
	}
}

// handler mounts all that there is.
func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { line(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", s.ready)
	if s.cfg.Status != nil {
		mux.HandleFunc("GET /status", s.status)
	}
	if s.cfg.Metrics != nil {
		mux.Handle("GET /metrics", metrics(s.cfg.Metrics, s.cfg.Logger))
	}
	if s.cfg.Bans != nil {
		mux.HandleFunc("GET /v1/bans", s.listBans)
		mux.HandleFunc("POST /v1/bans", s.change(s.addBan))
		mux.HandleFunc("DELETE /v1/bans/{kind}/{value...}", s.change(s.removeBan))
	}
	return s.guard(s.sameOrigin(mux))
}

func (s *Server) ready(w http.ResponseWriter, _ *http.Request) {
	if ok, reason := s.cfg.Node.Ready(); !ok {
		line(w, http.StatusServiceUnavailable, reason)
		return
	}
	line(w, http.StatusOK, "ready")
}

// line answers with one line of text that nobody may keep.
func line(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = io.WriteString(w, text+"\n") // an error is the client's
}

func (s *Server) status(w http.ResponseWriter, _ *http.Request) {
	s.json(w, http.StatusOK, s.cfg.Status())
}

// json answers with a value that nobody may keep.
func (s *Server) json(w http.ResponseWriter, code int, value any) {
	body, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		s.cfg.Logger.Error("answer does not encode", zap.Error(err))
		line(w, http.StatusInternalServerError, "answer does not encode")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = w.Write(append(body, '\n')) // an error is the client's
}
