// Package fair lets those who wait for something be served in turns: it is shared out equally among the addresses that want
// some, and what an address gets among its clients. Who has had least is served first, so somebody who wants little does not
// wait for those who want much, however many requests those have made before; nobody is held up for the sake of somebody
// who is not there.
//
// A Queue holds what waits. A Semaphore is one of whose room those get their part who wait for it, and Turns lets only a few
// work at once, none of them for long.
//
// The order is that of start-time fair queueing (Goyal, Vin, Cheng: Start-time Fair Queuing, SIGCOMM 1996), in two levels.
// It is the same whenever the same is asked for in the same order: no clock and no randomness is in it.
package fair

import "net/netip"

// Key says whose request something is.
type Key struct {
	Address netip.Addr // see Host; the zero address is one as any other
	Client  uint64     // of that address
}

// Host returns the address that stands for all that are likely to be of the same host: an IPv6 address is that of its
// network of 64 bits.
func Host(a netip.Addr) netip.Addr {
	a = a.Unmap().WithZone("")
	if !a.Is6() {
		return a
	}
	network, _ := a.Prefix(64) // an IPv6 address has one
	return network.Addr()
}
