package store

import (
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkAppend writes batches of 1,000 records of 256 bytes; write is what the bare bytes cost in one go.
func BenchmarkAppend(b *testing.B) {
	records := make([][]byte, 1000)
	for i := range records {
		records[i] = make([]byte, 256)
		records[i][0] = byte(i)
	}
	bytes := int64(len(records) * len(records[0]))
	b.Run("log", func(b *testing.B) {
		l, _, err := openLog(LogConfig{FS: OS(), Dir: b.TempDir()}, 0)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(bytes)
		b.ReportAllocs()
		for n := 0; b.Loop(); n++ {
			if err := l.Append(Records(records...)); err != nil {
				b.Fatal(err)
			}
			if n%1000 == 999 { // lest it fills the disk
				b.StopTimer()
				if err := l.Trim(rotatedNow(l)); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
		}
		l.Close()
	})
	b.Run("write", func(b *testing.B) {
		f, err := os.Create(filepath.Join(b.TempDir(), "file"))
		if err != nil {
			b.Fatal(err)
		}
		defer f.Close()
		data := make([]byte, bytes)
		b.SetBytes(bytes)
		b.ReportAllocs()
		for n := int64(0); b.Loop(); n++ {
			if n%1000 == 0 {
				if err := f.Truncate(0); err != nil {
					b.Fatal(err)
				}
			}
			if _, err := f.WriteAt(data, n%1000*bytes); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func rotatedNow(l *Log) uint64 {
	segment, _ := l.Rotate() // it never fails
	return segment
}
