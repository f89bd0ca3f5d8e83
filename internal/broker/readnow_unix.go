//go:build unix

package broker

import (
	"errors"
	"io"
	"os"
	"syscall"
)

// canReadNow says whether readNow works.
const canReadNow = true

// readNow reads what has come on a socket that does not block: at least a byte, or errNothingYet, or another error.
func readNow(fd uintptr, p []byte) (int, error) {
	for {
		n, err := syscall.Read(int(fd), p)
		switch {
		case n > 0:
			return n, nil
		case err == nil:
			return 0, io.EOF
		case errors.Is(err, syscall.EAGAIN):
			return 0, errNothingYet
		case !errors.Is(err, syscall.EINTR):
			return 0, os.NewSyscallError("read", err)
		}
	}
}
