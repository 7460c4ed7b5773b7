// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"errors"
	"io"
	"net/http"

	"github.com/spf13/cobra"
)

func passkeysCommand() *cobra.Command {
	return gather(&cobra.Command{
		Use:   "passkeys <command>",
		Short: "Lists and removes the passkeys of a person",
	}, passkeysListCommand(), passkeysRemoveCommand())
}

func passkeysListCommand() *cobra.Command {
	var user string
	return oneUser(jsonCommand(&cobra.Command{
		Use:   "list --user <address>",
		Short: "Lists the passkeys that a person has",
		Long: "Lists the passkeys of an address: for which site each is, in which browser it was made, when it was used last, and whether\n" +
			"it lets its person in. One that waits does so from the time that is said on; one on hold or copied lets nobody in.\n" +
			"Names are the person's own.",
	}, func(c *remote, out io.Writer, _ []string) error {
		return c.show(out, http.MethodPost, passkeysPath, order{Address: user}, &passkeysSheet{of: user})
	}), "passkeys", &user)
}

// A passkeysSheet is the passkeys of one person.
type passkeysSheet struct {
	passkeysAnswer
	of string
}

func (a *passkeysSheet) print(s *sheet) {
	if len(a.Passkeys) == 0 {
		s.line("There is no passkey of " + a.of + ".")
		return
	}
	row := columnsFor(s, a.Passkeys, func(k listedPasskey) string { return k.Storage })
	row("STORAGE", "ID", "NAME", "SITE", "WORKS", "MADE", "LAST USED", "MADE IN")
	for i := range a.Passkeys {
		k := &a.Passkeys[i]
		row(k.Storage, k.ID, orElse(k.Name, "-"), orElse(k.Site, "-"), k.works(), moment(k.Made), dated(k.Used), orElse(k.Browser, "-"))
	}
}

// works says whether a passkey lets its person in.
func (k *listedPasskey) works() string {
	switch k.State {
	case passkeyWaits:
		return "from " + dated(k.Due)
	case passkeySuspended:
		return "on hold" // since a sign-in was reported
	case passkeyCloned:
		return "copied"
	case passkeyCounts:
		return "yes"
	}
	return k.State // of a newer version
}

func passkeysRemoveCommand() *cobra.Command {
	var asked order
	cmd := oneUser(jsonCommand(&cobra.Command{
		Use:   "remove --user <address> (--passkey <id> | --all)",
		Short: "Takes a passkey of a person away, or all of them",
		Long: "Takes passkeys away at once and on all machines, for instance where a phone was lost: what holds them lets nobody in any\n" +
			"more. With --all those go, too, that wait for their day. The person is mailed, and sees it among what happened. It cannot\n" +
			"be undone: they make a new one, after a code.\n\n" +
			"Sessions that a passkey has begun go on: 'browsers revoke' ends them.",
	}, func(c *remote, out io.Writer, _ []string) error {
		if asked.All == (asked.Passkey != "") {
			return errors.New("say which passkey is meant: --passkey with an ID, as 'passkeys list' shows it, or --all")
		}
		return c.show(out, http.MethodPost, takePath, asked, &removedSheet{of: asked.Address})
	}), "passkeys", &asked.Address)
	cmd.Flags().StringVar(&asked.Passkey, "passkey", "", "one passkey of theirs, as 'passkeys list' names it")
	cmd.Flags().BoolVar(&asked.All, "all", false, "all passkeys of theirs")
	return cmd
}

// A removedSheet is the answer to a removal.
type removedSheet struct {
	removedAnswer
	of string
}

func (r *removedSheet) print(s *sheet) {
	if len(r.Removed) == 0 {
		s.line("There is no passkey of " + r.of + ".")
		return
	}
	s.line("Removed " + some(len(r.Removed), "passkey", "passkeys") + " of " + r.of + ":")
	for i := range r.Removed {
		s.line("  " + r.Removed[i].Name + " for " + orElse(r.Removed[i].Site, "an unknown site"))
	}
	s.line("Sessions that were begun go on; 'caddy doorcode browsers revoke --user " + r.of + "' ends them.")
}
