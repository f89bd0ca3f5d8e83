package admin_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/foxmq/foxmq/internal/admin"
)

// fakeBans answers by what it is asked for.
type fakeBans struct{}

func (fakeBans) List() []admin.Ban {
	return []admin.Ban{
		{Kind: "client", Value: "eve", Until: time.Unix(1_000_000_000, 0).UTC(), Reason: "spam", Node: 2},
		{Kind: "address", Value: "192.0.2.0/24"},
	}
}

func (b fakeBans) Add(ctx context.Context, r admin.BanRequest) (admin.Ban, error) {
	if err := b.Remove(ctx, r.Kind, r.Value); err != nil {
		return admin.Ban{}, err
	}
	return admin.Ban{Kind: r.Kind, Value: r.Value, Reason: fmt.Sprint(r.Reason, " for ", r.Seconds)}, nil
}

func (fakeBans) Remove(_ context.Context, kind, value string) error {
	switch value {
	case "bad":
		return fmt.Errorf("%w: %s", admin.ErrBadBan, kind)
	case "unknown":
		return admin.ErrNotBanned
	case "many":
		return admin.ErrTooManyBans
	case "late":
		return errors.New("no quorum")
	case "eve", "10.0.0.0/8", "a/../b//c?d%", "..":
		return nil
	}
	return fmt.Errorf("%w: what is %q", admin.ErrBadBan, value)
}

func TestBans(t *testing.T) {
	base, stop := serve(t, admin.Config{Node: &node{}, Bans: fakeBans{}})
	defer func() { _ = stop() }()
	const json, list = "application/json", "/v1/bans"
	for _, c := range []struct {
		method, path, kind, body string
		header                   [2]string
		code                     int
		answer                   string // what is in it
	}{
		{method: "GET", path: list, code: 200, answer: `"until": "2001-09-09T01:46:40Z"`},
		{method: "POST", path: list, kind: json, body: `{"kind":"client","value":"eve","seconds":60,"reason":"spam"}`, code: 200, answer: "spam for 60"},
		{method: "POST", path: list, kind: json + "; charset=utf-8", body: `{"kind":"client","value":"eve"}`, code: 200},
		{method: "POST", path: list, kind: "text/plain", body: `{"kind":"client","value":"eve"}`, code: 415, answer: `"error"`},
		{method: "POST", path: list, body: `{"kind":"client","value":"eve"}`, code: 415},
		{method: "POST", path: list, kind: json, body: `{"kind":"client","value":"eve","minutes":1}`, code: 400, answer: "minutes"},
		{method: "POST", path: list, kind: json, body: `{"kind":"client","value":"eve"}{}`, code: 400},
		{method: "POST", path: list, kind: json, body: `{"seconds":-1}`, code: 400},
		{method: "POST", path: list, kind: json, body: "", code: 400},
		{method: "POST", path: list, kind: json, body: `"` + strings.Repeat("x", 20_000), code: 413},
		{method: "POST", path: list, kind: json, body: `{"value":"bad"}`, code: 400, answer: `"error": "refused: "`},
		{method: "POST", path: list, kind: json, body: `{"value":"many"}`, code: 409},
		{method: "POST", path: list, kind: json, body: `{"value":"late"}`, code: 503, answer: "no quorum"},
		{
			method: "POST", path: list, kind: json, body: `{"kind":"client","value":"eve"}`,
			header: [2]string{"Origin", "http://example.com"}, code: 403, answer: "another site",
		},
		{
			method: "DELETE", path: list + "/client/eve", kind: json,
			header: [2]string{"Sec-Fetch-Site", "cross-site"}, code: 403,
		},
		{method: "DELETE", path: list + "/client/eve", kind: json, code: 204},
		{method: "DELETE", path: list + "/address/10.0.0.0/8", kind: json, code: 204},
		{method: "DELETE", path: list + "/client/a%2F%2E%2E%2Fb%2F%2Fc%3Fd%25", kind: json, code: 204},
		{method: "DELETE", path: list + "/client/%2E%2E", kind: json, code: 204},
		{method: "DELETE", path: list + "/client/eve", code: 415},
		{method: "DELETE", path: list + "/client/unknown", kind: json, code: 404, answer: `"error"`},
		{method: "DELETE", path: list + "/client/", kind: json, code: 400},
		{method: "PUT", path: list, kind: json, code: 405},
	} {
		req, err := http.NewRequest(c.method, base+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		if c.kind != "" {
			req.Header.Set("Content-Type", c.kind)
		}
		if c.header[0] != "" {
			req.Header.Set(c.header[0], c.header[1])
		}
		code, answer := send(t, req)
		if code != c.code || !strings.Contains(answer, c.answer) {
			t.Errorf("%s %s %.60s: got %d %s, want %d %s", c.method, c.path, c.body, code, answer, c.code, c.answer)
		}
	}
}

func send(t *testing.T, req *http.Request) (code int, body string) {
	t.Helper()
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}
