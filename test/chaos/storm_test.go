package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/foxmq/foxmq/internal/mqtt"
	"github.com/foxmq/foxmq/test/chaos/roam"
	"github.com/foxmq/foxmq/test/chaos/verdict"
	"github.com/foxmq/foxmq/test/cluster"
)

// stormConfig says what a storm is like; zero fields have the defaults that newStorm gives.
type stormConfig struct {
	cluster.Config
	publishers  int           // 8
	subscribers int           // 6
	pace        time.Duration // between two messages of a publisher; 40 ms
	hop         time.Duration // mean time until a client leaves a node by itself; 10 s
	size        int           // bytes of each message; 0: various
}

// storm is a cluster behind a network that can be harmed, with clients that roam.
type storm struct {
	*cluster.Cluster
	t      *testing.T
	config stormConfig
	began  time.Time
	world  *roam.World
	load   roam.Load

	subscribers []*roam.Subscriber
	members     []*roam.Subscriber // of a group
	publishers  []*roam.Publisher
	publishing  sync.WaitGroup // the publishers' Run
	receiving   sync.WaitGroup // the subscribers' and members' Run
	hush        context.CancelFunc

	killed  map[verdict.Conn]bool // processes
	backups map[int]func()        // by node: puts back its data directory as it was once
	events  []string              // what has happened, with times
}

// newStorm starts a cluster and its clients.
func newStorm(t *testing.T, config stormConfig) *storm {
	t.Helper()
	if config.Nodes == 0 {
		config.Nodes = nodes
	}
	if config.publishers == 0 {
		config.publishers, config.subscribers, config.pace = 8, 6, 40*time.Millisecond
	}
	if config.hop == 0 {
		config.hop = 10 * time.Second
	}
	config.Behind, config.Keep = true, true
	// Nodes that hang or are cut off are soon taken to be dead, and are not.
	config.Flags = append([]string{"--connect-timeout", "3s", "--node-timeout", "1s"}, config.Flags...)
	s := &storm{t: t, config: config, killed: map[verdict.Conn]bool{}, backups: map[int]func(){}, began: time.Now()}
	t.Cleanup(s.tell)
	s.Cluster = cluster.New(t, config.Config)
	addrs := make([]string, config.Nodes)
	for i, n := range s.Nodes {
		addrs[i] = n.MQTT
	}
	s.world, s.load = roam.NewWorld(addrs), roam.Load{Seed: config.Seed, Size: config.size}
	s.admit()
	return s
}

// admit starts the clients: the publishers when all subscribers have subscribed.
func (s *storm) admit() {
	s.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s.hush = cancel
	s.t.Cleanup(func() {
		cancel()
		s.publishing.Wait()
		s.receiving.Wait()
	})
	for i := range s.config.subscribers {
		s.subscribers = append(s.subscribers, roam.NewSubscriber(s.client("subscriber", i), byte(2-i%2)))
	}
	for i := range members {
		s.members = append(s.members, roam.NewMember(s.client("member", i)))
	}
	for _, r := range s.receivers() {
		s.receiving.Go(func() { r.Run(ctx) })
	}
	for _, r := range s.receivers() {
		select {
		case <-r.Subscribed():
		case <-time.After(cluster.Patience):
			s.t.Fatalf("a subscriber cannot subscribe: %v", r.History().Complaints)
		}
	}
	for i := range s.config.publishers {
		p := roam.NewPublisher(s.client("publisher", i), i, s.config.pace)
		s.publishers = append(s.publishers, p)
		s.publishing.Go(func() { p.Run(ctx) })
	}
}

// members is how many members the group has.
const members = 3

// receivers returns the subscribers and the members of the group.
func (s *storm) receivers() []*roam.Subscriber { return slices.Concat(s.subscribers, s.members) }

func (s *storm) client(kind string, i int) roam.Config {
	version := mqtt.V5
	if i/2%2 == 1 {
		version = mqtt.V311
	}
	return roam.Config{
		Name: fmt.Sprintf("%s-%d", kind, i), World: s.world, Load: s.load, Version: version,
		Seed: s.config.Seed<<8 + uint64(len(kind)*100+i), Hop: s.config.hop, Home: i % s.config.Nodes,
	}
}

