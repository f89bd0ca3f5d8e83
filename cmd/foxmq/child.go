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

// startChild starts a process of exe and returns what waits for its end. The process is told to stop by the end of
// its standard input: when ctx ends, and also when this process is gone, so that no child outlives it.
func startChild(ctx context.Context, output io.Writer, exe string, args ...string) (wait func() error, err error) {
	cmd := exec.CommandContext(ctx, exe, args...)
	cmd.Env = childEnvironment(os.Environ())
	cmd.Stdout, cmd.Stderr = output, output
	cmd.SysProcAttr = childAttributes()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	cmd.Cancel = stdin.Close
	cmd.WaitDelay = stopWithin
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return cmd.Wait, nil
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
