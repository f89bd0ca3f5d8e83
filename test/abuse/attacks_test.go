package abuse

import "slices"

// attack is one way to do harm.
type attack struct {
	name string
	do   func(a *attacker)       // may return while the attack goes on
	seen func(grown growth) bool // whether the node has met with it, as its metrics say
	full func(grown growth) bool // whether a large one has built up what is to be measured; nil: as soon as it is seen
}

// large returns the attack as TestFigures waits for it.
func (a attack) large() attack {
	if a.full != nil {
		a.seen = a.full
	}
	return a
}

// growth is how much metrics have grown since an attack began.
type growth func(metric string) float64

// attacks are all that are tried.
var attacks = []attack{
	{name: "idle connections", do: idle, seen: atLeast("broker_clients", 300), full: atLeast("broker_clients", 5000)},
	{name: "half-open CONNECTs", do: halfOpen, seen: atLeast("broker_connections", 150)},
	{name: "one byte at a time", do: slowLoris, seen: atLeast("broker_keep_alive_timeouts_total", 10)},
	{name: "stalled TLS handshakes", do: stalledTLS, seen: atLeast("broker_refused_connects_total", 100)},
	{name: "TLS handshakes", do: tlsFlood, seen: atLeast("broker_refused_connects_total", 50)},
	{name: "stalled WebSocket handshakes", do: stalledWeb, seen: atLeast("process_open_fds", 300)},
	{name: "huge WebSocket frames", do: hugeFrames, seen: atLeast("broker_received_bytes_total", 16<<20)},
	{name: "tiny WebSocket fragments", do: tinyFragments, seen: atLeast("broker_received_bytes_total", 10_000)},
	{name: "wrong passwords", do: wrongPasswords, seen: atLeast("logins_failed_total", 8)},
	{name: "connects and disconnects", do: connectStorm, seen: atLeast("machine_applied_total", 1000)},
	{name: "takeovers", do: takeovers, seen: atLeast("broker_superseded_total", 50)},
	{name: "what is no MQTT", do: garbage, seen: atLeast("broker_protocol_errors_total", 200)},
	{name: "pings", do: pings, seen: atLeast("broker_received_bytes_total", 100_000)},
	{name: "pings without reading", do: deafPings, seen: atLeast("broker_received_bytes_total", 1<<20)},
	{name: "publishes", do: publishes, seen: atLeast("broker_messages_received_total", 20_000)},
	{name: "topics of 65,535 levels", do: deepTopics, seen: all(atLeast("broker_messages_received_total", 1000), atLeast("broker_refused_filters_total", 50))},
	{name: "user properties", do: properties, seen: atLeast("broker_received_bytes_total", 8<<20)},
	{name: "filters in a packet", do: filters, seen: all(atLeast("broker_refused_filters_total", 1<<18), atLeast("broker_protocol_errors_total", 2))},
	{name: "10,000 subscriptions", do: subscriptions, seen: atLeast("broker_refused_filters_total", 1000)},
	{name: "wildcards that branch", do: branches, seen: atLeast("broker_messages_received_total", 10)},
	{name: "readers that never read", do: deaf, seen: all(atLeast("broker_queue_dropped_total", 1), atLeast("broker_slow_readers_total", 1))},
	{name: "shared subscribers that never acknowledge", do: neverAck, seen: atLeast("machine_queued_deliveries", 1000)},
	{name: "wills", do: wills, seen: atLeast("broker_messages_delivered_total", 300)},
	{name: "retained messages", do: retained, seen: atLeast("machine_retained_messages", 5000)},
}

// crowds are those of TestIdleMemory.
var crowds = []attack{
	{name: "TCP", do: func(a *attacker) { a.idle(crowd, a.plain) }, seen: atLeast("broker_clients", crowd)},
	{name: "TLS", do: func(a *attacker) { a.idle(crowd, a.secure) }, seen: atLeast("broker_clients", crowd)},
}

func find(name string) attack {
	for _, a := range slices.Concat(attacks, crowds) {
		if a.name == name {
			return a
		}
	}
	panic("no attack " + name)
}

// atLeast says that the node has met with an attack when a metric has grown so much.
func atLeast(metric string, by float64) func(growth) bool {
	return func(grown growth) bool { return grown(metric) >= by }
}

func all(conditions ...func(growth) bool) func(growth) bool {
	return func(grown growth) bool {
		for _, holds := range conditions {
			if !holds(grown) {
				return false
			}
		}
		return true
	}
}
