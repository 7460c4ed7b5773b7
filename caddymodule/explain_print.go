// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/doorcode/caddy-doorcode/caddymodule/terminal"
)

func (a *explanation) printJSON(out io.Writer) error {
	return printIndented(out, a)
}

// printIndented prints JSON for people who look at it, too.
func printIndented(out io.Writer, value any) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

// A sheet is a text in columns. It keeps the first error.
type sheet struct {
	*tabwriter.Writer
	err error
}

func newSheet(out io.Writer) *sheet {
	return &sheet{Writer: tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)}
}

// line writes columns. What people and mail servers said can be anything: it moves no
// terminal.
func (s *sheet) line(columns ...string) {
	for i, column := range columns {
		columns[i] = terminal.Still(column)
	}
	_, err := fmt.Fprintln(s.Writer, strings.TrimRight(strings.Join(columns, "\t"), "\t"))
	s.err = errors.Join(s.err, err)
}

// print writes the answer for people.
func (a *explanation) print(out io.Writer) error {
	s := newSheet(out)
	s.line(fmt.Sprintf("%s %s%s from %s", a.Method, a.Host, a.Path, a.IP))
	s.line()
	s.line("decision", a.Decision)
	s.line("reason", orNone(a.Reason))
	if a.Status != 0 {
		s.line("answer", fmt.Sprintf("%d, %q", a.Status, a.Page))
	} else {
		s.line("answer", "from behind the gate: "+orNone(a.Page))
	}
	for i := range a.Gates {
		s.line()
		if len(a.Gates) > 1 {
			s.line(fmt.Sprintf("Gate %d of %d", i+1, len(a.Gates)))
		}
		a.Gates[i].print(s)
	}
	for i, note := range a.Notes {
		if i == 0 {
			s.line()
		}
		s.line(note)
	}
	return errors.Join(s.err, s.Flush())
}

var scopes = map[string]string{
	scopeGuarded: "guarded", scopePublic: "public: no sign-in is needed", scopeOutside: "not covered by the directive's matcher",
	scopeElsewhere: "the gate does not stand at this host",
}

func (j *judged) print(s *sheet) {
	s.line("site", j.Site)
	s.line("path", scopes[j.Scope])
	if j.Decision == "" {
		s.line("decision", "none: the gate before refuses")
	} else {
		s.line("decision", strings.TrimSpace(j.Decision+" "+j.Reason))
	}
	s.line("person", j.Person.text())
	if j.Place != nil {
		s.line("place", j.Place.text())
	}
	s.line("allow", orNone(strings.Join(j.Allow, " ")))
	s.line("deny", orNone(strings.Join(j.Deny, " ")))
	if list := j.Countries; len(list.Allow) > 0 {
		s.line("countries", strings.Join(list.Allow, " "))
	} else if len(list.Deny) > 0 {
		s.line("countries", "not "+strings.Join(list.Deny, " "))
	}
	s.line("challenge", strings.Join(j.Challenge, " "))
	s.line("observe", orNone(strings.Join(j.Observe, " ")))
	s.line("bind", j.Bind)
	s.line("ways in", j.Ways.text())
	if j.MaxAge != "" {
		s.line("sensitive", "wants "+j.Ways.fresh()+" of the last "+j.MaxAge)
	}
	if len(j.Observed) > 0 {
		s.line("observed", strings.Join(j.Observed, " ")+" would have asked")
	}
	j.printVotes(s)
}

// printVotes writes the votes as a table with columns of its own.
func (j *judged) printVotes(s *sheet) {
	if len(j.Votes) == 0 {
		return
	}
	s.err = errors.Join(s.err, s.Flush()) // so that the columns above do not widen these
	s.line()
	s.line("RULE", "SAYS", "EFFECT", "WHY")
	for _, v := range j.Votes {
		says := "no"
		if v.Says {
			says = "yes"
		}
		s.line(v.Reason, says, v.Effect, v.Why)
	}
	s.err = errors.Join(s.err, s.Flush())
}

func (w *judgedWho) text() string {
	who := w.Email
	if w.Source != "" {
		who = strings.TrimPrefix(fmt.Sprintf("%s, by {%s} user %s", w.Email, w.Source, w.User), ", ")
	}
	if w.Allowed {
		return who + ", may pass by '" + w.Rule + "'"
	}
	return who + ", may not pass: " + w.Rule
}

func (p *seenPlace) text() string {
	var parts []string
	for _, part := range []string{p.City, p.Country} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	if p.ASN != 0 {
		parts = append(parts, fmt.Sprintf("AS%d", p.ASN))
	}
	if p.Private {
		parts = append(parts, "a private network")
	}
	if len(parts) == 0 {
		parts = []string{"unknown"}
	}
	if p.Barred {
		parts = append(parts, "from where nobody may pass")
	}
	if p.WouldBar {
		parts = append(parts, "from where nobody would be let in ('observe all')")
	}
	return strings.Join(parts, ", ")
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}
