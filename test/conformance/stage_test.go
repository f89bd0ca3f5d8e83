package conformance

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/foxmq/foxmq/internal/mqtt"
	"github.com/foxmq/foxmq/test/cluster"
)

// stage is where one script plays. In all that a script sends, ~ stands for a word that no other script uses, and in
// what it is shown that word is ~ again; what other scripts publish is not shown at all. So scripts that subscribe to
// everything can play beside each other.
type stage struct {
	*testing.T
	cluster *cluster.Cluster
	place   func(n int) int // the node of the n-th connection
	word    string
	peers   []*peer
	beats   map[int]*peer // of settle, by node
	beat    int
}

func play(t *testing.T, c *cluster.Cluster, place func(n int) int, word string, script func(s *stage)) {
	s := &stage{T: t, cluster: c, place: place, word: "§" + word + "§", beats: map[int]*peer{}}
	defer func() {
		for _, p := range s.peers {
			p.conn.Close()
			<-p.done
		}
	}()
	script(s)
}

// node returns the node of the next connection.
func (s *stage) node() int { return s.place(len(s.peers)) % len(s.cluster.Nodes) }

// dial opens a connection to a node and sends nothing.
func (s *stage) dial(v mqtt.Version) *peer {
	s.Helper()
	return s.dialAt(s.node(), v, 32<<20)
}

// dialAt is a dial to a certain node that ends the connection when a packet of more than limit bytes comes.
func (s *stage) dialAt(node int, v mqtt.Version, limit int) *peer {
	s.Helper()
	conn, err := net.DialTimeout("tcp", s.cluster.Nodes[node].MQTT, cluster.Patience)
	if err != nil {
		s.Fatal(err)
	}
	return s.over(conn, node, v, limit)
}

// over makes a peer of a connection to a node.
func (s *stage) over(conn net.Conn, node int, v mqtt.Version, limit int) *peer {
	p := newPeer(s, conn, v, limit)
	p.node = node
	s.peers = append(s.peers, p)
	return p
}

// connect opens a connection and sends CONNECT. A zero Version is MQTT 5.
func (s *stage) connect(c mqtt.Connect) *peer {
	s.Helper()
	return s.connectAt(s.node(), c)
}

func (s *stage) connectAt(node int, c mqtt.Connect) *peer {
	s.Helper()
	if c.Version == 0 {
		c.Version = mqtt.V5
	}
	p := s.dialAt(node, c.Version, 32<<20)
	p.send(&c)
	return p
}

// join is a connect that must succeed; the session is a clean one.
func (s *stage) join(c mqtt.Connect) *peer {
	s.Helper()
	return s.joinAt(s.node(), c)
}

// joinAt is a join of a certain node.
func (s *stage) joinAt(node int, c mqtt.Connect) *peer {
	s.Helper()
	c.CleanStart = true
	if c.Version == mqtt.V31 && c.ClientID == "" {
		c.ClientID = fmt.Sprintf("~31-%d", len(s.peers))
	}
	p := s.connectAt(node, c)
	p.accepted()
	return p
}

// publisher is a client of a version.
func (s *stage) publisher(v mqtt.Version) *peer {
	s.Helper()
	return s.join(mqtt.Connect{Version: v})
}

// subscriber is a client of a version with subscriptions at QoS 2. It completes what it receives by itself.
func (s *stage) subscriber(v mqtt.Version, filters ...string) *peer {
	s.Helper()
	p := s.join(mqtt.Connect{Version: v})
	p.auto = true
	for _, f := range filters {
		p.subscribe(mqtt.Subscription{Filter: f, QoS: 2})
	}
	return p
}

// settle returns when all that the stage's clients have sent has taken effect, and subscribers have been sent what
// matched: a marker comes behind it through the stream from each node. It returns what p has received meanwhile.
func (s *stage) settle(p *peer) (got []string) {
	s.Helper()
	if !p.settles {
		p.settles = true
		p.subscribe(mqtt.Subscription{Filter: "settle~"})
	}
	missing := map[string]bool{} // markers
	for _, q := range s.peers {
		if !q.gone() {
			q.ping()
		}
		if s.beats[q.node] == nil {
			s.beats[q.node] = s.joinAt(q.node, mqtt.Connect{})
		}
	}
	for node, q := range s.beats {
		s.beat++
		marker := fmt.Sprintf("%d from %d", s.beat, node)
		missing[marker] = true
		q.send(&mqtt.Publish{Topic: "settle~", Payload: []byte(marker)})
	}
	for len(missing) > 0 {
		m := p.message()
		if strings.HasPrefix(p.last.Topic, "settle") {
			delete(missing, string(p.last.Payload)) // or one for another subscriber
		} else {
			got = append(got, m)
		}
	}
	return got
}

// receives checks that p has been sent these messages since the last time, in this order, and no others.
func (s *stage) receives(p *peer, want ...string) {
	s.Helper()
	if got := s.settle(p); !slices.Equal(got, want) {
		s.Fatalf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// inVersions makes a script of one that plays in each version of the protocol.
func inVersions(play func(s *stage, v mqtt.Version)) func(*stage) {
	return versions(play, mqtt.V31, mqtt.V311, mqtt.V5)
}

// versions makes a script of one that plays in the given versions.
func versions(script func(s *stage, v mqtt.Version), all ...mqtt.Version) func(*stage) {
	return func(s *stage) {
		for _, v := range all {
			s.Run(v.String(), func(t *testing.T) {
				word := strings.Trim(s.word, "§") + v.String()
				play(t, s.cluster, s.place, word, func(s *stage) { script(s, v) })
			})
		}
	}
}

// after fails the test if the channel gives nothing for too long.
func after() <-chan time.Time { return time.After(cluster.Patience) }

// wait lets so many seconds pass, for what a client has to wait for.
func (s *stage) wait(seconds int) {
	time.Sleep(time.Duration(seconds)*time.Second + 100*time.Millisecond)
}
