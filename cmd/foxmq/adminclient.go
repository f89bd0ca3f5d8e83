package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/foxmq/foxmq/internal/config"
)

// adminClient asks the admin listener of a node.
type adminClient struct {
	addr    string
	token   string // "": none is needed
	timeout time.Duration
}

// tokenFlags are the flags by which a command is told the token of admin listeners.
type tokenFlags struct {
	settings config.Admin
	flags    *pflag.FlagSet
}

// newTokenFlags adds such flags to a command.
func newTokenFlags(cmd *cobra.Command) *tokenFlags {
	f := &tokenFlags{flags: pflag.NewFlagSet("token", pflag.ContinueOnError)}
	f.settings.BindToken(f.flags)
	cmd.Flags().AddFlagSet(f.flags)
	return f
}

// read returns the token of the flags or else of the environment, "" if there is none.
func (f *tokenFlags) read() (string, error) {
	if err := config.MergeEnv(f.flags, os.Getenv); err != nil {
		return "", err
	}
	return f.settings.ReadToken()
}

// maxAdminAnswer bounds an answer in bytes. The longest there is, the list of as many bans as there may be, is shorter.
const maxAdminAnswer = 64 << 20

// ask sends a request, with a body of JSON if that is not nil, and returns the body of the answer.
func (c *adminClient) ask(ctx context.Context, method, path string, body any) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	answer, err := c.send(ctx, method, path, body)
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err // without the address, which is said already
	}
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", c.addr, err)
	}
	return answer, nil
}

func (c *adminClient) send(ctx context.Context, method, path string, body any) ([]byte, error) {
	var encoded []byte
	if body != nil {
		var err error
		if encoded, err = json.Marshal(body); err != nil {
			return nil, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://"+dialable(c.addr)+path, bytes.NewReader(encoded))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	identify(req, c.token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAdminAnswer))
	if err == nil && resp.StatusCode >= 300 {
		err = refusal(resp.Status, answer)
	}
	return answer, err
}

// identify adds the token to a request, if there is one.
func identify(req *http.Request, token string) {
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
}

// refusal is what a node says of why it does not do what it was asked for.
func refusal(status string, answer []byte) error {
	var said struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(answer, &said) != nil || said.Error == "" {
		return errors.New(status)
	}
	return errors.New(said.Error)
}
