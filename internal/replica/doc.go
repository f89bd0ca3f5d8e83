// Package replica is the replicated state machine: what the cluster must agree on, and how each transaction of
// the ordered stream changes it. Every node feeds its own Machine the same transactions and so comes to the same
// state and the same effects (docs/semantics.md).
//
// The path of a command: a node's broker makes a Command; its node package encodes it behind a Header, which
// numbers the node's transactions, and submits it; consensus puts it into the stream; and on every node
// Machine.Apply turns it into a Result. A Result's Effects say what the brokers do about it.
//
// Machine.Apply decodes a command (decode.go) and executes it: connections, sessions and wills (session.go), what is
// published and whom it reaches (publish.go), what waits for a session (queue.go), subscriptions (subscribe.go), shared
// ones (group.go), retained messages (retained.go), bans (bans.go), the death of members (suspicion.go). What waits for a
// time (schedule.go) comes first, by the transaction's consensus time: the machine has no other clock.
//
// A session is local or lasting. Of a local one the machine knows the connection, the will and the shared
// subscriptions; its other subscriptions are its node's affair, which gets one Deliver for all of them. Everything else
// is sent by name.
//
// The state is also a set of records (records.go), keys with values in a canonical form: Machine.Flush gives those that
// changed (flush.go), Load makes the machine of all of them (load.go), and Machine.Hash, which follows what changes,
// tells whether two nodes have the same. Result.AppendDigest says the same of the effects (digest.go).
//
// The bytes that Apply reads may come from a Byzantine member. What does not decode, or breaks a limit, is the
// same no-op on every node, and nothing that reaches an Effect could not have been sent by a correct node.
//
// Concurrency: a Machine belongs to one goroutine. The Messages that it hands out are immutable and may be
// shared and kept.
package replica
