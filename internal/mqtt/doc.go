// Package mqtt encodes and decodes the control packets of MQTT 3.1, 3.1.1 and 5.0, all fifteen of them in both
// directions, and names the reason codes.
//
// One packet, one file: connect.go holds the struct of CONNECT, its decoder and its encoder, and cites the clauses
// that they keep. A clause number is that of MQTT 5.0 unless it says otherwise. property.go is the table of the MQTT 5
// properties, reason.go that of the reason codes, wire.go the primitive types.
//
// The decoder takes nothing that the specification forbids. Its errors are *Error values and carry the reason code
// that the other side is to be told. Which of the two sides may send a packet is not its affair; FromClient checks
// that where it matters. The encoder trusts its caller: a packet whose fields keep their comments is well-formed.
//
// # Concurrency
//
// Packets are plain values. A Reader belongs to one goroutine.
package mqtt
