package logging

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

var update = flag.Bool("update", false, "write what the log looks like to testdata")

// clock stands still.
type clock struct{}

func (clock) Now() time.Time {
	return time.Date(2024, 4, 12, 23, 14, 0, 0, time.FixedZone("", 3600)).Add(time.Hour)
}

func (clock) NewTicker(time.Duration) *time.Ticker { panic("nobody ticks") }

func write(t *testing.T, format string, colour bool, levels string) string {
	t.Helper()
	filter, err := ParseFilter(levels)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	log := New(Config{Format: format, Filter: filter, Out: &out, Colour: colour}).WithOptions(zap.WithClock(clock{}))
	broker := log.Named("mqtt").Named("broker")
	broker.Info("listening for connections", zap.String("listen_addr", "0.0.0.0:1883"))
	client := broker.With(zap.String("client_id", "a\nb\x1b[2J"), zap.Int("number", 7))
	client.Warn("client refused", zap.Error(errors.New("not allowed")), zap.Duration("after", 1500*time.Millisecond))
	client.Debug("details", zap.Strings("filters", []string{"a/b", "c d"}), zap.String("empty", ""), zap.Skip())
	log.Named("gossip").Log(Trace, "frame", zap.Uint64s("counts", []uint64{1, 2}))
	log.Error("failed", zap.Bool("again", true))
	return out.String()
}

func TestFormats(t *testing.T) {
	for _, format := range []string{"full", "compact", "pretty", "json", "colour"} {
		got := write(t, format, format == "colour", "trace")
		path := filepath.Join("testdata", format+".log")
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s:\n%s\nwant\n%s", format, got, want)
		}
	}
}

func TestJSONIsOneObjectALine(t *testing.T) {
	for line := range strings.Lines(write(t, "json", true, "trace")) {
		var entry struct {
			Timestamp time.Time
			Level     string
			Fields    map[string]any
			Target    string
		}
		d := json.NewDecoder(strings.NewReader(line))
		d.DisallowUnknownFields()
		if err := d.Decode(&entry); err != nil {
			t.Errorf("%s: %v", line, err)
		}
		if entry.Fields["message"] == "" || !strings.HasPrefix(entry.Target, "foxmq") || entry.Timestamp.IsZero() {
			t.Errorf("%s lacks something", line)
		}
	}
}

func TestTheFilterDecidesWhatIsWritten(t *testing.T) {
	for levels, want := range map[string]string{
		"":                             "IWE",
		"info":                         "IWE",
		"INFO":                         "IWE",
		"off":                          "",
		"error":                        "E",
		"warn,foxmq::mqtt=debug":       "IWDE",
		"foxmq::mqtt=off":              "E",
		"foxmq=trace":                  "IWDTE",
		"foxmq::mq=off, foxmq::gossip": "IWTE",
		"off,foxmq=error,foxmq::gossip=trace,foxmq::mqtt::broker=warn": "WTE",
		"foxmq::mqtt::broker=warn,foxmq::mqtt=off,something_else=off":  "WE",
	} {
		var got strings.Builder
		for line := range strings.Lines(write(t, "json", false, levels)) {
			_, level, _ := strings.Cut(line, `"level":"`)
			got.WriteByte(level[0])
		}
		if got.String() != want {
			t.Errorf("%q writes %s, want %s", levels, got.String(), want)
		}
	}
}

func TestBadFiltersAreRefused(t *testing.T) {
	for _, s := range []string{"loud", "foxmq=loud", "=info", "foxmq[span]=info", "a b=info", "5"} {
		if _, err := ParseFilter(s); err == nil {
			t.Errorf("%q is a filter", s)
		}
	}
}

func TestLevelFromTheEnvironment(t *testing.T) {
	env := map[string]string{}
	get := func(name string) string { return env[name] }
	if Level(get) != "info" {
		t.Error("the default is not info")
	}
	env["RUST_LOG"] = "warn"
	if Level(get) != "warn" {
		t.Error("RUST_LOG is not heard")
	}
	env["FOXMQ_LOG"] = "debug"
	if Level(get) != "debug" {
		t.Error("FOXMQ_LOG is not heard")
	}
}

func TestALoggerThatIsOffCostsNothing(t *testing.T) {
	filter, err := ParseFilter("info,foxmq::gossip=debug")
	if err != nil {
		t.Fatal(err)
	}
	log := New(Config{Filter: filter, Out: &bytes.Buffer{}})
	if log.Core().Enabled(Trace) || !log.Core().Enabled(zapcore.DebugLevel) {
		t.Error("Enabled is not the least level of all targets")
	}
}
