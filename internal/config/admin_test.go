package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const goodToken = "0123456789abcdef"

// write makes a file with the text and returns its path.
func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTokenIsThatOfTheFlagOrTheFile(t *testing.T) {
	for name, test := range map[string]struct {
		admin Admin
		want  string
	}{
		"none":               {Admin{}, ""},
		"text":               {Admin{AdminToken: goodToken}, goodToken},
		"file":               {Admin{AdminTokenFile: write(t, goodToken)}, goodToken},
		"file with line end": {Admin{AdminTokenFile: write(t, goodToken+"\r\n")}, goodToken},
		"longest":            {Admin{AdminTokenFile: write(t, strings.Repeat("x", mostToken)+"\r\n")}, strings.Repeat("x", mostToken)},
	} {
		if got, err := test.admin.ReadToken(); got != test.want || err != nil {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
}

func TestBadTokenIsAnError(t *testing.T) {
	for name, test := range map[string]struct {
		admin Admin
		says  string
	}{
		"both":      {Admin{AdminToken: goodToken, AdminTokenFile: write(t, goodToken)}, "both"},
		"no file":   {Admin{AdminTokenFile: filepath.Join(t.TempDir(), "gone")}, "no such file"},
		"empty":     {Admin{AdminTokenFile: write(t, "\n")}, "16 to 1024"},
		"short":     {Admin{AdminTokenFile: write(t, goodToken[1:])}, "16 to 1024"},
		"long":      {Admin{AdminTokenFile: write(t, strings.Repeat("x", mostToken+1))}, "16 to 1024"},
		"two lines": {Admin{AdminTokenFile: write(t, goodToken+"\n"+goodToken)}, "on one line"},
		"space":     {Admin{AdminTokenFile: write(t, goodToken+" "+goodToken)}, "without spaces"},
	} {
		if _, err := test.admin.ReadToken(); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: got %v", name, err)
		} else if strings.Contains(err.Error(), goodToken) {
			t.Errorf("%s: the error tells the token: %v", name, err)
		}
	}
	if _, err := load(t, source{args: []string{"--admin-token", "short"}}); err == nil {
		t.Error("a short token was taken")
	}
}
