package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/foxmq/foxmq/internal/tomlfile"
)

// envNames are the variables that set a flag, the first one that is set wins. FOXMQ_LOG is the level of the log, as
// it is with RUST_LOG, so the log's format needs another name.
func envNames(flag string) []string {
	switch flag {
	case "log":
		return []string{"FOXMQ_LOG_FORMAT"}
	case "secret-key":
		return []string{"FOXMQ_SECRET_KEY", "SECRET_KEY"}
	default:
		return []string{"FOXMQ_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))}
	}
}

// Merge gives each flag of flags that was not on the command line its value from the environment, or else from
// the settings file, which need not exist. An error names the
// variable, or the file and the line; getenv returns "" for a variable that is not set.
func Merge(flags *pflag.FlagSet, getenv func(string) string, settingsFile string) error {
	if err := MergeEnv(flags, getenv); err != nil {
		return err
	}
	return mergeFile(flags, settingsFile)
}

// MergeEnv is the part of Merge that is about the environment.
func MergeEnv(flags *pflag.FlagSet, getenv func(string) string) error {
	var errs []error
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Changed {
			return
		}
		for _, name := range envNames(f.Name) {
			if v := getenv(name); v != "" {
				if err := set(flags, f.Name, v); err != nil {
					errs = append(errs, fmt.Errorf("%s: %w", name, err))
				}
				return
			}
		}
	})
	return errors.Join(errs...)
}

// set sets a flag; its error says what is wrong with the value without repeating it, and without the flag's name.
func set(flags *pflag.FlagSet, name, value string) error {
	err := flags.Set(name, value)
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		return cause(invalid)
	}
	return err
}

// cause says what a flag takes; that of a bool is the one value that pflag checks itself.
func cause(invalid *pflag.InvalidValueError) error {
	if invalid.GetFlag().Value.Type() == "bool" {
		return errors.New("want true or false")
	}
	return invalid.Unwrap()
}

func mergeFile(flags *pflag.FlagSet, path string) error {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read settings: %w", err)
	}
	return mergeSettings(flags, path, data)
}

// mergeSettings takes its keys in the order of the lines, so that the first error is reported.
func mergeSettings(flags *pflag.FlagSet, path string, data []byte) error {
	var settings map[string]any
	if err := tomlfile.Decode(path, data, &settings); err != nil {
		return err
	}
	lines := tomlfile.Lines(data)
	for _, key := range sortedByLine(settings, lines) {
		if err := mergeSetting(flags, key, settings[key]); err != nil {
			return &tomlfile.Error{File: path, Line: lines[key], Err: err}
		}
	}
	return nil
}

func sortedByLine(settings map[string]any, lines map[string]int) []string {
	keys := make([]string, 0, len(settings))
	for key := range settings {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b string) int {
		if d := lines[a] - lines[b]; d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	return keys
}

func mergeSetting(flags *pflag.FlagSet, key string, v any) error {
	f := flags.Lookup(key)
	if f == nil {
		return fmt.Errorf("unknown key %q", key)
	}
	switch v.(type) {
	case string, bool, int64:
	default:
		return fmt.Errorf("%s: want a string, a number or a boolean", key)
	}
	if f.Changed {
		return nil
	}
	if err := set(flags, key, fmt.Sprint(v)); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	return nil
}
