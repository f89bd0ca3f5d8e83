package graphtest

const (
	headBytes = 3   // the cluster
	stepBytes = 6   // the making of one event
	maxSteps  = 160 // more take the oracle too long
)

// FromBytes makes the graph that a byte string describes. Every string describes one, so that a fuzzer can change any
// byte. Zeros stand for what is plain: members in turn, each with the latest event of every other one.
//
// Three bytes are the cluster:
//
//	0  members, 1 to 7
//	1  coin period, 3 to 6; rounds kept; how long a step lasts
//	2  in each half a member that may be faulty; 15 is all of them
//
// Six each are the making of an event:
//
//	0  how many members are passed over, and in the upper half how many steps later the event comes to the node
//	   whose view this is
//	1  a bit for each member that gives no other-parent
//	2  a bit for each member that gives an older event than its latest
//	3  how much older; the state of the clock; transactions
//	4  coin
//	5  what a faulty member does to it, and in the upper half where or by how much
//
// A correct member takes only parents that it could insert with what they descend from, and states the round that is
// pending by those. Its clock may be wrong and its choice of parents odd: nothing is promised about either.
func FromBytes(data []byte, open Open) *Graph {
	var head [headBytes]byte
	data = data[copy(head[:], data):]
	g := &Graph{
		Kind: "bytes", Members: 1 + int(head[0])%7,
		CoinPeriod: 3 + int(head[1])%4, RoundsKept: []int{26, 1, 2, 3}[head[1]/4%4],
	}
	p := newPlay(g, head[2], open)
	p.tick = []int64{1e6, 0, 1, 1000}[head[1]/16%4]
	for ; len(data) >= stepBytes && p.now < maxSteps; data = data[stepBytes:] {
		p.act(decodeStep(data))
	}
	p.end()
	return g
}

// step is how one event is made.
type step struct {
	skip   int
	delay  int  // until it comes to the observer, in steps
	others byte // a bit per member
	older  byte // likewise
	back   int  // how many events before the latest the older ones are
	clock  int
	txs    int
	coin   byte
	lie    lie
	extent int // of the lie
}

func decodeStep(b []byte) step {
	return step{
		skip: int(b[0] & 15), delay: int(b[0] >> 4), others: ^b[1], older: b[2],
		back: 1 + int(b[3]&7), clock: int(b[3] >> 3 & 7), txs: int(b[3] >> 6),
		coin: b[4], lie: lie(b[5] & 15), extent: int(b[5] >> 4),
	}
}
