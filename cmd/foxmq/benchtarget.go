package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/foxmq/foxmq/internal/bench"
	"github.com/foxmq/foxmq/internal/config"
)

// The names of our own targets.
const (
	targetOne  = "one"
	targetFour = "four"
)

// runningTarget is a broker that runs already.
func runningTarget(addrs []string) bench.Target {
	return bench.Target{
		Name: strings.Join(addrs, ","),
		Start: func(context.Context) (bench.Broker, func() error, error) {
			return bench.Broker{Addrs: addrs}, nil, nil
		},
	}
}

// clusterTarget is a cluster of so many nodes with the default settings.
func (b *benchmark) clusterTarget(name string, nodes int) bench.Target {
	start := func(ctx context.Context, s *stage) (broker bench.Broker, err error) {
		places, err := unusedPlaces(nodes)
		if err != nil {
			return broker, err
		}
		if err := writeDevBook(s.dir, places); err != nil {
			return broker, err
		}
		d := &dev{exe: b.exe, logFormat: "compact", err: &s.words}
		if err := d.start(ctx, s.group, s.dir, places); err != nil {
			return broker, err
		}
		for _, n := range places {
			broker.Addrs = append(broker.Addrs, n.mqtt)
			broker.Admins = append(broker.Admins, n.admin)
			broker.PIDs = append(broker.PIDs, n.pid)
		}
		return broker, waitReady(ctx, places)
	}
	return bench.Target{Name: name, Start: staged(start)}
}

// unusedPlaces chooses ports for nodes.
func unusedPlaces(nodes int) ([]devNode, error) {
	places := make([]devNode, nodes)
	port := firstPort()
	for i := range places {
		n := &places[i]
		n.name = "node" + strconv.Itoa(i)
		var errs [3]error
		n.mqtt, port, errs[0] = unusedTCP(port)
		n.admin, port, errs[1] = unusedTCP(port)
		n.cluster, port, errs[2] = freeUDP(port)
		if err := errors.Join(errs[:]...); err != nil {
			return nil, err
		}
	}
	return places, nil
}

// firstPort draws where the search for ports begins. Its range is one from which no system that we know takes ports
// for outgoing connections, and those of two benchmarks at once will hardly meet.
func firstPort() int { return 20_000 + rand.IntN(10_000) }

// unusedTCP returns the first loopback address from the port on that can be listened on, and the port behind it.
func unusedTCP(port int) (addr string, next int, err error) {
	for ; port <= 65535; port++ {
		if l, err := net.Listen("tcp", loopback(port)); err == nil {
			return loopback(port), port + 1, l.Close()
		}
	}
	return "", 0, errors.New("no TCP port is free")
}

// findMosquitto returns the path of Mosquitto, which some systems keep out of users' PATH.
func findMosquitto() (string, error) {
	path, err := exec.LookPath("mosquitto")
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/mosquitto")
	}
	if err != nil {
		return "", withHint(errors.New("mosquitto is not installed"), "measure without it: foxmq bench --target one")
	}
	return path, nil
}

// mosquittoConfig makes Mosquitto as patient as FoxMQ: no queue drops what the load's window lets through, as many
// publishes may be in flight, nothing waits for Nagle's algorithm, nothing goes to disk.
const mosquittoConfig = `listener %s 127.0.0.1
allow_anonymous true
persistence false
max_queued_messages 0
max_inflight_messages %d
set_tcp_nodelay true
log_type error
log_type warning
`

func mosquittoTarget(path string) bench.Target {
	start := func(ctx context.Context, s *stage) (broker bench.Broker, err error) {
		addr, _, err := unusedTCP(firstPort())
		if err != nil {
			return broker, err
		}
		_, port, err := net.SplitHostPort(addr)
		if err != nil {
			return broker, err
		}
		file := filepath.Join(s.dir, "mosquitto.conf")
		settings := fmt.Sprintf(mosquittoConfig, port, config.Default().MaxInflight)
		if err := os.WriteFile(file, []byte(settings), 0o600); err != nil {
			return broker, err
		}
		process, err := startForeign(ctx, &s.words, path, "-c", file)
		if err != nil {
			return broker, err
		}
		s.group.Go(process.wait)
		return bench.Broker{Addrs: []string{addr}, PIDs: []int{process.pid}}, waitListening(ctx, addr)
	}
	return bench.Target{Name: bench.Reference, Start: staged(start)}
}

// waitListening waits until somebody listens on the address.
func waitListening(ctx context.Context, addr string) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	var d net.Dialer
	for {
		conn, err := d.DialContext(ctx, "tcp", addr)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(askEvery):
		}
	}
}

// stage is where a target's processes live: a directory, and a group that waits for them.
type stage struct {
	dir   string
	group *errgroup.Group
	words lastWords
}

// staged makes a target's Start of a function that starts processes on a stage. Their context ends when the run is
// over or one of them stops; then all are stopped and the directory is removed.
func staged(start func(context.Context, *stage) (bench.Broker, error)) func(context.Context) (
	bench.Broker, func() error, error,
) {
	return func(ctx context.Context) (bench.Broker, func() error, error) {
		dir, err := os.MkdirTemp("", "foxmq-bench-")
		if err != nil {
			return bench.Broker{}, nil, fmt.Errorf("make directory: %w", err)
		}
		ctx, cancel := context.WithCancel(ctx)
		group, groupCtx := errgroup.WithContext(ctx)
		s := &stage{dir: dir, group: group}
		strike := func() error {
			early := groupCtx.Err() != nil && ctx.Err() == nil
			cancel()
			err := group.Wait()
			if removed := os.RemoveAll(dir); !early {
				return removed
			}
			return fmt.Errorf("%w\n%s", err, s.words.String())
		}
		broker, err := start(groupCtx, s)
		if err != nil {
			return broker, nil, errors.Join(err, strike())
		}
		return broker, strike, nil
	}
}

// lastWords keeps the end of what processes have written, to be shown if one stops early. The zero value is empty.
type lastWords struct {
	mu   sync.Mutex
	text []byte // guarded by mu
}

// maxLastWords bounds what is kept, in bytes.
const maxLastWords = 4 << 10

// Write implements io.Writer.
func (l *lastWords) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, b...)
	l.text = l.text[max(0, len(l.text)-maxLastWords):]
	return len(b), nil
}

// String returns what was kept, without the last end of a line.
func (l *lastWords) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.TrimSpace(string(l.text))
}
