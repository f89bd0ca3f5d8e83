// Package store keeps what a node must not lose: the log of events, and the state at a checkpoint.
package store
