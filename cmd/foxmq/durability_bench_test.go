package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/foxmq/foxmq/internal/bench"
	"github.com/foxmq/foxmq/internal/config"
	"github.com/foxmq/foxmq/internal/node"
	"github.com/foxmq/foxmq/internal/store"
)

// manyToOne is the load of BenchmarkDurabilityOfBrokers.
var manyToOne = bench.Workload{
	Name: "many-to-one", Title: "100 → 1, QoS 1, 256 B",
	Publishers: 100, Subscribers: 1, QoS: 1, Size: 256, Window: 10_000, Inflight: 100,
}

// keepsNothing names the target whose nodes have a disk that keeps nothing; the others' names are settings of
// --durability.
const keepsNothing = "none"

// BenchmarkDurabilityOfBrokers compares what clients get of brokers that write, or sync, what they must not lose, with
// what they get of brokers that keep nothing: 100 publishers at QoS 1 and a subscriber on loopback, in one process with
// all nodes. The brokers take turns; what is reported are the medians of the ratios within a turn, and those of the rates.
// -benchtime 7x is seven turns.
func BenchmarkDurabilityOfBrokers(b *testing.B) {
	for _, nodes := range []int{1, 4} {
		b.Run(fmt.Sprintf("nodes=%d", nodes), func(b *testing.B) {
			config := bench.Config{
				Workloads: []bench.Workload{manyToOne}, Rounds: 1, Warmup: 2 * time.Second, Duration: 2 * time.Second,
			}
			for _, durability := range []string{keepsNothing, "flush", "sync"} {
				config.Targets = append(config.Targets, durabilityTarget(nodes, durability))
			}
			var turns []*bench.Report
			for b.Loop() {
				turn, err := bench.Run(b.Context(), config)
				if err != nil {
					b.Fatal(err)
				}
				turns = append(turns, turn)
			}
			compare(b, turns, "flush", keepsNothing)
			compare(b, turns, "sync", "flush")
		})
	}
}

// compare reports how many more messages per second one target delivers than the other, how much more processor time
// each of them takes, clients included, and how many the first one delivers.
func compare(b *testing.B, turns []*bench.Report, one, other string) {
	var rates, ratios, costs []float64
	for _, turn := range turns {
		x, y := turn.Results(manyToOne.Name, one)[0], turn.Results(manyToOne.Name, other)[0]
		if x.Note != "" || y.Note != "" {
			b.Fatalf("%s: %q, %s: %q", one, x.Note, other, y.Note)
		}
		rates = append(rates, x.Rate())
		ratios = append(ratios, x.Rate()/y.Rate())
		costs = append(costs, x.Cost()/y.Cost())
	}
	for unit, values := range map[string][]float64{
		one + "-msg/s": rates, one + "/" + other: ratios, one + "/" + other + "-cpu": costs,
	} {
		slices.Sort(values)
		b.ReportMetric(values[len(values)/2], unit)
	}
}

// durabilityTarget is a cluster in this process.
func durabilityTarget(nodes int, durability string) bench.Target {
	start := func(ctx context.Context, s *stage) (broker bench.Broker, err error) {
		places, err := unusedPlaces(nodes)
		if err != nil {
			return broker, err
		}
		if err := writeDevBook(s.dir, places); err != nil {
			return broker, err
		}
		broker.PIDs = []int{os.Getpid()}
		for i, place := range places {
			cfg := config.Default()
			cfg.Dir, cfg.SecretKeyFile = s.dir, filepath.Join(s.dir, fmt.Sprintf("key_%d.pem", i))
			cfg.MQTTAddr, cfg.AdminAddr, cfg.ClusterAddr = place.mqtt, place.admin, place.cluster
			cfg.AllowAnonymousLogin, cfg.Durability = true, durability
			s.group.Go(func() error { return serveWith(ctx, cfg) })
			broker.Addrs = append(broker.Addrs, place.mqtt)
		}
		return broker, waitReady(ctx, places)
	}
	return bench.Target{Name: durability, Start: staged(start)}
}

// serveWith runs a node with the disk that the durability names.
func serveWith(ctx context.Context, cfg config.Config) error {
	id, err := loadIdentity(&cfg)
	if err != nil {
		return err
	}
	return serveOn(ctx, cfg, id, zap.NewNop(), func(s *store.Store) node.Disk {
		if cfg.Durability == keepsNothing {
			return &hollow{Disk: s}
		}
		return s
	})
}

// hollow is a disk that takes everything and keeps nothing.
type hollow struct {
	node.Disk
	segment uint64
}

func (h *hollow) Append([]store.Record, bool) error   { return nil }
func (h *hollow) Commit(store.Checkpoint) error       { return nil }
func (h *hollow) Rotate() (segment uint64, err error) { h.segment++; return h.segment, nil }
