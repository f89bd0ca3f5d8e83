package replica

import (
	"errors"
	"fmt"
	"net/netip"
	"unicode"
	"unicode/utf8"
)

// BanKind says what it is of a client that a ban names.
type BanKind uint8

// The kinds of bans.
const (
	BanClient  BanKind = iota + 1 // the client id
	BanUser                       // the user name
	BanAddress                    // the address that the client connects from, or a prefix of it
)

var banKinds = map[BanKind]string{BanClient: "client", BanUser: "user", BanAddress: "address"}

func (k BanKind) String() string { return banKinds[k] }

// MaxBanValue and MaxBanReason bound the two texts of a ban, in bytes.
const (
	MaxBanValue  = 1024
	MaxBanReason = 256
)

// BanTarget is whom a ban keeps out. There is one ban of a target at most.
type BanTarget struct {
	Kind  BanKind
	Value string // for an address in the form of netip.Prefix, such as 192.0.2.7/32, without bits behind the prefix
}

// ErrBanTarget and ErrBanReason are wrapped by the errors of NewBanTarget and CheckBanReason.
var (
	ErrBanTarget = errors.New("bad target of a ban")
	ErrBanReason = errors.New("bad reason for a ban")
)

// NewBanTarget returns the target in the one form that Ban and Unban take. For an address, the value may be an address
// or a prefix.
func NewBanTarget(kind BanKind, value string) (BanTarget, error) {
	switch {
	case len(value) > MaxBanValue:
		return BanTarget{}, fmt.Errorf("%w: %d bytes are more than %d", ErrBanTarget, len(value), MaxBanValue)
	case kind == BanAddress:
		prefix, err := parsePrefix(value)
		return BanTarget{kind, prefix.String()}, err
	case kind != BanClient && kind != BanUser:
		return BanTarget{}, fmt.Errorf("%w: neither a client, a user nor an address", ErrBanTarget)
	case !validClientID([]byte(value)):
		return BanTarget{}, fmt.Errorf("%w: %q is empty, or no text", ErrBanTarget, value)
	}
	return BanTarget{kind, value}, nil
}

// parsePrefix reads an address, or one with the length of a prefix behind a slash.
func parsePrefix(s string) (netip.Prefix, error) {
	prefix, err := netip.ParsePrefix(s)
	if addr, notPrefix := netip.ParseAddr(s); notPrefix == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		prefix, err = netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	if err != nil || prefix.Addr().Is4In6() {
		return netip.Prefix{}, fmt.Errorf("%w: %q is no address or prefix", ErrBanTarget, s)
	}
	return prefix.Masked(), nil
}

// CheckBanReason returns an error if the text is too long, or would upset a terminal that shows it.
func CheckBanReason(reason string) error {
	if len(reason) > MaxBanReason {
		return fmt.Errorf("%w: %d bytes are more than %d", ErrBanReason, len(reason), MaxBanReason)
	}
	if !utf8.ValidString(reason) {
		return fmt.Errorf("%w: not UTF-8", ErrBanReason)
	}
	for _, r := range reason {
		if unicode.IsControl(r) {
			return fmt.Errorf("%w: a control character is in it", ErrBanReason)
		}
	}
	return nil
}

// BanEntry is a ban that holds. It is immutable.
type BanEntry struct {
	BanTarget
	Until  int64 // consensus time, ns, from which on it holds no more; MaxInt64: it holds for good
	Reason string
	Node   int    // the member that submitted it
	Index  uint64 // of the transaction
}
