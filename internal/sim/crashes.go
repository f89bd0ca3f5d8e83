package sim

import "math/rand/v2"

// Crashes is what a scenario says of nodes that stop and of their disks. The members concerned are correct otherwise;
// together with the liars they are at most f, unless they come back.
type Crashes struct {
	Stopped int  // members, the first behind the liars, that stop for good
	Dead    int  // members, the last ones, that never start
	Late    bool // nodes start at different times

	Kill          float64 // probability that a process dies at any one moment between writing, sending and applying
	KillAt        int     // the one among all nodes' such moments, counting from 1, at which one does; 0: none
	Down          int     // so many may be down at a time for that
	Fate          Fate    // of the disk of a node that dies
	Away          int64   // for up to how long a node is down
	Rolling       bool    // one node after the other is stopped and started
	Blackouts     bool    // all nodes die at once, now and then
	Outage        int64   // for how long more than f nodes are down, once
	Full          bool    // disks fill up, one at a time
	Sync          bool    // what is written is synced before anything is sent
	SnapshotEvery uint64  // checkpoints are of rounds whose numbers are multiples of it; 0: none are taken
	CheckpointGap int64   // ns between two checkpoints at least
	Apply         int64   // for up to how long applying one round takes
	Kept          int     // ancient events that nodes keep for those that lag; 0: the default
	DiskBug       DiskBug // planted into every node
}

// Fate is what becomes of the disk of a node that dies.
type Fate int

// The fates.
const (
	Spared     Fate = iota // only the process dies
	PowerLost              // the machine loses power, and files some of what was not synced
	Wiped                  // all is lost
	RolledBack             // an earlier copy is put in its place
	Rotten                 // only the process dies, but some bit has changed
)

// DiskBug plants one known bug into how each node uses its disk, for tests only.
type DiskBug int

// The bugs that can be planted.
const (
	NoDiskBug       DiskBug = iota
	WritesLate              // what is to be written is written with what comes next
	CommitsUnsynced         // a checkpoint is committed before what comes before it in the log is synced
	RotatesLate             // a segment begins behind the events that came with the snapshot of its checkpoint
	TrimsTooFar             // a checkpoint lets go the segment with which the log goes on from it
)

// forgets tells whether a disk may lose what its node has shown to others.
func (c *Crashes) forgets() bool {
	return c.Fate == Wiped || c.Fate == RolledBack || c.Fate == Rotten || c.Fate == PowerLost && !c.Sync
}

// crashKinds draw scenarios about crashes and disks.
var crashKinds = []kind{
	{"kill", 4, func(s *Scenario, r *rand.Rand) { s.restarts(r, Spared) }},
	{"power", 2, func(s *Scenario, r *rand.Rand) { s.restarts(r, PowerLost) }},
	{"power cuts", 2, powerCuts},
	{"rotten", 1, func(s *Scenario, r *rand.Rand) { s.restarts(r, Rotten) }},
	{"wiped", 1, func(s *Scenario, r *rand.Rand) { s.restarts(r, Wiped) }},
	{"rolled back", 1, func(s *Scenario, r *rand.Rand) { s.restarts(r, RolledBack) }},
	{"blackout", 2, blackout},
	{"rolling restarts", 1, rolling},
	{"outage", 1, outage},
	{"left behind", 1, leftBehind},
	{"full disk", 1, fullDisk},
	{"slow apply", 1, slowApply},
}

// cluster draws how many members there are, and how they keep what they have.
func (s *Scenario) cluster(r *rand.Rand) {
	s.Members = pick(r, 4, 4, 4, 4, 5, 6, 7)
	s.Jitter = pick(r, 0.1, 1)
	s.SnapshotEvery = pick[uint64](r, 0, 1, 2, 8, 8, 32)
	s.CheckpointGap = pick[int64](r, 0, 200e6)
	s.Sync = r.IntN(2) == 0
}

// restarts lets nodes die at any moment. If their disks suffer it is one at a time, and only when all that it showed
// to anybody has reached the others: a node that forgets what only few have seen is one of the f until that is
// ancient.
func (s *Scenario) restarts(r *rand.Rand, fate Fate) {
	s.cluster(r)
	s.Fate = fate
	s.Kill, s.Down, s.Away = pick(r, 0.0005, 0.002, 0.01), 1+r.IntN(s.Members), pick(r, s.Delay, 50*s.Delay)
	if fate != Spared {
		s.Kill, s.Down, s.Sync = pick(r, 0.003, 0.03), 1, false
		s.Gap = pick[int64](r, 30e6, 300e6, 2e9)
		return
	}
	s.Members = pick(r, s.Members, 1, 2, 3)
	s.Loss = pick(r, 0, 0, 0.05)
	s.Episodes = r.IntN(4) == 0
}

// powerCuts lets machines lose power at any moment, any number at a time: each write is synced.
func powerCuts(s *Scenario, r *rand.Rand) {
	s.restarts(r, Spared)
	s.Fate, s.Sync = PowerLost, true
}

// fullDisk lets disks fail. Nodes may die meanwhile.
func fullDisk(s *Scenario, r *rand.Rand) {
	s.cluster(r)
	if s.Full = true; r.IntN(2) == 0 {
		return
	}
	s.Kill, s.Down, s.Away = 0.002, 1+r.IntN(s.Members), 50*s.Delay
	if s.Sync {
		s.Fate = PowerLost
	}
}

// blackout lets the whole cluster die at once. Machines that lose power lose nothing if everything was synced.
func blackout(s *Scenario, r *rand.Rand) {
	s.cluster(r)
	s.Members = pick(r, s.Members, 1)
	s.Blackouts, s.Away = true, 50*s.Delay
	if s.Sync {
		s.Fate = PowerLost
	}
}

// rolling restarts one node after the other, whether those before have caught up or not.
func rolling(s *Scenario, r *rand.Rand) {
	s.cluster(r)
	s.Rolling, s.Away = true, pick(r, 5*s.Delay, 100*s.Delay)
}

// outage takes more than f nodes away for hours.
func outage(s *Scenario, r *rand.Rand) {
	s.cluster(r)
	s.Gap = 1e9
	s.Outage = pick[int64](r, 1800e9, 3600e9)
	s.Span = outageBefore + s.Outage
}

// leftBehind keeps a node away until the others no longer have what it missed.
func leftBehind(s *Scenario, r *rand.Rand) {
	s.cluster(r)
	s.Gap = 2e9
	s.SnapshotEvery, s.CheckpointGap = pick[uint64](r, 1, 2, 8), 0
	s.Fate = pick(r, Spared, Wiped, RolledBack)
	s.Kill, s.Down, s.Away, s.Kept = 0.01, 1, 20e9, 16
}

// slowApply lets applying lag behind, and nodes die meanwhile.
func slowApply(s *Scenario, r *rand.Rand) {
	s.restarts(r, Spared)
	s.Apply = 20 * s.Delay
}
