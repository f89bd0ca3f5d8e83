package main

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/foxmq/foxmq/internal/gossip"
	"github.com/foxmq/foxmq/internal/node"
)

// metric shows one number of the status. A name that ends in _total is a counter's, any other a gauge's; a duration
// shows in seconds, a time in seconds since 1970 with 0 for none, and true as 1.
type metric struct {
	field string // path of Go field names in status, or in one of the two PeerStatus
	name  string // without foxmq_
	help  string
}

// collector turns one picture of the status into metrics whenever it is asked: nothing is counted here, so a metric
// costs nothing until somebody looks, and is what /status says.
type collector struct {
	status func() status
	build  *prometheus.Desc
	fields []column
	peers  []column // of gossip.PeerStatus
	seen   []column // of node.PeerStatus
}

// newCollector returns a collector of what status returns, which must be safe for concurrent use.
func newCollector(of func() status) *collector {
	return &collector{
		status: of,
		build:  prometheus.NewDesc("foxmq_build_info", "Version of the program; always 1.", []string{"version"}, nil),
		fields: columns(reflect.TypeFor[status](), metrics),
		peers:  columns(reflect.TypeFor[gossip.PeerStatus](), peerMetrics, "peer"),
		seen:   columns(reflect.TypeFor[node.PeerStatus](), nodePeerMetrics, "peer"),
	}
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(to chan<- *prometheus.Desc) {
	to <- c.build
	for _, m := range slices.Concat(c.fields, c.peers, c.seen) {
		to <- m.desc
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(to chan<- prometheus.Metric) {
	s := c.status()
	to <- prometheus.MustNewConstMetric(c.build, prometheus.GaugeValue, 1, s.Version)
	collect(to, c.fields, reflect.ValueOf(s))
	for _, p := range s.Peers {
		collect(to, c.peers, reflect.ValueOf(p), fmt.Sprint(p.Member))
	}
	for _, p := range s.Node.Peers {
		collect(to, c.seen, reflect.ValueOf(p), fmt.Sprint(p.Member))
	}
}

func collect(to chan<- prometheus.Metric, all []column, of reflect.Value, labels ...string) {
	for _, m := range all {
		if v, err := of.FieldByIndexErr(m.index); err == nil { // an error: a part that this node has not
			to <- prometheus.MustNewConstMetric(m.desc, m.kind, number(v), labels...)
		}
	}
}

// column is a metric whose field has been found.
type column struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	index []int // for reflect.Value.FieldByIndexErr
}

// columns finds the fields of a table in t. A field that t has not is a mistake in the table.
func columns(t reflect.Type, table []metric, labels ...string) []column {
	all := make([]column, len(table))
	for i, m := range table {
		c := column{desc: prometheus.NewDesc("foxmq_"+m.name, m.help, labels, nil), kind: prometheus.GaugeValue}
		if strings.HasSuffix(m.name, "_total") {
			c.kind = prometheus.CounterValue
		}
		at := t
		for name := range strings.SplitSeq(m.field, ".") {
			if at.Kind() == reflect.Pointer {
				at = at.Elem()
			}
			f, ok := at.FieldByName(name)
			if !ok {
				panic("no field of the status: " + m.field)
			}
			c.index = append(c.index, f.Index...)
			at = f.Type
		}
		all[i] = c
	}
	return all
}

// number returns what a field holds.
func number(v reflect.Value) float64 {
	switch is := v.Interface().(type) {
	case time.Duration:
		return is.Seconds()
	case time.Time:
		if is.IsZero() {
			return 0
		}
		return float64(is.UnixMilli()) / 1e3
	case bool:
		if is {
			return 1
		}
		return 0
	}
	return v.Convert(reflect.TypeFor[float64]()).Float()
}
