package users

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func newFailures() *failures { return &failures{from: map[netip.Addr]*offender{}} }

func TestFailuresAreSlowedMoreAndMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFailures()
		var delays []time.Duration
		for range 20 {
			delay := f.note(address(1))
			if delays = append(delays, delay); delay > 0 {
				f.release(address(1))
			}
		}
		const ms = time.Millisecond
		want := append(make([]time.Duration, 10), 100*ms, 200*ms, 400*ms, 800*ms, 1600*ms, 3200*ms,
			mostDelay, mostDelay, mostDelay, mostDelay)
		if !slices.Equal(delays, want) {
			t.Errorf("answers are held back for %v, want %v", delays, want)
		}
		if f.note(address(2)) != 0 {
			t.Error("another address is slowed")
		}
		time.Sleep(9 * forgiveAfter)
		if got := f.note(address(1)); got != 200*ms {
			t.Errorf("after a while, an answer is held back for %v", got)
		}
		for range 1000 {
			f.note(address(3))
		}
		time.Sleep(mostWeight)
		if f.note(address(3)) != 0 {
			t.Error("an address is not forgiven after a minute")
		}
	})
}

func TestOneWrongPasswordASecondIsNotSlowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFailures()
		for i := range 1000 {
			if f.slow(t.Context(), address(1)) {
				t.Fatalf("failure %d is slowed", i)
			}
			time.Sleep(forgiveAfter)
		}
	})
}

func TestWhoIsSlowedMayNotFillTheLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFailures()
		for range 10 {
			f.note(address(1))
		}
		if got := f.allowance(address(1)); got != mostInLine {
			t.Errorf("%d may wait before any is slowed", got)
		}
		for range mostSlowed {
			go f.slow(t.Context(), address(1))
		}
		synctest.Wait()
		if got := f.allowance(address(1)); got != 0 {
			t.Errorf("%d may wait while %d answers are held back", got, f.held)
		}
		if got := f.allowance(address(2)); got != mostInLine {
			t.Errorf("%d of another address may wait", got)
		}
		time.Sleep(mostDelay)
		synctest.Wait()
		if got := f.allowance(address(1)); got != mostSlowed || f.held != 0 {
			t.Errorf("%d may wait when %d answers are held back", got, f.held)
		}
		time.Sleep(mostWeight)
		if got := f.allowance(address(1)); got != mostInLine {
			t.Errorf("%d may wait when all is forgiven", got)
		}
	})
}

func TestWhatIsKnownOfFailuresIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFailures()
		for range 11 {
			f.note(address(0))
		}
		for i := range uint32(offendersMax + 100) {
			f.note(netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, i+1))))
		}
		if len(f.from) != offendersMax || f.from[address(0)] == nil {
			t.Errorf("%d addresses are known, or the one whose answers are held back is not", len(f.from))
		}
	})
}

func TestAnswersHeldBackAreBounded(t *testing.T) {
	f := newFailures()
	for i := range heldMax {
		for range 12 { // two of which are slowed
			f.note(address(i))
		}
	}
	if f.held != heldMax {
		t.Errorf("%d answers are held back", f.held)
	}
}

func TestIPv6IsKnownByItsNetwork(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.7":           "192.0.2.7",
		"::ffff:192.0.2.7":    "192.0.2.7",
		"2001:db8:1:2:3:4::5": "2001:db8:1:2::",
		"fe80::1%eth0":        "fe80::",
		"::1":                 "::",
	} {
		if got := origin(netip.MustParseAddr(in)).String(); got != want {
			t.Errorf("%s is known as %s", in, got)
		}
	}
	if origin(netip.Addr{}).IsValid() {
		t.Error("no address becomes one")
	}
}
