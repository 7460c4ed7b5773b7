// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "doorcode",
		Usage: "<command>",
		Short: "Shows and manages the doorcode gate",
		Long:  "Commands of Doorcode, which asks for an e-mailed code in front of any app.",
		CobraFunc: func(cmd *cobra.Command) {
			cmd.Args = cobra.NoArgs // else a misspelt command would print help and succeed
			cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
			cmd.AddCommand(demoCommand(), explainCommand())
		},
	})
}
