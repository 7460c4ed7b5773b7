// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/pages"
	"github.com/doorcode/caddy-doorcode/challenge/words"
)

const (
	languageEndpoint = "language"
	purposeLanguage  = "language"
	languageLife     = 365 * 24 * time.Hour
)

// words are those of the page that a request gets, and of its mails: in the language
// that was chosen in this browser, or by its person, or that the browser asks for.
func (d *Door) words(r *http.Request, in *Arrival) *words.Lexicon {
	if chosen := d.chosenIn(in); chosen != nil {
		return chosen
	}
	if in.lexicon == nil {
		in.lexicon = d.spoken(r, d.savedBy(r, in))
	}
	return in.lexicon
}

// spoken is what a person saved, or else what their browser asks for.
func (d *Door) spoken(r *http.Request, saved *words.Lexicon) *words.Lexicon {
	if saved != nil {
		return saved
	}
	return d.catalogue.For(r.Header.Get("Accept-Language"))
}

// chosenIn is the language that was chosen in a browser; nil where it chose none, or
// one that is not offered. Of two different ones neither was chosen by its person.
func (d *Door) chosenIn(in *Arrival) (chosen *words.Lexicon) {
	for _, tag := range in.found.Values(languageCookie) {
		l, offered := d.catalogue.In(tag)
		if !offered {
			continue
		}
		if chosen != nil {
			return nil
		}
		chosen = l
	}
	return chosen
}

// savedBy is the language that a person saved who has proved who they are; nil where
// nobody has. Before that it would tell whether an address is known (ruling 16).
func (d *Door) savedBy(r *http.Request, in *Arrival) *words.Lexicon {
	live := in.proved
	if live == nil {
		live = in.visit.Confirm
	}
	if live == nil || !d.catalogue.Several() {
		return nil
	}
	who := challenge.Admission{Live: live, Identity: challenge.Identity{Email: challenge.Email(live.Email)}}
	account, err := d.gate.Account(r.Context(), &in.visit, &who)
	if err != nil {
		return nil // the page goes before its language
	}
	return d.saved(account.Settings)
}

// saved is the language of a person's settings; nil where it is none that is offered.
func (d *Door) saved(s challenge.PersonSettings) *words.Lexicon {
	if s.Language == "" {
		return nil
	}
	l, _ := d.catalogue.In(s.Language)
	return l
}

// languageOf is the language of the page that a request gets, for its mail.
func (d *Door) languageOf(r *http.Request, in *Arrival) string { return d.words(r, in).Lang() }

// around is where a page stands. It has no link to the languages where that leads
// nowhere, and where leaving it would lose a form that somebody filled in.
func (d *Door) around(in *Arrival, p pages.Page) pages.Surroundings {
	name, own := d.endpoint(in.Original)
	switch {
	case in.visit.Audience == "", !d.catalogue.Several(), d.cookieless(in), holdsForm(p), isAmbiguous(pathOf(in.Original)):
		return pages.Surroundings{}
	case own && (name == languageEndpoint || strings.Contains(name, "/")): // the address of no/ is no other page's to learn
		return pages.Surroundings{}
	}
	return pages.Surroundings{LanguageURL: d.endpointsFrom(in.Original) + languageEndpoint}
}

func holdsForm(p pages.Page) bool {
	switch p := p.(type) {
	case pages.Code:
		return p.Held != ""
	case pages.Email:
		return p.Held != ""
	case pages.Send:
		return p.Held != ""
	case pages.Passkey:
		return p.Held != ""
	case pages.SendForm:
		return true
	default:
		return false
	}
}

// languagePage lists the languages.
func (d *Door) languagePage(w http.ResponseWriter, r *http.Request, in *Arrival) {
	offered := d.catalogue.Languages()
	if len(offered) < 2 {
		d.refusal(w, r, in, pages.NotFound)
		return
	}
	var tried form
	if d.openFor(in, purposeLanguage, in.Original.Query().Get(fieldProbe), &tried) == nil {
		d.languageTried(w, r, in, tried.Back)
		return
	}
	if v := d.judge(r, in); v.Admission != nil {
		in.proved = v.Admission.Live
	}
	page := pages.Languages{Action: d.endpointsFrom(in.Original) + languageEndpoint, Offered: offered, Back: d.askedFrom(r, in)}
	page.Flow = d.sealFor(in, purposeLanguage, form{Back: page.Back, Made: in.Now.Unix()})
	if chosen := d.chosenIn(in); chosen != nil {
		page.Chosen = chosen.Lang()
	}
	d.head(w)
	d.page(w, r, in, http.StatusOK, page)
}

// postLanguage keeps a choice in the browser, and goes back to where it was asked
// from. A language that is offered no more changes nothing.
func (d *Door) postLanguage(w http.ResponseWriter, r *http.Request, in *Arrival) {
	if !d.receives(w, r, in) {
		return
	}
	var f form
	if d.openFor(in, purposeLanguage, r.PostForm.Get(fieldForm), &f) != nil {
		f.Back = d.backOf(in.Original)
	}
	h, tag := d.head(w), r.PostForm.Get(fieldLanguage)
	cookie := d.cookies.chosen(in, tag, d.catalogue)
	if cookie != "" {
		h.Add("Set-Cookie", cookie)
	}
	if cookie != "" && tag != "" && !in.bringsCookie() {
		f.Back = d.endpointsPath(in.Original) + languageEndpoint + "?" + fieldProbe + "=" + d.sealFor(in, purposeLanguage, f)
	}
	redirect(w, in.site, f.Back)
}

// bringsCookie reports whether a browser has kept a cookie of ours.
func (in *Arrival) bringsCookie() bool {
	for which := range numCookies {
		if len(in.found.Values(which)) > 0 {
			return true
		}
	}
	return false
}

// languageTried goes on to where a language was chosen for, or says that the browser did
// not keep it.
func (d *Door) languageTried(w http.ResponseWriter, r *http.Request, in *Arrival, back string) {
	d.head(w)
	if !in.bringsCookie() {
		again := in.site.origin + d.endpointsPath(in.Original) + languageEndpoint
		d.page(w, r, in, http.StatusForbidden, pages.CookiesBlocked{Host: in.site.host, Again: again, Language: true})
		return
	}
	redirect(w, in.site, safeBack(back))
}

// chosen is the cookie of a language: of none, it ends. It is empty where there is
// no such language.
func (c *cookies) chosen(in *Arrival, tag string, offered *words.Catalogue) string {
	switch {
	case tag == "":
		return c.expire(in, languageCookie)
	case slices.Contains(offered.Languages(), tag):
		return c.write(in, languageCookie, tag, languageLife)
	default:
		return ""
	}
}

// askedFrom is the page from which the languages were asked for, of the app or of ours.
// An address of ours that only takes forms leads on to the page that they are on.
func (d *Door) askedFrom(r *http.Request, in *Arrival) string {
	from, err := url.Parse(r.Header.Get("Referer"))
	if err != nil || !isOurs(r, in, from) {
		return d.backOf(in.Original)
	}
	if name, own := d.endpoint(from); !own || name == languageEndpoint {
		return d.backOf(from)
	}
	back := pathOf(from)
	if from.RawQuery != "" {
		back += "?" + from.RawQuery
	}
	return safeBack(back)
}
