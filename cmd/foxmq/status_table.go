package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"text/tabwriter"
	"time"

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
	if verbose && slices.ContainsFunc(answers, func(a answer) bool { return len(a.status.Peers) > 0 }) {
		fmt.Fprintln(t, "\nNODE\tPEER\tADDR\tCONNECTED\tLAG\tUNANSWERED\tDELAY\tROUND TRIP")
		for _, a := range answers {
			writePeers(t, &a.status, first, indexes)
		}
	}
	return t.Flush()
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
