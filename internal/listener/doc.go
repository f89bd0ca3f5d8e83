// Package listener opens what MQTT clients connect to: TCP, Unix sockets, TLS over either, and TCP behind a proxy that
// speaks the PROXY protocol. Each is a net.Listener, made of another one where that is what it does, so that they can be
// put together like pipes; package websocket has one more. [Certificates] holds what the TLS listeners show.
//
// RemoteAddr of a connection is the client's own address, as far as it can be known, from Accept on. ClientName, where
// there is such a method, is the name that the client has proven by a certificate; it is asked after the first read.
//
// # Concurrency
//
// As for any net.Listener. What one of them starts ends with its Close.
package listener
