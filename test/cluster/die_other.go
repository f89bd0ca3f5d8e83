//go:build !linux

package cluster

import "syscall"

// dieWithParent does nothing where the system has no such wish.
func dieWithParent() *syscall.SysProcAttr { return nil }
