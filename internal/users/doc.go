// Package users knows who may log in, users.toml, and what they may do, permissions.toml.
//
// Both files are read again when they change. One that cannot be read or does not parse leaves what was in force
// in force; so does one that goes away, since without permissions.toml everything is allowed.
//
// # Concurrency
//
// The methods of a Store may be called from any goroutine. What was read from a file is immutable and replaced as
// a whole, so a decision is made under one version of it. Run ends its goroutines, of which it has none, before it
// returns.
package users
