// Package bench measures MQTT brokers from outside, as their clients see them: delivered messages per second, the
// time from publish to delivery, and what it costs the brokers' processes.
//
// A run is one workload against one broker that was started for it. The load is a closed loop: a publisher may be
// ahead of its subscribers by a window, not further, so that no broker has a reason to drop what it cannot deliver.
// A run in which something is lost all the same, or nothing moves, says so in its row; it never hangs. Runs of one
// workload against all brokers follow each other, round by round, because a machine is not equally fast all day:
// what counts is the ratio of neighbours.
//
// # Concurrency
//
// Each client of a run has the goroutines of its client.Client, on which a subscriber counts alone, and a publisher
// has one more. They meet in the publishers' gates, which are atomics and a channel. Run and Idle return after all of
// them have ended.
package bench
