package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
)

// The format of a base: one header and the bytes themselves.
const (
	baseMagic      = "FoxMQbas"
	baseVersion    = 1
	baseHeaderSize = 32 // magic, u32 version, u64 number of the segment, u64 length, u32 checksum of these and the bytes
)

// WriteBase writes what the log from that segment on begins with: the encoded snapshot of a checkpoint. It is on the
// disk when WriteBase returns.
func (l *Log) WriteBase(segment uint64, base []byte) error {
	head := baseHeader(segment, base)
	return writeFile(l.cfg.FS, filepath.Join(l.cfg.Dir, baseName(segment)), head, base)
}

func baseHeader(segment uint64, base []byte) []byte {
	head := append(make([]byte, 0, baseHeaderSize), baseMagic...)
	head = binary.BigEndian.AppendUint32(head, baseVersion)
	head = binary.BigEndian.AppendUint64(head, segment)
	head = binary.BigEndian.AppendUint64(head, uint64(len(base)))
	return binary.BigEndian.AppendUint32(head, crc32.Update(crc32.Checksum(head, castagnoli), castagnoli, base))
}

// ReadBase returns what WriteBase wrote for that segment. A base that is not whole is a *CorruptError, one that is not
// there an error that wraps fs.ErrNotExist.
func (l *Log) ReadBase(segment uint64) ([]byte, error) {
	return readBase(l.cfg.FS, filepath.Join(l.cfg.Dir, baseName(segment)), segment)
}

func readBase(files FS, path string, segment uint64) ([]byte, error) {
	all, err := readFile(files, path)
	if err != nil {
		return nil, fmt.Errorf("read a checkpoint's base: %w", err)
	}
	if len(all) < baseHeaderSize || string(all[:len(baseMagic)]) != baseMagic {
		return nil, &CorruptError{Path: path, What: "no header"}
	}
	base := all[baseHeaderSize:]
	sum := crc32.Update(crc32.Checksum(all[:baseHeaderSize-4], castagnoli), castagnoli, base)
	if sum != binary.BigEndian.Uint32(all[baseHeaderSize-4:]) {
		return nil, &CorruptError{Path: path, What: "wrong checksum"}
	}
	if v := binary.BigEndian.Uint32(all[8:]); v != baseVersion {
		return nil, fmt.Errorf("%s: %w %d: this program reads version %d only", path, ErrVersion, v, baseVersion)
	}
	if string(all[:baseHeaderSize]) != string(baseHeader(segment, base)) {
		return nil, &CorruptError{Path: path, What: "it is that of another segment, or of another length"}
	}
	return base, nil
}

// readFile returns all of a file.
func readFile(files FS, path string) ([]byte, error) {
	f, err := files.Open(path, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	all := make([]byte, size)
	if _, err := f.ReadAt(all, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return all, nil
}
