// Package conformance checks, from the outside and packet by packet, that running nodes do what the MQTT
// specifications demand of a server: who sends which packet, what must come back, what must not.
//
// A script (see stage_test.go) plays three times: on one node, on a cluster with all clients on one node, and on a
// cluster with every connection on another node than the one before. Each names the clauses that it holds the server
// to, from which docs/conformance.md is written (register_test.go). What is malformed is generated
// (malformed_test.go).
package conformance

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/foxmq/foxmq/test/cluster"
)

func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "16"); err != nil { // scripts wait more than they compute
		panic(err)
	}
	code := m.Run()
	cluster.Cleanup()
	os.Exit(code)
}

// script is what a few clients do and what they must get.
type script struct {
	name  string
	five  string // the clauses of MQTT 5.0 that it holds the server to, such as "3.1.0-1 3.1.4-6"
	three string // the clauses of MQTT 3.1.1, which has other numbers
	play  func(s *stage)
}

// chapters are all scripts.
var chapters = []struct {
	name    string
	waits   string // for what, if its scripts cannot pass yet: they are not played, and the register says so
	scripts []script
}{
	{"connect", "", connectScripts},
	{"refused connect", "", refuseConnectScripts()},
	{"bytes", "", bytesScripts},
	{"publish", "", publishScripts},
	{"refused publish", "", refusePublishScripts},
	{"flow", "", flowScripts},
	{"limits", "", limitScripts},
	{"properties", "", propertyScripts},
	{"alias", "", aliasScripts},
	{"subscribe", "", subscribeScripts},
	{"refused subscribe", "", refuseSubscribeScripts},
	{"options", "", optionScripts},
	{"topics", "", topicScripts},
	{"retain", "", retainScripts},
	{"will", "", willScripts},
	{"disconnect", "", disconnectScripts},
	{"lasting sessions", "", lastingScripts},
	{"under way", "", underWayScripts},
	{"expiry", "", expiryScripts},
	{"will delay", "", delayScripts},
	{"shared", "", sharedScripts},
	{"websocket", "", webSocketScripts},
}

// stages are the three ways in which scripts play: on so many nodes, the n-th connection of a script on which node.
var stages = []struct {
	name  string
	nodes int
	place func(n int) int
}{
	{"one", 1, func(int) int { return 0 }},
	{"all-on-one-of-four", 4, func(int) int { return 1 }},
	{"in-turn-on-four", 4, func(n int) int { return n }},
}

// TestScripts plays everything at once, so scripts must not disturb each other. One stage, chapter or script plays
// alone with -run 'TestScripts/in-turn/will/none_after'.
func TestScripts(t *testing.T) {
	t.Parallel()
	clusters := map[int]*cluster.Cluster{1: cluster.Start(t, 1), 4: cluster.Start(t, 4)}
	for i, stage := range stages {
		for j, chapter := range chapters {
			if chapter.waits != "" {
				continue
			}
			for k, script := range chapter.scripts {
				t.Run(stage.name+"/"+chapter.name+"/"+strings.ReplaceAll(script.name, "/", "|"), func(t *testing.T) {
					t.Parallel()
					// The word has four letters, which a script may count on.
					word := fmt.Sprintf("%c%02d%d", 'a'+j, k, i)
					play(t, clusters[stage.nodes], stage.place, word, script.play)
				})
			}
		}
	}
}
