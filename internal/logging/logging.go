// Package logging sets up zap: the four formats of the log, and which levels of which parts are written.
//
// A message is a constant; what varies stands in fields with snake_case names. A logger's name, parts joined by
// dots, becomes the target: "mqtt.broker" is written foxmq::mqtt::broker.
package logging

import (
	"io"
	"strings"
	"sync"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Trace is the level below zap's debug.
const Trace = zapcore.DebugLevel - 1

// Config says what a log looks like.
type Config struct {
	Format string // full, compact, pretty or json; anything else is full
	Filter Filter
	Out    io.Writer // is written one whole entry at a time, never by two goroutines at once
	Colour bool      // escape codes for a terminal; json never has them
}

// New returns a logger. It writes every entry before the call that logs it returns.
func New(c Config) *zap.Logger {
	out := &output{w: c.Out}
	return zap.New(&core{filter: c.Filter, format: formatter(c.Format, c.Colour), out: out})
}

// core is a zapcore.Core. It is immutable, and safe for concurrent use.
type core struct {
	filter Filter
	format format
	out    *output
	with   []zapcore.Field // of every entry
}

// output serializes writes.
type output struct {
	mu sync.Mutex
	w  io.Writer // mu
}

func (o *output) write(entry []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, err := o.w.Write(entry)
	return err
}

// Enabled implements zapcore.Core.
func (c *core) Enabled(level zapcore.Level) bool { return c.filter.any(level) }

// With implements zapcore.Core.
func (c *core) With(fields []zapcore.Field) zapcore.Core {
	child := *c
	child.with = append(c.with[:len(c.with):len(c.with)], fields...)
	return &child
}

// Check implements zapcore.Core.
func (c *core) Check(e zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.filter.allows(target(e.LoggerName), e.Level) {
		return checked.AddCore(e, c)
	}
	return checked
}

// Write implements zapcore.Core.
func (c *core) Write(e zapcore.Entry, fields []zapcore.Field) error {
	all := append(c.with[:len(c.with):len(c.with)], fields...)
	entry, err := c.format(nil, &e, all)
	if err != nil {
		return err
	}
	return c.out.write(entry)
}

// Sync implements zapcore.Core; there is nothing in a buffer.
func (c *core) Sync() error { return nil }

func target(loggerName string) string {
	if loggerName == "" {
		return "foxmq"
	}
	return "foxmq::" + strings.ReplaceAll(loggerName, ".", "::")
}
