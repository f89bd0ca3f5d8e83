package logging

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// format appends one entry, with the end of its line.
type format func(dst []byte, e *zapcore.Entry, fields []zapcore.Field) ([]byte, error)

func formatter(name string, colour bool) format {
	p := paint(colour)
	switch name {
	case "json":
		return appendJSON
	case "compact":
		return p.appendCompact
	case "pretty":
		return p.appendPretty
	default:
		return p.appendFull
	}
}

// timestamp has microseconds, and not the zeros behind them.
func timestamp(t time.Time) string {
	return t.UTC().Truncate(time.Microsecond).Format(time.RFC3339Nano)
}

func levelName(l zapcore.Level) string {
	switch {
	case l <= Trace:
		return "TRACE"
	case l == zapcore.DebugLevel:
		return "DEBUG"
	case l == zapcore.InfoLevel:
		return "INFO"
	case l == zapcore.WarnLevel:
		return "WARN"
	default:
		return "ERROR"
	}
}

// fieldsEncoder writes nothing but fields.
var fieldsEncoder = zapcore.NewJSONEncoder(zapcore.EncoderConfig{
	SkipLineEnding: true,
	EncodeTime:     zapcore.RFC3339NanoTimeEncoder,
	EncodeDuration: zapcore.StringDurationEncoder,
})

// appendJSON appends one object a line; the message is the first of its fields.
func appendJSON(dst []byte, e *zapcore.Entry, fields []zapcore.Field) ([]byte, error) {
	all := append([]zapcore.Field{zap.String("message", e.Message)}, fields...)
	encoded, err := fieldsEncoder.EncodeEntry(zapcore.Entry{}, all)
	if err != nil {
		return nil, fmt.Errorf("encode log entry: %w", err)
	}
	defer encoded.Free()
	name, err := json.Marshal(target(e.LoggerName))
	if err != nil {
		return nil, fmt.Errorf("encode log target: %w", err)
	}
	dst = fmt.Appendf(dst, `{"timestamp":%q,"level":%q,"fields":`, timestamp(e.Time), levelName(e.Level))
	dst = append(dst, encoded.Bytes()...)
	dst = append(dst, `,"target":`...)
	dst = append(dst, name...)
	return append(dst, "}\n"...), nil
}

// paint writes the formats for people; true is with colour.
type paint bool

// appendFull: 2024-04-12T23:14:00Z  INFO foxmq::mqtt::broker: listening for connections listen_addr=0.0.0.0:1883
func (p paint) appendFull(dst []byte, e *zapcore.Entry, fields []zapcore.Field) ([]byte, error) {
	dst = p.append(dst, dim, timestamp(e.Time)+" ")
	dst = p.appendLevel(dst, e.Level)
	dst = p.append(dst, dim, target(e.LoggerName)+": ")
	dst = append(dst, printable(e.Message)...)
	return append(p.appendFields(dst, " ", "=", fields), '\n'), nil
}

// appendCompact: 23:14:00  INFO listening for connections listen_addr=0.0.0.0:1883
func (p paint) appendCompact(dst []byte, e *zapcore.Entry, fields []zapcore.Field) ([]byte, error) {
	dst = p.append(dst, dim, e.Time.UTC().Format(time.TimeOnly)+" ")
	dst = p.appendLevel(dst, e.Level)
	dst = append(dst, printable(e.Message)...)
	return append(p.appendFields(dst, " ", "=", fields), '\n'), nil
}

// appendPretty is the full form with each field on a line of its own.
func (p paint) appendPretty(dst []byte, e *zapcore.Entry, fields []zapcore.Field) ([]byte, error) {
	dst, _ = p.appendFull(dst, e, nil)
	dst = p.appendFields(dst[:len(dst)-1], "\n    ", ": ", fields)
	return append(dst, '\n'), nil
}

func (p paint) appendFields(dst []byte, before, between string, fields []zapcore.Field) []byte {
	for _, f := range fields {
		for _, kv := range values(f) {
			dst = append(dst, before...)
			dst = p.append(dst, dim, printable(kv[0])+between)
			dst = append(dst, word(kv[1])...)
		}
	}
	return dst
}

// values returns a field as names and values; a field that adds an object adds one pair.
func values(f zapcore.Field) [][2]string {
	if f.Type == zapcore.SkipType {
		return nil
	}
	if err, ok := f.Interface.(error); ok && f.Type == zapcore.ErrorType {
		return [][2]string{{f.Key, err.Error()}}
	}
	object := zapcore.NewMapObjectEncoder()
	f.AddTo(object)
	v, ok := object.Fields[f.Key]
	if !ok {
		v = object.Fields
	}
	return [][2]string{{f.Key, fmt.Sprint(v)}}
}

// word quotes a text unless it is plainly one value.
func word(s string) string {
	if s == "" || strings.ContainsAny(s, " \"=") {
		return strconv.Quote(s)
	}
	return printable(s)
}

// printable quotes a text with control characters in it: a client's name can then neither forge a line nor speak
// to the terminal.
func printable(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }) {
		return strconv.Quote(s)
	}
	return s
}

// The escape codes of colours.
const (
	dim    = "\x1b[2m"
	red    = "\x1b[31m"
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	blue   = "\x1b[34m"
	purple = "\x1b[35m"
	reset  = "\x1b[0m"
)

func (p paint) appendLevel(dst []byte, l zapcore.Level) []byte {
	name := levelName(l)
	colour := map[string]string{"TRACE": purple, "DEBUG": blue, "INFO": green, "WARN": yellow, "ERROR": red}[name]
	dst = p.append(dst, colour, fmt.Sprintf("%5s", name))
	return append(dst, ' ')
}

func (p paint) append(dst []byte, colour, s string) []byte {
	if !p {
		return append(dst, s...)
	}
	return append(append(append(dst, colour...), s...), reset...)
}
