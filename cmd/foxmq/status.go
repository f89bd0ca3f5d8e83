package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/foxmq/foxmq/internal/config"
)

func newStatus() *cobra.Command {
	var (
		timeout         time.Duration
		verbose, asJSON bool
	)
	var tokens *tokenFlags
	cmd := &cobra.Command{
		Use:   "status [ADMIN_ADDR...]",
		Short: "Show how nodes are doing, one line each",
		Long: `Ask the admin listeners of running nodes how they are doing, and show one line for each: exit code 1 if one does
not answer. Without an address it asks the node on this machine (127.0.0.1:9883, or what FOXMQ_ADMIN_ADDR says). All
are asked with one token, if any; it may also be in FOXMQ_ADMIN_TOKEN.

LAG is by how many transactions a node is behind the first of those that were asked. Two nodes with one INDEX have one
HASH, or something is wrong. With --verbose, UNANSWERED is how many events of the node the peer has not answered yet,
and DELAY how long the node thinks that a message takes to it.`,
		RunE: func(cmd *cobra.Command, addrs []string) error {
			if len(addrs) == 0 {
				addrs = []string{localAdmin(os.Getenv)}
			}
			token, err := tokens.read()
			if err != nil {
				return err
			}
			answers := askAll(cmd.Context(), addrs, token, timeout)
			if asJSON {
				return errors.Join(writeJSON(cmd.OutOrStdout(), answers), failures(answers))
			}
			return errors.Join(writeTable(cmd.OutOrStdout(), answers, verbose), failures(answers))
		},
	}
	tokens = newTokenFlags(cmd)
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "show each node's peers too")
	cmd.Flags().BoolVar(&asJSON, "json", false, "show all that the nodes say, as JSON")
	cmd.Flags().DurationVar(&timeout, "timeout", 2*time.Second, "how long to wait for the answers")
	return cmd
}

// localAdmin returns the address of the admin listener of the node on this machine.
func localAdmin(getenv func(string) string) string {
	if addr := getenv("FOXMQ_ADMIN_ADDR"); addr != "" {
		return addr
	}
	return config.Default().AdminAddr
}

// answer is what one node said.
type answer struct {
	addr   string
	body   json.RawMessage // as the node sent it
	status status          // what of it this version knows
	err    error           // not nil: there is no answer
}

// askAll asks all nodes at once and returns their answers in the order of addrs.
func askAll(ctx context.Context, addrs []string, token string, timeout time.Duration) []answer {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	answers := make([]answer, len(addrs))
	var all sync.WaitGroup
	for i, addr := range addrs {
		all.Go(func() { answers[i] = askStatus(ctx, addr, token) })
	}
	all.Wait()
	return answers
}

// maxStatus bounds the answer of a node. That of one with a hundred peers is a tenth of it.
const maxStatus = 1 << 20

func askStatus(ctx context.Context, addr, token string) answer {
	a := answer{addr: addr}
	a.body, a.err = fetch(ctx, "http://"+dialable(addr)+"/status", token)
	if a.err == nil {
		a.err = json.Unmarshal(a.body, &a.status)
	}
	return a
}

func fetch(ctx context.Context, page, token string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, page, http.NoBody)
	if err != nil {
		return nil, err
	}
	identify(req, token)
	resp, err := http.DefaultClient.Do(req)
	if u, ok := errors.AsType[*url.Error](err); ok {
		return nil, u.Err // without the address, which is said already
	} else if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxStatus))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = refusal(resp.Status, body)
	}
	return body, err
}

// failures returns an error that names each node that did not answer.
func failures(answers []answer) error {
	var errs []error
	for _, a := range answers {
		if a.err != nil {
			errs = append(errs, fmt.Errorf("ask %s: %w", a.addr, a.err))
		}
	}
	return errors.Join(errs...)
}

// writeJSON writes what each node said, newer fields than this version knows included.
func writeJSON(w io.Writer, answers []answer) error {
	type entry struct {
		Addr   string          `json:"addr"`
		Error  string          `json:"error,omitempty"`
		Status json.RawMessage `json:"status,omitempty"`
	}
	all := make([]entry, len(answers))
	for i, a := range answers {
		if all[i].Addr = a.addr; a.err != nil {
			all[i].Error = a.err.Error()
		} else {
			all[i].Status = a.body
		}
	}
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	return out.Encode(all)
}
