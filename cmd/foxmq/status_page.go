package main

import (
	"fmt"
	"os"
	rtmetrics "runtime/metrics"
	"time"

	"github.com/foxmq/foxmq/internal/admin"
	"github.com/foxmq/foxmq/internal/broker"
	"github.com/foxmq/foxmq/internal/gossip"
	"github.com/foxmq/foxmq/internal/guard"
	"github.com/foxmq/foxmq/internal/node"
	"github.com/foxmq/foxmq/internal/quicdoor"
	"github.com/foxmq/foxmq/internal/store"
	"github.com/foxmq/foxmq/internal/users"
)

// status is what the admin listener shows: /status as JSON, /metrics in numbers. A number that is added here or in
// one of its parts needs a line in the tables of metrics.go, which a test demands.
type status struct {
	Version string              `json:"version"`
	Member  int                 `json:"member"` // this node's number in the address book
	Ready   bool                `json:"ready"`
	Reason  string              `json:"reason,omitempty"` // why it is not ready
	Node    node.Status         `json:"node"`
	Peers   []gossip.PeerStatus `json:"peers"`
	Gossip  *gossip.Stats       `json:"gossip,omitempty"` // nil: the node is alone
	Broker  broker.Stats        `json:"broker"`
	Users   users.Stats         `json:"users"`
	Guard   guard.Stats         `json:"guard"`
	Doors   doorStats           `json:"doors"`
	QUIC    *quicdoor.Stats     `json:"quic,omitempty"` // nil: clients do not come over QUIC
	Admin   admin.Stats         `json:"admin"`
	Memory  memory              `json:"memory"`
	Store   *storeStatus        `json:"store,omitempty"` // nil: the node keeps nothing
}

// storeStatus is store.Stats, with what the last scrub found in short: damage may fill pages.
type storeStatus struct {
	store.Stats
	Scrub scrubStatus
}

type scrubStatus struct {
	Started time.Time
	Took    time.Duration
	Records uint64
	Bytes   int64
	Corrupt int    // records whose checksum is wrong
	Problem string `json:",omitempty"` // other damage
}

func newStoreStatus(s store.Stats) *storeStatus {
	scrub := scrubStatus{
		Started: s.Scrub.Started, Took: s.Scrub.Took, Records: s.Scrub.Records, Bytes: s.Scrub.Bytes,
		Corrupt: len(s.Scrub.Corrupt),
	}
	if s.Scrub.Err != nil {
		scrub.Problem = s.Scrub.Err.Error()
	}
	return &storeStatus{Stats: s, Scrub: scrub}
}

// memory is what the process takes of it, in bytes.
type memory struct {
	Heap     int64 `json:"heap"`     // objects, those no longer needed included
	Resident int64 `json:"resident"` // of the whole process; -1 where the system does not tell
}

func (d *daemon) status() status {
	s := status{
		Version: version, Member: d.self, Node: d.node.Status(), Broker: d.broker.Stats(), Memory: readMemory(),
		Users: d.users.Stats(), Guard: d.guard.Stats(), Doors: d.doors.stats(), Admin: d.admin.Stats(),
		Store: newStoreStatus(d.store.Stats()),
	}
	s.Ready, s.Reason = d.node.Ready()
	if d.gossip != nil {
		s.Peers, s.Gossip = d.gossip.Peers(), new(d.gossip.Stats())
	}
	if d.doors.quic != nil {
		s.QUIC = new(d.doors.quic.Stats())
	}
	return s
}

// readMemory stops nothing for it, so that it may be asked often.
func readMemory() memory {
	sample := []rtmetrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	rtmetrics.Read(sample)
	m := memory{Heap: int64(sample[0].Value.Uint64()), Resident: -1}
	if b, err := os.ReadFile("/proc/self/statm"); err == nil {
		var size, resident int64
		if _, err := fmt.Sscan(string(b), &size, &resident); err == nil {
			m.Resident = resident * int64(os.Getpagesize())
		}
	}
	return m
}
