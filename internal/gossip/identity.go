package gossip

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/quic-go/quic-go"
	"go.uber.org/zap"

	"github.com/foxmq/foxmq/internal/tlsutil"
)

// errRefused is wrapped by the refusal of a peer, about which a complaint has been logged.
var errRefused = errors.New("refused")

// errHello is wrapped by errors about a hello that is none.
var errHello = errors.New("malformed hello")

// clientTLS returns the configuration for opening a connection to the peer, to nobody else.
func (p *peer) clientTLS(remote net.Addr) *tls.Config {
	return tlsutil.Mutual(p.t.cert, protocol, func(who tlsutil.Peer) error {
		if p.key.Equal(who.Key) {
			return nil
		}
		p.notices.wrongKey.warn(p.log, "peer's address answers with the key of somebody else",
			p.t.describe(who, remote)...)
		return fmt.Errorf("%w: not the key of member %d", errRefused, p.index)
	})
}

// serverTLS returns the configuration for connections that members open.
func (t *Transport) serverTLS() *tls.Config {
	config := t.memberTLS(nil)
	config.GetConfigForClient = func(client *tls.ClientHelloInfo) (*tls.Config, error) {
		return t.memberTLS(client.Conn.RemoteAddr()), nil
	}
	return config
}

// memberTLS returns the configuration for a connection that a member opens from the remote address.
func (t *Transport) memberTLS(remote net.Addr) *tls.Config {
	return tlsutil.Mutual(t.cert, protocol, func(who tlsutil.Peer) error {
		index, ok := t.cfg.Book.Find(who.Key)
		switch {
		case !ok:
			t.strangers.Add(1)
			t.strange.warn(t.log, "peer's key is not in the address book", t.describe(who, remote)...)
			return fmt.Errorf("%w: key is not in the address book", errRefused)
		case index == t.cfg.Self:
			t.strangers.Add(1)
			t.strange.warn(t.log, "another node uses this node's key", t.describe(who, remote)...)
			return fmt.Errorf("%w: key is this node's own", errRefused)
		}
		return nil
	})
}

// describe returns the fields that tell who somebody with a wrong key is. The name is what a foxmq node calls the
// hash of its address book; of a stranger it proves nothing, and it may be anything.
func (t *Transport) describe(who tlsutil.Peer, remote net.Addr) []zap.Field {
	return []zap.Field{
		zap.Stringer("remote_addr", remote),
		zap.String("peer_key", fingerprint(who.Key)),
		zap.String("address_book", t.bookHex),
		zap.String("peer_address_book", who.Name),
	}
}

// fingerprint names a public key in a log: the start of the SHA-256 of its uncompressed point.
func fingerprint(key *ecdsa.PublicKey) string {
	point, err := key.Bytes()
	if err != nil {
		return "invalid"
	}
	sum := sha256.Sum256(point)
	return hex.EncodeToString(sum[:8])
}

// identify returns the member whose key the other side of a connection has proved.
func (t *Transport) identify(state tls.ConnectionState) (*peer, error) {
	who, err := tlsutil.Proven(state)
	if err != nil {
		return nil, err
	}
	index, ok := t.cfg.Book.Find(who.Key)
	if !ok || index == t.cfg.Self {
		return nil, errRefused
	}
	return t.peers[index], nil
}

// hello returns this node's hello on a connection of that generation.
func (t *Transport) hello(generation uint64) *hello {
	return &hello{
		version: Version, member: uint16(t.cfg.Self), book: t.book,
		instance: t.instance, generation: generation,
	}
}

// check refuses a peer whose hello does not fit, and logs why.
func (p *peer) check(theirs hello, remote net.Addr) error {
	switch {
	case theirs.version != Version:
		p.notices.differs.warn(p.log, "peer speaks another version", zap.Stringer("remote_addr", remote),
			zap.Int("version", Version), zap.Uint8("peer_version", theirs.version))
		return fmt.Errorf("%w: version %d", errRefused, theirs.version)
	case theirs.book != p.t.book:
		book := hex.EncodeToString(theirs.book[:])
		p.notices.differs.warn(p.log, "peer has another address book", zap.Stringer("remote_addr", remote),
			zap.String("address_book", p.t.bookHex), zap.String("peer_address_book", book))
		return fmt.Errorf("%w: address book %s", errRefused, book)
	case int(theirs.member) != p.index:
		return fmt.Errorf("%w: claims to be member %d", errHello, theirs.member)
	}
	return nil
}

// hangUp returns with what to close a connection on which the hellos came to the error. A malformed hello is dealt
// with like a malformed message.
func (p *peer) hangUp(err error) (quic.ApplicationErrorCode, string) {
	switch {
	case errors.Is(err, errHello):
		p.convict(err)
		return codeMalformed, "malformed hello"
	case errors.Is(err, errRefused):
		return codeRefused, "version or address book differs"
	}
	return codeUnresponsive, "no hello"
}

func writeHello(w io.Writer, h *hello) error {
	_, err := w.Write(endFrame(h.append(beginFrame(nil))))
	return err
}

// readHello reads a hello; its error wraps errHello if what was read is none.
func readHello(r io.Reader) (hello, error) {
	b, err := readFrame(r, maxHello)
	if err != nil {
		var frame *frameError
		if errors.As(err, &frame) {
			err = fmt.Errorf("%w: %w", errHello, err)
		}
		return hello{}, err
	}
	h, err := decodeHello(b)
	if err != nil {
		return hello{}, fmt.Errorf("%w: %w", errHello, err)
	}
	return h, nil
}
