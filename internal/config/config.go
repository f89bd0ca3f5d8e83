// Package config holds the settings of a node: their defaults, their limits, and how a flag, the environment and
// foxmq.toml give them a value, in that order of precedence.
package config

import (
	"errors"
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

// Config is the settings of one node. Default returns the defaults; Bind and Merge fill the rest.
type Config struct {
	Dir string // the configuration directory

	SecretKeyFile string // PEM file with this node's key; empty: see cmd/foxmq
	SecretKey     string // hex DER of this node's key; at most one of the two is set

	ClusterAddr string // UDP, the other nodes
	Admin
	Listeners

	AllowAnonymousLogin bool // also allowed if users.toml says so
	SilentConnectErrors bool // close without a CONNACK that says why; also if users.toml says so

	LogFormat string // full, compact, pretty or json
	DataDir   string // empty: data/<node> in Dir
	// Durability is flush or sync: whether what was written counts, or only what is on the disk.
	Durability string

	NodeTimeout   time.Duration // how long a peer may be away before this node takes it to be dead; 0: for ever
	StallDispatch string        // hold or local: what becomes of messages while there is no quorum
	SysInterval   time.Duration // between two messages of a $SYS topic; 0: there are none

	Limits
}

// Default returns the settings of a node that was told nothing.
func Default() Config {
	return Config{
		Dir:           "foxmq.d",
		ClusterAddr:   "0.0.0.0:19793",
		Admin:         Admin{AdminAddr: "127.0.0.1:9883"},
		Listeners:     defaultListeners(),
		LogFormat:     "full",
		Durability:    "flush",
		NodeTimeout:   10 * time.Second,
		StallDispatch: "hold",
		SysInterval:   10 * time.Second,
		Limits:        defaultLimits(),
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
	fs.Var(addr(&c.AdminAddr), "admin-addr",
		"`host:port` for health, status, metrics and bans (HTTP); not on loopback, it takes a token")
	c.BindToken(fs)
	c.bindListeners(fs)
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
	fs.Var(seconds(&c.NodeTimeout, 0, time.Hour), "node-timeout",
		"`time` that another node may be away before this one votes to end its clients' connections; 0: it never does")
	fs.Var(choice(&c.StallDispatch, "hold", "local"), "stall-dispatch",
		"`what` becomes of messages without a quorum: hold, or local, which hands them to this node's clients unordered")
	fs.Var(seconds(&c.SysInterval, 0, time.Hour), "sys-interval",
		"`time` between two messages of each $SYS topic; 0: none")
	c.bindLimits(fs)
}

// Validate checks what no single setting can tell.
func (c *Config) Validate() error {
	switch {
	case c.SecretKey != "" && c.SecretKeyFile != "":
		return errors.New("both secret-key and secret-key-file are set")
	case c.NodeTimeout > 0 && c.NodeTimeout < time.Second:
		return errors.New("node-timeout is less than 1s and not 0")
	}
	return errors.Join(c.validateListeners(), c.validateLimits())
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
