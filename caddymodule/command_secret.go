// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/doorcode/caddy-doorcode/challenge/keyring"
)

func secretCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "secret",
		Short: "Prints a new root secret",
		Long: "Prints a new root secret for the 'secret' setting, and nothing else. Machines that share a storage\n" +
			"need the same one:\n\n" +
			"    umask 077\n" +
			"    caddy doorcode secret > /etc/caddy/doorcode-secret\n\n" +
			"Copy that file to every machine, let Caddy's user read it, and write in the global options\n\n" +
			"    doorcode {\n" +
			"        secret {file./etc/caddy/doorcode-secret}\n" +
			"    }\n\n" +
			"Keep it: whoever has it can make sessions, and another secret signs everybody out.",
		Args:         flagsOnly,
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			secret, err := keyring.NewSecret()
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), secret)
			return err
		},
	}
}
