package layers

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/foxmq/foxmq/"

// rooms gives each package the packages of the project that it may import. Imports go up the list only; a
// package that is not on the list fails the test, so that whoever adds one decides where it stands.
var rooms = []struct {
	name string
	may  []string
}{
	// L0: vocabulary. Depends on nothing of ours, or on a neighbour that it is made of.
	{"internal/mqtt", nil},
	{"internal/topic", nil},
	{"internal/event", nil},
	{"internal/logging", nil},
	{"internal/fair", nil},
	{"internal/tomlfile", nil},
	{"internal/atomicfile", nil},
	{"internal/filewatch", nil},
	{"internal/addressbook", []string{"internal/atomicfile", "internal/event", "internal/tomlfile"}},
	{"internal/users", []string{"internal/atomicfile", "internal/filewatch", "internal/tomlfile", "internal/topic"}},
	{"internal/tlsutil", []string{"internal/addressbook"}},
	{"internal/config", []string{"internal/tomlfile"}},
	// L1: the pure core.
	{"internal/consensus", []string{"internal/event"}},
	{"internal/consensus/driver", []string{"internal/event", "internal/consensus"}},
	{"internal/consensus/literal", []string{"internal/event", "internal/consensus"}},
	{"internal/consensus/graphtest", []string{"internal/event", "internal/consensus", "internal/consensus/literal"}},
	{"internal/replica", []string{"internal/mqtt", "internal/topic", "internal/replica/lthash"}},
	{"internal/replica/lthash", nil},
	{"internal/session", []string{"internal/mqtt"}},
	// L2: what touches disk and wire.
	{"internal/gossip", []string{"internal/event", "internal/addressbook", "internal/tlsutil"}},
	{"internal/websocket", nil},
	{"internal/guard", nil},
	{"internal/quicdoor", nil},
	{"internal/listener", []string{"internal/atomicfile", "internal/fair", "internal/filewatch", "internal/tlsutil"}},
	{"internal/client", []string{"internal/mqtt"}},
	{"internal/store/vfs", nil},
	{"internal/store/faultfs", []string{"internal/store/vfs"}},
	{"internal/store", []string{"internal/atomicfile", "internal/store/vfs"}},
	// L3: the two halves of a daemon. They do not know each other; only cmd/foxmq knows both.
	{"internal/node", []string{
		"internal/event", "internal/addressbook", "internal/consensus", "internal/consensus/driver", "internal/replica",
		"internal/fair", "internal/replica/lthash", "internal/store",
	}},
	{"internal/broker", []string{"internal/fair", "internal/mqtt", "internal/topic", "internal/replica", "internal/session"}},
	// L4: what looks at all of it.
	{"internal/admin", nil},
	{"internal/sim", []string{
		"internal/event", "internal/consensus", "internal/consensus/driver", "internal/consensus/literal",
		"internal/sim/picture", "internal/store", "internal/store/faultfs",
	}},
	{"internal/sim/picture", []string{"internal/event", "internal/consensus"}},
	{"internal/layers", nil},
	{"internal/bench", []string{"internal/mqtt", "internal/client", "internal/addressbook"}},
	{"cmd/simulate", []string{"internal/event", "internal/consensus", "internal/sim", "internal/sim/picture"}},
	{"cmd/foxmq", []string{
		"internal/addressbook", "internal/admin", "internal/bench", "internal/broker", "internal/config", "internal/event",
		"internal/gossip", "internal/guard", "internal/listener", "internal/logging", "internal/mqtt", "internal/node", "internal/quicdoor",
		"internal/replica", "internal/store", "internal/tlsutil", "internal/users", "internal/websocket",
	}},
}

// pure are the packages that do no I/O, read no clock, draw no randomness and hold no lock, and why each import
// is banned from them.
var pure = []string{
	"internal/consensus", "internal/consensus/driver", "internal/consensus/literal", "internal/replica",
	"internal/replica/lthash", "internal/session",
}

var banned = map[string]string{
	"net":             "the core does no I/O",
	"os":              "the core does no I/O",
	"io/fs":           "the core does no I/O",
	"math/rand":       "randomness is handed in",
	"math/rand/v2":    "randomness is handed in",
	"crypto/rand":     "randomness is handed in",
	"sync":            "one goroutine owns the core",
	"sync/atomic":     "one goroutine owns the core",
	"go.uber.org/zap": "the core reports, its driver logs",
}

// mayImport are exceptions to banned, with their reason.
var mayImport = map[string]string{}

type pkg struct {
	ImportPath string
	Imports    []string
}

func list(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", module+"...").Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go list: %v\n%s", err, exit.Stderr)
		}
		t.Fatalf("go list: %v", err)
	}
	var all []pkg
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func TestImportsGoUpOnly(t *testing.T) {
	may := map[string][]string{}
	for _, r := range rooms {
		may[r.name] = r.may
	}
	for _, p := range list(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		if strings.HasPrefix(name, "test/") || strings.HasPrefix(name, "examples/") {
			continue // end-to-end tests look at the daemon from outside and may use what helps them
		}
		allowed, known := may[name]
		if !known {
			t.Errorf("%s stands in no layer: give it a place in the list of this test and in docs/architecture.md", name)
		}
		for _, i := range p.Imports {
			if ours, ok := strings.CutPrefix(i, module); ok && !slices.Contains(allowed, ours) {
				t.Errorf("%s may not import %s", name, ours)
			}
		}
	}
}

func TestCoreIsPure(t *testing.T) {
	for _, p := range list(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		if !slices.Contains(pure, name) {
			continue
		}
		for _, i := range p.Imports {
			if why, bad := banned[i]; bad && mayImport[name+" "+i] == "" {
				t.Errorf("%s imports %s: %s", name, i, why)
			}
		}
	}
}
