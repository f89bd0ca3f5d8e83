package addressbook

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// generate returns a valid book on the given addresses.
func generate(t testing.TB, addrs ...string) (*Book, []*ecdsa.PrivateKey) {
	t.Helper()
	b, keys, err := Generate(addrs)
	if err != nil {
		t.Fatal(err)
	}
	return b, keys
}

// text returns the text of a book as it is written.
func text(t testing.TB, b *Book, keys []*ecdsa.PrivateKey) string {
	t.Helper()
	files, err := encode("", b, keys)
	if err != nil {
		t.Fatal(err)
	}
	return string(files[len(files)-1].Data)
}

func TestABookOfFoxMQ03LoadsUnchanged(t *testing.T) {
	b, err := Load("testdata/foxmq-0.3.toml")
	if err != nil {
		t.Fatal(err)
	}
	if len(b.Members) != 2 || b.Members[0].Addr != "172.18.0.2:19793" || b.Members[1].Addr != "172.18.0.3:19793" {
		t.Errorf("members %v", b.Members)
	}
	const want = "f7b62f50ce4f94d1a097d39de635948f3fcaae4f077655f7448bbd54dfb6db03"
	if got := fmt.Sprintf("%x", b.Hash()); got != want {
		t.Errorf("the hash of a book that is out there has changed: %s, want %s", got, want)
	}
}

func TestWhatIsWrittenLoads(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made")
	b, keys := generate(t, "192.0.2.1:1", "[2001:db8::1]:2", "node-3.example:3")
	if err := Write(dir, b, keys, false); err != nil {
		t.Fatal(err)
	}
	loaded, err := Load(filepath.Join(dir, "address-book.toml"))
	if err != nil {
		t.Fatal(err)
	}
	if loaded.Hash() != b.Hash() {
		t.Error("the loaded book is another")
	}
	for i, key := range keys {
		path := filepath.Join(dir, fmt.Sprintf("key_%d.pem", i))
		got, err := LoadKey(path)
		if err != nil || !got.Equal(key) {
			t.Errorf("key %d: %v", i, err)
		}
		if index, ok := loaded.Find(&got.PublicKey); !ok || index != i {
			t.Errorf("key %d is found at %d, %v", i, index, ok)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("key %d has mode %v, %v", i, info.Mode(), err)
		}
	}
	_, strangers := generate(t, "a:1")
	if _, ok := loaded.Find(&strangers[0].PublicKey); ok {
		t.Error("a stranger is found")
	}
}

func TestExistingFilesAreKept(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "key_1.pem")
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	b, keys := generate(t, "a:1", "b:1")
	if err := Write(dir, b, keys, false); !IsExist(err) || !strings.Contains(err.Error(), path) {
		t.Errorf("Write: %v", err)
	}
	entries, _ := os.ReadDir(dir)
	if data, _ := os.ReadFile(path); len(entries) != 1 || string(data) != "precious" {
		t.Errorf("the directory holds %v, the key %q", entries, data)
	}
	if err := Write(dir, b, keys, true); err != nil {
		t.Errorf("Write with replace: %v", err)
	}
	if key, err := LoadKey(path); err != nil || !key.Equal(keys[1]) {
		t.Errorf("the key was not replaced: %v", err)
	}
}

func TestTheHashIsOfWhatMatters(t *testing.T) {
	b, keys := generate(t, "[2001:db8::1]:1", "b.example:2", "192.0.2.3:3")
	written := text(t, b, keys)
	for what, same := range map[string]string{
		"line endings": strings.ReplaceAll(written, "\n", "\r\n"),
		"comments":     "# hello\n" + strings.ReplaceAll(written, "# key_", "# the key "),
		"white space":  strings.ReplaceAll(written, "addr =", "  addr  =\t"),
		"quotes":       strings.ReplaceAll(written, `"""`, `'''`),
		"spelling":     strings.ReplaceAll(written, "2001:db8::1", "2001:0DB8:0::1"),
		"case":         strings.ReplaceAll(written, "b.example", "B.Example."),
	} {
		got, err := parse("f", []byte(same))
		if err != nil || got.Hash() != b.Hash() {
			t.Errorf("%s change the hash (%v)", what, err)
		}
	}
	members := b.Members
	for what, other := range map[string][]Member{
		"order":     {members[1], members[0], members[2]},
		"number":    members[:2],
		"addresses": {members[0], members[1], {members[2].Key, "192.0.2.3:4"}},
		"keys":      {members[0], {&keys[2].PublicKey, members[1].Addr}, {&keys[1].PublicKey, members[2].Addr}},
	} {
		if (&Book{Members: other}).Hash() == b.Hash() {
			t.Errorf("%s do not change the hash", what)
		}
	}
	if b.Domain() != b.Hash() {
		t.Error("the domain is not the hash")
	}
}

