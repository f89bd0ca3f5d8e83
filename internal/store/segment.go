package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"path/filepath"
	"strconv"
	"strings"
)

// The format of a segment; docs/durability.md explains it. All numbers are big-endian. Magic, version and checksum
// stay where they are in all versions, so that a torn or damaged header is not taken for one of another version.
const (
	segmentMagic   = "FoxMQlog"
	segmentVersion = 1
	headerSize     = 32 // magic, u32 version, u64 number, u64 bytes of the segment before it, u32 checksum of these
	frameSize      = 8  // u32 checksum, u32 length
)

// maxRecord bounds a record in bytes: an event with the largest payload and the most parents is smaller.
const maxRecord = 18 << 20

// ErrVersion is wrapped by the error for a file in a format that this program does not read.
var ErrVersion = errors.New("unknown format version")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// CorruptError says that a file does not hold what was written to it. Of a segment it says so only if records that
// came later are there: otherwise it has a torn tail.
type CorruptError struct {
	Path    string
	Segment uint64 // 0 if the file is no segment
	Offset  int64  // in bytes; what a segment holds before it is whole
	What    string // is wrong there
}

func (e *CorruptError) Error() string {
	if e.Segment == 0 {
		return fmt.Sprintf("%s is corrupt: %s", e.Path, e.What)
	}
	return fmt.Sprintf("%s is corrupt at byte %d: %s", e.Path, e.Offset, e.What)
}

const (
	logSuffix  = ".log"
	baseSuffix = ".base"
)

func segmentName(number uint64) string { return fmt.Sprintf("%08d", number) + logSuffix }

func baseName(number uint64) string { return fmt.Sprintf("%08d", number) + baseSuffix }

// numbered returns the number of the file of that name, false if it has not the suffix or is not as we write it.
func numbered(name, suffix string) (uint64, bool) {
	digits, ok := strings.CutSuffix(filepath.Base(name), suffix)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	return n, err == nil && n > 0 && fmt.Sprintf("%08d", n) == digits
}

// appendHeader appends the header of a segment. Prior is how many bytes of the segment before it count: those that
// may stand behind them are what a failed Append left, or are lost if they do not.
func appendHeader(dst []byte, number uint64, prior int64) []byte {
	start := len(dst)
	dst = append(dst, segmentMagic...)
	dst = binary.BigEndian.AppendUint32(dst, segmentVersion)
	dst = binary.BigEndian.AppendUint64(dst, number)
	dst = binary.BigEndian.AppendUint64(dst, uint64(prior))
	return binary.BigEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
}

// parseHeader returns what a header says of the segment before its own. A header of another version is an error that
// wraps ErrVersion; any other error says what is wrong.
func parseHeader(b []byte, number uint64) (prior int64, err error) {
	if len(b) < headerSize || string(b[:len(segmentMagic)]) != segmentMagic {
		return 0, errors.New("no header")
	}
	if crc32.Checksum(b[:headerSize-4], castagnoli) != binary.BigEndian.Uint32(b[headerSize-4:]) {
		return 0, errors.New("the header's checksum is wrong")
	}
	if v := binary.BigEndian.Uint32(b[8:]); v != segmentVersion {
		return 0, fmt.Errorf("%w %d: this program reads version %d only", ErrVersion, v, segmentVersion)
	}
	if n := binary.BigEndian.Uint64(b[12:]); n != number {
		return 0, fmt.Errorf("the header is that of segment %d", n)
	}
	prior = int64(binary.BigEndian.Uint64(b[20:]))
	if prior < 0 {
		return 0, errors.New("the header's length of the segment before is out of range")
	}
	return prior, nil
}

// appendRecord appends a record that is to stand at that offset of a segment.
func appendRecord(dst []byte, number uint64, offset int64, record Record) []byte {
	start := len(dst)
	dst = record.Append(append(dst, make([]byte, frameSize)...))
	binary.BigEndian.PutUint32(dst[start+4:], uint32(len(dst)-start-frameSize))
	binary.BigEndian.PutUint32(dst[start:], checksum(number, offset, dst[start+4:]))
	return dst
}

// checksum is that of a record's length and bytes. It begins with the place of the record, so that an old record in a
// block that the file system used again is not taken for one that was written here.
func checksum(number uint64, offset int64, framed []byte) uint32 {
	const spread = 2654435761
	return crc32.Update(uint32(offset)+uint32(number)*spread, castagnoli, framed)
}
