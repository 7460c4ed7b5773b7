// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// A copyAnswer is what storage copy has copied.
type copyAnswer struct {
	Copied []copied `json:"copied"`

	into *entrance // a gate of the configuration
	out  bool      // from the storage of the configuration into a file
}

// copied is what went from one place to another.
type copied struct {
	From       string `json:"from"`
	To         string `json:"to"`
	People     int    `json:"people"`
	Addresses  int    `json:"addresses"` // with what was counted at them
	Networks   int    `json:"networks"`  // with what was counted of them
	Keys       int    `json:"keys"`
	CodesEnded int    `json:"codes_ended"` // that were on their way
	// SignedOut: the source was put back from a copy. Whoever was signed in by it
	// has to sign in again.
	SignedOut bool `json:"signed_out"`
}

func describeMove(from, to string, m challenge.Moved) copied {
	return copied{
		From: from, To: to, People: m.People, Addresses: m.Doors, Networks: m.Networks, Keys: m.Keys, CodesEnded: m.Challenges, SignedOut: m.PutBack,
	}
}

// write prints the answer, and what is left to do.
func (a *copyAnswer) write(out io.Writer, asJSON bool) error {
	if len(a.Copied) == 0 {
		return nil
	}
	if asJSON {
		return printIndented(out, a)
	}
	s := newSheet(out)
	s.line("FROM", "TO", "PEOPLE", "ADDRESSES", "NETWORKS", "KEYS", "CODES ENDED")
	for _, c := range a.Copied {
		s.line(c.From, c.To, strconv.Itoa(c.People), strconv.Itoa(c.Addresses), strconv.Itoa(c.Networks), strconv.Itoa(c.Keys), strconv.Itoa(c.CodesEnded))
	}
	s.section()
	for _, c := range a.Copied {
		if c.SignedOut {
			s.line(c.From + " is a copy, or lacks the file '.witness' that belongs beside it: whoever was signed in there signs in again.")
		}
	}
	s.line(stopFirst)
	for _, line := range a.next() {
		s.line(line)
	}
	return errors.Join(s.err, s.Flush())
}

// next is what is left to do.
func (a *copyAnswer) next() []string {
	if a.out {
		file := a.Copied[0].To
		lines := []string{
			"Next: write 'storage embedded " + file + "' and start Caddy.",
			"The file, and " + file + ".witness beside it, must belong to the user that Caddy runs as.",
		}
		if a.into.secret != nil {
			return append(lines, "Keep 'secret' as it is: it belongs to the file.")
		}
		return append(lines, "The secret in "+dataFolder()+" belongs to the file; take it along to another machine.")
	}
	start := "Next: start Caddy with this configuration"
	if a.into.storage.Shared() {
		start += ", on every machine"
	}
	var from []string
	for _, c := range a.Copied {
		from = append(from, c.From)
	}
	return []string{start + ".", "Once all is well, remove what nobody uses any more: " + strings.Join(from, " ")}
}
