// Package guard looks at where clients come from: a Guard bounds the connections of one address, and keeps addresses out
// for a while from which comes what no honest client sends.
//
// An address stands for its owner: one of IPv4 for itself, one of IPv6 for the 64 bits that a subscriber commonly gets
// (RFC 6177). Many honest clients may share one, behind a router or a load balancer; so both are off unless asked for.
//
// The memory is bounded, however many addresses there are: offences and bans have tables of a fixed size, and counts of
// connections are only of those that are open.
//
// # Concurrency
//
// All methods may be called from any goroutine. One lock guards everything; no I/O is done under it.
package guard