// note writes down what happens.
func (s *storm) note(format string, args ...any) {
	s.t.Helper()
	event := fmt.Sprintf("%8.3fs ", time.Since(s.began).Seconds()) + fmt.Sprintf(format, args...)
	s.events = append(s.events, event)
	if testing.Verbose() {
		s.t.Log(event)
	}
}

// told is how many events are told of a test that failed.
const told = 40

// tell tells of a test that failed what happened last, and writes all of it to the cluster's directory.
func (s *storm) tell() {
	if !s.t.Failed() {
		return
	}
	s.t.Logf("seed %d; what has happened last:\n%s", s.config.Seed,
		strings.Join(s.events[max(0, len(s.events)-told):], "\n"))
	if s.Cluster == nil {
		return
	}
	s.keep("events.log", []byte(strings.Join(s.events, "\n")+"\n"))
	if history, err := json.Marshal(s.history()); err == nil {
		s.keep("history.json", history)
	}
}

func (s *storm) keep(file string, b []byte) {
	if err := os.WriteFile(filepath.Join(s.Dir(), file), b, 0o600); err != nil {
		s.t.Log(err)
	}
}

// kill kills nodes at once.
func (s *storm) kill(nodes ...int) {
	s.t.Helper()
	s.Kill(nodes...)
	for _, i := range nodes {
		s.killed[s.world.Booted(i)] = true
	}
}

// restart starts nodes again that have ended.
func (s *storm) restart(nodes ...int) {
	s.t.Helper()
	for _, i := range nodes {
		s.Restart(i)
	}
}

// settle waits until all nodes are ready, and notes what keeps them from it.
func (s *storm) settle() {
	s.t.Helper()
	start := time.Now()
	for i := range s.Nodes {
		last := ""
		s.until("all nodes are ready", func() bool {
			ready, reason := s.Ready(i)
			if reason != last && !ready {
				s.note("node %d: %s", i, reason)
			}
			last = reason
			if !s.Alive(i) {
				s.t.Fatalf("node %d has ended", i)
			}
			return ready
		})
	}
	s.note("all ready after %.3fs", time.Since(start).Seconds())
}

// flows waits until each publisher has got something acknowledged that it published from now on.
func (s *storm) flows() {
	s.t.Helper()
	start := time.Now()
	for _, p := range s.publishers {
		sent, _ := p.Count()
		s.until("order goes on", func() bool { return p.Passed(sent) })
	}
	s.note("order goes on after %.3fs", time.Since(start).Seconds())
}

// until waits until the condition holds.
func (s *storm) until(what string, holds func() bool) {
	s.t.Helper()
	if !s.comes(holds) {
		s.describe()
		s.t.Fatalf("waited %v until %s", cluster.Patience, what)
	}
}

// comes waits until the condition holds, and reports whether it does.
func (s *storm) comes(holds func() bool) bool {
	for ends := time.Now().Add(cluster.Patience); !holds(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(ends) {
			return false
		}
	}
	return true
}

// describe writes down how the nodes and clients are doing.
func (s *storm) describe() {
	for i := range s.Nodes {
		status, err := s.Status(i)
		s.note("node %d: %+v %v", i, status.Node, err)
	}
	for i, p := range s.publishers {
		sent, answered := p.Count()
		s.note("publisher %d: %d sent, %d answered, %d connections", i, sent, answered, p.Conns())
	}
	for i, r := range s.receivers() {
		all, distinct := r.Count()
		s.note("subscriber %d: %d received, %d different, %d connections", i, all, distinct, r.Conns())
	}
}

// farewells sums up why connections were refused or ended by the nodes.
func (s *storm) farewells() map[string]int {
	all := map[string]int{}
	add := func(some map[string]int) {
		for reason, n := range maps.All(some) {
			all[reason] += n
		}
	}
	for _, p := range s.publishers {
		add(p.Goodbyes())
	}
	for _, r := range s.receivers() {
		add(r.Goodbyes())
	}
	return all
}
