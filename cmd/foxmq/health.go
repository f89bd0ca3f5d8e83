package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/foxmq/foxmq/internal/config"
)

func newHealth() *cobra.Command {
	addr := config.Default().AdminAddr
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "health",
		Short: "Tell by the exit code whether the node on this machine is ready",
		Long: `Ask the admin listener of a running node whether it is ready: exit code 0 if it is, 1 if not. This is what a
container's health check runs. --admin-addr also reads FOXMQ_ADMIN_ADDR.`,
		Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := config.MergeEnv(cmd.Flags(), os.Getenv); err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), timeout)
			defer cancel()
			answer, err := askReady(ctx, addr)
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), answer)
			return nil
		},
	}
	cmd.Flags().StringVar(&addr, "admin-addr", addr, "`host:port` of the node's admin listener")
	cmd.Flags().DurationVar(&timeout, "timeout", 2*time.Second, "how long to wait for the answer")
	return cmd
}

// askReady asks the admin listener of a node whether it is ready, and returns its answer. A node that is not ready
// is an error.
func askReady(ctx context.Context, adminAddr string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+dialable(adminAddr)+"/readyz", nil)
	if err != nil {
		return "", fmt.Errorf("ask for readiness: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", fmt.Errorf("ask for readiness: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
	if err != nil {
		return "", fmt.Errorf("ask for readiness: %w", err)
	}
	answer := strings.TrimSpace(string(body))
	if resp.StatusCode != http.StatusOK {
		return "", errors.New("not ready: " + answer)
	}
	return answer, nil
}

// dialable turns an address to listen on into one to dial: every address of the machine includes loopback.
func dialable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	switch ip, err := netip.ParseAddr(host); {
	case host == "", err == nil && ip == netip.IPv4Unspecified():
		return net.JoinHostPort("127.0.0.1", port)
	case err == nil && ip == netip.IPv6Unspecified():
		return net.JoinHostPort("::1", port)
	}
	return addr
}
