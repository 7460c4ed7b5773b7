// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"errors"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:      "doorcode",
		Usage:     "<command>",
		Short:     "Shows and manages the doorcode gate",
		Long:      "Commands of Doorcode, which asks for an e-mailed code in front of any app.",
		CobraFunc: assemble,
	})
}

// assemble gives Caddy's command of our name those below it.
func assemble(cmd *cobra.Command) {
	gather(cmd,
		demoCommand(), proxyCommand(), secretCommand(),
		doctorCommand(), explainCommand(), checkCommand(), replayCommand(), previewCommand(), sendTestCommand(),
		statusCommand(), whyCommand(), peopleCommand(), sessionsCommand(), browsersCommand(), passkeysCommand(),
		unlockCommand(), unguardCommand(), letInCommand(), forgetCommand(), exportCommand(),
		keysCommand(), storageCommand(),
	)
}

// gather makes a command of others. By itself it prints its help.
func gather(cmd *cobra.Command, others ...*cobra.Command) *cobra.Command {
	cmd.Args = cobra.NoArgs // else a misspelt command would print help and succeed
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	cmd.AddCommand(others...)
	cmd.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		// A flag of the command that was meant is no flag of this one.
		if args := c.Flags().Args(); c == cmd && len(args) > 0 {
			return cobra.NoArgs(c, args)
		}
		return suggestFlag(c, err)
	})
	return cmd
}

// takes refuses anything but one argument, and says what it is.
func takes(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 {
			return errors.New("'" + cmd.CommandPath() + "' takes " + what)
		}
		return nil
	}
}