func TestErrorsNameFileAndLine(t *testing.T) {
	b, keys := generate(t, "a:1", "b:1", "c:1")
	good := text(t, b, keys)
	keyOf := func(i int) string {
		public, _ := encodePublicKey(&keys[i].PublicKey)
		return string(public)
	}
	for what, test := range map[string]struct{ in, want string }{
		"equal keys": {
			strings.Replace(good, keyOf(2), keyOf(0), 1),
			"f:25: addresses[2].key: the same key as addresses[0]",
		},
		"equal addresses": {
			strings.Replace(good, `"c:1"`, `"A:1"`, 1),
			"f:31: addresses[2].addr: a:1 is also the address of addresses[0]",
		},
		"no port": {
			strings.Replace(good, `"b:1"`, `"b"`, 1),
			`f:21: addresses[1].addr: "b" is not an address`,
		},
		"port 0": {
			strings.Replace(good, `"b:1"`, `"b:0"`, 1),
			`f:21: addresses[1].addr: "b:0": the port must be a number from 1 to 65535`,
		},
		"bad address": {
			strings.Replace(good, `"b:1"`, `"192.0.2.256:1"`, 1),
			`f:21: addresses[1].addr: "192.0.2.256:1": neither an IP address nor a host name`,
		},
		"missing address": {
			strings.Replace(good, `addr = "b:1"`, ``, 1),
			`f:14: addresses[1].addr: "" is not an address`,
		},
		"no key": {
			strings.Replace(good, keyOf(1), "", 1),
			"f:15: addresses[1].key: no PEM block PUBLIC KEY",
		},
		"spoilt key": {
			strings.Replace(good, keyOf(1)[100:120], "", 1),
			"f:15: addresses[1].key: ",
		},
		"unknown key": {
			strings.Replace(good, "addr = \"b:1\"", "adr = \"b:1\"", 1),
			`f:21: unknown key "addresses.adr"`,
		},
		"no TOML": {
			good + "[[",
			"f:32: ",
		},
		"empty": {
			"",
			"f: an address book has 1 to 256 addresses, this one has 0",
		},
	} {
		_, err := parse("f", []byte(test.in))
		if err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%s: %v, want %s", what, err, test.want)
		}
	}
}

func TestOnlyP256(t *testing.T) {
	other, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, err := encodePublicKey(&other.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	_, err = parse("f", fmt.Appendf(nil, "[[addresses]]\nkey = '''\n%s'''\naddr = 'a:1'\n", public))
	if err == nil || err.Error() != "f:2: addresses[0].key: not a P-256 key" {
		t.Errorf("a book with a P-384 key: %v", err)
	}
	der, err := x509.MarshalECPrivateKey(other)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParseKeyHex(hex.EncodeToString(der)); err == nil || err.Error() != "not a P-256 key" {
		t.Errorf("a P-384 key: %v", err)
	}
}

func TestBothFormsOfAKey(t *testing.T) {
	_, keys := generate(t, "a:1")
	sec1, err := x509.MarshalECPrivateKey(keys[0])
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(keys[0])
	if err != nil {
		t.Fatal(err)
	}
	parameters := pem.EncodeToMemory(&pem.Block{Type: "EC PARAMETERS", Bytes: []byte{6, 0}})
	for what, test := range map[string]struct {
		der   []byte
		block string
	}{"SEC 1": {sec1, "EC PRIVATE KEY"}, "PKCS #8": {pkcs8, "PRIVATE KEY"}} {
		got, err := ParseKeyHex(" " + strings.ToUpper(hex.EncodeToString(test.der)) + "\n")
		if err != nil || !got.Equal(keys[0]) {
			t.Errorf("%s in hex: %v", what, err)
		}
		path := filepath.Join(t.TempDir(), "key.pem")
		file := append(bytes.Clone(parameters), pem.EncodeToMemory(&pem.Block{Type: test.block, Bytes: test.der})...)
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := LoadKey(path); err != nil || !got.Equal(keys[0]) {
			t.Errorf("%s in PEM: %v", what, err)
		}
	}
	secret := hex.EncodeToString(sec1)
	for _, spoilt := range []string{secret[:60], secret[:61], secret + "zz"} {
		if _, err := ParseKeyHex(spoilt); err == nil || strings.Contains(err.Error(), secret[20:40]) {
			t.Errorf("an error says too much, or nothing: %v", err)
		}
	}
}

func TestRange(t *testing.T) {
	got, err := Range(netip.MustParseAddr("2001:db8::1"), 65534, 65535)
	if err != nil || strings.Join(got, " ") != "[2001:db8::1]:65534 [2001:db8::1]:65535" {
		t.Errorf("Range: %v, %v", got, err)
	}
	for _, ports := range [][2]uint16{{0, 3}, {5, 4}, {1, 257}} {
		if _, err := Range(netip.MustParseAddr("192.0.2.1"), ports[0], ports[1]); err == nil {
			t.Errorf("from %d to %d is a range", ports[0], ports[1])
		}
	}
}

func TestDuplicatesAreRefused(t *testing.T) {
	for _, addrs := range [][]string{{"a:1", "a:1"}, {"[::ffff:192.0.2.1]:1", "192.0.2.1:1"}, {"[::1]:1", "[0:0::1]:1"}} {
		if _, _, err := Generate(addrs); err == nil || !strings.Contains(err.Error(), "is also the address of") {
			t.Errorf("%v: %v", addrs, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	b, keys := generate(f, "a:1", "[::1]:2")
	f.Add([]byte(text(f, b, keys)))
	f.Add([]byte("addresses = [{ key = '', addr = 'a:1' }]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := parse("f", data)
		if err != nil {
			return
		}
		for i, m := range b.Members {
			if index, ok := b.Find(m.Key); !ok || index != i {
				t.Errorf("member %d is found at %d", i, index)
			}
			if again, err := CanonicalAddr(m.Addr); err != nil || again != m.Addr {
				t.Errorf("%q is not canonical: %q, %v", m.Addr, again, err)
			}
		}
	})
}
