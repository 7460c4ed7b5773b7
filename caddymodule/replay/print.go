// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/doorcode/caddy-doorcode/caddymodule/terminal"
)

func fault(name string, line int, err error) string {
	return fmt.Sprintf("%s, line %d: %s", name, line, err)
}

// clock is how times are printed.
const clock = "2006-01-02 15:04"

// A sheet is a text in columns. It keeps the first error.
type sheet struct {
	*tabwriter.Writer
	err error
}

func newSheet(out io.Writer) *sheet {
	return &sheet{Writer: tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)}
}

// line writes columns. What is in a log can be anything: it moves no terminal.
func (s *sheet) line(columns ...string) {
	for i, column := range columns {
		columns[i] = terminal.Still(column)
	}
	_, err := fmt.Fprintln(s.Writer, strings.TrimRight(strings.Join(columns, "\t"), "\t"))
	s.err = errors.Join(s.err, err)
}

// part ends the columns so far, so that they do not widen those that follow.
func (s *sheet) part() {
	s.err = errors.Join(s.err, s.Flush())
	s.line()
}

// JSON prints the report for programs.
func (r *Report) JSON(out io.Writer) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}

// Text prints the report for people.
func (r *Report) Text(out io.Writer) error {
	s := newSheet(out)
	s.line(r.title())
	s.line()
	s.line("", "before", "now")
	for _, row := range [...]struct {
		name        string
		before, now int
	}{
		{"passed without a code", r.Before.Passed, r.Now.Passed},
		{"asked for a code", r.Before.Asked, r.Now.Asked},
		{"refused", r.Before.Refused, r.Now.Refused},
	} {
		s.line(row.name, fmt.Sprint(row.before), fmt.Sprint(row.now))
	}
	if len(r.Reasons) > 0 {
		s.part()
		s.line("ASKED BY", "before", "now")
		for _, c := range r.Reasons {
			s.line(named(string(c.Reason)), fmt.Sprint(c.Before), fmt.Sprint(c.Now))
		}
	}
	s.changes("NEWLY ASKED", r.NewlyAsked)
	s.changes("NO LONGER ASKED", r.NoLongerAsked)
	s.changes("NEWLY REFUSED", r.NewlyRefused)
	s.changes("NO LONGER REFUSED", r.NoLongerRefused)
	if len(r.NewlyAsked)+len(r.NoLongerAsked)+len(r.NewlyRefused)+len(r.NoLongerRefused) == 0 {
		s.part()
		s.line("Nothing changes for anybody, as far as the log tells.")
	}
	r.rest(s)
	return errors.Join(s.err, s.Flush())
}

func (r *Report) title() string {
	text := fmt.Sprintf("%s about %s", count(r.Decisions, "decision"), people(r.People))
	if r.From == nil {
		return text
	}
	return fmt.Sprintf("%s, %s to %s", text, r.From.Local().Format(clock), r.To.Local().Format(clock))
}

// changes lists people to whom something changes.
func (s *sheet) changes(title string, list []Change) {
	if len(list) == 0 {
		return
	}
	s.part()
	s.line(title, "ACCOUNT", "SITE", "TIMES", "REASON", "LAST")
	for _, c := range list {
		s.line(named(c.Address), c.Account, c.Site, fmt.Sprint(c.Times), named(string(c.Reason)), c.Last.Local().Format(clock))
	}
}

// rest tells what is not in the tables.
func (r *Report) rest(s *sheet) {
	if len(r.NotJudged) > 0 {
		s.part()
		s.line("NOT JUDGED", "WHY")
		for _, u := range r.NotJudged {
			s.line(fmt.Sprint(u.Times), u.Why)
		}
	}
	s.part()
	for _, note := range r.Notes {
		s.line(note)
	}
	if r.Nobody > 0 {
		s.line(fmt.Sprintf("%s about visitors whom nobody knew yet, whom no policy lets pass without a code.", count(r.Nobody, "decision")))
	}
	text := count(r.Lines, "line") + " read"
	if r.Other > 0 {
		text += fmt.Sprintf(", %d of them about something else", r.Other)
	}
	if r.Covered > 0 {
		text += fmt.Sprintf(", %d of decisions that count with another line", r.Covered)
	}
	s.line(text + ".")
	if r.Broken > 0 {
		s.line(count(r.Broken, "line") + " could not be read:")
	}
	for _, text := range r.Faults {
		s.line("  " + text)
	}
	if more := r.Broken - len(r.Faults); more > 0 {
		s.line(fmt.Sprintf("  and %d more", more))
	}
}

// JSON prints a decision as one line for programs.
func (d *Decision) JSON(out io.Writer) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(d)
}

// Text prints a decision as one line for people.
func (d *Decision) Text(out io.Writer) error {
	now := "not judged: " + d.Why
	if d.Now != "" {
		now = strings.TrimSpace(string(d.Now) + " " + string(d.NowReason))
	}
	mark := " "
	if d.Now != "" && d.Now != d.Before {
		mark = "*"
	}
	_, err := fmt.Fprintf(out, "%s %s  %s  %s  %s  %s -> %s\n", mark, d.At.Local().Format(time.DateTime), terminal.Still(named(d.Address)), terminal.Still(d.Account), terminal.Still(d.Site),
		terminal.Still(strings.TrimSpace(string(d.Before)+" "+string(d.Reason))), terminal.Still(now))
	return err
}

func named(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func people(n int) string {
	if n == 1 {
		return "1 person"
	}
	return fmt.Sprintf("%d people", n)
}
