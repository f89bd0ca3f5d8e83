package main

import "testing"

func TestConnectionsLeaveFilesForTheNode(t *testing.T) {
	for files, want := range map[int]int{0: 1, 1: 1, 64: 32, 512: 256, 1024: 768, 1 << 20: 1<<20 - 256} {
		if got := connectionsWith(files); got != want {
			t.Errorf("with %d files: %d connections, want %d", files, got, want)
		}
	}
}

func TestAFewConnectionsAreAffordable(t *testing.T) {
	if got := connectionLimit(1, nil); got != 1 {
		t.Errorf("got %d", got)
	}
}
