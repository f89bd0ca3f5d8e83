package store

import (
	"os"
	"strings"
)

// bootID names the time since the machine was started last; "" if it cannot be told.
func bootID() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id))
}
