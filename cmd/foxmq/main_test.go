package main

import (
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "write what happens to testdata")

// TestMain lets the test binary stand in for foxmq where a test starts processes.
func TestMain(m *testing.M) {
	switch role := os.Getenv("TEST_FOXMQ_ROLE"); role {
	case "":
		os.Exit(m.Run())
	case "foxmq":
		main()
	default:
		os.Exit(play(role))
	}
}
