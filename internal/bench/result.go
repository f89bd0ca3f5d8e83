package bench

import (
	"fmt"
	"time"
)

// Result is what one run has measured.
type Result struct {
	Delivered      uint64 // messages that came to a subscriber within Elapsed
	Elapsed        time.Duration
	P50, P99, P999 time.Duration // from publish to delivery, of Delivered
	CPU            time.Duration // the broker's processes' within Elapsed; 0 if unknown
	Note           string        // what went wrong; empty: every message arrived, once and in order
}

// Rate returns delivered messages per second.
func (r *Result) Rate() float64 {
	if r.Elapsed == 0 {
		return 0
	}
	return float64(r.Delivered) / r.Elapsed.Seconds()
}

// collect adds up what the subscribers have counted, after close.
func (r *run) collect(result *Result) {
	var latency histogram
	var lost, repeated uint64
	for _, s := range r.subscribers {
		result.Delivered += s.counted
		lost += s.lost
		repeated += s.repeated
		latency.merge(&s.latency)
	}
	result.P50, result.P99, result.P999 = latency.permille(500), latency.permille(990), latency.permille(999)
	result.Note = r.note(lost, repeated)
}

// note says what went wrong.
func (r *run) note(lost, repeated uint64) string {
	select {
	case <-r.failed:
		return r.failure
	default:
	}
	switch {
	case lost > 0:
		return fmt.Sprintf("%d messages lost", lost)
	case repeated > 0:
		return fmt.Sprintf("%d messages came again or out of order", repeated)
	}
	return ""
}

// Cost returns the broker's CPU seconds per 100,000 delivered messages; 0 if unknown.
func (r *Result) Cost() float64 {
	if r.Delivered == 0 {
		return 0
	}
	return r.CPU.Seconds() * 1e5 / float64(r.Delivered)
}

// line is the result as its run's progress shows it.
func (r *Result) line() string {
	s := fmt.Sprintf("%s msg/s, p50 %s, p99 %s", thousands(int(r.Rate())), shortTime(r.P50), shortTime(r.P99))
	if r.Note != "" {
		s += ", " + r.Note
	}
	return s
}
