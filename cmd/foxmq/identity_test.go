package main

import (
	"crypto/x509"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"

	"github.com/foxmq/foxmq/internal/addressbook"
	"github.com/foxmq/foxmq/internal/config"
)

func TestWhoTheNodeIs(t *testing.T) {
	book, keys, err := addressbook.Generate([]string{"a:1", "b:1", "c:1"})
	if err != nil {
		t.Fatal(err)
	}
	all, one := t.TempDir(), t.TempDir()
	if err := addressbook.Write(all, book, keys, false); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"address-book.toml", "key_2.pem"} {
		if err := os.Link(filepath.Join(all, name), filepath.Join(one, name)); err != nil {
			t.Fatal(err)
		}
	}
	der, err := x509.MarshalPKCS8PrivateKey(keys[1])
	if err != nil {
		t.Fatal(err)
	}
	for what, test := range map[string]struct {
		cfg  config.Config
		self int
	}{
		"by file":                          {config.Config{Dir: all, SecretKeyFile: filepath.Join(all, "key_2.pem")}, 2},
		"by hex":                           {config.Config{Dir: all, SecretKey: hex.EncodeToString(der)}, 1},
		"by the only key in the directory": {config.Config{Dir: one}, 2},
	} {
		id, err := loadIdentity(&test.cfg)
		if err != nil || id.self != test.self || !id.key.Equal(keys[test.self]) || id.alone {
			t.Errorf("%s: %+v, %v", what, id, err)
		}
	}
	id, err := loadIdentity(&config.Config{Dir: t.TempDir()})
	if err != nil || !id.alone || len(id.book.Members) != 1 || !id.book.Members[0].Key.Equal(&id.key.PublicKey) {
		t.Errorf("without an address book: %+v, %v", id, err)
	}
}
