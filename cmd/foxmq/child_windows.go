package main

import "syscall"

// childAttributes gives a child a process group of its own, so that Ctrl-C reaches this process alone, which then
// stops the child.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}
