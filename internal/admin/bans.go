package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"
)

// Bounds on a request about a ban.
const (
	maxBody      = 16 << 10        // in bytes
	orderTimeout = 5 * time.Second // how long one may take to be ordered
)

// Errors of Bans. What is none of them is answered with 503: the ban is not ordered, for want of a quorum, say.
var (
	ErrBadBan      = errors.New("refused")              // answered with 400
	ErrNotBanned   = errors.New("there is no such ban") // 404
	ErrTooManyBans = errors.New("too many bans")        // 409
)

// Bans is the cluster's list of bans. Its methods must be safe for concurrent use.
type Bans interface {
	// List returns the bans that hold.
	List() []Ban
	// Add makes a ban and returns it as it is recorded, when it holds on this node.
	Add(ctx context.Context, r BanRequest) (Ban, error)
	// Remove lifts a ban, and returns when it is over on this node.
	Remove(ctx context.Context, kind, value string) error
}

// Ban is a ban as it is shown.
type Ban struct {
	Kind   string    `json:"kind"`            // client, user or address
	Value  string    `json:"value"`           // an address as a prefix
	Until  time.Time `json:"until,omitzero"`  // zero: it holds for good
	Reason string    `json:"reason,omitzero"` // as the operator gave it
	Node   int       `json:"node"`            // number of the node that was asked for it
}

// BanList is the answer to GET /v1/bans.
type BanList struct {
	Bans []Ban `json:"bans"`
}

// BanRequest is the body of POST /v1/bans.
type BanRequest struct {
	Kind    string `json:"kind"`
	Value   string `json:"value"`   // for an address, also an address alone
	Seconds uint32 `json:"seconds"` // 0: for good
	Reason  string `json:"reason"`
}

func (s *Server) listBans(w http.ResponseWriter, _ *http.Request) {
	s.json(w, http.StatusOK, BanList{Bans: s.cfg.Bans.List()})
}

func (s *Server) addBan(w http.ResponseWriter, r *http.Request) {
	var body BanRequest
	if code, err := readJSON(w, r, &body); err != nil {
		s.refuse(w, code, err)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), orderTimeout)
	defer cancel()
	ban, err := s.cfg.Bans.Add(ctx, body)
	if err != nil {
		s.refuse(w, banCode(err), banError(err))
		return
	}
	s.json(w, http.StatusOK, ban)
}

func (s *Server) removeBan(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), orderTimeout)
	defer cancel()
	if err := s.cfg.Bans.Remove(ctx, r.PathValue("kind"), r.PathValue("value")); err != nil {
		s.refuse(w, banCode(err), banError(err))
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func banCode(err error) int {
	switch {
	case errors.Is(err, ErrBadBan):
		return http.StatusBadRequest
	case errors.Is(err, ErrNotBanned):
		return http.StatusNotFound
	case errors.Is(err, ErrTooManyBans):
		return http.StatusConflict
	default:
		return http.StatusServiceUnavailable
	}
}

// banError says of a ban that is not ordered what that means.
func banError(err error) error {
	if banCode(err) != http.StatusServiceUnavailable {
		return err
	}
	return fmt.Errorf("not ordered within %v, but it may be later: %w", orderTimeout, err)
}

// readJSON reads a body that is one JSON value with known fields only. An error comes with the status to answer with.
func readJSON(w http.ResponseWriter, r *http.Request, into any) (code int, err error) {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	if err = d.Decode(into); err == nil {
		if _, err = d.Token(); errors.Is(err, io.EOF) {
			return http.StatusOK, nil
		}
		err = errors.New("something follows the JSON value")
	}
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return http.StatusRequestEntityTooLarge, fmt.Errorf("the body is longer than %d bytes", maxBody)
	}
	return http.StatusBadRequest, fmt.Errorf("the body is not what is wanted: %w", err)
}

// change lets a request that changes something pass only if it says that it is JSON. No form of a web page can say
// that, and a script of another site only if we allowed it, which we do not.
func (s *Server) change(f http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if err != nil || kind != "application/json" {
			s.refuse(w, http.StatusUnsupportedMediaType, errors.New("the Content-Type is not application/json"))
			return
		}
		f(w, r)
	}
}

// sameOrigin refuses requests by which a browser would have the page of another site change something.
func (s *Server) sameOrigin(h http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		s.refuse(w, http.StatusForbidden, errors.New("the request comes from the page of another site"))
	}))
	return protection.Handler(h)
}

// refuse answers with an error as JSON.
func (s *Server) refuse(w http.ResponseWriter, code int, err error) {
	s.json(w, code, map[string]string{"error": err.Error()})
}
