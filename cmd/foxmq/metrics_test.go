package main

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/foxmq/foxmq/internal/gossip"
	"github.com/foxmq/foxmq/internal/node"
)

// TestEveryNumberHasAMetric demands a line in a table for each number of the status, whoever adds it.
func TestEveryNumberHasAMetric(t *testing.T) {
	demand := func(of reflect.Type, table []metric, label string) {
		named := map[string]bool{label: true}
		for _, m := range table {
			named[m.field] = true
		}
		for _, field := range numbers(t, of, "") {
			if !named[field] {
				t.Errorf("%v.%s has no metric: add it to the table in metrics_table.go", of, field)
			}
		}
	}
	demand(reflect.TypeFor[status](), metrics, "")
	demand(reflect.TypeFor[gossip.PeerStatus](), peerMetrics, "Member")
	demand(reflect.TypeFor[node.PeerStatus](), nodePeerMetrics, "Member")
}

// numbers returns the paths of the numeric fields of a struct.
func numbers(t *testing.T, of reflect.Type, path string) (all []string) {
	for _, f := range reflect.VisibleFields(of) {
		if f.Anonymous {
			continue // its fields come too
		}
		path, is := path+f.Name, f.Type
		if is.Kind() == reflect.Pointer {
			is = is.Elem()
		}
		switch {
		case is == reflect.TypeFor[time.Time]():
			all = append(all, path)
		case is.Kind() == reflect.Struct:
			all = append(all, numbers(t, is, path+".")...)
		case is.Kind() == reflect.String:
		case is.Kind() == reflect.Slice:
			if is != reflect.TypeFor[[]gossip.PeerStatus]() && is != reflect.TypeFor[[]node.PeerStatus]() {
				t.Errorf("%s: its elements have no table of metrics", path)
			}
		default:
			all = append(all, path)
		}
	}
	return all
}

// fill gives each number of v a value of its own, from next on.
func fill(v reflect.Value, next *int) {
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(time.Unix(int64(*next), 0)))
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), next)
		}
		return
	case v.Type() == reflect.TypeFor[time.Duration]():
		v.SetInt(int64(*next) * int64(time.Second))
	case v.CanInt():
		v.SetInt(int64(*next))
	case v.CanUint():
		v.SetUint(uint64(*next))
	case v.CanFloat():
		v.SetFloat(float64(*next))
	case v.Kind() == reflect.Bool:
		v.SetBool(true)
	default:
		return
	}
	*next++
}

// TestMetricsShowTheirFields shows that no metric shows another's number, that one of a part which is not there is
// left out, and that the names and help texts are as Prometheus wants them.
func TestMetricsShowTheirFields(t *testing.T) {
	next := 2
	s := status{Version: "1.2.3", Peers: make([]gossip.PeerStatus, 1)}
	fill(reflect.ValueOf(&s).Elem(), &next)
	fill(reflect.ValueOf(&s.Peers[0]).Elem(), &next)
	c := newCollector(func() status { return s })

	var want strings.Builder
	fmt.Fprintln(&want, "# HELP foxmq_build_info Version of the program; always 1.\n# TYPE foxmq_build_info gauge")
	fmt.Fprintln(&want, `foxmq_build_info{version="1.2.3"} 1`)
	expect := func(of any, table []metric, labels string) {
		for _, m := range table {
			kind := "gauge"
			if strings.HasSuffix(m.name, "_total") {
				kind = "counter"
			}
			v := reflect.ValueOf(of)
			for name := range strings.SplitSeq(m.field, ".") {
				v = reflect.Indirect(v).FieldByName(name)
			}
			fmt.Fprintf(&want, "# HELP foxmq_%s %s\n# TYPE foxmq_%s %s\nfoxmq_%s%s %s\n",
				m.name, m.help, m.name, kind, m.name, labels, plain(v))
		}
	}
	expect(s, metrics, "")
	expect(s.Peers[0], peerMetrics, fmt.Sprintf("{peer=%q}", fmt.Sprint(s.Peers[0].Member)))
	if err := testutil.CollectAndCompare(c, strings.NewReader(want.String())); err != nil {
		t.Error(err)
	}
	problems, err := testutil.CollectAndLint(c)
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	if err != nil {
		t.Error(err)
	}
}

// plain writes a number as the exposition format does.
func plain(v reflect.Value) string {
	switch is := v.Interface().(type) {
	case time.Duration:
		return fmt.Sprint(is.Seconds())
	case time.Time:
		return fmt.Sprint(is.Unix())
	}
	return strings.Replace(fmt.Sprint(v), "true", "1", 1)
}

func BenchmarkScrape(b *testing.B) {
	s := status{Peers: make([]gossip.PeerStatus, 6)}
	for i := range s.Peers {
		s.Peers[i].Member = i + 1
	}
	r := prometheus.NewRegistry()
	r.MustRegister(newCollector(func() status { return s }))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Gather(); err != nil {
			b.Fatal(err)
		}
	}
}
