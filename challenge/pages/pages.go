// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Package pages renders what a person sees at the door: a page is data in,
// bytes and a Content-Security-Policy out. It reads no request, keeps no state
// and decides nothing.
//
// A page is one HTML response: style, script and logo are inside it and nothing
// is loaded but the script of passkeys, where a gate has those. Each works without
// its script, but for what needs a passkey: no form can ask a browser for one.
package pages

import (
	"bytes"
	"fmt"
	"html/template"
	"sync"
	"unicode/utf8"

	"github.com/doorcode/caddy-doorcode/challenge/words"
)

// A Page is one of this package's screens: Email, Code, Send, SendForm, Begin,
// NoAccess, NoCountry, Keyless, Stop, Stopped, StopOver, Restored, SignOut, SignedOut,
// CookiesBlocked, Unavailable, Framed, PlainHTTP, NotSent, Languages, Passkey or Refused,
// or one of the account pages, whose names begin with Account.
type Page interface {
	kind() kind
	content(s scribe) content
}

// A Check is a page that has a sentence for a script: Email, Code or Passkey.
type Check interface {
	Page
	sentence(s scribe) message
}

// kind says what a page's policy has to allow.
type kind uint8

const (
	still   kind = iota // no script
	asking              // asks for an address; its script talks to this host
	coding              // asks for a code; so does its script
	sending             // has a form that the app answers
	framed              // may stand in a frame of the same site
	account             // an account page, with a script of its own

	// These load the script of passkeys besides.
	askingKey
	codingKey
	keying // asks for nothing but a passkey
	accountKey
	kinds // how many there are
)

// content is what a page puts into the common frame.
type content struct {
	template string
	heading  message
	failed   bool // the title starts with "Error: "
	data     any
	account  *accountView // nil on other pages
	keyed    *keyed       // nil where no passkey is used
}

// message is one sentence in both forms.
type message struct {
	text string
	html template.HTML
}

// view is what the templates see.
type view struct {
	Look     *look
	Lang     string
	Dir      string
	Title    string
	Heading  template.HTML
	Help     template.HTML
	Privacy  string // the link's text
	Imprint  string // the link's text
	Language *link  // to where the language is chosen
	Style    template.HTML
	Script   template.HTML
	Account  *accountView
	Body     any
}

// A Renderer renders the pages of one gate. It never changes once it is made
// and is safe for concurrent use.
type Renderer struct {
	look      *look
	templates *Templates
	policies  [kinds]string
	editions  sync.Map // *edition by *words.Lexicon
}

// Surroundings are what a page cannot know by itself.
type Surroundings struct {
	// LanguageURL is where the language of pages is chosen; empty: nowhere.
	LanguageURL string
}

// New computes all that the pages of one gate have in common. It returns
// ErrName, ErrLogo, ErrAccent, ErrTheme, ErrSupport, ErrPrivacy, ErrImprint,
// ErrAnnouncement and ErrCSS.
func New(options LookOptions) (*Renderer, error) {
	l, err := newLook(options)
	if err != nil {
		return nil, fmt.Errorf("reading the look of pages: %w", err)
	}
	r := &Renderer{look: l, templates: builtIn}
	if options.Templates != nil {
		r.templates = options.Templates
	}
	for k := range r.policies {
		r.policies[k] = policy(l, kind(k))
	}
	return r, nil
}

// Render appends a page to dst. Errors mean that a template is broken, never
// that a field is: every field may hold anything.
func (r *Renderer) Render(dst *bytes.Buffer, lex *words.Lexicon, page Page) error {
	return r.RenderIn(dst, lex, page, Surroundings{})
}

// RenderIn is Render for a page that stands somewhere.
func (r *Renderer) RenderIn(dst *bytes.Buffer, lex *words.Lexicon, page Page, around Surroundings) error {
	s := r.scribe(lex)
	c := page.content(s)
	start := dst.Len()
	if err := r.templates.execute(dst, c.template, r.view(s, c, page.kind(), around)); err != nil {
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

func (r *Renderer) view(s scribe, c content, k kind, around Surroundings) view {
	v := view{
		Look: r.look, Lang: s.lex.Lang(), Dir: s.lex.Dir(),
		Title:   s.title(c),
		Heading: c.heading.html,
		Privacy: s.text("frame.privacy", nil),
		Imprint: s.text("frame.imprint", nil),
		Style:   r.look.styleElements[k],
		Account: c.account,
		Body:    c.data,
	}
	if r.look.Support != "" {
		v.Help = s.html("frame.help", nil)
	}
	if around.LanguageURL != "" {
		v.Language = &link{URL: around.LanguageURL, Label: s.text("language.link", nil)}
	}
	switch k {
	case asking, coding, askingKey, codingKey:
		v.Script = scriptElement
	case account, accountKey:
		v.Script = accountScriptElement
	}
	v.Script += c.keyed.element()
	return v
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

// Sentence is what an Email, Code or Passkey has to say about its trouble or
// notice, as plain text for a JSON answer's message. It is "" where there is
// nothing to say.
func (r *Renderer) Sentence(lex *words.Lexicon, page Check) string {
	return page.sentence(r.scribe(lex)).text
}
