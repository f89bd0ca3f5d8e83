package addressbook

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"
)

var (
	errNotP256  = errors.New("not a P-256 key")
	errNotAKey  = errors.New("neither a SEC 1 nor a PKCS #8 private key")
	errNoPEM    = errors.New("no PEM block EC PRIVATE KEY or PRIVATE KEY")
	errNoPubPEM = errors.New("no PEM block PUBLIC KEY")
)

// LoadKey reads a node's private key from a PEM file, in SEC 1 or PKCS #8 form.
func LoadKey(path string) (*ecdsa.PrivateKey, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read key: %w", err)
	}
	key, err := parseKeyPEM(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return key, nil
}

// ParseKeyHex reads a node's private key from the hex form of its SEC 1 or PKCS #8 DER. No error repeats the key.
func ParseKeyHex(s string) (*ecdsa.PrivateKey, error) {
	der, err := hex.DecodeString(strings.TrimSpace(s))
	if err != nil {
		return nil, errors.New("not a hex number")
	}
	return parseKeyDER(der)
}

// parseKeyPEM takes the first private key; openssl ecparam writes a block EC PARAMETERS before it.
func parseKeyPEM(data []byte) (*ecdsa.PrivateKey, error) {
	for {
		block, rest := pem.Decode(data)
		if block == nil {
			return nil, errNoPEM
		}
		if block.Type == "EC PRIVATE KEY" || block.Type == "PRIVATE KEY" {
			return parseKeyDER(block.Bytes)
		}
		data = rest
	}
}

func parseKeyDER(der []byte) (*ecdsa.PrivateKey, error) {
	key, err := x509.ParseECPrivateKey(der)
	if err != nil {
		any, err := x509.ParsePKCS8PrivateKey(der)
		if err != nil {
			return nil, errNotAKey
		}
		var ok bool
		if key, ok = any.(*ecdsa.PrivateKey); !ok {
			return nil, errNotP256
		}
	}
	if key.Curve != elliptic.P256() {
		return nil, errNotP256
	}
	return key, nil
}

func encodeKey(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), nil
}

func parsePublicKey(text string) (*ecdsa.PublicKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil || block.Type != "PUBLIC KEY" {
		return nil, errNoPubPEM
	}
	any, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, errors.New("the PEM block is not a public key")
	}
	key, ok := any.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, errNotP256
	}
	return key, nil
}

func encodePublicKey(key *ecdsa.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode public key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
}
