package consensus

// Mutation plants one known bug into an engine, for tests only: they show that the simulator would find it. Each is
// consulted at exactly one place.
type Mutation uint8

// The bugs that can be planted.
const (
	NoMutation               Mutation = iota
	TallyAtVoter                      // votes are counted at the voter, not at the event that opened its round
	ParentlessAlwaysRound1            // an event without parents is of round 1 also when round 1 is decided
	SignatureTieBreak                 // the last tie of the order goes by signature, which nodes may hold differently
	CoinByteTest                      // the coin is whether the coin byte is not 0, so that it is nearly always YES
	RetainedGeneration                // generations in the order count ancestors that some nodes no longer hold
	RecomputeSparesAllJudges          // a judge keeps what was said about it in the round before
	TwoThirdsNotMore                  // a supermajority is 2n/3 or more, not more than 2n/3
	UnanimousButOne                   // the first votes of all members but one decide
)

// spares reports whether the recomputation leaves a judge as it was, in an engine that ran on: one that was restored
// has nothing to leave.
func (e *Engine) spares(v *vertex) bool {
	return e.cfg.Mutation == RecomputeSparesAllJudges && v.judge && v.round == int64(e.pending)-1
}
