package abuse

import "slices"

// attack is one way to do harm.
type attack struct {
	name string
	do   func(a *attacker)       // may return while the attack goes on
	seen func(grown growth) bool // whether the node has met with it, as its metrics say
}

// growth is how much metrics have grown since an attack began.
type growth func(metric string) float64

// attacks are all that are tried.
var attacks = []attack{
	{"idle connections", idle, atLeast("broker_clients", 300)},
	{"half-open CONNECTs", halfOpen, atLeast("broker_connections", 150)},
	{"one byte at a time", slowLoris, atLeast("broker_keep_alive_timeouts_total", 10)},
	{"stalled TLS handshakes", stalledTLS, atLeast("broker_refused_connects_total", 100)},
	{"TLS handshakes", tlsFlood, atLeast("broker_refused_connects_total", 50)},
	{"stalled WebSocket handshakes", stalledWeb, atLeast("process_open_fds", 300)},
	{"huge WebSocket frames", hugeFrames, atLeast("broker_received_bytes_total", 16<<20)},
	{"tiny WebSocket fragments", tinyFragments, atLeast("broker_received_bytes_total", 10_000)},
	{"wrong passwords", wrongPasswords, atLeast("logins_failed_total", 8)},
	{"connects and disconnects", connectStorm, atLeast("machine_applied_total", 1000)},
	{"takeovers", takeovers, atLeast("broker_superseded_total", 50)},
	{"what is no MQTT", garbage, atLeast("broker_protocol_errors_total", 200)},
	{"pings", pings, atLeast("broker_received_bytes_total", 100_000)},
	{"pings without reading", deafPings, atLeast("broker_received_bytes_total", 1<<20)},
	{"publishes", publishes, atLeast("broker_messages_received_total", 20_000)},
	{"topics of 65,535 levels", deepTopics, all(atLeast("broker_refused_topics_total", 50), atLeast("broker_refused_filters_total", 50))},
	{"user properties", properties, atLeast("broker_received_bytes_total", 8<<20)},
	{"filters in a packet", filters, all(atLeast("broker_refused_filters_total", 1<<18), atLeast("broker_protocol_errors_total", 2))},
	{"10,000 subscriptions", subscriptions, atLeast("broker_refused_filters_total", 1000)},
	{"wildcards that branch", branches, atLeast("broker_messages_received_total", 10)},
	{"readers that never read", deaf, all(atLeast("broker_queue_dropped_total", 1), atLeast("broker_slow_readers_total", 1))},
	{"shared subscribers that never acknowledge", neverAck, atLeast("machine_queued_deliveries", 1000)},
	{"wills", wills, atLeast("broker_messages_delivered_total", 300)},
	{"retained messages", retained, atLeast("machine_retained_messages", 5000)},
}

// crowds are those of TestIdleMemory.
var crowds = []attack{
	{"TCP", func(a *attacker) { a.idle(crowd, a.plain) }, atLeast("broker_clients", crowd)},
	{"TLS", func(a *attacker) { a.idle(crowd, a.secure) }, atLeast("broker_clients", crowd)},
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
