package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/foxmq/foxmq/internal/users"
)

// usersFile adds the flag that says where the users stand.
func usersFile(cmd *cobra.Command, path *string) *cobra.Command {
	cmd.Flags().StringVarP(path, "file", "f", "foxmq.d/users.toml", "`file` in which the users stand")
	return cmd
}

func newUserList() *cobra.Command {
	var path string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "Print the names of the users, one a line",
		Args:  arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, err := users.List(path)
			if err != nil {
				return err
			}
			if asJSON {
				out := json.NewEncoder(cmd.OutOrStdout())
				out.SetIndent("", "  ")
				return out.Encode(list)
			}
			for _, user := range list {
				fmt.Fprintln(cmd.OutOrStdout(), user.Name)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print names and limits as JSON")
	return usersFile(cmd, &path)
}

func newUserRemove() *cobra.Command {
	var path string
	return usersFile(&cobra.Command{
		Use:   "remove USERNAME",
		Short: "Remove a user from users.toml",
		Long: `Remove a user from users.toml. A running node that reads the file closes the user's connections within a second or
so. All else in the file stays as it is.`,
		Args: arguments(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := users.Remove(path, args[0]); err != nil {
				return hintOnSpelling(err, path)
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "removed user %q from %s\n", args[0], path)
			return nil
		},
	}, &path)
}

func newUserPasswd() *cobra.Command {
	var path string
	return usersFile(&cobra.Command{
		Use:   "passwd USERNAME [PASSWORD]",
		Short: "Give a user of users.toml a new password",
		Long: `Give a user of users.toml a new password. Without PASSWORD it is asked for; if standard input is no terminal, it is
the first line there. A running node that reads the file closes the connections that were made with the old password
within a second or so. All else in the file stays as it is.`,
		Args: arguments(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			name, password, err := credentials(newConsole(cmd), args)
			if err != nil {
				return err
			}
			if err := users.SetHash(path, name, users.Hash([]byte(password))); err != nil {
				return hintOnSpelling(err, path)
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "wrote user %q to %s\n", name, path)
			return nil
		},
	}, &path)
}

// hintOnSpelling says what to do with a record that the command cannot change.
func hintOnSpelling(err error, path string) error {
	if errors.Is(err, users.ErrSpelling) {
		return withHint(err, "change it in %s by hand; foxmq user generate prints a record", path)
	}
	return err
}
