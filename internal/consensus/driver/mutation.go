package driver

// Mutation plants one known bug into a driver, for tests only: they show that the simulator would find it. Each is
// consulted at exactly one place.
type Mutation uint8

// The bugs that can be planted.
const (
	NoMutation      Mutation = iota
	OwnTipByArrival          // after a start the chain goes on from the own event that a peer told of last
)
