package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/foxmq/foxmq/internal/addressbook"
)

// readyWithin is how long the nodes may take to be ready, and askEvery how often they are asked.
const (
	readyWithin = time.Minute
	askEvery    = 50 * time.Millisecond
)

// maxDevNodes is what one machine can be asked to run.
const maxDevNodes = 32

// dev is a cluster on loopback, for a try. Nothing of it stays.
type dev struct {
	exe                              string // the binary that each node runs
	nodes                            int
	mqttPort, adminPort, clusterPort int // of the first node; the others have the next ones
	logFormat                        string
	out, err                         io.Writer
}

// devNode is where one node listens.
type devNode struct {
	name                 string
	mqtt, admin, cluster string
	pid                  int // of its process, once it is started
}

func newDev() *cobra.Command {
	d := &dev{}
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Run a cluster on this machine, to try things out",
		Long: `Run a cluster on loopback, without users. Its address book, keys and data are in a temporary directory.
Ctrl-C stops all nodes and removes the directory.`,
		Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if d.nodes < 1 || d.nodes > maxDevNodes {
				return usagef("--nodes %d: want 1 to %d", d.nodes, maxDevNodes)
			}
			if d.exe, err = os.Executable(); err != nil {
				return fmt.Errorf("find own binary: %w", err)
			}
			d.out, d.err = cmd.OutOrStdout(), cmd.ErrOrStderr()
			ctx, stop := interruptible(cmd.Context())
			defer stop()
			return d.run(ctx)
		},
	}
	cmd.Flags().IntVar(&d.nodes, "nodes", 4, "`number` of nodes")
	cmd.Flags().IntVar(&d.mqttPort, "port", 1883, "MQTT `port` of the first node; the others have the next ones")
	cmd.Flags().IntVar(&d.adminPort, "admin-port", 9883, "admin `port` of the first node")
	cmd.Flags().IntVar(&d.clusterPort, "cluster-port", 19793, "UDP `port` to begin at; those in use are left out")
	cmd.Flags().StringVarP(&d.logFormat, "log", "l", "compact", "`format` of the nodes' logs")
	return cmd
}

// run runs the cluster until ctx ends, which is no error, or a node stops.
func (d *dev) run(ctx context.Context) (err error) {
	nodes, err := d.plan()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "foxmq-dev-")
	if err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := writeDevBook(dir, nodes); err != nil {
		return err
	}
	runtime.LockOSThread() // a child may be bound to the thread that starts it
	defer runtime.UnlockOSThread()
	group, groupCtx := errgroup.WithContext(ctx)
	if err := d.start(groupCtx, group, dir, nodes); err != nil {
		group.Go(func() error { return err })
	}
	group.Go(func() error {
		if err := waitReady(groupCtx, nodes); err != nil {
			return err
		}
		d.welcome(nodes)
		return nil
	})
	err = group.Wait()
	if ctx.Err() != nil {
		fmt.Fprintln(d.out, "stopped")
		return nil
	}
	return err
}

// plan chooses the ports. That MQTT is on 1883 is what people will type, so a port that is in use is an error; the
// ports between the nodes can be any.
func (d *dev) plan() ([]devNode, error) {
	nodes := make([]devNode, d.nodes)
	udp := d.clusterPort
	for i := range nodes {
		n := &nodes[i]
		n.name = "node" + strconv.Itoa(i)
		var err error
		if n.mqtt, err = freeTCP(d.mqttPort+i, "--port"); err != nil {
			return nil, err
		}
		if n.admin, err = freeTCP(d.adminPort+i, "--admin-port"); err != nil {
			return nil, err
		}
		if n.cluster, udp, err = freeUDP(udp); err != nil {
			return nil, err
		}
	}
	return nodes, nil
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// freeTCP returns the address with the port, if it can be listened on.
func freeTCP(port int, flag string) (string, error) {
	l, err := net.Listen("tcp", loopback(port))
	if err != nil {
		return "", withHint(fmt.Errorf("port %d is not free: %w", port, err),
			"stop what uses it, or choose where the ports begin: foxmq dev %s %d", flag, 20000+port%10000)
	}
	return loopback(port), l.Close()
}

// freeUDP returns the first address from the port on that can be listened on, and the port behind it.
func freeUDP(port int) (addr string, next int, err error) {
	for ; port <= 65535; port++ {
		if l, err := net.ListenPacket("udp", loopback(port)); err == nil {
			return loopback(port), port + 1, l.Close()
		}
	}
	return "", 0, errors.New("no UDP port is free")
}

func writeDevBook(dir string, nodes []devNode) error {
	addrs := make([]string, len(nodes))
	for i, n := range nodes {
		addrs[i] = n.cluster
	}
	book, keys, err := addressbook.Generate(addrs)
	if err != nil {
		return err
	}
	return addressbook.Write(dir, book, keys, false)
}

// start starts the nodes. Those that could be started are the group's, also after an error.
func (d *dev) start(ctx context.Context, group *errgroup.Group, dir string, nodes []devNode) error {
	log := &sharedWriter{w: d.err}
	for i := range nodes {
		n := &nodes[i]
		process, err := startChild(ctx, &prefixer{out: log, prefix: n.name + " | "}, d.exe,
			"run", dir, "--until-eof", "--allow-anonymous-login", "--log", d.logFormat,
			"--secret-key-file", filepath.Join(dir, fmt.Sprintf("key_%d.pem", i)),
			"--mqtt-addr", n.mqtt, "--admin-addr", n.admin, "--cluster-addr", n.cluster)
		if err != nil {
			return fmt.Errorf("start %s: %w", n.name, err)
		}
		n.pid = process.pid
		group.Go(func() error {
			err := process.wait()
			if err == nil {
				err = errors.New("exit status 0")
			}
			return fmt.Errorf("%s stopped: %w", n.name, err)
		})
	}
	return nil
}

func waitReady(ctx context.Context, nodes []devNode) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	for _, n := range nodes {
		for {
			_, err := askReady(ctx, n.admin)
			if err == nil {
				break
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("%s did not get ready: %w", n.name, err)
			case <-time.After(askEvery):
			}
		}
	}
	return nil
}

// welcome says how to use the cluster.
func (d *dev) welcome(nodes []devNode) {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%d MQTT nodes are ready, for anyone on this machine:\n\n", len(nodes))
	for _, n := range nodes {
		fmt.Fprintf(&b, "    %s   http://%s/readyz\n", n.mqtt, n.admin)
	}
	fmt.Fprintf(&b, "\nSubscribe on one and publish on another:\n\n")
	fmt.Fprintf(&b, "    mosquitto_sub -p %d -t 'swarm/#' -v\n", d.mqttPort+len(nodes)-1)
	fmt.Fprintf(&b, "    mosquitto_pub -p %d -t swarm/hello -m 'first!' -q 1\n", d.mqttPort)
	fmt.Fprintf(&b, "\nCtrl-C stops them.\n")
	fmt.Fprintln(d.out, b.String())
}
