// Package node makes a stream out of what its members submit: it drives consensus over gossip, hands what is
// ordered to the replicated machine, hands the machine's results to the broker, and keeps all of it on a disk.
//
// A command's way: Submit puts it into the pool of pending transactions. The loop turns the consensus driver,
// which packs what the pool holds into events. What the driver has taken in or made is written to the log; then it
// leaves, and the rounds that it decides go to the backlog. The applier takes them from there, runs every transaction
// through the machine, tells the pool which of its own are done, and gives the results to the Consumer. What peers send
// comes in by Message, which verifies signatures on the peer's own goroutine before it leaves the message in the peer's
// mailbox for the loop.
//
// Everything on the way is bounded, and each bound pushes back on whoever fills it: the pool on its submitters; a
// backlog that grows first on the pool, from which no more is packed, and then on the mailboxes, which are read no
// more; and a full mailbox on that peer alone. While the log cannot be written the loop stands still, and nothing is
// read from the mailboxes either.
//
// # Checkpoints
//
// Every snapshotEvery rounds the members compare their states. The driver hands out a snapshot of consensus as of that
// round; when the applier has applied the round, it casts the node's vote on the position that it has come to. Equal
// votes of a supermajority certify it, or of all others where that is everybody. A node that is outvoted ends with
// ErrDiverged.
//
// Some of these rounds become checkpoints on the disk: the loop begins a segment of the log before it writes what came
// with the snapshot, the applier collects what changed in the machine up to the round, and the checkpointer commits both
// with the number of the segment. The snapshot, the records and the log from that segment on lead to where the node is.
//
// A start goes that way: Run reads the checkpoint and replays the log, without a word to anybody but its votes, before
// any other goroutine begins. Consensus then observes until peers have told which own event was the last.
//
// A node whose driver is lost, as nobody hands out the events that it missed, fetches the last checkpoint of a peer
// beside its own, checks it against its certificate, and has the loop put it in place of all that is on the disk. Run
// ends with ErrInstalled, and whoever called it starts again from the disk. Then it reads the log behind the checkpoint,
// which the peer has kept, into the peer's mailbox; so does a node that is lost and finds a peer with a log that begins
// early enough. Meanwhile it says nothing. Serve is the peer's side.
//
// # The death of members
//
// The applier shows the loop what the machine knows of each member: its boot, whether it has connections, and whether it
// is suspected. A loop that sees a peer with connections away for Config.NodeTimeout submits a replica.Suspect, and takes
// it back when the peer is there again. A loop that sees its own node suspected submits a replica.Tick, which ends that.
//
// # Concurrency
//
// Run starts five goroutines when the disk has been read, and returns after all: the loop owns the driver and appends to
// the log; the applier owns the machine; the checkpointer commits, one checkpoint at a time; one fetches, and one waits
// for what is to end Run from outside of these. They meet in the pool, the backlog, the mailboxes, the ballots and the
// views that peers are served from, each with a lock of its own or a channel; no lock is held while another is taken, a
// channel is sent on or a file is read. What others may look at is published in atomic fields.
//
// Every exported method may be called from any goroutine, before Run and while the disk is being read, too; but Do must
// not be called from within Consumer.Applied or a function given to Do. Message, Connected, Disconnected and Do then wait.
package node
