package main

import (
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "write what happens to testdata")

// TestMain lets the test binary stand in for foxmq where a test starts processes.
func TestMain(m *testing.M) {
	if role := os.Getenv("TEST_FOXMQ_ROLE"); role != "" {
		os.Exit(play(role))
	}
	os.Exit(m.Run())
}
