package config

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"github.com/spf13/pflag"
)

// checked is a text of which each part of a list must pass a check.
func checked(p *string, kind string, check func(string) error) pflag.Value {
	parse := func(s string) (string, error) {
		for _, part := range list(s) {
			if err := check(part); err != nil {
				return "", err
			}
		}
		return s, nil
	}
	return &value[string]{p, parse, same, kind}
}

// networks is a list of networks in CIDR notation; an address is a network of one.
func networks(p *string) pflag.Value {
	return checked(p, "networks", func(s string) error {
		_, err := parseNetwork(s)
		return err
	})
}

func parseNetwork(s string) (netip.Prefix, error) {
	if ip, err := netip.ParseAddr(s); err == nil && ip.Zone() == "" {
		return netip.PrefixFrom(ip.Unmap(), ip.Unmap().BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil || p.Addr().Is4In6() {
		return netip.Prefix{}, fmt.Errorf("%q is not a network such as 192.0.2.0/24 or 2001:db8::/32", s)
	}
	return p.Masked(), nil
}

// origins is a list of origins as browsers send them [RFC 6454, section 6.2]: scheme, host and port, and nothing more.
func origins(p *string) pflag.Value {
	return checked(p, "origins", func(s string) error {
		u, err := url.Parse(s)
		if err != nil || u.Scheme == "" || u.Host == "" || s != u.Scheme+"://"+u.Host {
			return fmt.Errorf("%q is not an origin such as https://example.org", s)
		}
		return nil
	})
}

// serverName is a name or an address that clients reach this node by.
func serverName(p *string) pflag.Value {
	parse := func(s string) (string, error) {
		if s == "" || len(s) > 253 || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || r == ',' }) {
			return "", errors.New("want a host name or an IP address")
		}
		return s, nil
	}
	return &value[string]{p, parse, same, "name"}
}
