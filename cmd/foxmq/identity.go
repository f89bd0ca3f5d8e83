package main

import (
	"crypto/ecdsa"
	"fmt"
	"os"
	"path/filepath"

	"github.com/foxmq/foxmq/internal/addressbook"
	"github.com/foxmq/foxmq/internal/config"
)

// identity is who this node is in which cluster.
type identity struct {
	book  *addressbook.Book
	key   *ecdsa.PrivateKey
	dir   string // where what belongs to the key is kept: beside it, or where the configuration is
	self  int    // the node's index in the book
	alone bool   // there is no address book: the cluster is this node
}

// peers reports whether others have what this node has, too.
func (id *identity) peers() bool { return len(id.book.Members) > 1 }

// spare reports whether the others can do without this node, so that they have a certified state for it to fetch: one may
// fail from four on.
func (id *identity) spare() bool { return len(id.book.Members) > 3 }

// loadIdentity reads the address book and the node's key. Without an address book the node is alone, with a key that it
// makes at its first start and keeps beside its log.
func loadIdentity(cfg *config.Config) (*identity, error) {
	path := cfg.File(config.AddressBookFile)
	if !exists(path) {
		return loneIdentity(cfg)
	}
	book, err := addressbook.Load(path)
	if err != nil {
		return nil, err
	}
	key, source, err := loadKey(cfg)
	if err != nil {
		return nil, err
	}
	self, ok := book.Find(&key.PublicKey)
	if !ok {
		return nil, withHint(fmt.Errorf("%s: the key from %s is not in it", path, source),
			"each key_N.pem belongs to the address book that was written with it")
	}
	dir := cfg.Dir
	if cfg.SecretKey == "" {
		dir = filepath.Dir(source)
	}
	return &identity{book: book, key: key, dir: dir, self: self}, nil
}

// loneIdentity reads the cluster of a node that is alone from a directory under its data, or makes it. What the log holds
// is signed for that cluster.
func loneIdentity(cfg *config.Config) (*identity, error) {
	dir := filepath.Join(cfg.NodeDataDir(0), "alone")
	path := filepath.Join(dir, config.AddressBookFile)
	if !exists(path) {
		book, keys, err := addressbook.Generate([]string{"127.0.0.1:19793"})
		if err != nil {
			return nil, err
		}
		if err := addressbook.Write(dir, book, keys, true); err != nil {
			return nil, err
		}
	}
	book, err := addressbook.Load(path)
	if err != nil {
		return nil, err
	}
	key, err := addressbook.LoadKey(filepath.Join(dir, "key_0.pem"))
	if err != nil {
		return nil, err
	}
	return &identity{book: book, key: key, dir: cfg.Dir, alone: true}, nil
}

// loadKey returns the node's key and where it came from.
func loadKey(cfg *config.Config) (key *ecdsa.PrivateKey, source string, err error) {
	if cfg.SecretKey != "" {
		key, err = addressbook.ParseKeyHex(cfg.SecretKey)
		if err != nil {
			return nil, "", fmt.Errorf("secret-key: %w", err)
		}
		return key, "secret-key", nil
	}
	if source = cfg.SecretKeyFile; source == "" {
		if source, err = onlyKey(cfg.Dir); err != nil {
			return nil, "", err
		}
	}
	key, err = addressbook.LoadKey(source)
	return key, source, err
}

// onlyKey returns the path of the one key_N.pem in dir.
func onlyKey(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", fmt.Errorf("find key: %w", err)
	}
	var keys []string
	for _, e := range entries {
		if isKey, _ := filepath.Match("key_*.pem", e.Name()); isKey {
			keys = append(keys, filepath.Join(dir, e.Name()))
		}
	}
	const hint = "say which node this is: --secret-key-file %s"
	switch len(keys) {
	case 1:
		return keys[0], nil
	case 0:
		return "", withHint(fmt.Errorf("%s has an address book but no key_N.pem", dir), hint, "FILE")
	default:
		return "", withHint(fmt.Errorf("%s has %d keys", dir, len(keys)), hint, keys[0])
	}
}
