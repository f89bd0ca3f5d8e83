package main

import (
	"bytes"
	"strings"
	"testing"
)

// runBench runs `foxmq bench` with nodes that are this test binary.
func runBench(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	t.Setenv("TEST_FOXMQ_ROLE", "foxmq")
	t.Setenv("TMPDIR", t.TempDir())
	var out, err bytes.Buffer
	code = run(t.Context(), append([]string{"bench"}, args...), stdio{nil, &out, &err})
	return code, out.String(), err.String()
}

func TestBenchMeasuresOurNodes(t *testing.T) {
	code, stdout, stderr := runBench(t, "--target", "one,four", "--workload", "pairs",
		"--rounds", "1", "--warmup", "50ms", "--duration", "200ms", "--idle", "1ms", "--markdown")
	if code != exitOK {
		t.Fatalf("exit code %d\n%s", code, stderr)
	}
	for _, want := range []string{
		"| 10 → 10, QoS 1, 256 B | one | ", "\n|  | four | ", " |  |\n\nIdle for 0 s, 4 nodes (four): ", "pairs 1/1: one: ",
	} {
		if !strings.Contains(stdout+stderr, want) {
			t.Errorf("%q is missing in\n%s%s", want, stdout, stderr)
		}
	}
}

func TestBenchRefusesWhatItDoesNotKnow(t *testing.T) {
	for _, args := range [][]string{
		{"--target", "five"}, {"--workload", "none"}, {"--rounds", "0"}, {"--duration", "-1s"},
	} {
		if code, _, stderr := runBench(t, args...); code != exitUsage {
			t.Errorf("%v: exit code %d\n%s", args, code, stderr)
		}
	}
}

func TestBenchSaysWhatItCannotMeasure(t *testing.T) {
	code, _, stderr := runBench(t, "--addr", "127.0.0.1:1", "--workload", "latency", "--rounds", "1")
	if code != exitFailed || !strings.Contains(stderr, "measure 127.0.0.1:1 with latency: subscribe: dial") {
		t.Errorf("exit code %d\n%s", code, stderr)
	}
}
