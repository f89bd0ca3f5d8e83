package main

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/foxmq/foxmq/internal/users"
)

func newUser() *cobra.Command {
	return newGroup("user", "Manage the users of the broker",
		newUserAdd(), newUserGenerate(), newUserList(), newUserPasswd(), newUserRemove())
}

func newUserAdd() *cobra.Command {
	var path, mode string
	cmd := &cobra.Command{
		Use:   "add [USERNAME] [PASSWORD]",
		Short: "Add a user to users.toml",
		Long: `Add a user to users.toml. What is not given is asked for. A password on the command line can be seen by others
while the command runs. If standard input is no terminal, the password is its first line.`,
		Args: arguments(0, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if mode != "append" && mode != "truncate" {
				return usagef("--write-mode %q: want append or truncate", mode)
			}
			name, password, err := credentials(newConsole(cmd), args)
			if err != nil {
				return err
			}
			if err := addUser(path, name, password, mode == "truncate"); err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "wrote user %q to %s\n", name, path)
			return nil
		},
	}
	cmd.Flags().StringVarP(&path, "output-file", "O", "foxmq.d/users.toml", "`file` to write to")
	cmd.Flags().StringVarP(&mode, "write-mode", "m", "append",
		"`mode`: append to the file, or truncate it and so drop all other users")
	return cmd
}

func newUserGenerate() *cobra.Command {
	return &cobra.Command{
		Use:   "generate USERNAME [PASSWORD]",
		Short: "Print the record of a user for users.toml",
		Long: `Print the record of a user for users.toml. Without PASSWORD it is asked for; if standard input is no terminal,
it is the first line there.`,
		Args: arguments(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			name, password, err := credentials(newConsole(cmd), args)
			if err != nil {
				return err
			}
			fmt.Fprint(cmd.OutOrStdout(), users.Record(name, users.Hash([]byte(password))))
			return nil
		},
	}
}

func addUser(path, name, password string, truncate bool) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	write := users.Add
	if truncate {
		write = users.Replace
	}
	err := write(path, name, users.Hash([]byte(password)))
	if errors.Is(err, users.ErrExists) {
		return withHint(err, "foxmq user passwd -f %s gives a new password", path)
	}
	return err
}

// console asks a person, or where there is none, reads standard input.
type console struct {
	lines  *bufio.Reader
	out    io.Writer              // for prompts, and for a password that we made
	secret func() ([]byte, error) // reads a line without echo; nil if there is no terminal
}

func newConsole(cmd *cobra.Command) *console {
	c := &console{lines: bufio.NewReader(cmd.InOrStdin()), out: cmd.ErrOrStderr()}
	if f, ok := cmd.InOrStdin().(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		c.secret = func() ([]byte, error) { return term.ReadPassword(int(f.Fd())) }
	}
	return c
}

// credentials returns the name and the password from args, and asks for what is not there.
func credentials(c *console, args []string) (name, password string, err error) {
	if len(args) > 0 {
		name = args[0]
	} else if name, err = c.username(); err != nil {
		return "", "", err
	}
	if err := users.CheckName(name); err != nil {
		return "", "", &usageError{err}
	}
	if len(args) > 1 {
		return name, args[1], nil
	}
	password, err = c.password()
	return name, password, err
}

func (c *console) username() (string, error) {
	if c.secret != nil {
		fmt.Fprint(c.out, "username: ")
	}
	return c.line("username")
}

// line reads a line of standard input, which may lack its end.
func (c *console) line(what string) (string, error) {
	line, err := c.lines.ReadString('\n')
	line = strings.TrimRight(line, "\r\n")
	if err != nil && (line == "" || !errors.Is(err, io.EOF)) {
		return "", fmt.Errorf("read %s: %w", what, err)
	}
	return line, nil
}

// password asks twice. RETURN alone makes a password, which is shown this once.
func (c *console) password() (string, error) {
	if c.secret == nil {
		password, err := c.line("password")
		if err == nil && password == "" {
			err = errors.New("the first line of standard input, the password, is empty")
		}
		return password, err
	}
	first, err := c.ask("password (RETURN alone makes one): ")
	if err != nil {
		return "", err
	}
	if first == "" {
		password := rand.Text()
		fmt.Fprintln(c.out, "password:", password)
		return password, nil
	}
	second, err := c.ask("once more: ")
	if err != nil {
		return "", err
	}
	if first != second {
		return "", errors.New("the two passwords differ")
	}
	return first, nil
}

func (c *console) ask(prompt string) (string, error) {
	fmt.Fprint(c.out, prompt)
	answer, err := c.secret()
	fmt.Fprintln(c.out)
	if err != nil {
		return "", fmt.Errorf("read password: %w", err)
	}
	return string(answer), nil
}
