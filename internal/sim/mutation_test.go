package sim

import (
	"testing"

	"github.com/foxmq/foxmq/internal/consensus"
	"github.com/foxmq/foxmq/internal/consensus/driver"
)

// mutationSeeds is how many seeds may be tried until a bug is noticed.
const mutationSeeds = 1000

// planted lists the bugs that others had, each with a kind of scenario in which it does harm, and the invariant that
// it breaks there.
var planted = []struct {
	name      string
	plant     func(*Scenario)
	kind      string
	members   int    // 0: as the kind draws them
	every     uint64 // only seeds that this divides, if not 0
	invariant string
}{
	// An event that adopts a round instead of opening it strongly sees hardly a witness of the round before.
	{"tally at the voter", engine(consensus.TallyAtVoter), "stalemate", 0, 0, FullTally},
	// Liars start new chains all the time. The children of such events do not descend from a judge.
	{"parentless always in round 1", engine(consensus.ParentlessAlwaysRound1), "fork bomb", 0, 0, RoundsRise},
	// Events of two liars have all their times in common, and each node gets other signatures of them.
	{"tie-break on signatures", engine(consensus.SignatureTieBreak), "collusion", 0, 0, Agreement},
	// Every node takes the same coins for the same votes, so they all agree on what is wrong, and elections end even
	// sooner. Only the definitions tell.
	{"coin from the byte", engine(consensus.CoinByteTest), "stalemate", 4, oracleEvery, FastIsLiteral},
	// The tied events of two liars come when at some nodes the parent of one has just been ordered.
	{"generation of retained parents", engine(consensus.RetainedGeneration), "collusion", 0, 0, Agreement},
	// What a judge saw in the round before leads to vertices that are gone or stand for other events by now.
	// An engine restored from a snapshot cannot have seen it.
	{"recompute spares all judges", engine(consensus.RecomputeSparesAllJudges), "equal", 4, 0, RestoredAlike},
	// It differs only where three divides the number of members. Two of three, one of them slow, go ahead alone.
	{"two thirds of three", engine(consensus.TwoThirdsNotMore), "storm", 3, 0, FullTally},
	{"two thirds of six", engine(consensus.TwoThirdsNotMore), "late vote", 6, 0, EnoughJudges},
	// Three votes of four are alike, but one is that of a liar who has cast the other one, too. That makes fame flip in
	// few runs (here first at seed 416, with TestUnanimousEqualsTally's graphs at once); the definitions tell sooner.
	{"unanimous but for one", engine(consensus.UnanimousButOne), "split votes", 4, oracleEvery, FastIsLiteral},
	// A peer that lags tells of an event that is not the last.
	{"own tip by arrival", tips(driver.OwnTipByArrival), "kill", 0, 0, NoBranch},
	// What was sent was not written when the node died.
	{"written late", disks(WritesLate), "kill", 0, 0, LogHolds},
	// Old segments have gaps after a loss of power. They are for peers that lag, so the ledger alone tells.
	{"committed unsynced", disks(CommitsUnsynced), "power", 0, 0, LogHolds},
	// Parents are missing in what the log holds behind the snapshot.
	{"rotated late", disks(RotatesLate), "kill", 0, 0, Liveness},
	{"trimmed too far", disks(TrimsTooFar), "kill", 0, 0, LogHolds},
}

// engine plants a bug into the engine of every node.
func engine(m consensus.Mutation) func(*Scenario) { return func(s *Scenario) { s.Mutation = m } }

// tips plants a bug into the driver of every node.
func tips(m driver.Mutation) func(*Scenario) { return func(s *Scenario) { s.DriverMutation = m } }

// disks plants a bug into how every node uses its disk.
func disks(b DiskBug) func(*Scenario) { return func(s *Scenario) { s.DiskBug = b } }

// TestMutations plants known bugs into every node. Runs must notice each within a few seeds, and pass
// without it.
func TestMutations(t *testing.T) {
	for _, bug := range planted {
		t.Run(bug.name, func(t *testing.T) {
			t.Parallel()
			for s := uint64(1); s <= mutationSeeds; s++ {
				sc, err := Named(bug.kind, s*max(1, bug.every))
				if err != nil {
					t.Fatal(err)
				}
				if bug.members > 0 {
					sc = sc.Resized(bug.members)
				}
				sound := sc
				bug.plant(&sc)
				_, failure := Try(sc)
				if failure == nil || failure.Invariant != bug.invariant {
					continue
				}
				t.Logf("found by seed %d, the %d. one: %v", sc.Seed, s, failure)
				if _, failure := Try(sound); failure != nil {
					t.Errorf("it fails without the bug: %v", failure)
				}
				return
			}
			t.Error("no seed finds it")
		})
	}
}
