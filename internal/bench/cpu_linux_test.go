package bench

import (
	"testing"
	"time"
)

func TestStatTimeAddsUserAndKernel(t *testing.T) {
	stat := "42 (a ) name) S 1 42 42 0 -1 4194560 100 0 0 0 250 150 3 4 20 0 1 0 100 1 1"
	if got := statTime([]byte(stat)); got != 4*time.Second {
		t.Errorf("%v", got)
	}
	if got := statTime([]byte("42 (short) S 1")); got != 0 {
		t.Errorf("%v of what is cut short", got)
	}
}
