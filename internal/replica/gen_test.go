package replica_test

import (
	"os"
	"strings"
	"testing"

	"github.com/foxmq/foxmq/internal/replica"
)

func TestGen(t *testing.T) {
	file := os.Getenv("GEN")
	if file == "" {
		return
	}
	b, _ := os.ReadFile(file)
	s := script{machine: replica.New(4, scriptLimits)}
	var out strings.Builder
	for _, line := range strings.Split(strings.TrimSpace(string(b)), "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			out.WriteString(line + "\n")
		} else if strings.HasPrefix(line, "> ") {
			out.WriteString(line + "\n" + s.do(strings.Fields(line[2:])))
		}
	}
	os.WriteFile(file, []byte(out.String()), 0o644)
}
