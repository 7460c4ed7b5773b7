// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"strings"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/words"
)

// PasskeyScript is the name of the script that passkeys need, below the endpoints.
// It is a file of its own, so that pages stay small and it is loaded once.
const PasskeyScript = "passkey.js"

//go:embed assets/passkey.js
var passkeySource string

var (
	passkeyScript  = strings.Join(squeeze(passkeySource), "\n") + "\n"
	passkeyHash    = strings.Trim(source(passkeyScript), "'")
	passkeyVersion = version(passkeyScript)
)

// ReadPasskeyScript is what is to be served as PasskeyScript. It never changes under
// one address: the pages name its version in a query. Pages run nothing else under
// that name, whoever stands between.
func ReadPasskeyScript() []byte { return []byte(passkeyScript) }

// PasskeyScriptVersion is the query under which pages ask for the script.
func PasskeyScriptVersion() string { return passkeyVersion }

func version(script string) string {
	sum := sha256.Sum256([]byte(script))
	return base64.RawURLEncoding.EncodeToString(sum[:3])
}

// A keyed page can use a passkey, by a script that finds its own way from Endpoints
// and puts a button of that Label where there is none. Where the page has no form, the
// script makes one with Flow. First: that button is the main one, as nothing else leads in.
type keyed struct {
	Endpoints, Label, Flow string
	First                  bool
}

// element loads the script, from this site alone.
func (k *keyed) element() template.HTML {
	if k == nil || !strings.HasPrefix(k.Endpoints, "./") && (!strings.HasPrefix(k.Endpoints, "/") || strings.HasPrefix(k.Endpoints, "//")) {
		return ""
	}
	data := ""
	if k.Label != "" {
		data = ` data-label="` + template.HTMLEscapeString(k.Label) + `"`
	}
	if k.Flow != "" {
		data += ` data-flow="` + template.HTMLEscapeString(k.Flow) + `"`
	}
	if k.First {
		data += ` data-first`
	}
	return template.HTML(`<script src="` + template.HTMLEscapeString(k.Endpoints) + PasskeyScript + "?" + passkeyVersion +
		`" integrity="` + passkeyHash + `"` + data + `></script>`)
}

// usesPasskey is what a page needs whose button the script makes.
func (s scribe) usesPasskey(endpoints string) *keyed {
	return &keyed{Endpoints: endpoints, Label: s.text("passkey.use", nil)}
}

// needsPasskey is usesPasskey for a page on which a code leads no further than to where
// a passkey is made.
func (s scribe) needsPasskey(endpoints string) *keyed {
	k := s.usesPasskey(endpoints)
	k.First = true
	return k
}

// A PasskeyTrouble is why a passkey did not let its person in.
type PasskeyTrouble uint8

// The troubles. The zero value is none.
const (
	NoPasskeyTrouble PasskeyTrouble = iota
	PasskeyRefused                  // why is not told
	PasskeyOften                    // too many were tried, until RetryAt
	PasskeyUnused                   // the browser used none, as when its person cancels
)

// Passkey is screen [4], for somebody who is signed in where only a passkey will do.
// Its button, which a script shows, posts flow, held and credential to Endpoints +
// "passkey".
type Passkey struct {
	// Endpoints, Flow, Held and AnswersPost are as in Email.
	Endpoints, Flow, Held string
	AnswersPost           bool
	FormNotSent           bool
	// ToAdd is the query of the link to where a passkey is made; empty, or it begins
	// with "?".
	ToAdd string
	// Address is the person's; its first letter and domain are shown.
	Address string
	// Has: they have one already, and can add another for a device that lacks it.
	Has          bool
	Trouble      PasskeyTrouble
	Now, RetryAt time.Time
	// Also: a code would do as well, so that the sentence of the trouble says so.
	Also bool
}

type passkeyView struct {
	check
	Trouble      template.HTML
	Text         []template.HTML
	Use          string
	Unable, None template.HTML
	Add, Switch  link
}

func (Passkey) kind() kind { return keying }

func (p Passkey) content(s scribe) content {
	c := content{template: "passkey.html", heading: s.both("passkey.heading", nil), keyed: &keyed{Endpoints: p.Endpoints}}
	v := passkeyView{
		check:   newCheck(p.Endpoints, p.Flow, p.Held, p.AnswersPost),
		Text:    []template.HTML{s.html("passkey.only", nil), s.both("no_access.text", words.Args{"address": s.masked(p.Address)}).html},
		Trouble: p.sentence(s).html, Use: s.text("passkey.use", nil),
		Unable: s.html("passkey.unable", nil), None: s.html("passkey.none", nil),
		Add:    link{URL: p.Endpoints + "passkeys" + p.ToAdd, Label: s.text("passkey.add", nil)},
		Switch: link{URL: p.Endpoints + "signout", Label: s.text("no_access.switch", nil)},
	}
	if p.Has {
		v.None, v.Add.Label = "", s.text("account_passkeys.add", nil)
	}
	v.notes(s, false, false, s.fate(p.Held != "", p.FormNotSent))
	c.data = v
	return c
}

func (p Passkey) sentence(s scribe) message {
	switch {
	case p.Trouble == PasskeyRefused && p.Also:
		return s.both("passkey.refused", nil)
	case p.Trouble == PasskeyRefused:
		return s.both("passkey.refused_alone", nil)
	case p.Trouble == PasskeyUnused && p.Also:
		return s.both("passkey.unused", nil)
	case p.Trouble == PasskeyUnused:
		return s.both("passkey.unused_alone", nil)
	case p.Trouble == PasskeyOften:
		return s.both("passkey.often", words.Args{"at": s.moment(at, p.Now, p.RetryAt)})
	default:
		return message{}
	}
}

// usesPasskey reports whether the page of a code can do with a passkey instead. Where
// the network is locked, nothing is accepted from it.
func (p Code) usesPasskey() bool { return p.Passkeys && p.Trouble != NetworkLocked }

// key puts what a passkey needs onto the page of a code.
func (p Code) key(s scribe, v *codeView) *keyed {
	if p.Notice.ofPasskey() {
		v.Status, v.Refused = p.sentenceOfNotice(s).html, true
	}
	use := s.usesPasskey(p.Endpoints)
	if v.Field == nil && v.First == nil && len(v.Choices)+len(v.Others) == 0 {
		use.Flow = p.Flow
	}
	return use
}

// lockedText says what no way leads around, and what does.
func (p Code) lockedText(s scribe) []template.HTML {
	text := []template.HTML{p.sentence(s).html}
	switch {
	case p.usesPasskey():
		text = append(text, s.html("way.locked_but_passkey", nil))
	case p.Offers != (WayOffers{}):
		text = append(text, s.html("way.locked", nil))
	}
	return text
}
