// Package node makes a stream out of what its members submit: it drives consensus over gossip, hands what is
// ordered to the replicated machine, and hands the machine's results to the broker.
//
// A command's way: Submit puts it into the pool of pending transactions. The loop turns the consensus driver,
// which packs what the pool holds into events, and hands the rounds that it decides to the backlog. The applier
// takes them from there, runs every transaction through the machine, tells the pool which of its own are done,
// and gives the results to the Consumer. What peers send comes in by Message, which verifies signatures on the
// peer's own goroutine before it leaves the message in the peer's mailbox for the loop.
//
// Everything on the way is bounded, and each bound pushes back on whoever fills it: the pool on its submitters; a
// backlog that grows first on the pool, from which no more is packed, and then on the mailboxes, which are read no
// more; and a full mailbox on that peer alone.
//
// # Concurrency
//
// Run starts two goroutines and returns after both: the loop owns the driver, the applier owns the machine. They
// meet in the pool, the backlog and the mailboxes, each with a lock of its own or a channel; no lock is held while
// another is taken or a channel is sent on. Every exported method may be called from any goroutine, but for Do,
// which must not be called from within Consumer.Applied or a function given to Do.
package node
