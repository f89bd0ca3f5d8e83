// Package conformance checks, from the outside and packet by packet, that running nodes do what the MQTT
// specifications demand of a server: who sends which packet, what must come back, what must not.
//
// A script (see stage_test.go) plays on one node, and again on a cluster whose publishers and subscribers are on
// different nodes. Each names the clauses that it holds the server to: [3.1.0-1] is [MQTT-3.1.0-1] of
// MQTT 5.0, and a clause of 3.1.1 says so. What is malformed is generated (malformed_test.go).
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
	name string // with the clauses in brackets
	play func(s *stage)
}

// chapters are all scripts. Those that need no more than one node play on one node alone.
var chapters = []struct {
	name    string
	alone   bool
	scripts []script
}{
	{"connect", false, connectScripts},
	{"refused connect", true, refuseConnectScripts()},
	{"bytes", true, bytesScripts},
	{"publish", false, publishScripts},
	{"refused publish", true, refusePublishScripts},
	{"flow", false, flowScripts},
	{"limits", false, limitScripts},
	{"properties", false, propertyScripts},
	{"alias", false, aliasScripts},
	{"subscribe", false, subscribeScripts},
	{"refused subscribe", true, refuseSubscribeScripts},
	{"options", false, optionScripts},
	{"topics", false, topicScripts},
	{"retain", false, retainScripts},
	{"will", false, willScripts},
	{"disconnect", true, disconnectScripts},
}

func TestOneNode(t *testing.T) {
	t.Parallel()
	playAll(t, cluster.Start(t, 1))
}

func TestFourNodes(t *testing.T) {
	t.Parallel()
	playAll(t, cluster.Start(t, 4))
}

// playAll plays scripts at once, on one cluster: they must not disturb each other.
func playAll(t *testing.T, c *cluster.Cluster) {
	for i, chapter := range chapters {
		if chapter.alone && len(c.Nodes) > 1 {
			continue
		}
		for j, script := range chapter.scripts {
			t.Run(chapter.name+"/"+strings.ReplaceAll(script.name, "/", "|"), func(t *testing.T) {
				t.Parallel()
				play(t, c, fmt.Sprintf("%02d-%02d", i, j), script.play)
			})
		}
	}
}
