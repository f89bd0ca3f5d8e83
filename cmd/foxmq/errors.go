package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// usageError is a wrong command line.
type usageError struct{ error }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// arguments is about a command with least to most arguments.
func arguments(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < least || len(args) > most {
			return usagef("%d arguments, want %s", len(args), cmd.UseLine())
		}
		return nil
	}
}

// hintedError is an error of which we know what mends it.
type hintedError struct {
	error
	hint string
}

func (e *hintedError) Unwrap() error { return e.error }

func withHint(err error, format string, args ...any) error {
	return &hintedError{err, fmt.Sprintf(format, args...)}
}

// report writes an error as a person reads it, each of its lines, and the hint behind it.
func report(w io.Writer, err error) {
	for line := range strings.Lines(err.Error()) {
		fmt.Fprintln(w, "foxmq: error:", strings.TrimSuffix(line, "\n"))
	}
	if hinted, ok := errors.AsType[*hintedError](err); ok {
		fmt.Fprintln(w, "foxmq: hint:", hinted.hint)
	}
}
