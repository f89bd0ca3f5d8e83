package listener

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"sync/atomic"

	"go.uber.org/zap"

	"github.com/foxmq/foxmq/internal/filewatch"
	"github.com/foxmq/foxmq/internal/tlsutil"
)

// CertificateConfig says what the TLS listeners show, and whom they believe.
type CertificateConfig struct {
	CertFile, KeyFile string           // PEM, both or none
	Own               *tls.Certificate // what is shown without files
	AuthoritiesFile   string           // PEM with those who sign clients' certificates; empty: clients are asked for none
	Log               *zap.Logger      // nil logs nothing
}

// Certificates is what the TLS listeners show, as the files say. Run keeps it up to date.
type Certificates struct {
	config  CertificateConfig
	current atomic.Pointer[tls.Config]
	watcher *filewatch.Watcher
	files   []*filewatch.File // after NewCertificates, Run's
}

// NewCertificates reads the files.
func NewCertificates(config CertificateConfig) (*Certificates, error) {
	c := &Certificates{config: config, watcher: filewatch.NewWatcher()}
	if c.config.Log == nil {
		c.config.Log = zap.NewNop()
	}
	for _, file := range []string{config.CertFile, config.KeyFile, config.AuthoritiesFile} {
		if file != "" {
			c.files = append(c.files, filewatch.New(file))
		}
	}
	c.look()
	current, err := c.read()
	if err != nil {
		return nil, err
	}
	c.current.Store(current)
	return c, nil
}

// TLS returns the configuration of a listener, whose handshakes are made with what the files say then. It asks clients
// for certificates, if there are authorities. Of the ALPN protocols one is chosen if a client offers any; with none, what
// it offers does not matter.
func (c *Certificates) TLS(protocols ...string) *tls.Config {
	return c.derive(func(config *tls.Config) { config.NextProtos = protocols })
}

// WebTLS is TLS for browsers. It asks for no certificates: Chromium has none to show for a WebSocket, and gives up.
func (c *Certificates) WebTLS() *tls.Config {
	return c.derive(func(config *tls.Config) {
		config.ClientAuth, config.ClientCAs, config.SessionTicketsDisabled = tls.NoClientCert, nil, false
	})
}

// derive returns a configuration that makes each handshake with what is in force then, changed.
func (c *Certificates) derive(change func(*tls.Config)) *tls.Config {
	type derived struct{ from, config *tls.Config }
	derive := func(from *tls.Config) *derived {
		config := from.Clone()
		change(config)
		return &derived{from, config}
	}
	var last atomic.Pointer[derived] // made once for all handshakes until the files change
	last.Store(derive(c.current.Load()))
	config := last.Load().config.Clone()
	config.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		now, known := c.current.Load(), last.Load()
		if known.from != now {
			known = derive(now)
			last.Store(known)
		}
		return known.config, nil
	}
	return config
}

// Run reads the files again when they change, and when Reload says so, until ctx ends, which is no error.
func (c *Certificates) Run(ctx context.Context) error {
	c.watcher.Run(ctx, c.refresh)
	return nil
}

// Reload makes Run read the files again now, whether they seem to have changed or not.
func (c *Certificates) Reload() { c.watcher.Reload() }

// look reports whether a file has changed since the last look, as it has by being gone.
func (c *Certificates) look() (changed bool) {
	for _, file := range c.files {
		one, _ := file.Look()
		changed = changed || one
	}
	return changed
}

// refresh reads the files if one has changed. What cannot be used leaves in force what there was; it is told once, and
// tried again at the next change.
func (c *Certificates) refresh(force bool) {
	if changed := c.look(); len(c.files) == 0 || !force && !changed {
		return
	}
	current, err := c.read()
	if err != nil {
		c.config.Log.Error("certificate not reloaded, the one before stays in force", zap.Error(err))
		return
	}
	c.current.Store(current)
	paths := make([]string, len(c.files))
	for i, file := range c.files {
		paths[i] = file.Path()
	}
	c.config.Log.Info("certificate reloaded", zap.Strings("files", paths))
}

// read makes of the files what is in force.
func (c *Certificates) read() (*tls.Config, error) {
	cert := c.config.Own
	if c.config.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(c.config.CertFile, c.config.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("read certificate %s with key %s: %w", c.config.CertFile, c.config.KeyFile, err)
		}
		cert = &pair
	}
	if cert == nil {
		return nil, errors.New("no certificate")
	}
	authorities, err := readAuthorities(c.config.AuthoritiesFile)
	if err != nil {
		return nil, err
	}
	return tlsutil.Server(*cert, authorities), nil
}

func readAuthorities(path string) (*x509.CertPool, error) {
	if path == "" {
		return nil, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read authorities: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(data) {
		return nil, fmt.Errorf("%s: no PEM block CERTIFICATE", path)
	}
	return pool, nil
}
