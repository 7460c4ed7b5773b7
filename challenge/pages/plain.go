// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages

import (
	"html/template"
	"slices"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/words"
)

// plainView is what plain.html sees: sentences, details, at most one form, and
// links before and after it.
type plainView struct {
	Notice  template.HTML
	Alert   template.HTML
	Text    []template.HTML
	Details []detail
	Credit  string
	Unable  template.HTML // that no passkey can be used, for browsers without scripts
	Links   []link
	Form    *formView
	Instead *link
}

type formView struct {
	Action, Button string
	Hidden         []Field
	Forget         string // the label of a box named forget
	Second         bool   // the button is not the main thing
}

type detail struct {
	Label string
	Value template.HTML
}

// sealed are the hidden fields of the check's forms; an empty one is left out.
func sealed(flow, held string) []Field {
	return slices.DeleteFunc([]Field{{"flow", flow}, {"held", held}}, func(f Field) bool { return f.Value == "" })
}

type link struct {
	URL, Label string
	First      bool // drawn as a button
}

func plain(heading message, v plainView) content {
	return content{template: "plain.html", heading: heading, data: v}
}

// Begin is what the begin endpoint shows on a GET: one button that posts to
// Endpoints + "begin" + Query, which is empty or begins with "?".
type Begin struct {
	Endpoints, Query string
	// OnlyPasskeys is as in Send.
	OnlyPasskeys bool
}

func (Begin) kind() kind { return still }

func (p Begin) content(s scribe) content {
	text := []template.HTML{s.html("begin.text", nil)}
	if p.OnlyPasskeys {
		text = []template.HTML{s.html("passkey.only", nil), s.html("passkey.soon", nil)}
	}
	return plain(s.both("begin.heading", nil), plainView{
		Text: text,
		Form: &formView{Action: p.Endpoints + "begin" + p.Query, Button: s.text("begin.button", nil)},
	})
}

// Send is shown to a known identity where the operator wants the mail to wait
// for a button, which posts flow and held to Endpoints + "resend". It shows the
// first letter and the domain of Address.
type Send struct {
	Endpoints, Flow, Address string
	// Confirm: it is for somebody who is signed in.
	Confirm bool
	// Held is as in Email.
	Held string
	// Passkeys: one may be used in place of a code. Trouble is what came of one that
	// was, until RetryAt where it has an end. OnlyPasskeys: a code leads no further than
	// to where one is made.
	Passkeys     bool
	OnlyPasskeys bool
	Trouble      PasskeyTrouble
	Now, RetryAt time.Time
}

func (p Send) kind() kind {
	if p.Passkeys {
		return keying
	}
	return still
}

func (p Send) content(s scribe) content {
	heading := "begin.heading"
	if p.Confirm {
		heading = "confirm.heading"
	}
	v := plainView{
		Notice: s.fate(p.Held != "", false),
		Alert:  Passkey{Trouble: p.Trouble, Now: p.Now, RetryAt: p.RetryAt, Also: true}.sentence(s).html,
		Text:   p.text(s),
		Form:   &formView{Action: p.Endpoints + "resend", Hidden: sealed(p.Flow, p.Held), Button: s.text("email.button", nil)},
	}
	if p.OnlyPasskeys {
		v.Unable = s.html("passkey.unable", nil)
	}
	c := plain(s.both(heading, nil), v)
	switch {
	case p.OnlyPasskeys:
		c.keyed = s.needsPasskey(p.Endpoints)
	case p.Passkeys:
		c.keyed = s.usesPasskey(p.Endpoints)
	}
	return c
}

// text says what the button does, and what for where a code alone opens nothing.
func (p Send) text(s scribe) []template.HTML {
	sends := s.both("send.text", words.Args{"address": s.masked(p.Address)}).html
	if !p.OnlyPasskeys {
		return []template.HTML{sends}
	}
	return []template.HTML{s.html("passkey.only", nil), s.html("passkey.soon", nil), sends}
}

// NoAccess is screen [6], for a person who is known and not on the list.
type NoAccess struct {
	// Address is the person's; empty where none is known.
	Address string
	// Endpoints and Flow make the form that signs out, to come back as somebody
	// else. Empty Endpoints leave it out.
	Endpoints, Flow string
}

func (NoAccess) kind() kind { return still }

func (p NoAccess) content(s scribe) content {
	v := plainView{Text: []template.HTML{s.both("no_access.text", words.Args{"address": isolated(p.Address)}).html}}
	if p.Address == "" {
		v.Text = []template.HTML{s.html("no_access.unknown", nil)}
	}
	if s.look.Support != "" {
		to := s.look.requestLink(s.text("no_access.subject", nil))
		v.Links = []link{{URL: to, Label: s.text("no_access.ask", nil), First: true}}
	}
	if p.Endpoints != "" {
		v.Form = &formView{
			Action: p.Endpoints + "signout", Hidden: sealed(p.Flow, ""),
			Button: s.text("no_access.switch", nil), Second: len(v.Links) > 0,
		}
	}
	return plain(s.both("no_access.heading", nil), v)
}

// NoCountry is screen [6c], for a person who may not enter from where they are.
// Country is an ISO 3166-1 alpha-2 code; empty when unknown.
type NoCountry struct{ Country string }

func (NoCountry) kind() kind { return still }

func (p NoCountry) content(s scribe) content {
	text := s.html("no_country.text", nil)
	if country := s.lex.Country(p.Country); country != "" {
		text = s.both("no_country.text_in", words.Args{"country": isolated(country)}).html
	}
	return plain(s.both("no_country.heading", nil), plainView{Text: []template.HTML{text}})
}

