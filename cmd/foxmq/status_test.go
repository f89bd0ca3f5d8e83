package main

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/foxmq/foxmq/internal/store"
)

// TestDamageShowsInTheStatus shows that a status with damage can be sent and read.
func TestDamageShowsInTheStatus(t *testing.T) {
	damage := &store.CorruptError{Path: "state.db", What: "a page is not well"}
	sent := newStoreStatus(store.Stats{
		StateBytes: 7, Scrub: store.ScrubReport{Corrupt: [][]byte{{1}, {2}}, Err: damage},
	})
	body, err := json.Marshal(sent)
	if err != nil {
		t.Fatal(err)
	}
	var got storeStatus
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	want := scrubStatus{Corrupt: 2, Problem: damage.Error()}
	if got.StateBytes != 7 || !reflect.DeepEqual(got.Scrub, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
