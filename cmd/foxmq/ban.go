package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/foxmq/foxmq/internal/admin"
	"github.com/foxmq/foxmq/internal/config"
)

const banLong = `Keep clients out of the whole cluster. One node is asked, and all of them close the connections that a ban is about
and let none in, restarts included.

KIND is client (VALUE is a client id), user (a user name) or address (an address such as 192.0.2.7, or a prefix such as
192.0.2.0/24). --admin-addr also reads FOXMQ_ADMIN_ADDR, and the token may be in FOXMQ_ADMIN_TOKEN.`

func newBan() *cobra.Command {
	group := newGroup("ban", "Keep clients out of the cluster", newBanAdd(), newBanList(), newBanRemove())
	group.Long = banLong
	return group
}

// banTimeout is longer than a node takes to say that it could not have a ban ordered.
const banTimeout = 10 * time.Second

// asking is the work of a command that asks the admin listener of a node.
type asking func(cmd *cobra.Command, node *adminClient, args []string) error

// newAdminCommand completes a command that does such work.
func newAdminCommand(cmd *cobra.Command, run asking) *cobra.Command {
	node := &adminClient{addr: config.Default().AdminAddr}
	token := newTokenFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if !cmd.Flags().Changed("admin-addr") {
			node.addr = localAdmin(os.Getenv)
		}
		var err error
		if node.token, err = token.read(); err != nil {
			return err
		}
		return run(cmd, node, args)
	}
	cmd.Flags().StringVar(&node.addr, "admin-addr", node.addr, "`host:port` of a node's admin listener")
	cmd.Flags().DurationVar(&node.timeout, "timeout", banTimeout, "how long to wait for the answer")
	return cmd
}

func newBanAdd() *cobra.Command {
	var lasts time.Duration
	var reason string
	cmd := newAdminCommand(&cobra.Command{
		Use:   "add KIND VALUE",
		Short: "Ban a client, a user or an address",
		Long:  banLong + "\n\nAn older ban of the same is replaced.",
		Args:  arguments(2, 2),
	}, func(cmd *cobra.Command, node *adminClient, args []string) error {
		if banKinds[args[0]] == 0 {
			return usagef("KIND %q: want client, user or address", args[0])
		}
		seconds := lasts / time.Second
		if lasts < 0 || lasts%time.Second != 0 || seconds > math.MaxUint32 {
			return usagef("--for %v: want whole seconds, at most %d", lasts, uint32(math.MaxUint32))
		}
		request := admin.BanRequest{Kind: args[0], Value: args[1], Seconds: uint32(seconds), Reason: reason}
		answer, err := node.ask(cmd.Context(), http.MethodPost, "/v1/bans", request)
		if err != nil {
			return err
		}
		var ban admin.Ban
		if err := json.Unmarshal(answer, &ban); err != nil {
			return fmt.Errorf("read the answer: %w", err)
		}
		fmt.Fprintf(cmd.OutOrStdout(), "banned %s %s, until %s\n", ban.Kind, printable(ban.Value), end(&ban))
		return nil
	})
	cmd.Flags().DurationVar(&lasts, "for", 0, "how long, such as 1h30m; 0 is for good")
	cmd.Flags().StringVar(&reason, "reason", "", "`text` for whoever looks at the list")
	return cmd
}

func newBanRemove() *cobra.Command {
	return newAdminCommand(&cobra.Command{
		Use:   "remove KIND VALUE",
		Short: "Lift a ban before its time",
		Long:  banLong,
		Args:  arguments(2, 2),
	}, func(cmd *cobra.Command, node *adminClient, args []string) error {
		if banKinds[args[0]] == 0 {
			return usagef("KIND %q: want client, user or address", args[0])
		}
		_, err := node.ask(cmd.Context(), http.MethodDelete, "/v1/bans/"+args[0]+"/"+pathSegment(args[1]), nil)
		return err
	})
}

// pathSegment escapes what is to be one segment of a path. A dot is escaped too, since . and .. mean something there.
func pathSegment(s string) string { return strings.ReplaceAll(url.PathEscape(s), ".", "%2E") }

func newBanList() *cobra.Command {
	var asJSON bool
	cmd := newAdminCommand(&cobra.Command{
		Use:   "list",
		Short: "Show the bans that hold",
		Args:  arguments(0, 0),
	}, func(cmd *cobra.Command, node *adminClient, _ []string) error {
		answer, err := node.ask(cmd.Context(), http.MethodGet, "/v1/bans", nil)
		if err != nil {
			return err
		}
		if asJSON {
			_, err := cmd.OutOrStdout().Write(answer)
			return err
		}
		var list admin.BanList
		if err := json.Unmarshal(answer, &list); err != nil {
			return fmt.Errorf("read the answer: %w", err)
		}
		return writeBans(cmd.OutOrStdout(), list.Bans)
	})
	cmd.Flags().BoolVar(&asJSON, "json", false, "show them as JSON")
	return cmd
}

func writeBans(w io.Writer, all []admin.Ban) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "KIND\tVALUE\tUNTIL\tNODE\tREASON")
	for i := range all {
		b := &all[i]
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%s\n", b.Kind, printable(b.Value), end(b), b.Node, printable(b.Reason))
	}
	return t.Flush()
}

// end tells when a ban is over.
func end(b *admin.Ban) string {
	if b.Until.IsZero() {
		return "lifted"
	}
	return b.Until.Format(time.RFC3339)
}

// printable returns a text as it is, or quoted if it would upset a terminal.
func printable(s string) string {
	if quoted := strconv.Quote(s); quoted[1:len(quoted)-1] != s {
		return quoted
	}
	return s
}
