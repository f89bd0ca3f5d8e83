//go:build !unix

package gossip

import "net"

// receiveBuffer returns the size of the socket's receive buffer in bytes, 0 if it cannot be told.
func receiveBuffer(*net.UDPConn) int { return 0 }