// Keyless is shown where a browser has to have a key of its own, and made none. Its
// form signs out, as in NoAccess, and its link leads to the account pages, which work
// without a key.
type Keyless struct {
	Endpoints, Flow string
	// FormNotSent: it answers a form of the app. No check lets that through.
	FormNotSent bool
}

func (Keyless) kind() kind { return still }

func (p Keyless) content(s scribe) content {
	v := plainView{Text: []template.HTML{s.html("keyless.text", nil)}}
	if p.FormNotSent {
		v.Notice = s.html("keyless.form", nil)
	}
	if p.Endpoints != "" {
		v.Links = []link{{URL: p.Endpoints, Label: s.text("account.pages", nil)}}
		v.Form = &formView{
			Action: p.Endpoints + "signout", Hidden: sealed(p.Flow, ""), Button: s.text("sign_out.button", nil), Second: true,
		}
	}
	return plain(s.both("keyless.heading", nil), v)
}

// SignOut is the page whose button signs out. It posts flow, and forget=1 where
// the box is ticked, to Endpoints + "signout".
type SignOut struct {
	Endpoints, Flow string
	// Remembered: this browser is remembered, and may be forgotten.
	Remembered bool
	// Keep is the URL of the link that signs nobody out.
	Keep string
}

func (SignOut) kind() kind { return still }

func (p SignOut) content(s scribe) content {
	form := &formView{Action: p.Endpoints + "signout", Hidden: sealed(p.Flow, ""), Button: s.text("sign_out.button", nil)}
	if p.Remembered {
		form.Forget = s.text("sign_out.forget", nil)
	}
	return plain(s.both("sign_out.heading", nil), plainView{
		Form: form, Instead: &link{URL: p.Keep, Label: s.text("account.stay", nil)},
	})
}

// SignedOut is screen [9]. Again is the URL of the app.
type SignedOut struct{ Again string }

func (SignedOut) kind() kind { return still }

func (p SignedOut) content(s scribe) content {
	return plain(s.both("signed_out.heading", nil), plainView{
		Text:  []template.HTML{s.html("signed_out.text", nil)},
		Links: []link{{URL: p.Again, Label: s.text("signed_out.again", nil), First: true}},
	})
}

// CookiesBlocked is screen [10]. Host is whose cookies to allow; Again is the
// URL to try again.
type CookiesBlocked struct {
	Host, Again string
	// Language: it was a language that the browser did not keep.
	Language bool
}

func (CookiesBlocked) kind() kind { return still }

func (p CookiesBlocked) content(s scribe) content {
	text := "cookies.text"
	if p.Language {
		text = "cookies.language"
	}
	return plain(s.both("cookies.heading", nil), plainView{
		Text:  []template.HTML{s.both(text, words.Args{"host": isolated(p.Host)}).html},
		Links: []link{{URL: p.Again, Label: s.text("cookies.again", nil), First: true}},
	})
}

// Unavailable is screen [12]: the store does not answer. Again is the URL to
// try again; an empty one leaves the link out.
type Unavailable struct{ Again string }

func (Unavailable) kind() kind { return still }

func (p Unavailable) content(s scribe) content {
	v := plainView{Text: []template.HTML{s.html("unavailable.text", nil)}}
	if p.Again != "" {
		v.Links = []link{{URL: p.Again, Label: s.text("unavailable.again", nil), First: true}}
	}
	return plain(s.both("unavailable.heading", nil), v)
}

// Framed is screen [13], which stands in a frame instead of the page. URL is
// the page's, opened in a tab of its own. It alone may be framed.
type Framed struct{ URL string }

func (Framed) kind() kind { return framed }

func (p Framed) content(s scribe) content {
	return content{
		template: "framed.html",
		heading:  s.both("framed.link", nil),
		data:     link{URL: p.URL, Label: s.text("framed.link", nil)},
	}
}

// PlainHTTP is screen [14], for the operator: cookies need https. Proxy is the
// private address of a proxy that forwards https and is not trusted, if so.
type PlainHTTP struct{ Proxy string }

func (PlainHTTP) kind() kind { return still }

func (p PlainHTTP) content(s scribe) content {
	setting := words.Args{"setting": verbatim("insecure"), "block": verbatim("cookie")}
	v := plainView{Text: []template.HTML{s.both("plain_http.text", setting).html}}
	if p.Proxy != "" {
		trust := words.Args{"proxy": isolated(p.Proxy), "setting": verbatim("trusted_proxies")}
		v.Text = []template.HTML{s.both("plain_http.proxy", trust).html}
	}
	return plain(s.both("plain_http.heading", nil), v)
}

// verbatim is something to be typed into a Caddyfile.
func verbatim(setting string) message {
	return message{text: setting, html: template.HTML("<code>" + template.HTMLEscapeString(setting) + "</code>")}
}

// NotSent answers a form that another site sent, or one of the app's own that
// could not be kept through a check. It has no form of its own, so that no other
// site can begin anything here. URL is where to go on.
type NotSent struct {
	URL string
	// Kept: the form was the app's own, and held for a while.
	Kept bool
}

func (NotSent) kind() kind { return still }

func (p NotSent) content(s scribe) content {
	text, label := "not_sent.text", "not_sent.link"
	if p.Kept {
		text, label = "not_sent.kept", "not_sent.open"
	}
	return plain(s.both("not_sent.heading", nil), plainView{
		Text:  []template.HTML{s.html(text, nil)},
		Links: []link{{URL: p.URL, Label: s.text(label, nil), First: true}},
	})
}
