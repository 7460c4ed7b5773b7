// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/pages"
	"github.com/doorcode/caddy-doorcode/challenge/words"
)

var noon = time.Date(2026, 11, 22, 12, 34, 0, 0, time.UTC)

const (
	endpoints = "./reports/.doorcode/"
	flow      = "c2VhbGVkLXZhbHVlLW9mLXRoZS1mbG93"
	held      = "c2VhbGVkLWZvcm0tb2YtdGhlLWFwcA"
	nonce     = "bm9uY2Utb2YtdGhlLXBhZ2U"
)

var (
	lisbon = words.Spot{City: "Lisbon", Country: "PT", Radius: 20}
	porto  = words.Spot{City: "Porto", Country: "PT", Radius: 20}
)

const credit = "IP geolocation by DB-IP (db-ip.com)"

// screen is a page under a name, as goldens and pictures are called.
type screen struct {
	name string
	page pages.Page
}

// everyWay is what a gate offers unless its operator says otherwise.
var everyWay = pages.WayOffers{Backup: true, App: true, Second: true}

// asked is screen [2] as a stranger meets it.
func asked() pages.Code {
	return pages.Code{
		Endpoints: endpoints, Flow: flow, Address: "ana@example.com", Ref: "7KQ",
		Now: noon, Expires: noon.Add(10 * time.Minute), ResendIn: 24 * time.Second,
		Days: 30, Reason: pages.ReasonNewBrowser, Offers: everyWay,
	}
}

// known is screen [2] for somebody whom an earlier step knows.
func known() pages.Code {
	c := asked()
	c.Known = true
	return c
}

func code(change func(*pages.Code)) pages.Page {
	c := asked()
	change(&c)
	return c
}

// screens is every screen in every state.
func screens() []screen {
	return slices.Concat(doors(), doorWays(), plainScreens(), placeScreens(), heldScreens(), stopScreens(), codesScreens(), waysScreens(), accountScreens(), tokensScreens(), activityScreens())
}

// doors are the screens that ask for an address or a code.
func doors() []screen {
	later := noon.Add(21 * time.Minute)
	email := pages.Email{Endpoints: endpoints, Flow: flow, Now: noon, RetryAt: later}
	with := func(change func(*pages.Email)) pages.Page { e := email; change(&e); return e }
	knownWith := func(change func(*pages.Code)) pages.Page { c := known(); change(&c); return c }
	trouble := func(t pages.Trouble) pages.Page {
		return code(func(c *pages.Code) {
			c.Trouble, c.RetryAt, c.TriesLeft, c.Tries, c.Entered = t, later, 3, 5, 4
			if t >= pages.WrongCode && t <= pages.EarlierCode {
				c.Typed = "111111"
			}
		})
	}
	return []screen{
		{"1-email", email},
		{"1-email-prefilled", with(func(e *pages.Email) { e.Address = "ana@example.com" })},
		{"1-email-missing", with(func(e *pages.Email) { e.Trouble = pages.EmailMissing })},
		{"1-email-malformed", with(func(e *pages.Email) { e.Trouble, e.Address = pages.EmailMalformed, "ana" })},
		{"1-email-suggestion", with(func(e *pages.Email) {
			e.Trouble, e.Address, e.Better = pages.EmailSuggestion, "ana@gmial.com", "ana@gmail.com"
		})},
		{"1-email-not-on-list", with(func(e *pages.Email) { e.Trouble, e.Address = pages.EmailNotOnList, "ana@example.com" })},
		{"1-email-network-mails", with(func(e *pages.Email) { e.Trouble = pages.EmailNetworkMails })},
		{"1-email-form-not-sent", with(func(e *pages.Email) { e.FormNotSent, e.AnswersPost = true, true })},
		{"2-code", asked()},
		{"2-code-known", known()},
		{"2-code-known-often", knownWith(func(c *pages.Code) { c.Often, c.Ticked, c.Reason = true, true, pages.ReasonExpired })},
		{"2-code-letters", code(func(c *pages.Code) { c.Length, c.Alphabet, c.Reason = 8, "BCDFGHJKLMNPQRSTVWXZ", pages.ReasonAlways })},
		{"2-code-never-remembered", code(func(c *pages.Code) { c.Remember, c.Reason = pages.RememberNever, pages.ReasonEnded })},
		{"2-code-form-not-sent", code(func(c *pages.Code) { c.FormNotSent, c.AnswersPost = true, true })},
		{"2-code-just-sent", knownWith(func(c *pages.Code) { c.Notice = pages.JustSent })},
		{"2e-missing", trouble(pages.CodeMissing)},
		{"2e-wrong", trouble(pages.WrongCode)},
		{"2e-label", trouble(pages.LabelTyped)},
		{"2e-length", trouble(pages.WrongLength)},
		{"2e-alphabet", trouble(pages.WrongAlphabet)},
		{"2p-earlier", trouble(pages.EarlierCode)},
		{"2x-expired", trouble(pages.CodeExpired)},
		{"2x-lost", trouble(pages.CodeLost)},
		{"2l-cancelled", trouble(pages.CodeCancelled)},
		{"2L-locked", trouble(pages.AddressLocked)},
		{"2L-locked-network", trouble(pages.NetworkLocked)},
		{"2r-again", code(func(c *pages.Code) { c.Notice = pages.SentAgain })},
		{"2r-new", code(func(c *pages.Code) { c.Notice = pages.SentNew })},
		{"2r-too-early", code(func(c *pages.Code) { c.Notice = pages.TooEarly })},
		{"2r-used-up", code(func(c *pages.Code) { c.Mails, c.MailsUsedUp = 3, true })},
		{"2t-address", trouble(pages.AddressMails)},
		{"2t-network", trouble(pages.NetworkMails)},
		{"2t-all", trouble(pages.AllMails)},
		{"2m-down", trouble(pages.MailDown)},
	}
}

func renderer(t testing.TB, change func(*pages.LookOptions)) *pages.Renderer {
	t.Helper()
	options := pages.LookOptions{
		Name: "Example", Support: "mailto:help@example.com", Privacy: "https://example.com/privacy",
	}
	if change != nil {
		change(&options)
	}
	r, err := pages.New(options)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return r
}

func render(t testing.TB, r *pages.Renderer, page pages.Page) string {
	t.Helper()
	return renderIn(t, r, english(), page)
}

func renderIn(t testing.TB, r *pages.Renderer, lex *words.Lexicon, page pages.Page) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.Render(&b, lex, page); err != nil {
		t.Fatalf("Render: %v", err)
	}
	return b.String()
}

// arabic is the English catalogue as if it were Arabic.
func arabic(t testing.TB) *words.Lexicon {
	t.Helper()
	files := fstest.MapFS{}
	names, err := filepath.Glob("../words/en/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		list, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files["ar/"+filepath.Base(name)] = &fstest.MapFile{Data: list}
	}
	catalogue, err := words.Open(files)
	if err != nil {
		t.Fatal(err)
	}
	return catalogue.For("ar")
}
