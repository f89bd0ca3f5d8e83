package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// stopWithin is how long a child may take to stop before it is killed.
const stopWithin = 10 * time.Second

// child is a process that was started here.
type child struct {
	pid  int
	wait func() error // returns when the process has ended
}

// startChild starts a process of exe, a foxmq. It is told to stop by the end of its standard input: when ctx ends,
// and also when this process is gone, so that no child outlives it.
func startChild(ctx context.Context, output io.Writer, exe string, args ...string) (*child, error) {
	cmd := childCommand(ctx, output, exe, args...)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	cmd.Cancel = stdin.Close
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &child{cmd.Process.Pid, cmd.Wait}, nil
}

// startForeign starts a process of another program, which is killed when ctx ends. That it ends with this process if
// this one is killed, only Linux sees to.
func startForeign(ctx context.Context, output io.Writer, exe string, args ...string) (*child, error) {
	cmd := childCommand(ctx, output, exe, args...)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &child{cmd.Process.Pid, cmd.Wait}, nil
}

func childCommand(ctx context.Context, output io.Writer, exe string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, exe, args...)
	cmd.Env = childEnvironment(os.Environ())
	cmd.Stdout, cmd.Stderr = output, output
	cmd.SysProcAttr = childAttributes()
	cmd.WaitDelay = stopWithin
	return cmd
}

// childEnvironment leaves out what would change a child's settings behind our back; the log's level may.
func childEnvironment(env []string) []string {
	var kept []string
	for _, e := range env {
		name, _, _ := strings.Cut(e, "=")
		if name == "FOXMQ_LOG" || name != "SECRET_KEY" && !strings.HasPrefix(name, "FOXMQ_") {
			kept = append(kept, e)
		}
	}
	return kept
}

// sharedWriter lets several goroutines write, one at a time.
type sharedWriter struct {
	mu sync.Mutex
	w  io.Writer // mu
}

func (s *sharedWriter) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(b)
}

// maxLine bounds what a prefixer keeps, in bytes. A longer line is broken.
const maxLine = 64 << 10

// prefixer writes each line to out at once, with a prefix. It is used by one goroutine.
type prefixer struct {
	out    io.Writer
	prefix string
	line   []byte // what came since the last end of a line
}

func (p *prefixer) Write(b []byte) (int, error) {
	n := len(b)
	for len(b) > 0 {
		end := bytes.IndexByte(b, '\n')
		part := b
		if end >= 0 {
			part = b[:end]
		}
		b = b[len(part):]
		p.line = append(p.line, part...)
		if end < 0 && len(p.line) < maxLine {
			break
		}
		b = bytes.TrimPrefix(b, []byte{'\n'})
		if _, err := fmt.Fprintf(p.out, "%s%s\n", p.prefix, p.line); err != nil {
			return 0, err
		}
		p.line = p.line[:0]
	}
	return n, nil
}
