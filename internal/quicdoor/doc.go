// Package quicdoor lets MQTT clients come over QUIC: a Listener accepts QUIC connections, and what it hands on is the one
// bidirectional stream that a client opens on each, as a byte stream like that of TCP. Who serves it needs not know.
//
// It is what other brokers call single-stream mode: the ALPN protocol is "mqtt", the first stream carries the same bytes as
// a TCP connection would, and both end together. Further streams are refused one by one, those that go one way only and
// datagrams are not spoken at all, and there is no early data, which could be replayed. A client may change its address: the
// connection goes on, and RemoteAddr is where it is now.
//
// # Concurrency
//
// Run accepts connections, with a goroutine for each from the beginning of a handshake to the end of a connection, and
// returns after the last of them. A Listener's other methods may be called from any goroutine. A Conn is used like a net.Conn.
package quicdoor
