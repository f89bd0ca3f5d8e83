package abuse

import (
	"bufio"
	"bytes"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/foxmq/foxmq/test/cluster"
)

// metrics are those of a node without labels, by name.
type metrics map[string]float64

// look asks the node for its metrics.
func look(t *testing.T, c *cluster.Cluster) metrics {
	t.Helper()
	var body []byte
	await(t, "metrics", func() (ok bool) {
		var err error
		body, err = c.Metrics(0)
		return err == nil
	})
	m := metrics{}
	for lines := bufio.NewScanner(bytes.NewReader(body)); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		if number, err := strconv.ParseFloat(value, 64); err == nil {
			m[strings.TrimPrefix(name, "foxmq_")] = number
		}
	}
	return m
}

// memory returns how many MiB the node occupies.
func (m metrics) memory() float64 { return m["process_resident_memory_bytes"] / (1 << 20) }

// await waits until something holds.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(cluster.Patience); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited for %v for %s", cluster.Patience, what)
		}
	}
}
