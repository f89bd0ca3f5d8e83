package config

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

const day = 24 * time.Hour

// value is a setting that checks what it is set to.
type value[T any] struct {
	p      *T
	parse  func(string) (T, error)
	format func(T) string
	kind   string
}

func (v *value[T]) Set(s string) error {
	t, err := v.parse(s)
	if err == nil {
		*v.p = t
	}
	return err
}

func (v *value[T]) String() string {
	if v.p == nil { // pflag asks a zero value for its String
		return ""
	}
	return v.format(*v.p)
}

func (v *value[T]) Type() string { return v.kind }

func same(s string) string { return s }

// addr is a host:port to listen on; the host may be empty, and port 0 means any free one.
func addr(p *string) pflag.Value {
	return &value[string]{p, parseAddr, same, "address"}
}

func parseAddr(s string) (string, error) {
	_, port, err := net.SplitHostPort(s)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return "", errors.New("want host:port, such as 0.0.0.0:1883 or [::]:1883")
	}
	return s, nil
}

func choice(p *string, choices ...string) pflag.Value {
	parse := func(s string) (string, error) {
		if !slices.Contains(choices, s) {
			return "", fmt.Errorf("want one of %s", strings.Join(choices, ", "))
		}
		return s, nil
	}
	return &value[string]{p, parse, same, "word"}
}

func number[T int | uint16](p *T, least, most int) pflag.Value {
	parse := func(s string) (T, error) {
		n, err := strconv.Atoi(s)
		if err != nil || n < least || n > most {
			return 0, fmt.Errorf("want a number from %d to %d", least, most)
		}
		return T(n), nil
	}
	return &value[T]{p, parse, func(n T) string { return strconv.Itoa(int(n)) }, "number"}
}

// units are the units of sizes, the largest first.
var units = []struct {
	name  string
	bytes int
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}}

// size is a number of bytes, plain or with a unit: 8388608 or 8MiB.
func size(p *int, least, most int) pflag.Value {
	parse := func(s string) (int, error) {
		n, err := parseSize(s)
		if err != nil || n < int64(least) || n > int64(most) {
			return 0, fmt.Errorf("want a size from %s to %s, such as 65536 or 64KiB", formatSize(least), formatSize(most))
		}
		return int(n), nil
	}
	return &value[int]{p, parse, formatSize, "bytes"}
}

func parseSize(s string) (int64, error) {
	unit := int64(1)
	for _, u := range units {
		if digits, ok := strings.CutSuffix(s, u.name); ok {
			s, unit = strings.TrimSpace(digits), int64(u.bytes)
			break
		}
	}
	n, err := strconv.ParseInt(s, 10, 32)
	if unit == 1 {
		n, err = strconv.ParseInt(s, 10, 64)
	}
	return n * unit, err
}

func formatSize(n int) string {
	for _, u := range units {
		if n >= u.bytes && n%u.bytes == 0 {
			return strconv.Itoa(n/u.bytes) + u.name
		}
	}
	return strconv.Itoa(n)
}

// seconds is a duration, plain (seconds) or with units: 90, 90s, 1m30s, 7d.
func seconds(p *time.Duration, least, most time.Duration) pflag.Value {
	parse := func(s string) (time.Duration, error) {
		d, err := parseDuration(s)
		if err != nil || d < least || d > most {
			return 0, fmt.Errorf("want a time from %s to %s, such as 90, 90s or 7d",
				formatDuration(least), formatDuration(most))
		}
		return d, nil
	}
	return &value[time.Duration]{p, parse, formatDuration, "time"}
}

func parseDuration(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseUint(strings.TrimSpace(days), 10, 16)
		return time.Duration(n) * day, err
	}
	if n, err := strconv.ParseUint(s, 10, 32); err == nil {
		return time.Duration(n) * time.Second, nil
	}
	return time.ParseDuration(strings.ReplaceAll(s, " ", ""))
}

func formatDuration(d time.Duration) string {
	if d >= day && d%day == 0 {
		return strconv.Itoa(int(d/day)) + "d"
	}
	return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + "s"
}
