package session_test

import (
	"runtime"
	"testing"

	"github.com/foxmq/foxmq/internal/session"
)

// TestADrainedQueueGivesItsMemoryBack fills a queue and takes out all but a few entries: what is left takes no more memory
// than a few do.
func TestADrainedQueueGivesItsMemoryBack(t *testing.T) {
	const messages, left = 1 << 16, 100
	s := session.New[int](session.Limits{Send: 1, QueueMessages: messages, QueueBytes: messages})
	before := heapInUse()
	for i := range messages {
		if v := s.Push(session.Entry[int]{Message: i, Size: 1}); v != session.Queued {
			t.Fatalf("verdict %d", v)
		}
	}
	for i := range messages - left {
		if e, ok := s.Pop(0); !ok || e.Message != i {
			t.Fatalf("entry %d is %d", i, e.Message)
		}
	}
	if grown := heapInUse() - before; grown > 128<<10 {
		t.Errorf("%d entries take %d bytes", left, grown)
	}
	runtime.KeepAlive(s)
}

func heapInUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
