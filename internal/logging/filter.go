package logging

import (
	"fmt"
	"strings"

	"go.uber.org/zap/zapcore"
)

// off is a level that no entry has.
const off = zapcore.FatalLevel + 1

var levels = map[string]zapcore.Level{
	"off":   off,
	"error": zapcore.ErrorLevel,
	"warn":  zapcore.WarnLevel,
	"info":  zapcore.InfoLevel,
	"debug": zapcore.DebugLevel,
	"trace": Trace,
}

// Filter says from which level on the entries of each target are written.
type Filter struct {
	level   zapcore.Level // of what no directive is about
	targets []directive
}

type directive struct {
	target string // with everything below it
	level  zapcore.Level
}

// Level returns the text of the filter: the first of FOXMQ_LOG and RUST_LOG that is set, or info.
func Level(getenv func(string) string) string {
	for _, name := range []string{"FOXMQ_LOG", "RUST_LOG"} {
		if s := getenv(name); s != "" {
			return s
		}
	}
	return "info"
}

// ParseFilter reads a list of levels and target=level, such as "info,foxmq::gossip=debug,foxmq::mqtt=off". A target
// of ours without a level means all of it. The longest target that fits an entry decides.
func ParseFilter(s string) (Filter, error) {
	f := Filter{level: zapcore.InfoLevel}
	for part := range strings.SplitSeq(s, ",") {
		part = strings.TrimSpace(part)
		name, levelName, both := strings.Cut(part, "=")
		level, known := levels[strings.ToLower(levelName)]
		if !both {
			level, known = levels[strings.ToLower(part)]
		}
		switch {
		case part == "":
		case !both && known:
			f.level = level
		case !both && within(part, "foxmq") && isTarget(part):
			f.targets = append(f.targets, directive{part, Trace})
		case known && isTarget(name):
			f.targets = append(f.targets, directive{name, level})
		default:
			return Filter{}, fmt.Errorf("log level %q: want off, error, warn, info, debug, trace or target=level", part)
		}
	}
	return f, nil
}

func isTarget(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r != ':' && r != '_' && r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}

// any reports whether an entry of some target is written at that level.
func (f *Filter) any(level zapcore.Level) bool {
	least := f.level
	for _, d := range f.targets {
		least = min(least, d.level)
	}
	return level >= least
}

func (f *Filter) allows(target string, level zapcore.Level) bool {
	least, longest := f.level, -1
	for _, d := range f.targets {
		if len(d.target) > longest && within(target, d.target) {
			least, longest = d.level, len(d.target)
		}
	}
	return level >= least
}

// within reports whether target is parent or below it.
func within(target, parent string) bool {
	rest, ok := strings.CutPrefix(target, parent)
	return ok && (rest == "" || strings.HasPrefix(rest, "::"))
}
