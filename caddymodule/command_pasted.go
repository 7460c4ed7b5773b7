// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/doorcode/caddy-doorcode/caddymodule/received"
)

// A pastedAnswer is what the source of a mail tells.
type pastedAnswer struct {
	From     string          `json:"from"`             // domain of the sender
	Server   string          `json:"server,omitempty"` // that has taken the mail over
	Findings []pastedFinding `json:"findings"`
}

// A pastedFinding is one thing that it tells.
type pastedFinding struct {
	About string `json:"about"`
	Level string `json:"level"` // ok, warn or FAIL
	Text  string `json:"text"`
	Fix   string `json:"fix,omitempty"`
}

// explainPasted explains what is pasted. Somebody who sits at a terminal is told what
// is waited for.
func (t *trial) explainPasted(in io.Reader, prompt, out io.Writer) error {
	if file, ok := in.(*os.File); ok && isTerminal(file) {
		fmt.Fprintln(prompt, "Paste the source of the mail, or its header, and end with an empty line or Ctrl-D.")
	}
	h, err := received.Read(in)
	switch {
	case errors.Is(err, received.ErrNoResults):
		return fmt.Errorf("%w; copy the source from the mailbox that received it ('Show original', 'View source'), not from the sender", err)
	case err != nil:
		return fmt.Errorf("%w; paste the source of the mail, which begins with lines such as 'Received: …'", err)
	}
	answer := pastedAnswer{From: h.From, Server: h.Server, Findings: []pastedFinding{}}
	var failed []string
	for _, f := range h.Explain() {
		answer.Findings = append(answer.Findings, pastedFinding{f.About, string(f.Level), f.Text, f.Fix})
		if f.Level == received.Fail {
			failed = append(failed, f.About)
		}
	}
	if t.asJSON {
		err = printIndented(out, answer)
	} else {
		err = answer.print(out)
	}
	if err == nil && len(failed) > 0 {
		err = fmt.Errorf("%s: mails from %s may end up as spam, or be refused", strings.Join(failed, ", "), h.From)
	}
	return err
}

func (a *pastedAnswer) print(out io.Writer) error {
	s := newSheet(out)
	s.line("Sender " + a.From + ", as " + orElse(a.Server, "a server that does not name itself") + " saw it:")
	for _, f := range a.Findings {
		s.line(f.Level, f.About, f.Text)
		if f.Fix != "" {
			s.line("", "", "→ "+f.Fix)
		}
	}
	return errors.Join(s.err, s.Flush())
}
