package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// readAhead is how many bytes are read at once, unless a record is longer.
const readAhead = 256 << 10

// searchBudget bounds the bytes that are summed up in search of a whole record behind a bad one.
const searchBudget = 1 << 30

// errBad is wrapped by the errors that say what is wrong with a segment, in contrast to those of reading it.
var errBad = errors.New("bad record")

// segmentReader reads the records of one segment.
type segmentReader struct {
	file   io.ReaderAt
	number uint64
	at     int64  // where the next record begins
	end    int64  // where the last one ends, in a file that is at least as long
	window []byte // bytes of the file
	from   int64  // where window begins
}

// next returns the next record, which is valid until the next call, or io.EOF behind the last. After an error that
// wraps errBad, at is where the bad record begins.
func (r *segmentReader) next() ([]byte, error) {
	if r.at == r.end {
		return nil, io.EOF
	}
	if r.end-r.at < frameSize {
		return nil, fmt.Errorf("%w: torn frame", errBad)
	}
	frame, err := r.bytes(frameSize)
	if err != nil {
		return nil, err
	}
	length := int64(binary.BigEndian.Uint32(frame[4:]))
	switch {
	case length == 0 || length > maxRecord:
		return nil, fmt.Errorf("%w: length %d is out of range", errBad, length)
	case length > r.end-r.at-frameSize:
		return nil, fmt.Errorf("%w: torn record", errBad)
	}
	framed, err := r.bytes(frameSize + length)
	if err != nil {
		return nil, err
	}
	if checksum(r.number, r.at, framed[4:]) != binary.BigEndian.Uint32(framed) {
		return nil, fmt.Errorf("%w: wrong checksum", errBad)
	}
	r.at += frameSize + length
	return framed[frameSize:], nil
}

// bytes returns the next n bytes, which are there. What it allocates is bounded by n and the length of the file.
func (r *segmentReader) bytes(n int64) ([]byte, error) {
	if r.at < r.from || r.at+n > r.from+int64(len(r.window)) {
		size := min(max(n, readAhead), r.end-r.at)
		if int64(cap(r.window)) < size {
			r.window = make([]byte, size)
		}
		r.window, r.from = r.window[:size], r.at
		if _, err := r.file.ReadAt(r.window, r.at); err != nil {
			r.window = r.window[:0]
			return nil, fmt.Errorf("read segment %s at byte %d: %w", segmentName(r.number), r.at, err)
		}
	}
	return r.window[r.at-r.from:][:n], nil
}

// search tells whether a whole record stands anywhere behind at. It looks where the length of the record at this place
// points to, and then byte by byte.
func (r *segmentReader) search() (bool, error) {
	bad := r.at
	if r.end-bad >= frameSize {
		frame, err := r.bytes(frameSize)
		if err != nil {
			return false, err
		}
		r.at = bad + frameSize + int64(binary.BigEndian.Uint32(frame[4:]))
		if r.at < r.end {
			if found, err := r.whole(); found || err != nil {
				return found, err
			}
		}
	}
	budget := int64(searchBudget)
	for r.at = bad + 1; r.end-r.at > frameSize && budget > 0; r.at++ {
		frame, err := r.bytes(frameSize)
		if err != nil {
			return false, err
		}
		length := int64(binary.BigEndian.Uint32(frame[4:]))
		if length == 0 || length > min(maxRecord, r.end-r.at-frameSize) {
			continue
		}
		budget -= length
		if found, err := r.whole(); found || err != nil {
			return found, err
		}
	}
	return false, nil
}

// whole tells whether a whole record begins at at.
func (r *segmentReader) whole() (bool, error) {
	switch _, err := r.next(); {
	case err == nil:
		return true, nil
	case errors.Is(err, errBad):
		return false, nil
	default:
		return false, err
	}
}
