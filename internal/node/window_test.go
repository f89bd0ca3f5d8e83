package node

import "testing"

// fly lets as many transactions of that cost fly as may, again and again while the applier waits for them, and
// returns how many that were in the end.
func fly(w *window, cost int) (flying int) {
	for range 100 {
		for flying = 0; !w.shut; flying++ {
			w.take(cost, flying+1)
		}
		if w.starved(32 << 20) {
			continue
		}
		w.give(w.used)
		if !w.opens() {
			panic("nothing flies and nothing may")
		}
	}
	return flying
}

// TestWindowGrows: where the applier has nothing to do, the window grows until it has, or as large as it may; but of
// transactions of some MiB one flies at a time.
func TestWindowGrows(t *testing.T) {
	for _, c := range []struct{ cost, least, most int }{
		{300, 100_000, 120_000},
		{64 << 10, 500, 520},
		{1 << 20, 2, 4},
		{8 << 20, 1, 1},
	} {
		if n := fly(&window{size: firstWindow}, c.cost); n < c.least || n > c.most {
			t.Errorf("%d transactions of %d bytes fly", n, c.cost)
		}
	}
}

// TestWindowAlone: where what flies is applied as soon as it is in an event, the window grows no further than that costs little.
func TestWindowAlone(t *testing.T) {
	w := &window{size: leastWindow}
	for range 100 {
		for flying := 0; !w.shut; flying++ {
			w.take(300, flying+1)
		}
		w.give(w.used)
		w.opens()
		if w.idle(); w.starved(32 << 20) {
			t.Fatal("more may fly, though all did")
		}
	}
	if w.size < plentyWindow/2 || w.size > plentyWindow {
		t.Errorf("%d bytes fly", w.size)
	}
}

// TestWindowShrinks: where the applier always has something to do, what flies gets less.
func TestWindowShrinks(t *testing.T) {
	w := &window{size: 32 << 20}
	for range 2000 {
		for flying := 0; !w.shut; flying++ {
			w.take(1<<20, flying+1)
		}
		w.give(w.used)
		w.opens()
	}
	if w.size != leastWindow {
		t.Errorf("%d bytes fly", w.size)
	}
}
