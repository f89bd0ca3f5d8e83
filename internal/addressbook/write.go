package addressbook

import (
	"bytes"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/foxmq/foxmq/internal/atomicfile"
)

// Write writes address-book.toml and key_0.pem, key_1.pem, … into dir, which it makes if it is missing. It writes
// all of them or none. A file that exists is replaced, or without replace an error for which IsExist holds.
func Write(dir string, b *Book, keys []*ecdsa.PrivateKey, replace bool) error {
	files, err := encode(dir, b, keys)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	return atomicfile.WriteAll(files, replace)
}

// IsExist reports whether err is that of Write about a file that exists.
func IsExist(err error) bool { return errors.Is(err, fs.ErrExist) }

// encode returns the files, the book as the last one: it is complete only with its keys.
func encode(dir string, b *Book, keys []*ecdsa.PrivateKey) ([]atomicfile.File, error) {
	var book bytes.Buffer
	book.WriteString("# The nodes of this cluster. The file is the same on every node; each has its own key_N.pem.\n")
	var files []atomicfile.File
	for i, key := range keys {
		name := fmt.Sprintf("key_%d.pem", i)
		private, err := encodeKey(key)
		if err != nil {
			return nil, err
		}
		public, err := encodePublicKey(b.Members[i].Key)
		if err != nil {
			return nil, err
		}
		files = append(files, atomicfile.File{Path: filepath.Join(dir, name), Data: private, Mode: 0o600})
		fmt.Fprintf(&book, "\n# %s\n[[addresses]]\nkey = \"\"\"\n%s\"\"\"\naddr = %q\n", name, public, b.Members[i].Addr)
	}
	path := filepath.Join(dir, "address-book.toml")
	return append(files, atomicfile.File{Path: path, Data: book.Bytes(), Mode: 0o644}), nil
}
