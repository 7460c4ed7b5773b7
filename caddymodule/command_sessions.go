// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/spf13/cobra"
)

func sessionsCommand() *cobra.Command {
	return gather(&cobra.Command{
		Use:   "sessions <command>",
		Short: "Lists and ends the sessions of a running Caddy",
	}, sessionsListCommand(), sessionsRevokeCommand())
}

func sessionsListCommand() *cobra.Command {
	var user string
	cmd := jsonCommand(&cobra.Command{
		Use:   "list",
		Short: "Lists who is signed in, in which browsers and from where",
		Long: "Lists the sessions that live, of everybody or of one address. A session is named as in the log. Places are as far\n" +
			"as the GeoIP databases know them, networks as far as 'audit ip' lets them be kept.",
	}, func(c *remote, out io.Writer, _ []string) error {
		if user == "" {
			return c.show(out, http.MethodGet, sessionsPath, order{}, new(sessionsSheet))
		}
		if err := requireAddress("--user", user); err != nil {
			return err
		}
		return c.show(out, http.MethodPost, sessionsPath, order{Address: user}, &sessionsSheet{of: user})
	})
	cmd.Flags().StringVar(&user, "user", "", "address of one person (default: everybody)")
	return cmd
}

// A sessionsSheet is the sessions of one person, or of everybody.
type sessionsSheet struct {
	sessionsAnswer
	of string
}

func (a *sessionsSheet) print(s *sheet) {
	switch {
	case len(a.Sessions) > 0:
	case a.of != "":
		s.line("Nobody is signed in as " + a.of + ".")
	default:
		s.line("Nobody is signed in.")
	}
	row := columnsFor(s, a.Sessions, func(l listedSession) string { return l.Storage })
	for i, l := range a.Sessions {
		if i == 0 {
			row("STORAGE", "USER", "SESSION", "BROWSER", "SINCE", "UNTIL", "PLACE", "NETWORK")
		}
		row(l.Storage, l.Address, l.ID, orElse(l.Kind, "-"), moment(l.Began), moment(l.Ends), placed(l.City, l.Country), orElse(l.Network, "-"))
	}
	unnamed(s, a.Unnamed, "are signed in")
}

// unnamed tells of people whom no list can name.
func unnamed(s *sheet, n int, what string) {
	if n > 0 {
		s.section()
		s.line(strconv.Itoa(n) + " more " + what + ". They last entered a code under a version that kept no addresses, so they cannot be named.")
	}
}

// placed is a place in a table.
func placed(city, country string) string {
	switch {
	case city != "" && country != "":
		return city + ", " + country
	case country != "":
		return country
	}
	return "-"
}

// columnsFor prints rows, whose first column is the storage: it is left out where there
// is only one.
func columnsFor[T any](s *sheet, rows []T, storageOf func(T) string) func(columns ...string) {
	several := false
	for _, r := range rows {
		several = several || storageOf(r) != storageOf(rows[0])
	}
	return func(columns ...string) {
		if !several {
			columns = columns[1:]
		}
		s.line(columns...)
	}
}

func sessionsRevokeCommand() *cobra.Command {
	var asked order
	var yes bool
	cmd := jsonCommand(&cobra.Command{
		Use:   "revoke (--user <address> [--session <id>] | --all [--browsers])",
		Short: "Signs somebody out, or everybody",
		Long: "Ends sessions at once and on all machines, and cuts the connections that are open in them. Whoever comes next in\n" +
			"such a browser is told that an administrator signed them out. With --user, their browsers need a code again. With\n" +
			"--all, everybody is signed out, and remembered browsers come back by themselves: add --browsers to have a code\n" +
			"entered in each of them, too. Access tokens go on.\n\n" +
			"It takes nobody off your lists: whoever is to stay away belongs under 'deny', or off 'allow'.",
	}, func(c *remote, out io.Writer, _ []string) error {
		if err := refuseVague(asked, yes); err != nil {
			return err
		}
		return c.show(out, http.MethodPost, revokePath, asked, &revocation{of: asked.Address})
	})
	flags := cmd.Flags()
	flags.StringVar(&asked.Address, "user", "", "address of the person")
	flags.StringVar(&asked.Session, "session", "", "one session of theirs, as 'sessions list' names it (default: all of them)")
	flags.BoolVar(&asked.All, "all", false, "the sessions of everybody")
	flags.BoolVar(&asked.Browsers, "browsers", false, "with --all, have each remembered browser enter a code, too")
	flags.BoolVar(&yes, "yes", false, "--all is meant")
	return cmd
}

// refuseVague refuses to sign out whom nobody has named.
func refuseVague(o order, yes bool) error {
	switch {
	case o.All && (o.Address != "" || o.Session != ""):
		return errors.New("--all ends the sessions of everybody; leave --user and --session out, or leave --all out")
	case o.All && !yes:
		return errors.New("--all signs everybody out; add --yes if that is meant")
	case o.All:
		return nil
	case o.Browsers:
		return errors.New("--browsers belongs to --all; those of one person need a code in any case")
	case o.Address == "" && o.Session != "":
		return errors.New("--session needs --user, whose session it is")
	case o.Address == "":
		return errors.New("say whose sessions end: --user alice@example.com, or --all")
	}
	return requireAddress("--user", o.Address)
}

// A revocation is the answer to one.
type revocation struct {
	revokeAnswer
	of string // an address; empty: everybody
}

func (r *revocation) print(s *sheet) {
	var sum revoked
	for _, e := range r.Ended {
		sum.People, sum.Sessions, sum.Browsers = sum.People+e.People, sum.Sessions+e.Sessions, sum.Browsers+e.Browsers
		sum.Passkeys += e.Passkeys
	}
	switch {
	case r.of == "" && sum.Sessions+sum.Browsers == 0:
		s.line("Nobody was signed in.")
	case r.of == "":
		text := "Everybody is signed out: " + some(sum.Sessions, "session", "sessions") + " of " + some(sum.People, "person", "people") + "."
		if sum.Browsers > 0 {
			text += " A code is needed again in " + some(sum.Browsers, "browser", "browsers") + "."
		}
		s.line(text)
	case sum.Sessions == 0 && sum.Browsers == 0:
		s.line("There was nothing to end: nobody is signed in as " + r.of + ", and no browser is remembered for it.")
	default:
		s.line(fmt.Sprintf("Signed out as %s: %s. A code is needed again in %s.", r.of, some(sum.Sessions, "session", "sessions"), some(sum.Browsers, "browser", "browsers")))
	}
	if sum.Passkeys > 0 {
		s.line(some(sum.Passkeys, "passkey still lets", "passkeys still let") + " them in; 'caddy doorcode passkeys remove --user " + r.of +
			" --all' takes " + itOrThem(sum.Passkeys) + " away.")
	}
}

func itOrThem(n int) string {
	if n == 1 {
		return "it"
	}
	return "them"
}

// some is a number of things, in words.
func some(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}
