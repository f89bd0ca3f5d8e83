package bench

import "strconv"

// Workload is a load. With as many publishers as subscribers each publisher has its own subscriber; else every
// subscriber gets what every publisher publishes.
type Workload struct {
	Name        string
	Title       string
	Publishers  int
	Subscribers int
	QoS         byte
	Size        int // of a payload in bytes, at least headerSize
	Window      int // messages of all publishers together that may be published and not yet delivered
	Inflight    int // publishes per publisher that may be unacknowledged, at QoS 1 and 2
	Rate        int // messages per second of all publishers together; 0: as many as the window lets through
}

// Workloads are the loads that are measured, in this order.
var Workloads = []Workload{
	{
		Name: "one-to-one", Title: "1 → 1, QoS 0, 64 B",
		Publishers: 1, Subscribers: 1, Size: 64, Window: 10_000,
	},
	{
		Name: "pairs", Title: "10 → 10, QoS 1, 256 B",
		Publishers: 10, Subscribers: 10, QoS: 1, Size: 256, Window: 10_000, Inflight: 100,
	},
	{
		Name: "fan-out", Title: "1 → 100, QoS 0, 64 B",
		Publishers: 1, Subscribers: 100, Size: 64, Window: 1_000,
	},
	{
		Name: "fan-in", Title: "100 → 1, QoS 0, 64 B",
		Publishers: 100, Subscribers: 1, Size: 64, Window: 10_000,
	},
	{
		Name: "latency", Title: "1 → 1, QoS 1, 64 B, 1,000 msg/s",
		Publishers: 1, Subscribers: 1, QoS: 1, Size: 64, Window: 10_000, Inflight: 100, Rate: 1_000,
	},
}

func (w *Workload) paired() bool { return w.Publishers == w.Subscribers }

// copies is how many subscribers get each message.
func (w *Workload) copies() int {
	if w.paired() {
		return 1
	}
	return w.Subscribers
}

// topic is what publisher i publishes to, below a prefix that no other run has.
func (w *Workload) topic(prefix string, i int) string { return prefix + strconv.Itoa(i) }

// filter is what subscriber i subscribes to.
func (w *Workload) filter(prefix string, i int) string {
	if w.paired() {
		return w.topic(prefix, i)
	}
	return prefix + "+"
}

// publisherAt chooses the address for publisher i: publishers share the first half of the addresses and subscribers
// the rest, so that every message has to go from one node to another if there are two.
func publisherAt(addrs []string, i int) string { return addrs[i%max(1, len(addrs)/2)] }

// subscriberAt chooses the address for subscriber i.
func subscriberAt(addrs []string, i int) string {
	others := addrs[len(addrs)/2:]
	return others[i%len(others)]
}
