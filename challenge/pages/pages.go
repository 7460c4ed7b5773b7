// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Package pages renders what a person sees at the door: a page is data in,
// bytes and a Content-Security-Policy out. It reads no request, keeps no state
// and decides nothing.
//
// A page is one HTML response: style, script and logo are inside it and nothing
// is loaded. Each works without its script.
package pages

import (
	"bytes"
	"fmt"
	"html/template"
	"unicode/utf8"

	"github.com/doorcode/caddy-doorcode/challenge/words"
)

// A Page is one of this package's screens: Email, Code, Send, SendForm, Begin,
// NoAccess, NoCountry, Stop, Stopped, StopOver, Restored, SignOut, SignedOut,
// CookiesBlocked, Unavailable, Framed, PlainHTTP, NotSent, Erasing or Refused, or one of
// the account pages, whose names begin with Account.
type Page interface {
	kind() kind
	content(s scribe) content
}

// A Check is a page whose form a script may send: Email or Code.
type Check interface {
	Page
	sentence(s scribe) message
}

// kind says what a page's policy has to allow.
type kind uint8

const (
	still    kind = iota // no script
	scripted             // runs the page's script, which talks to this host
	sending              // has a form that the app answers
	framed               // may stand in a frame of the same site
	account              // an account page, with a style and a script of its own
)

// content is what a page puts into the common frame.
type content struct {
	template string
	heading  message
	failed   bool // the title starts with "Error: "
	data     any
	account  *accountView // nil on other pages
}

// message is one sentence in both forms.
type message struct {
	text string
	html template.HTML
}

// view is what the templates see.
type view struct {
	Look    *look
	Lang    string
	Dir     string
	Title   string
	Heading template.HTML
	Help    template.HTML
	Privacy string // the link's text
	Style   template.HTML
	Script  template.HTML
	Account *accountView
	Body    any
}

// A Renderer renders the pages of one gate. It never changes once it is made
// and is safe for concurrent use.
type Renderer struct {
	look     *look
	policies [account + 1]string
}

// New computes all that the pages of one gate have in common. It returns
// ErrName, ErrLogo, ErrAccent, ErrTheme, ErrSupport and ErrPrivacy.
func New(options LookOptions) (*Renderer, error) {
	l, err := newLook(options)
	if err != nil {
		return nil, fmt.Errorf("reading the look of pages: %w", err)
	}
	r := &Renderer{look: l}
	for k := range r.policies {
		r.policies[k] = policy(l, kind(k))
	}
	return r, nil
}

// Render appends a page to dst. Errors mean that a template is broken, never
// that a field is: every field may hold anything.
func (r *Renderer) Render(dst *bytes.Buffer, lex *words.Lexicon, page Page) error {
	s := scribe{lex: lex, look: r.look}
	c := page.content(s)
	v := view{
		Look: r.look, Lang: lex.Lang(), Dir: lex.Dir(),
		Title:   s.title(c),
		Heading: c.heading.html,
		Privacy: s.text("frame.privacy", nil),
		Style:   r.look.styleElement,
		Account: c.account,
		Body:    c.data,
	}
	if r.look.Support != "" {
		v.Help = s.html("frame.help", nil)
	}
	switch page.kind() {
	case scripted:
		v.Script = scriptElement
	case account:
		v.Style, v.Script = r.look.accountStyleElement, accountScriptElement
	}
	start := dst.Len()
	if err := templates.ExecuteTemplate(dst, c.template, v); err != nil {
		return fmt.Errorf("rendering %s: %w", c.template, err)
	}
	// What was typed may be no UTF-8, but what is said to be UTF-8 has to be.
	if out := dst.Bytes()[start:]; !utf8.Valid(out) {
		out = bytes.ToValidUTF8(out, []byte("\uFFFD"))
		dst.Truncate(start)
		dst.Write(out)
	}
	return nil
}

// CSP is the Content-Security-Policy that a page is to be sent with. It allows
// the page's own style and script by their hashes, and nothing else to run.
func (r *Renderer) CSP(page Page) string { return r.policies[page.kind()] }

// AdjustedAccent reports the accent that is used instead of the operator's,
// and whether it differs: text and buttons need a contrast of 4.5:1 (WCAG 2.2,
// 1.4.3). The shade for the dark theme always follows from the light one's
// hue and is reported only where the theme is dark.
func (r *Renderer) AdjustedAccent() (used Color, adjusted bool) {
	return r.look.accent, r.look.adjusted
}

// Sentence is what an Email or Code has to say about its trouble or notice, as
// plain text for a JSON answer's message. It is "" where there is nothing to
// say.
func (r *Renderer) Sentence(lex *words.Lexicon, page Check) string {
	return page.sentence(scribe{lex: lex, look: r.look}).text
}
