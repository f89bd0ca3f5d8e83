// Package config holds the settings of a node: their defaults, their limits, and how a flag, the environment and
// foxmq.toml give them a value, in that order of precedence.
package config

import (
	"errors"
	"math"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/pflag"
)

// The names of the files in a configuration directory.
const (
	SettingsFile    = "foxmq.toml"
	AddressBookFile = "address-book.toml"
	UsersFile       = "users.toml"
	PermissionsFile = "permissions.toml"
)

// mostBytes is the largest size that may be set: 1 TiB, or what a small machine can count.
const mostBytes = min(1<<40, math.MaxInt)

// Config is the settings of one node. Default returns the defaults; Bind and Merge fill the rest.
type Config struct {
	Dir string // the configuration directory

	SecretKeyFile string // PEM file with this node's key; empty: see cmd/foxmq
	SecretKey     string // hex DER of this node's key; at most one of the two is set

	ClusterAddr string // UDP, the other nodes
	AdminAddr   string // TCP, HTTP
	Listeners

	MaxKeepAlive        uint16 // seconds; the longest keep alive, and that of clients that ask for none; 0: no cap
	AllowAnonymousLogin bool   // also allowed if users.toml says so
	SilentConnectErrors bool   // close without a CONNACK that says why; also if users.toml says so

	LogFormat string // full, compact, pretty or json
	DataDir   string // empty: data/<node> in Dir
	// Durability is flush or sync: whether what was written counts, or only what is on the disk.
	Durability string

	ConnectTimeout   time.Duration // from the connection's start to CONNACK, and how long a publish may wait for room
	MaxSessionExpiry time.Duration
	StallDispatch    string        // hold or local: what becomes of messages while there is no quorum
	SysInterval      time.Duration // between two messages of a $SYS topic; 0: there are none

	// MaxPacketSize in bytes is that of MQTT: header, topic and properties included. The default takes a payload of
	// 8 MiB with every topic.
	MaxPacketSize     int
	MaxInflight       int // unacknowledged QoS 1 and 2 messages of one client: our Receive Maximum
	MaxQueuedMessages int // messages that wait for one client to read them
	MaxQueuedBytes    int
	MaxPendingBytes   int // of this node's clients' messages that wait to be ordered, each counting 256 more
}

// Default returns the settings of a node that was told nothing.
func Default() Config {
	return Config{
		Dir:               "foxmq.d",
		ClusterAddr:       "0.0.0.0:19793",
		AdminAddr:         "127.0.0.1:9883",
		Listeners:         defaultListeners(),
		MaxKeepAlive:      3600,
		LogFormat:         "full",
		ConnectTimeout:    10 * time.Second,
		MaxSessionExpiry:  7 * day,
		Durability:        "flush",
		StallDispatch:     "hold",
		SysInterval:       10 * time.Second,
		MaxPacketSize:     8<<20 + 128<<10,
		MaxInflight:       1024,
		MaxQueuedMessages: 65536,
		MaxQueuedBytes:    64 << 20,
		MaxPendingBytes:   32 << 20,
	}
}

