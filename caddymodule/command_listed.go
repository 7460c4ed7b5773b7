// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/doorcode/caddy-doorcode/caddymodule/terminal"
)

func peopleCommand() *cobra.Command {
	return gather(&cobra.Command{
		Use:   "people <command>",
		Short: "Lists the people of a running Caddy",
	}, peopleListCommand())
}

func peopleListCommand() *cobra.Command {
	var asCSV bool
	cmd := jsonCommand(&cobra.Command{
		Use:   "list [--site <host>]",
		Short: "Lists who may enter, and who has",
		Long: "Lists the people on the lists of a site: of 'allow' with its groups, 'allow_file' and 'people_file', which rule lets\n" +
			"each pass or keeps them out, until when, and when they first and last entered a code. Of a domain it lists the people\n" +
			"that have entered and are still kept. Reading them all takes a moment where there are many.",
	}, func(c *remote, out io.Writer, _ []string) error {
		if c.asJSON && asCSV {
			return errors.New("--json and --csv are two ways to print the same; choose one")
		}
		answer := new(peopleSheet)
		if !asCSV {
			return c.show(out, http.MethodGet, peoplePath, order{}, answer)
		}
		if err := c.show(io.Discard, http.MethodGet, peoplePath, order{}, answer); err != nil {
			return err
		}
		return answer.writeCSV(out)
	})
	cmd.Flags().BoolVar(&asCSV, "csv", false, "print CSV, with times in UTC")
	cmd.Flags().Lookup("site").Usage = "host of a site (default: all of them)"
	return cmd
}

// A peopleSheet is who may enter.
type peopleSheet struct{ peopleAnswer }

func (p *peopleSheet) print(s *sheet) {
	row := columnsFor(s, p.People, func(l listedPerson) string { return l.Site })
	row("SITE", "WHO", "BY", "MAY ENTER", "UNTIL", "FIRST ENTRY", "LAST ENTRY", "NAME", "GROUPS")
	for _, l := range p.People {
		may := "yes"
		switch {
		case l.Rule == overRule:
			may = "no: it is over"
		case !l.Allowed:
			may = "no: " + l.Rule
		}
		row(l.Site, l.Who, l.Entry, may, dated(l.Until), dated(l.First), dated(l.Last), orElse(l.Name, "-"), orElse(strings.Join(l.Groups, " "), "-"))
	}
	unnamed(s, p.Unnamed, "have entered")
}

// overRule is what decides about a row of the people file whose time is over.
const overRule = "people_file until"

// dated is a time in a table.
func dated(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return moment(*t)
}

func (p *peopleSheet) writeCSV(out io.Writer) error {
	var text bytes.Buffer
	w := csv.NewWriter(&text)
	rows := [][]string{{"site", "who", "by", "may_enter", "rule", "user", "name", "groups", "until", "first_entry", "last_entry"}}
	for _, l := range p.People {
		rows = append(rows, []string{
			l.Site, l.Who, l.Entry, strconv.FormatBool(l.Allowed), l.Rule, l.User, l.Name, strings.Join(l.Groups, " "),
			utc(l.Until), utc(l.First), utc(l.Last),
		})
	}
	for _, row := range rows {
		for i := range row {
			row[i] = terminal.Still(noFormula(row[i]))
		}
		if err := w.Write(row); err != nil {
			return err
		}
	}
	w.Flush()
	return errors.Join(w.Error(), flush(out, &text))
}

func utc(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// noFormula keeps spreadsheets from taking a cell for a formula.
func noFormula(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}
