package main

import "syscall"

// childAttributes gives a child a process group of its own, so that Ctrl-C reaches this process alone, which then
// stops the child; and has the kernel kill it if this process dies in whatever way.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
