// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer

import (
	"net/url"
	"regexp"
	"strings"
)

// maxLink bounds a link, in characters.
const maxLink = 500

// linkable are the characters of a URL (RFC 3986 section 2), but for what ends
// one in some reader: a quote, a bracket.
var linkable = regexp.MustCompile(`^https?://[A-Za-z0-9._~:/%@!$&*+,;=\[\]-]+$`)

// link returns stop if it can stand in a mail: a page of the site itself.
// Anything else is left out. A mail of ours that sends people elsewhere is worse
// than one without its link.
func link(stop, host string) string {
	if len(stop) > maxLink || !linkable.MatchString(stop) {
		return ""
	}
	u, err := url.Parse(stop)
	if err != nil || u.User != nil || !strings.EqualFold(u.Hostname(), strings.Trim(host, "[]")) {
		return ""
	}
	return stop
}

// minSecret is the shortest end of a link that is worth hiding. Whoever has the
// end of a real one has far more.
const minSecret = 8

// secretOf is the part of a link that nobody can guess, or "".
func secretOf(stop string) string {
	end := stop[strings.LastIndexByte(stop, '/')+1:]
	if len(end) < minSecret || len(end) > maxLink {
		return ""
	}
	return end
}
