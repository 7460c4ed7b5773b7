// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import "io"

// PrintNamed prints the people list with one person of this name, as a table or as CSV.
func PrintNamed(out io.Writer, name string, asCSV bool) error {
	p := peopleSheet{peopleAnswer{People: []listedPerson{{Site: "app.example.com", Who: "ana@example.com", Allowed: true, Name: name}}}}
	if asCSV {
		return p.writeCSV(out)
	}
	s := newSheet(out)
	p.print(s)
	if s.err != nil {
		return s.err
	}
	return s.Flush()
}
