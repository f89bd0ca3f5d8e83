package main

import "github.com/spf13/cobra"

func newDev() *cobra.Command { return &cobra.Command{Use: "dev", Short: "Run a cluster on this machine, to try things out"} }
