package main

import "github.com/spf13/cobra"

func newUser() *cobra.Command { return newGroup("user", "Make users of the broker") }
