package main

import (
	"fmt"
	"os"
	rtmetrics "runtime/metrics"

	"github.com/foxmq/foxmq/internal/broker"
	"github.com/foxmq/foxmq/internal/gossip"
	"github.com/foxmq/foxmq/internal/node"
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
	Broker  broker.Stats        `json:"broker"`
	Memory  memory              `json:"memory"`
}

// memory is what the process takes of it, in bytes.
type memory struct {
	Heap     uint64 `json:"heap"`     // objects, those no longer needed included
	Resident uint64 `json:"resident"` // of the whole process; 0 where the system does not tell
}

func (d *daemon) status() status {
	s := status{
		Version: version, Member: d.self, Node: d.node.Status(), Broker: d.broker.Stats(), Memory: readMemory(),
	}
	s.Ready, s.Reason = d.node.Ready()
	if d.gossip != nil {
		s.Peers = d.gossip.Peers()
	}
	return s
}

// readMemory stops nothing for it, so that it may be asked often.
func readMemory() memory {
	sample := []rtmetrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	rtmetrics.Read(sample)
	m := memory{Heap: sample[0].Value.Uint64()}
	if b, err := os.ReadFile("/proc/self/statm"); err == nil {
		var size, resident uint64
		if _, err := fmt.Sscan(string(b), &size, &resident); err == nil {
			m.Resident = resident * uint64(os.Getpagesize())
		}
	}
	return m
}
