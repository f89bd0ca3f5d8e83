// Command foxmq is an MQTT broker that runs as a cluster without a leader.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
)

// version is set by the linker.
var version = "unknown"

// The exit codes.
const (
	exitOK     = 0 // done, or stopped as asked
	exitFailed = 1 // could not do it
	exitUsage  = 2 // wrong usage
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], stdio{os.Stdin, os.Stdout, os.Stderr}))
}

// stdio is what a command reads and writes.
type stdio struct {
	in       io.Reader
	out, err io.Writer
}

// run runs one command line and returns its exit code.
func run(ctx context.Context, args []string, std stdio) int {
	root, started := newRoot(std)
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	report(std.err, err)
	if _, usage := errors.AsType[*usageError](err); usage || !*started {
		fmt.Fprintf(std.err, "foxmq: hint: see %s --help\n", cmd.CommandPath())
		return exitUsage
	}
	return exitFailed
}

// newRoot makes the tree of commands. Started is set when a command's arguments were found to be right and its
// work begins: an error before that is one of usage.
func newRoot(std stdio) (root *cobra.Command, started *bool) {
	started = new(bool)
	root = &cobra.Command{
		Use:               "foxmq",
		Short:             "An MQTT broker that runs as a cluster without a leader",
		SilenceErrors:     true,
		SilenceUsage:      true,
		PersistentPreRun:  func(*cobra.Command, []string) { *started = true },
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: false},
	}
	root.SetIn(std.in)
	root.SetOut(std.out)
	root.SetErr(std.err)
	root.AddCommand(
		newAddressBook(),
		newUser(),
		newBan(),
		newRun(),
		newDev(),
		newHealth(),
		newStatus(),
		newLog(),
		newBench(),
		newVersion(),
	)
	return root, started
}

// newGroup makes a command that only holds others.
func newGroup(use, short string, commands ...*cobra.Command) *cobra.Command {
	group := &cobra.Command{
		Use:   use,
		Short: short,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return usagef("unknown command %q for %q", args[0], cmd.CommandPath())
		},
	}
	group.AddCommand(commands...)
	return group
}
