// Package broker speaks MQTT 3.1, 3.1.1 and 5.0 with clients over any net.Listener. It turns what clients ask for
// into commands for the ordered stream, and what the stream brings into packets for clients.
//
// A node's own clients get nothing by a short cut: a PUBLISH goes into the Stream, and only when it comes back
// through Applied is it matched with subscriptions and, at QoS 1 and 2, acknowledged (docs/semantics.md,
// "Publishing"). A session is local, and the node's own affair, or lasting, and then the state machine's: the broker sends
// what that has numbered, and reports to it what the client has acknowledged (docs/semantics.md, "Sessions").
//
// One PUBLISH through the package: receive.go reads the packet, publish.go checks it and submits it, dispatch.go gets
// it back and puts it into the queues of the matching clients' sessions, write.go sends it. To a lasting session, or by a
// shared subscription, it comes through numbered.go instead, and report.go tells the stream when it is done with.
//
// # Concurrency
//
// Each client has a reader goroutine, which is also its life: it ends after everything else of the client has. A
// writer goroutine runs only while there is something to write, and a submitter only while the stream is full. Readers
// handle packets in turns (turn.go), and none waits in its turn for anything but a lock.
// Applied and the functions given to State.Do run on the node's apply goroutine, which owns the subscriptions and the
// table of client ids; it takes a client's lock for moments only and never waits for a socket. Client.mu guards what
// the goroutines of one client and the apply goroutine share; no lock is held over I/O or a call to the Stream.
package broker
