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

	connects, announces bool // there is a Connection, a Trailer
}

// Meet looks at a header that no Cleaner has swept.
func (m *Met) Meet(h http.Header) {
	m.Known = true
	for _, name := range usualNames[:telling] {
		m.note(name, h[name])
	}
}

// usualNames are what browsers and programs send, with those first that tell something:
// note knows them all.
var usualNames = []string{
	"Cookie", "Accept", "User-Agent", "Sec-Fetch-Dest", "Early-Data", "X-Forwarded-For", "X-Forwarded-Proto", "Upgrade", "Connection", "Trailer",
	"Accept-Encoding", "Accept-Language", "Cache-Control", "Content-Length", "Content-Type", "Dnt", "If-Modified-Since", "If-None-Match",
	"Origin", "Pragma", "Priority", "Range", "Referer", "Sec-Ch-Ua", "Sec-Ch-Ua-Mobile", "Sec-Ch-Ua-Platform", "Sec-Fetch-Mode",
	"Sec-Fetch-Site", "Sec-Fetch-User", "Sec-Gpc", "Te", "Upgrade-Insecure-Requests", "X-Forwarded-Host", "X-Requested-With",
}

// telling is how many of usualNames tell something.
const telling = 10

// note keeps a field that matters, and reports whether it is one of usualNames, in that
// spelling.
func (m *Met) note(name string, lines []string) (usual bool) {
	if len(lines) == 0 {
		return false
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
	case "Upgrade":
		m.Upgrades = true
	case "Connection":
		m.connects = true
	case "Trailer":
		m.announces = true
	case "Accept-Encoding", "Accept-Language", "Cache-Control", "Content-Length", "Content-Type", "Dnt", "If-Modified-Since", "If-None-Match",
		"Origin", "Pragma", "Priority", "Range", "Referer", "Sec-Ch-Ua", "Sec-Ch-Ua-Mobile", "Sec-Ch-Ua-Platform", "Sec-Fetch-Mode",
		"Sec-Fetch-Site", "Sec-Fetch-User", "Sec-Gpc", "Te", "Upgrade-Insecure-Requests", "X-Forwarded-Host", "X-Requested-With":
	default:
		return false
	}
	return true
}

// Format prints nothing of a request: its cookies open the door.
func (m Met) Format(s fmt.State, _ rune) {
	_, _ = io.WriteString(s, "[fields]")
}
