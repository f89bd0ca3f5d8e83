package config

import (
	"errors"
	"fmt"

	"github.com/spf13/pflag"
)

// ErrAbsent is wrapped by the error about a setting that exists but whose effect is not in this version.
var ErrAbsent = errors.New("not in this version yet")

// absent are flags of later versions. They take their default, and any other value is an error: a node that was
// told to listen for TLS must not come up without.
var absent = []struct {
	name, def string
	other     string // of a choice, the other value
	help      string
}{
	{"mqtts", "false", "", "listen for MQTT over TLS"},
	{"mqtts-addr", "0.0.0.0:8883", "", "`host:port` for MQTT over TLS"},
	{"tls-cert-file", "", "", "PEM `file` with the certificate (default: self-signed)"},
	{"tls-key-file", "", "", "PEM `file` with the certificate's key (default: the node's key)"},
	{"server-name", "foxmq.local", "", "`name` in the self-signed certificate"},
}

func bindAbsent(fs *pflag.FlagSet) {
	for _, a := range absent {
		help := a.help + "; not in this version yet"
		switch {
		case a.other != "":
			fs.Var(choice(new(a.def), a.def, a.other), a.name, a.help+"; "+a.other+" is not in this version yet")
		case a.def == "false":
			fs.Bool(a.name, false, help)
		default:
			fs.String(a.name, a.def, help)
		}
	}
}

func checkAbsent(fs *pflag.FlagSet) error {
	for _, a := range absent {
		if f := fs.Lookup(a.name); f.Value.String() != a.def {
			return fmt.Errorf("--%s=%s is %w", a.name, f.Value, ErrAbsent)
		}
	}
	return nil
}
