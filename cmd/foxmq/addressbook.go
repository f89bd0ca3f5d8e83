package main

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/foxmq/foxmq/internal/addressbook"
	"github.com/foxmq/foxmq/internal/config"
	"github.com/foxmq/foxmq/internal/event"
)

func newAddressBook() *cobra.Command {
	return newGroup("address-book", "Write the list of a cluster's nodes, and their keys", newFromRange(), newFromList())
}

func newFromRange() *cobra.Command {
	var out bookOutput
	cmd := &cobra.Command{
		Use:   "from-range IP START END",
		Short: "Nodes on one IP address, with the UDP ports from START to END",
		Args:  arguments(3, 3),
		RunE: func(cmd *cobra.Command, args []string) error {
			ip, err := netip.ParseAddr(args[0])
			if err != nil {
				return usagef("%q is not an IP address", args[0])
			}
			start, err := parsePort(args[1])
			if err != nil {
				return err
			}
			end, err := parsePort(args[2])
			if err != nil {
				return err
			}
			addrs, err := addressbook.Range(ip, start, end)
			if err != nil {
				return &usageError{err}
			}
			return out.write(cmd, addrs)
		},
	}
	out.bind(cmd)
	return cmd
}

func newFromList() *cobra.Command {
	var out bookOutput
	cmd := &cobra.Command{
		Use:   "from-list ADDR...",
		Short: "Nodes on the given addresses, each host:port (UDP)",
		Args:  arguments(1, event.MaxMembers),
		RunE:  func(cmd *cobra.Command, args []string) error { return out.write(cmd, args) },
	}
	out.bind(cmd)
	return cmd
}

func parsePort(s string) (uint16, error) {
	port, err := strconv.ParseUint(s, 10, 16)
	if err != nil || port == 0 {
		return 0, usagef("%q is not a port from 1 to 65535", s)
	}
	return uint16(port), nil
}

// bookOutput is where an address book goes.
type bookOutput struct {
	dir   string
	force bool
}

func (o *bookOutput) bind(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&o.dir, "output-dir", "O", "foxmq.d", "`directory` for address-book.toml and key_N.pem")
	cmd.Flags().BoolVarP(&o.force, "force", "f", false, "replace files that exist")
}

func (o *bookOutput) write(cmd *cobra.Command, addrs []string) error {
	book, keys, err := addressbook.Generate(addrs)
	if err != nil {
		return err
	}
	if err := addressbook.Write(o.dir, book, keys, o.force); err != nil {
		if addressbook.IsExist(err) {
			return withHint(err, "--force replaces it; keys that are replaced are gone")
		}
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "wrote %s (nodes: %d) and a key_N.pem for each\n",
		filepath.Join(o.dir, config.AddressBookFile), len(keys))
	return nil
}
