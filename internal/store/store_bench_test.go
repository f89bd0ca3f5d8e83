package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"
)

// The state of the figures: 1,000,000 retained messages and 100,000 sessions.
const benchRecords = 1_100_000

func benchKey(i int) []byte {
	return fmt.Appendf(nil, "Rsensors/building-%03d/floor/%07d/temperature", i%997, i)
}

func benchValue(r *rand.Rand) []byte {
	v := make([]byte, 200)
	for i := 0; i < len(v); i += 8 {
		binary.BigEndian.PutUint64(v[i:], r.Uint64())
	}
	return v
}

// loaded returns a store with a state of that many records.
func loaded(b *testing.B, n int) (*Store, string) {
	b.Helper()
	dir := b.TempDir()
	s := open(b, dir)
	r := rand.New(rand.NewPCG(1, 1))
	changes := map[string][]byte{}
	for i := range n {
		changes[string(benchKey(i))] = benchValue(r)
	}
	start := time.Now()
	checkpoint(b, s, "base", "meta", changes)
	b.Logf("first checkpoint of %d records: %v, state file %d MiB", n, time.Since(start), s.Stats().StateBytes>>20)
	return s, dir
}

// BenchmarkCommit is a checkpoint of 10,000 records anywhere in a large state, beside 64 MiB of log that are appended
// and put on the disk.
func BenchmarkCommit(b *testing.B) {
	s, _ := loaded(b, benchRecords)
	r := rand.New(rand.NewPCG(2, 2))
	records := make([][]byte, 1024)
	for i := range records {
		records[i] = make([]byte, 64<<10)
	}
	var log time.Duration
	for b.Loop() {
		b.StopTimer()
		start := time.Now()
		if err := errors.Join(s.Append(Records(records...), true), s.log.flush()); err != nil {
			b.Fatal(err)
		}
		log += time.Since(start)
		changes := map[string][]byte{}
		for len(changes) < 10_000 {
			changes[string(benchKey(r.IntN(benchRecords)))] = benchValue(r)
		}
		b.StartTimer()
		checkpoint(b, s, "base", "meta", changes)
	}
	b.Logf("state file %d MiB", s.Stats().StateBytes>>20)
	b.ReportMetric(float64(log)/float64(b.N), "ns/64MiB-of-log")
}

// BenchmarkState reads all of a large state, from opening the directory on.
func BenchmarkState(b *testing.B) {
	s, dir := loaded(b, benchRecords)
	s.Close()
	runtime.GC()
	for b.Loop() {
		s, err := Open(Config{Dir: dir})
		if err != nil {
			b.Fatal(err)
		}
		n := 0
		if err := s.State(func(_, _ []byte) error { n++; return nil }); err != nil || n != benchRecords {
			b.Fatal(n, err)
		}
		s.Close()
	}
	b.ReportMetric(benchRecords*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkImport collects a large state and reads it once, as a node that fetches it does.
func BenchmarkImport(b *testing.B) {
	s := open(b, b.TempDir())
	value := benchValue(rand.New(rand.NewPCG(1, 1)))
	for b.Loop() {
		i, err := s.NewImport([]byte("A"))
		if err != nil {
			b.Fatal(err)
		}
		for n := range benchRecords {
			if err := i.Add(fmt.Appendf(nil, "Rsensors/%08d/temperature", n), value); err != nil {
				b.Fatal(err)
			}
		}
		if err := errors.Join(i.State(func(_, _ []byte) error { return nil }), i.Discard()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(benchRecords*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}
