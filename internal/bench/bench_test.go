package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// quick is a configuration for one short run of a workload.
func quick(w Workload, addrs ...string) Config {
	return Config{
		Targets: []Target{{
			Name:  "stub",
			Start: func(context.Context) (Broker, func() error, error) { return Broker{Addrs: addrs}, nil, nil },
		}},
		Workloads: []Workload{w},
		Rounds:    1, Warmup: 30 * time.Millisecond, Duration: 100 * time.Millisecond,
	}
}

// measure runs a configuration of one run and returns its result.
func measure(t *testing.T, c Config) Result {
	t.Helper()
	report, err := Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if len(report.rows) != 1 || len(report.rows[0].results) != 1 {
		t.Fatalf("%d rows", len(report.rows))
	}
	return report.rows[0].results[0]
}

func TestEveryWorkloadIsDelivered(t *testing.T) {
	for _, w := range Workloads {
		t.Run(w.Name, func(t *testing.T) {
			r := measure(t, quick(w, startStub(t, nil)))
			if r.Delivered == 0 || r.P50 == 0 || r.P50 > r.P99 || r.P99 > r.P999 || r.Note != "" {
				t.Errorf("result %+v", r)
			}
		})
	}
}

func TestLossIsRemarked(t *testing.T) {
	once := func(nth int) bool { return nth == 100 }
	for _, w := range []Workload{Workloads[0], Workloads[2]} {
		t.Run(w.Name, func(t *testing.T) {
			c := quick(w, startStub(t, once))
			c.Patience = 200 * time.Millisecond
			r := measure(t, c)
			if !strings.Contains(r.Note, "are missing") && !strings.Contains(r.Note, "lost") {
				t.Errorf("note %q", r.Note)
			}
		})
	}
}

func TestSilenceEndsARun(t *testing.T) {
	for _, w := range Workloads {
		t.Run(w.Name, func(t *testing.T) {
			c := quick(w, startStub(t, func(int) bool { return true }))
			c.Patience = 100 * time.Millisecond
			if r := measure(t, c); !strings.Contains(r.Note, "nothing arrived") || r.Delivered != 0 {
				t.Errorf("result %+v", r)
			}
		})
	}
}

func TestABrokerThatCannotBeReachedIsAnError(t *testing.T) {
	addr := startStub(t, nil)
	c := quick(Workloads[0], addr[:strings.LastIndex(addr, ":")]+":1")
	if _, err := Run(t.Context(), c); err == nil {
		t.Error("no error")
	}
	failing := errors.New("does not start")
	c.Targets[0].Start = func(context.Context) (Broker, func() error, error) { return Broker{}, nil, failing }
	if _, err := Run(t.Context(), c); !errors.Is(err, failing) {
		t.Errorf("error %v", err)
	}
}

func TestPublishersAndSubscribersSitOnDifferentNodes(t *testing.T) {
	addrs := []string{"a", "b", "c", "d"}
	var publishers, subscribers string
	for i := range 5 {
		publishers += publisherAt(addrs, i)
		subscribers += subscriberAt(addrs, i)
	}
	if publishers != "ababa" || subscribers != "cdcdc" {
		t.Errorf("publishers on %s, subscribers on %s", publishers, subscribers)
	}
	if one := addrs[:1]; publisherAt(one, 7) != "a" || subscriberAt(one, 7) != "a" {
		t.Error("one node must do for both")
	}
}

func TestReportShowsMediansAndRatiosOfTheSameRound(t *testing.T) {
	var r Report
	w := Workloads[0]
	for round, rates := range [][2]uint64{{100, 1000}, {400, 800}, {90, 100}} {
		r.add(w, "one", round, Result{
			Delivered: rates[0], Elapsed: time.Second, P50: 1500 * time.Microsecond, CPU: time.Second,
		})
		r.add(w, Reference, round, Result{Delivered: rates[1] * 10, Elapsed: time.Second})
	}
	r.rows[1].results[1].Note = "7 messages lost"
	r.Add(&Idleness{Target: "four", Nodes: 4, Elapsed: 5 * time.Second, CPU: 40 * time.Millisecond, Events: 3})
	var got strings.Builder
	if err := r.Write(&got, true); err != nil {
		t.Fatal(err)
	}
	want := `| workload | broker | delivered/s | × Mosquitto | p50 | p99 | p999 | CPU s per 100,000 | remarks |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
| 1 → 1, QoS 0, 64 B | one | 100 | 0.05 | 1.5 ms | - | - | 1000.00 |  |
|  | mosquitto | 8,000 | 1.00 | - | - | - | - | 7 messages lost |

Idle for 5 s, 4 nodes (four): 0.20 % of a core per node, 3 events created.
`
	if got.String() != want {
		t.Errorf("report\n%s\nwant\n%s", got.String(), want)
	}
}

func TestIdleCountsEvents(t *testing.T) {
	asked := 0
	admin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		own := 7
		if asked == 3 { // the first two find it settled
			own = 9
		}
		fmt.Fprintf(w, `{"node": {"own": %d}}`, own)
	}))
	defer admin.Close()
	defer http.DefaultClient.CloseIdleConnections()
	target := Target{Name: "stub", Start: func(context.Context) (Broker, func() error, error) {
		return Broker{Addrs: []string{""}, Admins: []string{admin.Listener.Addr().String()}}, nil, nil
	}}
	idle, err := Idle(t.Context(), target, time.Millisecond)
	if err != nil || idle.Events != 2 {
		t.Errorf("idle %+v, %v", idle, err)
	}
}
