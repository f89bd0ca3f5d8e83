package listener

import (
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"

	"go.uber.org/zap"

	"github.com/foxmq/foxmq/internal/atomicfile"
	"github.com/foxmq/foxmq/internal/tlsutil"
)

// SelfSigned returns the certificate of the node's key for the names, and has it stand in the file, for clients to trust.
// What is in the file is kept while it is the key's and has the names. That it cannot be written is told in the log only.
func SelfSigned(path string, key *ecdsa.PrivateKey, names []string, log *zap.Logger) (*tls.Certificate, error) {
	der := readCertificate(path)
	if leaf, err := x509.ParseCertificate(der); err == nil && tlsutil.Serves(leaf, key, names) {
		return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
	}
	der, err := tlsutil.SelfSigned(key, names)
	if err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if err := atomicfile.Write(atomicfile.File{Path: path, Data: text, Mode: 0o644}); err != nil {
		log.Warn("self-signed certificate cannot be written, it serves all the same", zap.Error(err))
	} else {
		log.Info("self-signed certificate written", zap.String("file", path), zap.Strings("names", names))
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// readCertificate returns the DER of the certificate in a file, nil if there is none.
func readCertificate(path string) []byte {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	block, _ := pem.Decode(data)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil
	}
	return block.Bytes
}

// Names returns what clients may call a node that has the server name and listens on the addresses (host:port): the name,
// and those of this machine.
func Names(serverName string, addresses ...string) []string {
	names := []string{serverName}
	for _, address := range addresses {
		host, _, err := net.SplitHostPort(address)
		if err != nil || host == "" {
			continue
		}
		if ip, err := netip.ParseAddr(host); err == nil {
			if ip.IsUnspecified() {
				continue
			}
			host = ip.Unmap().WithZone("").String()
		}
		names = append(names, host)
	}
	names = append(names, "localhost", "127.0.0.1", "::1")
	return unique(names)
}

// unique leaves out what has stood before, and keeps the order.
func unique(names []string) []string {
	var all []string
	for _, name := range names {
		if !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return all
}

// SelfSignedFile is the name of the file of the node with that number in the address book.
func SelfSignedFile(node int) string { return fmt.Sprintf("key_%d.crt", node) }
