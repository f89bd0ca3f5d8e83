package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestHealth(t *testing.T) {
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		fmt.Fprintln(w, r.URL.Path)
	}))
	defer server.Close()
	_, port, _ := strings.Cut(strings.TrimPrefix(server.URL, "http://"), ":")
	health := func(args ...string) (int, string) {
		var out, errs bytes.Buffer
		code := run(t.Context(), append([]string{"health"}, args...), stdio{nil, &out, &errs})
		return code, out.String() + errs.String()
	}
	for _, addr := range []string{"127.0.0.1:" + port, "0.0.0.0:" + port, ":" + port} {
		if code, out := health("--admin-addr", addr); code != exitOK || out != "/readyz\n" {
			t.Errorf("%s: exit code %d, %s", addr, code, out)
		}
	}
	t.Setenv("FOXMQ_ADMIN_ADDR", "0.0.0.0:"+port)
	if code, out := health(); code != exitOK {
		t.Errorf("by the environment: exit code %d, %s", code, out)
	}
	status = http.StatusServiceUnavailable
	if code, out := health(); code != exitFailed || out != "foxmq: error: not ready: /readyz\n" {
		t.Errorf("not ready: exit code %d, %s", code, out)
	}
	server.Close()
	if code, out := health(); code != exitFailed || !strings.Contains(out, "connection refused") {
		t.Errorf("no node: exit code %d, %s", code, out)
	}
}

func TestCompletion(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if code := run(t.Context(), []string{"completion", shell}, stdio{nil, io.Discard, io.Discard}); code != exitOK {
			t.Errorf("completion %s: exit code %d", shell, code)
		}
	}
}
