package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.uber.org/zap"
	"golang.org/x/term"

	"github.com/foxmq/foxmq/internal/config"
	"github.com/foxmq/foxmq/internal/logging"
)

const runLong = `Run one node of a cluster.

CONFIG_DIR (foxmq.d) holds address-book.toml, this node's key_N.pem, users.toml, and if you like permissions.toml
and foxmq.toml. Without an address book the node runs alone.

Each flag can also be given as a variable (--mqtt-addr as FOXMQ_MQTT_ADDR) or as a key of foxmq.toml (mqtt-addr).
The flag wins, then the variable, then the file. The log's level is FOXMQ_LOG or RUST_LOG: off, error, warn, info,
debug, trace, or a list like info,foxmq::gossip=debug; the log's format as a variable is FOXMQ_LOG_FORMAT.

The first Ctrl-C stops the node cleanly, the second at once.`

func newRun() *cobra.Command {
	cfg := config.Default()
	settings := pflag.NewFlagSet("run", pflag.ContinueOnError)
	cfg.Bind(settings)
	untilEOF := false
	cmd := &cobra.Command{
		Use:   "run [CONFIG_DIR]",
		Short: "Run one node of a cluster",
		Long:  runLong,
		Args:  arguments(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := configure(&cfg, settings, args); err != nil {
				return err
			}
			log, err := newLogger(cfg.LogFormat, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			ctx, stop := interruptible(cmd.Context())
			defer stop()
			if untilEOF {
				ctx = untilEnd(ctx, cmd.InOrStdin())
			}
			return runNode(ctx, cfg, log)
		},
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().AddFlagSet(settings)
	cmd.Flags().BoolVar(&untilEOF, "until-eof", false, "stop when standard input ends")
	if err := cmd.Flags().MarkHidden("until-eof"); err != nil {
		panic(err) // the flag is defined one line above
	}
	return cmd
}

// configure completes cfg, whose flags have been parsed.
func configure(cfg *config.Config, settings *pflag.FlagSet, args []string) error {
	if len(args) == 1 {
		cfg.Dir = args[0]
		if _, err := os.Stat(cfg.Dir); err != nil {
			return fmt.Errorf("configuration directory: %w", err)
		}
	}
	if err := config.Merge(settings, os.Getenv, cfg.File(config.SettingsFile)); err != nil {
		return err
	}
	return cfg.Validate()
}

// newLogger makes the log of a node, with colour if it goes to a terminal.
func newLogger(format string, w io.Writer) (*zap.Logger, error) {
	filter, err := logging.ParseFilter(logging.Level(os.Getenv))
	if err != nil {
		return nil, err
	}
	f, isFile := w.(*os.File)
	colour := isFile && term.IsTerminal(int(f.Fd())) && os.Getenv("NO_COLOR") == ""
	return logging.New(logging.Config{Format: format, Filter: filter, Out: w, Colour: colour}), nil
}

// runNode serves until ctx ends, which is no error.
func runNode(ctx context.Context, cfg config.Config, log *zap.Logger) error {
	err := serve(ctx, cfg, log)
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// interruptible returns a context that the first SIGINT or SIGTERM cancels. The second ends the process at once,
// since signals then have their default effect again.
func interruptible(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

// untilEnd returns a context that ends with r, or with ctx. A node started by `foxmq dev` stops with it, however
// that one ended: the pipe closes. The goroutine lives as long as r, here as long as the process.
func untilEnd(ctx context.Context, r io.Reader) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		_, _ = io.Copy(io.Discard, r)
		cancel()
	}()
	return ctx
}

// exists reports whether there is a file of that name; one that cannot be looked at is left to whoever opens it.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
