package main

import (
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/foxmq/foxmq/internal/store"
)

func newLog() *cobra.Command {
	return newGroup("log", "Look at what a stopped node keeps", newLogVerify())
}

func newLogVerify() *cobra.Command {
	return &cobra.Command{
		Use:   "verify DIR",
		Short: "Check the data directory of a stopped node",
		Long: `Read all of a data directory, such as foxmq.d/data/0, whose node is stopped, or a copy of one: each record of the
log and of the state. Nothing is changed. What is wrong is said with file and offset, and the exit code is then 1.

A record at the end of the log that a crash left unfinished is found too. That is no harm: the node cuts it off when it
starts.`,
		Args: arguments(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			report, err := store.Verify(args[0])
			if err != nil {
				return err
			}
			return errors.Join(writeReport(cmd.OutOrStdout(), &report), problems(&report))
		},
	}
}

// writeReport writes what is there.
func writeReport(w io.Writer, r *store.Report) error {
	if r.Pending {
		fmt.Fprintln(w, "a fetched checkpoint waits for the next start to put it in place; it is what was checked")
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "FILE\tRECORDS\tBYTES")
	for _, f := range r.Log {
		fmt.Fprintf(t, "log/%s\t%d\t%d\n", f.Name, f.Records, f.Bytes)
	}
	fmt.Fprintf(t, "state.db\t%d\t%d\n", r.Records, r.StateBytes)
	if err := t.Flush(); err != nil {
		return err
	}
	if r.Segment == 0 {
		fmt.Fprintln(w, "there is no checkpoint yet: a start reads all of the log")
	} else {
		fmt.Fprintf(w, "a start begins with the checkpoint, and reads the log from segment %d on\n", r.Segment)
	}
	return nil
}

// shownKeys is of how many damaged records the keys are shown.
const shownKeys = 10

// problems returns an error that says all that is wrong.
func problems(r *store.Report) error {
	var errs []error
	for _, f := range r.Log {
		switch {
		case f.Problem == "":
		case f.Bytes == 0:
			errs = append(errs, fmt.Errorf("log/%s: %s", f.Name, f.Problem))
		default:
			errs = append(errs, fmt.Errorf("log/%s: at byte %d: %s", f.Name, f.Bytes, f.Problem))
		}
	}
	for i, key := range r.Corrupt {
		if i == shownKeys {
			errs = append(errs, fmt.Errorf("state.db: and %d records more", len(r.Corrupt)-shownKeys))
			break
		}
		errs = append(errs, fmt.Errorf("state.db: record %q: wrong checksum", key))
	}
	return errors.Join(append(errs, r.StateError)...)
}
