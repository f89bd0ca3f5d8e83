package store

import (
	"errors"
	"fmt"
	"path/filepath"
)

// LogFinding is what VerifyLog says of one file.
type LogFinding struct {
	Name    string // of the file in its directory
	Bytes   int64  // that count
	Records int    // whole ones, in a segment
	Problem string // empty if there is none
}

// VerifyLog checks all segments and bases of a log that nobody has open, without changing anything, and reports on
// each of them in the order of their names. An error is one of reading, or a format that this program does not know.
func VerifyLog(files FS, dir string, report func(LogFinding)) error {
	all, err := inspectAll(files, dir)
	if err != nil {
		return fmt.Errorf("verify the log: %w", err)
	}
	bases, err := verifyBases(files, dir)
	if err != nil {
		return fmt.Errorf("verify the log: %w", err)
	}
	for len(all) > 0 {
		bad := settle(all)
		for i := range all[:min(bad+1, len(all))] {
			for len(bases) > 0 && bases[0].Name < segmentName(all[i].number) {
				report(bases[0])
				bases = bases[1:]
			}
			report(LogFinding{segmentName(all[i].number), all[i].whole, all[i].records, all[i].flaw})
		}
		all = all[min(bad+1, len(all)):]
	}
	for _, b := range bases {
		report(b)
	}
	return nil
}

func verifyBases(files FS, dir string) ([]LogFinding, error) {
	names, err := files.List(dir)
	if err != nil {
		return nil, err
	}
	var all []LogFinding
	for _, name := range names {
		number, ok := numbered(name, baseSuffix)
		if !ok {
			continue
		}
		found := LogFinding{Name: name}
		base, err := readBase(files, filepath.Join(dir, name), number)
		if corrupt := (*CorruptError)(nil); errors.As(err, &corrupt) {
			found.Problem = corrupt.What
		} else if err != nil {
			return nil, err
		}
		found.Bytes = int64(len(base))
		all = append(all, found)
	}
	return all, nil
}
