package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/foxmq/foxmq/internal/consensus"
	"github.com/foxmq/foxmq/internal/sim"
)

func simulate(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out strings.Builder
	err := run(context.Background(), args, &out)
	return out.String(), err
}

// TestSeeds runs a few seeds of any kind, of one kind and size, and all kinds for a moment.
func TestSeeds(t *testing.T) {
	for _, args := range [][]string{
		{"-seeds", "4"},
		{"-seeds", "4", "-kind", "storm", "-members", "5"},
		{"-minutes", "0.01"},
	} {
		table := filepath.Join(t.TempDir(), "table.md")
		out, err := simulate(t, append(args, "-out", table)...)
		if err != nil {
			t.Errorf("%v: %v", args, err)
		}
		if written, err := os.ReadFile(table); err != nil || !strings.HasSuffix(out, string(written)) {
			t.Errorf("%v: the file does not hold the table: %v\n%s", args, err, out)
		}
		if !strings.Contains(out, "| all | ") {
			t.Errorf("%v: %s", args, out)
		}
	}
}

// TestFailures lets a planted bug break runs: the soak goes on, and lists them with what repeats them.
func TestFailures(t *testing.T) {
	s := newSoak(options{seed: 1, seeds: 8, workers: 2}, &strings.Builder{})
	for seed := range uint64(4) {
		sc := sim.Random(seed)
		sc.Mutation = consensus.TallyAtVoter
		r, f := sim.Try(sc)
		s.note(sc, r, f, 1)
	}
	if len(s.failures) < 2 || !strings.Contains(s.table(), "sim-watch REPLAY='") {
		t.Errorf("%s", s.table())
	}
	if err := s.conclude(); err == nil {
		t.Error("no error")
	}
	line := strings.Split(strings.Split(s.table(), "REPLAY='")[1], "'")[0]
	if _, err := simulate(t, "-replay", line); err == nil || !strings.Contains(err.Error(), "invariant") {
		t.Errorf("%s: %v", line, err)
	}
}

// TestMistakes makes some on the command line.
func TestMistakes(t *testing.T) {
	for _, args := range [][]string{{"-kind", "none"}, {"-replay", "members=0"}, {"-what"}, {"-seeds", "2", "-kind", "none"}} {
		if _, err := simulate(t, args...); err == nil {
			t.Errorf("%v: no error", args)
		}
	}
}

// TestWatch follows a run and draws it.
func TestWatch(t *testing.T) {
	svg := filepath.Join(t.TempDir(), "run.svg")
	out, err := simulate(t, "-seed", "3", "-watch", "-svg", svg, "-rounds", "2..4")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{" makes ", " takes in ", "a witness of round 1,", " decides round 50: judges ", " rounds, "} {
		if !strings.Contains(out, want) {
			t.Errorf("nothing %q", want)
		}
	}
	if drawn, err := os.ReadFile(svg); err != nil || !strings.Contains(string(drawn), ">round 3<") {
		t.Errorf("the picture is wrong: %v", err)
	}
	part, _ := simulate(t, "-seed", "3", "-watch", "-from", "100", "-to", "110")
	if len(part) > len(out)/100 {
		t.Errorf("%d of %d bytes", len(part), len(out))
	}
	for _, args := range [][]string{{"-rounds", "all"}, {"-node", "99"}} {
		if _, err := simulate(t, append(args, "-seed", "3", "-svg", svg)...); err == nil {
			t.Errorf("%v: no error", args)
		}
	}
}
