// Package replica is the replicated state machine: what the cluster must agree on, and how each transaction of
// the ordered stream changes it. Every node feeds its own Machine the same transactions and so comes to the same
// state and the same effects (docs/semantics.md, "The replicated state machine").
//
// The path of a command: a node's broker makes a Command; its node package encodes it behind a Header, which
// numbers the node's transactions, and submits it; consensus puts it into the stream; and on every node
// Machine.Apply turns it into a Result. A Result's Effects say what the brokers do about it.
//
// The bytes that Apply reads may come from a Byzantine member. What does not decode, or breaks a limit, is the
// same no-op on every node, and nothing that reaches an Effect could not have been sent by a correct node.
//
// Concurrency: a Machine belongs to one goroutine. The Messages that it hands out are immutable and may be
// shared and kept.
package replica
