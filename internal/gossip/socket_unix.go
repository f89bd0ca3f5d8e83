//go:build unix

package gossip

import (
	"net"
	"syscall"
)

// receiveBuffer returns the size of the socket's receive buffer in bytes, 0 if it cannot be told.
func receiveBuffer(conn *net.UDPConn) (size int) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0
	}
	_ = raw.Control(func(fd uintptr) {
		size, _ = syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF)
	})
	return size
}
