//go:build !linux

package store

// bootID names the time since the machine was started last; "" if it cannot be told.
func bootID() string { return "" }
