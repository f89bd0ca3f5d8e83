package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"time"
)

// Status is what the tests look at of a node's /status; internal/node and internal/broker say what the fields mean.
type Status struct {
	Node struct {
		Connected int    `json:"connected"`
		Quorum    bool   `json:"quorum"`
		State     string `json:"state"`
		Round     uint64 `json:"round"`
		Index     uint64 `json:"index"`
		Stream    Mark   `json:"stream"`
		Own       uint64 `json:"own"`
		Unordered int    `json:"unordered"`
		Waiting   int    `json:"waiting"`
		Missing   int    `json:"missing"`
		PoolCount int    `json:"pool_count"`
		Dropped   uint64 `json:"dropped"`
		Stale     uint64 `json:"stale_events"`
		Disputes  uint64 `json:"disputes"`
	} `json:"node"`
	Broker struct {
		QueueDropped uint64
		SlowReaders  uint64
	} `json:"broker"`
}

// Mark is what a node says of the stream so far.
type Mark struct {
	Index uint64 `json:"index"`
	Hash  string `json:"hash"`
}

// lookWithin is how long a node may take to say how it is doing; one that is stopped never does.
const lookWithin = 2 * time.Second

// Status asks the node how it is doing.
func (c *Cluster) Status(i int) (Status, error) {
	var s Status
	_, body, err := c.ask(i, "/status")
	if err == nil {
		err = json.Unmarshal(body, &s)
	}
	return s, err
}

// RawStatus returns all that the node says of how it is doing, as JSON.
func (c *Cluster) RawStatus(i int) ([]byte, error) {
	_, body, err := c.ask(i, "/status")
	return body, err
}

// Metrics returns what the node tells Prometheus, as text.
func (c *Cluster) Metrics(i int) ([]byte, error) {
	_, body, err := c.ask(i, "/metrics")
	return body, err
}

// Ready asks the node whether it is ready, and if not, why.
func (c *Cluster) Ready(i int) (ready bool, reason string) {
	code, body, err := c.ask(i, "/readyz")
	if err != nil {
		return false, err.Error()
	}
	return code == http.StatusOK, strings.TrimSpace(string(body))
}

// WaitReason waits until the node says that it is not ready, for that reason.
func (c *Cluster) WaitReason(i int, reason string) {
	c.t.Helper()
	ends := time.Now().Add(Patience)
	for time.Now().Before(ends) {
		if _, got := c.Ready(i); got == reason {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	_, got := c.Ready(i)
	c.t.Fatalf("node %d says %q, not %q, after %v", i, got, reason, Patience)
}

func (c *Cluster) ask(i int, path string) (code int, body []byte, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), lookWithin)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.Nodes[i].Admin+path, http.NoBody)
	if err != nil {
		return 0, nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, fmt.Errorf("node %d: %w", i, err)
	}
	defer res.Body.Close()
	body, err = io.ReadAll(res.Body)
	return res.StatusCode, body, err
}

// Log returns the lines that the node has logged, over all its starts.
func (c *Cluster) Log(i int) []string {
	c.t.Helper()
	b, err := os.ReadFile(c.Nodes[i].log)
	if err != nil {
		c.t.Fatal(err)
	}
	return strings.Split(strings.TrimRight(string(b), "\n"), "\n")
}

// ListenAddr finds in a node's log, which must be in JSON, where the listener of that target listens.
func (c *Cluster) ListenAddr(i int, target string) netip.AddrPort {
	c.t.Helper()
	for _, text := range c.Log(i) {
		var line struct {
			Target string
			Fields struct {
				Message string
				Addr    netip.AddrPort `json:"listen_addr"`
			}
		}
		_ = json.Unmarshal([]byte(text), &line) // what is not a line of this kind is not the one
		if line.Target == target && line.Fields.Message == "listening for connections" {
			return line.Fields.Addr
		}
	}
	c.t.Fatalf("node %d does not say where %s listens", i, target)
	return netip.AddrPort{}
}

// Memory returns the bytes of memory that the node's process occupies, and false where the system does not tell.
func (c *Cluster) Memory(i int) (int, bool) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", c.Pid(i)))
	if err != nil {
		return 0, false
	}
	var size, resident int
	if _, err := fmt.Sscan(string(b), &size, &resident); err != nil {
		return 0, false
	}
	return resident * os.Getpagesize(), true
}
