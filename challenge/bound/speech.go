// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package bound

import (
	"encoding/json"
	"strings"
)

// Offer is the value of Secure-Session-Registration by which a browser that can is
// asked to make a key. The challenge and the authorization are text of base64url.
func Offer(path, challenge, authorization string) string {
	return `(ES256 RS256);path="` + path + `";challenge="` + challenge + `";authorization="` + authorization + `"`
}

// Ask is the value of Secure-Session-Challenge by which a browser is asked to prove the
// key of a session.
func Ask(challenge, session string) string { return `"` + challenge + `";id="` + session + `"` }

// Unquoted is what a header field of one string says (RFC 9651, section 3.3.3):
// browsers leave the quotes out.
func Unquoted(value string) string {
	value = strings.Trim(value, " \t")
	if len(value) > 1 && value[0] == '"' && value[len(value)-1] == '"' {
		return value[1 : len(value)-1]
	}
	return value
}

// Terms are what a browser is told of its session.
type Terms struct {
	Session  string // how it names the session to us
	Origin   string // scheme and authority for whose requests the cookie is kept fresh
	Refresh  string // path at which it proves its key
	Except   string // path below which nothing waits for that
	Cookie   string // name of the cookie that holds the pass
	CookieAs string // its attributes, as in Set-Cookie, without a lifetime
}

// JSON writes the terms.
func (t Terms) JSON() []byte {
	type rule struct {
		Type   string `json:"type"`
		Domain string `json:"domain"`
		Path   string `json:"path"`
	}
	type scope struct {
		Origin string `json:"origin"`
		Site   bool   `json:"include_site"`
		Rules  []rule `json:"scope_specification"`
	}
	type cookie struct {
		Type       string `json:"type"`
		Name       string `json:"name"`
		Attributes string `json:"attributes"`
	}
	text, err := json.Marshal(struct {
		Session    string   `json:"session_identifier"`
		Refresh    string   `json:"refresh_url"`
		Scope      scope    `json:"scope"`
		Cookies    []cookie `json:"credentials"`
		Initiators []string `json:"allowed_refresh_initiators"`
	}{
		t.Session, t.Refresh,
		scope{t.Origin, false, []rule{{"exclude", "*", t.Except}}},
		[]cookie{{"cookie", t.Cookie, t.CookieAs}},
		// Whoever follows a link from another site would else arrive without a pass, and
		// be taken for a copy.
		[]string{"*"},
	})
	if err != nil {
		panic("bound: encoding plain data: " + err.Error())
	}
	return text
}

// Over is what a browser is told whose session is to end: it deletes its key.
const Over = `{"continue":false}`

// skips are the reasons for which a browser says that it sends a request without
// having proved its key.
var skips = []string{"unreachable", "server_error", "quota_exceeded"}

// Skipped is the reason in a Secure-Session-Skipped value, "other" where it is none
// that is known. Anybody can send any: it is for logs alone.
func Skipped(value string) string {
	reason, _, _ := strings.Cut(value, ";")
	reason = Unquoted(reason)
	for _, known := range skips {
		if reason == known {
			return known
		}
	}
	return "other"
}
