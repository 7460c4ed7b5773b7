// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"fmt"
	"io"
	"net/http"
)

// Met is what a request says in those fields that its gate goes by. A Cleaner meets them
// in passing, so that nobody has to look for them again.
type Met struct {
	// Known: somebody has looked. The zero value says nothing of a request.
	Known bool
	// Cookies are the lines of Cookie, as they stand in the header.
	Cookies []string
	// Agent is the first User-Agent, Dest the first Sec-Fetch-Dest; empty for none.
	Agent, Dest string
	// Accepts are the lines of Accept.
	Accepts []string
	// Early: there is an Early-Data field, whatever it says (RFC 8470 section 5.1).
	Early bool
	// Forwards: a proxy, or a visitor who plays one, says for whom it asks, by X-Forwarded-For or
	// X-Forwarded-Proto.
	Forwards bool
	// Upgrades: it asks for another protocol, by a field that has passed the Cleaner.
	Upgrades bool
}

// Meet looks at a header that no Cleaner has swept.
func (m *Met) Meet(h http.Header) {
	m.Known = true
	for _, name := range [...]string{"Cookie", "User-Agent", "Sec-Fetch-Dest", "Accept", "Early-Data", "X-Forwarded-For", "X-Forwarded-Proto"} {
		m.note(name, h[name])
	}
	m.Upgrades = len(h["Upgrade"]) > 0
}

// note keeps a field that matters.
func (m *Met) note(name string, lines []string) {
	if len(lines) == 0 {
		return
	}
	switch name {
	case "Cookie":
		m.Cookies = lines
	case "Accept":
		m.Accepts = lines
	case "User-Agent":
		m.Agent = lines[0]
	case "Sec-Fetch-Dest":
		m.Dest = lines[0]
	case "Early-Data":
		m.Early = true
	case "X-Forwarded-For", "X-Forwarded-Proto":
		m.Forwards = true
	}
}

// Format prints nothing of a request: its cookies open the door.
func (m Met) Format(s fmt.State, _ rune) {
	_, _ = io.WriteString(s, "[fields]")
}
