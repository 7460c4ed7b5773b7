// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/tokens"
)

// TokenHeader carries an access token where the app has a use of its own for
// Authorization.
const TokenHeader = "Doorcode-Token"

// maxCredentials bounds what is read of an Authorization field, in bytes.
const maxCredentials = 1 << 10

// A Presented is the access token that a request brings, in [TokenHeader] or in
// Authorization. The zero value is none.
type Presented struct {
	text     string
	several  bool // different ones, which count as none
	inHeader bool // of Authorization
	basic    bool // as a password
}

// TokenIn finds the access token of a request, which is called before fields of the
// gate's own are removed. Nothing but header fields is looked at: addresses end up in
// logs.
func TokenIn(h http.Header) (p Presented) {
	for _, line := range h[TokenHeader] {
		if text := strings.TrimSpace(line); text != "" {
			p.add(text)
		}
	}
	for _, line := range h["Authorization"] {
		text, basic := tokenOf(line)
		if text == "" {
			continue
		}
		p.inHeader = true
		// Browsers send a password that was entered once with whatever another site
		// has them ask for: such a request speaks for nobody.
		if basic && fromElsewhere(h) {
			continue
		}
		p.basic = basic
		p.add(text)
	}
	return p
}

func (p *Presented) add(text string) {
	p.several = p.several || p.text != "" && p.text != text
	p.text = text
}

// any reports whether there is a token that counts.
func (p Presented) any() bool { return p.text != "" && !p.several }

// Remove takes the token out of a request that goes to the app. Any other
// Authorization is the app's.
func (p Presented) Remove(h http.Header) {
	if !p.inHeader {
		return
	}
	lines := slices.DeleteFunc(slices.Clone(h["Authorization"]), func(line string) bool {
		text, _ := tokenOf(line)
		return text != ""
	})
	if len(lines) == 0 {
		delete(h, "Authorization")
		return
	}
	h["Authorization"] = lines
}

// tokenOf is the access token of an Authorization field: a password (RFC 7617), or
// a bearer token (RFC 6750). It is empty where the field is the app's.
func tokenOf(line string) (text string, basic bool) {
	if len(line) > maxCredentials {
		return "", false
	}
	scheme, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	rest = strings.TrimSpace(rest)
	switch {
	case strings.EqualFold(scheme, "Bearer"):
		text = rest
	case strings.EqualFold(scheme, "Basic"):
		plain, err := base64.StdEncoding.DecodeString(rest)
		if err != nil {
			return "", false
		}
		_, text, _ = strings.Cut(string(plain), ":")
		basic = true
	}
	if !strings.HasPrefix(text, tokens.Prefix) {
		return "", false
	}
	return text, basic
}

// fromElsewhere reports whether a browser says that another site made the request.
func fromElsewhere(h http.Header) bool {
	from := h.Get("Sec-Fetch-Site")
	return from != "" && from != "same-origin" && from != "none"
}

// The reasons of refusals of an access token.
const (
	invalidToken challenge.Reason = "invalid_token"
	beyondToken  challenge.Reason = "insufficient_scope"
)

// basicChallenge asks programs that can only say who they are by a password.
const basicChallenge = `Basic realm="Doorcode: your email and an access token"`

// refuseToken answers a program whose access token does not let it pass: never with a
// page, which it could not show, nor with a cookie, which it would not keep.
func (d *Door) refuseToken(w http.ResponseWriter, r *http.Request, in *Arrival, v challenge.Verdict, err error) Outcome {
	h := d.head(w)
	out := Outcome{Decision: DecisionDeny, Reason: v.Reason}
	switch {
	case errors.Is(err, challenge.ErrTokenScope):
		out.Reason = beyondToken
		d.refuseScope(w, r)
	case err != nil:
		out.Reason = invalidToken
		h.Add("WWW-Authenticate", `Bearer error="invalid_token"`)
		if in.Token.basic && kindOf(r, in).asksPassword() { // else it would never ask for another
			h.Add("WWW-Authenticate", basicChallenge)
		}
		d.problem(w, r, problem{Type: "invalid-token", Detail: "The access token has ended, or was never made. Make one at " + d.tokensPage(in) + "."})
	case v.Decision == challenge.Unavailable:
		h.Set("Retry-After", seconds(retrySoon))
		d.problem(w, r, problem{Type: "unavailable", Detail: "Access tokens cannot be checked right now. Try again soon."})
	case v.Barred:
		d.problem(w, r, problem{Type: "no-country", Detail: in.site.name + " is not available from where this request comes from."})
	default:
		d.noAccess(w, r, in)
	}
	return out
}

// refuseScope answers a request that an access token is not good for (RFC 6750,
// section 3.1).
func (d *Door) refuseScope(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("WWW-Authenticate", `Bearer error="insufficient_scope"`)
	d.problem(w, r, problem{
		Type: "insufficient-scope", Detail: "The access token is not for this host, path or method, or this page wants a code in a browser.",
	})
}

// askPassword tells git, and clients of WebDAV, that an access token lets them in.
func (d *Door) askPassword(w http.ResponseWriter, r *http.Request, in *Arrival, reason challenge.Reason, k kind) {
	h := w.Header()
	h.Set("Doorcode-Reason", string(reason))
	h.Set("WWW-Authenticate", basicChallenge)
	if k == kindGit {
		write(w, r, http.StatusUnauthorized, "text/plain; charset=utf-8",
			[]byte("Your email address and an access token let you in. Make a token at "+d.tokensPage(in)+"\n"))
		return
	}
	d.problem(w, r, d.checkNeeded(in, reason))
}

// tokensPage is the URL at which people make access tokens.
func (d *Door) tokensPage(in *Arrival) string { return in.site.link + "tokens" }
