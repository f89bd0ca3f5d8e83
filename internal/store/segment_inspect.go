package store

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// inspected is what a look at one segment found.
type inspected struct {
	number  uint64
	size    int64  // of the file in bytes
	prior   int64  // what the header says of the segment before, -1 if there is no whole header
	whole   int64  // the header and the whole records behind it end here
	records int    // that are whole
	flaw    string // what is wrong behind them, empty if nothing is
}

// inspect reads a segment up to its first flaw. An error is one of reading, or of its version.
func inspect(files FS, dir string, number uint64) (in inspected, err error) {
	in = inspected{number: number, prior: -1}
	f, err := files.Open(filepath.Join(dir, segmentName(number)), os.O_RDONLY)
	if err != nil {
		return in, err
	}
	defer f.Close()
	if in.size, err = f.Size(); err != nil {
		return in, err
	}
	head := make([]byte, min(headerSize, in.size))
	if _, err := f.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return in, err
	}
	prior, err := parseHeader(head, number)
	if errors.Is(err, ErrVersion) {
		return in, fmt.Errorf("%s: %w", filepath.Join(dir, segmentName(number)), err)
	}
	if err != nil {
		in.flaw = err.Error()
		return in, nil
	}
	in.prior = prior
	return in, in.count(&segmentReader{file: f, number: number, at: headerSize, end: in.size})
}

// count reads the records.
func (in *inspected) count(r *segmentReader) error {
	for {
		_, err := r.next()
		in.whole = r.at
		switch {
		case err == nil:
			in.records++
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, errBad):
			in.flaw = err.Error()
			return nil
		default:
			return err
		}
	}
}

// inspectAll looks at the segments of a directory, in ascending order. Where some are missing between two others there is
// an entry for the first of these.
func inspectAll(files FS, dir string) ([]inspected, error) {
	names, err := files.List(dir)
	if err != nil {
		return nil, err
	}
	var numbers []uint64
	for _, name := range names {
		if n, ok := numbered(name, logSuffix); ok {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	var all []inspected
	for _, n := range numbers {
		if len(all) > 0 && all[len(all)-1].number+1 < n {
			all = append(all, missing(all[len(all)-1].number+1))
		}
		in, err := inspect(files, dir, n)
		if err != nil {
			return nil, err
		}
		all = append(all, in)
	}
	return all, nil
}

func missing(number uint64) inspected {
	return inspected{number: number, prior: -1, flaw: "the file is missing"}
}

// settle lets each segment's successor say how much of it counts, drops what stands behind that, and returns the index
// of the first segment that is not whole, or len(all).
func settle(all []inspected) int {
	for i := range all {
		in := &all[i]
		if i+1 < len(all) && all[i+1].prior >= 0 {
			switch prior := all[i+1].prior; {
			case prior <= in.whole:
				in.whole, in.flaw = prior, ""
			case in.flaw == "":
				in.flaw = fmt.Sprintf("it ends there and had %d bytes", prior)
			}
		}
		if in.flaw != "" {
			return i
		}
	}
	return len(all)
}

// lostBehind tells whether a whole record stands behind the end of what is whole in the first of these segments.
func lostBehind(files FS, dir string, all []inspected) (bool, error) {
	for i := range all {
		in := &all[i]
		if i > 0 && in.records > 0 {
			return true, nil
		}
		if in.whole >= in.size {
			continue
		}
		found, err := searchFile(files, dir, in)
		if found || err != nil {
			return found, err
		}
	}
	return false, nil
}

// searchFile tells whether a whole record stands behind what is whole in a segment.
func searchFile(files FS, dir string, in *inspected) (bool, error) {
	f, err := files.Open(filepath.Join(dir, segmentName(in.number)), os.O_RDONLY)
	if err != nil {
		return false, err
	}
	defer f.Close()
	r := &segmentReader{file: f, number: in.number, at: in.whole, end: in.size}
	if in.whole == 0 && in.size > headerSize {
		r.at = headerSize
		if found, err := r.whole(); found || err != nil {
			return found, err
		}
	}
	return r.search()
}