// Bind adds a flag for each setting to fs. A flag's default is the value that c has now; parsing and Merge write
// to c.
func (c *Config) Bind(fs *pflag.FlagSet) {
	fs.SortFlags = false
	fs.StringVarP(&c.SecretKeyFile, "secret-key-file", "f", c.SecretKeyFile,
		"PEM `file` with this node's P-256 key (default: the only key_N.pem in CONFIG_DIR)")
	fs.StringVarP(&c.SecretKey, "secret-key", "k", c.SecretKey,
		"this node's key as `hex` DER; better in SECRET_KEY, since others see a command line")
	fs.VarP(addr(&c.MQTTAddr), "mqtt-addr", "L", "`host:port` for MQTT clients (TCP)")
	fs.VarP(addr(&c.ClusterAddr), "cluster-addr", "C",
		"`host:port` for the other nodes (UDP); need not be the address book's")
	fs.Var(addr(&c.AdminAddr), "admin-addr", "`host:port` for health and readiness (HTTP)")
	c.bindListeners(fs)
	fs.Var(number(&c.MaxKeepAlive, 0, 65535), "max-keep-alive",
		"longest keep alive in `seconds`, also for clients that ask for none; 0: no cap")
	fs.BoolVar(&c.AllowAnonymousLogin, "allow-anonymous-login", c.AllowAnonymousLogin,
		"let clients in that give no user name")
	fs.BoolVar(&c.SilentConnectErrors, "silent-connect-errors", c.SilentConnectErrors,
		"close a refused connection without saying why")
	fs.VarP(choice(&c.LogFormat, "full", "compact", "pretty", "json"), "log", "l",
		"log `format`: full, compact, pretty or json; the level is FOXMQ_LOG or RUST_LOG")
	fs.StringVar(&c.DataDir, "data-dir", c.DataDir,
		"`directory` for this node's log and state (default: CONFIG_DIR/data/<node>)")
	fs.Var(choice(&c.Durability, "flush", "sync"), "durability",
		"`when` an event counts: flush, once written, and synced every 100 ms; or sync, once synced to the disk")
	fs.Var(choice(&c.StallDispatch, "hold", "local"), "stall-dispatch",
		"`what` becomes of messages without a quorum: hold, or local, which hands them to this node's clients unordered")
	fs.Var(seconds(&c.SysInterval, 0, time.Hour), "sys-interval",
		"`time` between two messages of each $SYS topic; 0: none")
	c.bindLimits(fs)
}

func (c *Config) bindLimits(fs *pflag.FlagSet) {
	fs.Var(seconds(&c.ConnectTimeout, time.Second, time.Hour), "connect-timeout",
		"`time` a client has to connect, and a publish to find room")
	fs.Var(seconds(&c.MaxSessionExpiry, 0, 1<<32*time.Second-time.Second), "max-session-expiry",
		"longest `time` that a session outlives its connection")
	fs.Var(size(&c.MaxPacketSize, 1<<10, 16<<20), "max-packet-size", "longest MQTT packet in `bytes`, topic and properties included")
	fs.Var(number(&c.MaxInflight, 1, 65535), "max-inflight",
		"unacknowledged publishes of one client (Receive Maximum): a `number`")
	fs.Var(number(&c.MaxQueuedMessages, 1, 1<<30), "max-queued-messages",
		"messages that wait for one client to read them: a `number`")
	fs.Var(size(&c.MaxQueuedBytes, 1<<10, mostBytes), "max-queued-bytes",
		"the same in `bytes`; a full queue drops QoS 0 and ends the connection at QoS 1 and 2")
	fs.Var(size(&c.MaxPendingBytes, 1<<10, mostBytes), "max-pending-bytes",
		"`bytes` of messages that wait to be ordered, each counting 256 more; clients are made to wait at this limit")
}

// Validate checks what no single setting can tell.
func (c *Config) Validate() error {
	switch {
	case c.SecretKey != "" && c.SecretKeyFile != "":
		return errors.New("both secret-key and secret-key-file are set")
	case c.MaxQueuedBytes < c.MaxPacketSize:
		return errors.New("max-queued-bytes is less than max-packet-size")
	case c.MaxPendingBytes < c.MaxPacketSize:
		return errors.New("max-pending-bytes is less than max-packet-size")
	}
	return c.validateListeners()
}

// File returns the path of a file in the configuration directory.
func (c *Config) File(name string) string { return filepath.Join(c.Dir, name) }

// NodeDataDir returns the directory for the data of the node with that index in the address book.
func (c *Config) NodeDataDir(node int) string {
	if c.DataDir != "" {
		return c.DataDir
	}
	return filepath.Join(c.Dir, "data", strconv.Itoa(node))
}
