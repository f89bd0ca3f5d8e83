package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
)

const (
	// settleFor is how long a cluster must have created no event to count as idle, and settleWithin how long that
	// may take.
	settleFor    = time.Second
	settleWithin = 30 * time.Second
)

// Idleness is what a cluster does that has nothing to do.
type Idleness struct {
	Target  string
	Nodes   int
	Elapsed time.Duration
	CPU     time.Duration // of all nodes together
	Events  uint64        // created meanwhile, by all nodes
}

// String is one sentence.
func (i *Idleness) String() string {
	share := 100 * i.CPU.Seconds() / i.Elapsed.Seconds() / float64(i.Nodes)
	return fmt.Sprintf("Idle for %.0f s, %d nodes (%s): %.2f %% of a core per node, %d events created.",
		i.Elapsed.Seconds(), i.Nodes, i.Target, share, i.Events)
}

// Idle starts a target, lets it settle, and watches it for a while.
func Idle(ctx context.Context, t Target, d time.Duration) (*Idleness, error) {
	var idle *Idleness
	err := with(ctx, t, func(b Broker) (err error) {
		idle, err = watchIdle(ctx, t.Name, b, d)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("measure %s idle: %w", t.Name, err)
	}
	return idle, nil
}

func watchIdle(ctx context.Context, name string, b Broker, d time.Duration) (*Idleness, error) {
	before, err := settled(ctx, b.Admins)
	if err != nil {
		return nil, err
	}
	start, cpu := time.Now(), cpuTime(b.PIDs)
	if err := sleep(ctx, d); err != nil {
		return nil, err
	}
	idle := &Idleness{Target: name, Nodes: len(b.Addrs), Elapsed: time.Since(start), CPU: cpuTime(b.PIDs) - cpu}
	after, err := created(ctx, b.Admins)
	if err != nil {
		return nil, err
	}
	for i := range after {
		idle.Events += after[i] - before[i]
	}
	return idle, nil
}

// settled waits until the nodes create no events, and returns what created does. A cluster that does not settle is
// no error: it is a finding.
func settled(ctx context.Context, admins []string) ([]uint64, error) {
	var before []uint64
	for start := time.Now(); ; {
		now, err := created(ctx, admins)
		if err != nil {
			return nil, err
		}
		if slices.Equal(before, now) || time.Since(start) > settleWithin {
			return now, nil
		}
		before = now
		if err := sleep(ctx, settleFor); err != nil {
			return nil, err
		}
	}
}

// created asks each node for the sequence number of its last event.
func created(ctx context.Context, admins []string) ([]uint64, error) {
	if len(admins) == 0 {
		return nil, errors.New("no admin listener to ask")
	}
	all := make([]uint64, len(admins))
	for i, addr := range admins {
		var err error
		if all[i], err = lastEvent(ctx, addr); err != nil {
			return nil, fmt.Errorf("ask %s for its status: %w", addr, err)
		}
	}
	return all, nil
}

func lastEvent(ctx context.Context, admin string) (uint64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+admin+"/status", nil)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return 0, errors.New(resp.Status)
	}
	var status struct {
		Node struct {
			Own uint64 `json:"own"`
		} `json:"node"`
	}
	err = json.NewDecoder(resp.Body).Decode(&status)
	return status.Node.Own, err
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
