package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/foxmq/foxmq/internal/gossip"
	"github.com/foxmq/foxmq/internal/node"
)

// writeTable writes a line for each node that answered, and if verbose, one for each of its peers.
func writeTable(w io.Writer, answers []answer, verbose bool) error {
	indexes := map[int]uint64{} // of those who answered, by member
	var first uint64
	for _, a := range answers {
		if a.err == nil {
			indexes[a.status.Member] = a.status.Node.Index
			first = max(first, a.status.Node.Index)
		}
	}
	if len(indexes) == 0 {
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "NODE\tVERSION\tSTATE\tROUND\tINDEX\tHASH\tLAG\tQUORUM\tPEERS\tLOG\tDATA\tFREE\tHEAP\tRSS")
	for _, a := range answers {
		if a.err == nil {
			writeNode(t, &a.status, first-a.status.Node.Index)
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	writeOffenders(w, answers)
	if verbose && slices.ContainsFunc(answers, func(a answer) bool { return len(a.status.Peers) > 0 }) {
		fmt.Fprintln(t, "\nNODE\tPEER\tADDR\tCONNECTED\tLAG\tUNANSWERED\tDELAY\tROUND TRIP")
		for _, a := range answers {
			writePeers(t, &a.status, first, indexes)
		}
	}
	return t.Flush()
}

// writeOffenders writes a line for each peer that has misbehaved, as far as a node can tell.
func writeOffenders(w io.Writer, answers []answer) {
	for _, a := range answers {
		if a.err != nil {
			continue
		}
		s := &a.status
		for _, p := range s.Peers {
			if what := offences(&p, seenAs(s, p.Member)); what != "" {
				fmt.Fprintf(w, "node %d: member %d is misbehaving: %s\n", s.Member, p.Member, what)
			}
		}
	}
}

// worthTelling is for how long a peer is slowed before somebody should know.
const worthTelling = 10 * time.Second

// offences says what a peer has done since the node's start that no correct one does, or nothing.
func offences(p *gossip.PeerStatus, seen node.PeerStatus) string {
	var all []string
	for _, o := range []struct {
		count uint64
		what  string
	}{
		{p.Malformed, "malformed"},
		{p.Breaches, "breaches"},
		{p.Crowdings, "crowdings"},
		{seen.BadSignatures, "bad signatures"},
		{seen.Forks, "forks"},
	} {
		if o.count > 0 {
			all = append(all, fmt.Sprintf("%s %d", o.what, o.count))
		}
	}
	if seen.Slowed >= worthTelling {
		all = append(all, "slowed for "+seen.Slowed.Round(time.Second).String())
	}
	if p.KeptAway > 0 {
		all = append(all, "kept away for "+p.KeptAway.Round(time.Second).String())
	}
	return strings.Join(all, ", ")
}

// seenAs returns how the node sees a member, zero if it does not say.
func seenAs(s *status, member int) node.PeerStatus {
	i := slices.IndexFunc(s.Node.Peers, func(n node.PeerStatus) bool { return n.Member == member })
	if i < 0 {
		return node.PeerStatus{}
	}
	return s.Node.Peers[i]
}

func writeNode(w io.Writer, s *status, lag uint64) {
	state := s.Reason
	if s.Ready {
		state = "ready"
	}
	n := &s.Node
	fmt.Fprintf(w, "%d\t%s\t%s\t%d\t%d\t%.8s\t%d\t%s\t%d/%d", s.Member, s.Version, state,
		n.Round, n.Index, n.Stream.Hash, lag, yes(n.Quorum), n.Connected, n.Members-1)
	log, data, free := int64(-1), int64(-1), int64(-1)
	if s.Store != nil {
		log, data, free = s.Store.Log.Bytes, s.Store.StateBytes, s.Store.DiskFree
	}
	for _, bytes := range []int64{log, data, free, s.Memory.Heap, s.Memory.Resident} {
		fmt.Fprintf(w, "\t%s", size(bytes))
	}
	fmt.Fprintln(w)
}

// writePeers writes how a node sees its peers. By how many transactions a peer is behind is known of those that were asked
// too; how many events of the node it has not answered yet, the node knows.
func writePeers(w io.Writer, s *status, first uint64, indexes map[int]uint64) {
	for _, p := range s.Peers {
		lag, rtt, unanswered, delay := "-", "-", "-", "-"
		if index, ok := indexes[p.Member]; ok {
			lag = strconv.FormatUint(first-index, 10)
		}
		if p.RTT > 0 {
			rtt = short(p.RTT)
		}
		if i := slices.IndexFunc(s.Node.Peers, func(n node.PeerStatus) bool { return n.Member == p.Member }); i >= 0 {
			unanswered, delay = strconv.FormatUint(s.Node.Peers[i].Lag, 10), short(s.Node.Peers[i].Delay)
		}
		fmt.Fprintf(w, "%d\t%d\t%s\t%s\t%s\t%s\t%s\t%s\n",
			s.Member, p.Member, p.Addr, yes(p.Connected), lag, unanswered, delay, rtt)
	}
}

func short(d time.Duration) string { return d.Round(10 * time.Microsecond).String() }

func yes(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}

// size writes bytes in the greatest unit of which there are ten or more, and - for what is not known.
func size(bytes int64) string {
	if bytes < 0 {
		return "-"
	}
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	for bytes >= 10<<10 && len(units) > 1 {
		bytes, units = bytes>>10, units[1:]
	}
	return fmt.Sprintf("%d %s", bytes, units[0])
}
