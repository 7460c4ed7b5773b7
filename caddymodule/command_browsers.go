// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"errors"
	"io"
	"net/http"

	"github.com/spf13/cobra"
)

func browsersCommand() *cobra.Command {
	return gather(&cobra.Command{
		Use:   "browsers <command>",
		Short: "Lists and forgets the browsers of a person",
	}, browsersListCommand(), browsersRevokeCommand())
}

// oneUser has a command about some things of a person take --user, which it cannot do
// without.
func oneUser(cmd *cobra.Command, things string, user *string) *cobra.Command {
	cmd.Flags().StringVar(user, "user", "", "address of the person (required)")
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if *user == "" {
			return errors.New("say whose " + things + " are meant: --user alice@example.com")
		}
		return requireAddress("--user", *user)
	}
	return cmd
}

func browsersListCommand() *cobra.Command {
	var user string
	return oneUser(jsonCommand(&cobra.Command{
		Use:   "list --user <address>",
		Short: "Lists the browsers that a person is signed in with, or need not enter a code in",
		Long: "Lists the browsers of an address: those that are remembered, so that no code is asked for in them, and those that are\n" +
			"signed in. Names are the person's own. One that is bound has a key of its machine, and is of no use on another.",
	}, func(c *remote, out io.Writer, _ []string) error {
		return c.show(out, http.MethodPost, browsersPath, order{Address: user}, &browsersSheet{of: user})
	}), "browsers", &user)
}

// A browsersSheet is the browsers of one person.
type browsersSheet struct {
	browsersAnswer
	of string
}

func (a *browsersSheet) print(s *sheet) {
	if len(a.Browsers) == 0 {
		s.line("No browser is remembered for " + a.of + ", and none is signed in.")
		return
	}
	row := columnsFor(s, a.Browsers, func(b listedBrowser) string { return b.Storage })
	row("STORAGE", "ID", "BROWSER", "NAME", "REMEMBERED", "SIGNED IN", "BOUND", "FIRST", "LAST", "PLACE", "NETWORK")
	for _, b := range a.Browsers {
		remembered := yesNo(b.Remembered)
		if b.Suspended {
			remembered = "on hold" // since a sign-in was reported
		}
		row(b.Storage, b.ID, orElse(b.Kind, "-"), orElse(b.Name, "-"), remembered, yesNo(b.SignedIn), yesNo(b.Bound), moment(b.First),
			moment(b.Last), placed(b.City, b.Country), orElse(b.Network, "-"))
	}
}

func browsersRevokeCommand() *cobra.Command {
	var asked order
	cmd := oneUser(jsonCommand(&cobra.Command{
		Use:   "revoke --user <address> [--browser <id>]",
		Short: "Has a person enter a code again, in one browser or in all",
		Long: "Ends the sessions of a person's browsers at once and on all machines, cuts the connections that are open in them, and\n" +
			"has each need a code again, for instance where a phone was lost. The person is told so when they come next. Passkeys\n" +
			"stay, and one that a lost phone holds lets it in again: 'passkeys remove' takes it away.",
	}, func(c *remote, out io.Writer, _ []string) error {
		return c.show(out, http.MethodPost, dropPath, asked, &revocation{of: asked.Address})
	}), "browsers", &asked.Address)
	cmd.Flags().StringVar(&asked.Browser, "browser", "", "one browser of theirs, as 'browsers list' names it (default: all of them)")
	return cmd
}
