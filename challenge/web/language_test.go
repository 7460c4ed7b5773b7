// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/web"
	"github.com/doorcode/caddy-doorcode/challenge/words"
)

// speaking offers some of the built-in languages, the first by default.
func speaking(tags ...string) func(*settings) {
	return func(s *settings) {
		c, err := words.Standard().Only(tags, tags[0])
		if err != nil {
			panic(err)
		}
		s.web.Words = c
	}
}

const languageCookie = "__Host-Http-doorcode-language"

// wishes makes a browser ask for languages.
func wishes(accept string) http.Header { return with(clicked, "Accept-Language", accept) }

// in is the language of an answer, by all that says so.
func (a answer) in(t testing.TB) string {
	t.Helper()
	_, lang, _ := strings.Cut(a.body, `<html lang="`)
	lang, _, _ = strings.Cut(lang, `"`)
	if header := a.Header.Get("Content-Language"); header != lang {
		t.Errorf("Content-Language is %q on a page in %q", header, lang)
	}
	return lang
}

// picks chooses a language on the page that a page of ours links to, and goes back.
func (b *browser) picks(tag string) answer {
	b.w.t.Helper()
	_, link, ok := strings.Cut(b.page.body, `<footer>`)
	i := strings.LastIndex(link, `<a href="`)
	if !ok || i < 0 || !strings.Contains(link, "language\"") {
		b.w.t.Fatalf("no link to the languages:\n%s", b.page.body)
	}
	target, _, _ := strings.Cut(link[i+len(`<a href="`):], `"`)
	from := b.at
	at, err := b.at.Parse(target)
	if err != nil {
		b.w.t.Fatal(err)
	}
	b.at, b.page = at, b.do(http.MethodGet, at.RequestURI(), nil, with(clicked, "Referer", "https://"+b.host+from.RequestURI()))
	b.page.wants(b.w.t, http.StatusOK)
	return b.submit("/language", "language", tag)
}

func TestTheLanguageThatWasChosenWins(t *testing.T) {
	w := newWorld(t, speaking("en", "de", "fr"))
	b := w.browser()
	b.open("/reports?page=2").wants(t, http.StatusUnauthorized, "Sign in to app.example.com")
	page := b.picks("de")
	if at := b.at.RequestURI(); at != "/reports?page=2" || page.in(t) != "de" {
		t.Errorf("it went to %s, in %s", at, page.in(t))
	}
	if b.jar[languageCookie] != "de" {
		t.Errorf("the cookies are %v", b.jar)
	}
	b.submit("/email", "email", ana)
	if n := w.mailbox.last(t); n.Language != "de" {
		t.Errorf("the mail is in %s", n.Language)
	}
	if got := b.do(http.MethodGet, "/x", nil, wishes("fr")).in(t); got != "de" {
		t.Errorf("a page for a browser that asks for French is in %s", got)
	}
	b.open("/reports")
	b.picks("")
	if _, kept := b.jar[languageCookie]; kept {
		t.Errorf("the cookies are %v", b.jar)
	}
	if got := b.do(http.MethodGet, "/x", nil, wishes("fr")).in(t); got != "fr" {
		t.Errorf("a page for a browser that asks for French is in %s", got)
	}
}

func TestTheLanguageOfAPage(t *testing.T) {
	tests := []struct {
		name    string
		offered []string
		accept  string
		cookies []string
		want    string
	}{
		{"what the browser asks for", []string{"en", "de"}, "de-AT", nil, "de"},
		{"what the operator prefers, where nothing suits", []string{"de", "en"}, "ru", nil, "de"},
		{"what the operator prefers, where nothing is asked for", []string{"de", "en"}, "", nil, "de"},
		{"nothing that the operator does not offer", []string{"en", "de"}, "fr", nil, "en"},
		{"what was chosen", []string{"en", "de", "fr"}, "de", []string{"fr"}, "fr"},
		{"what was chosen, and is offered no more", []string{"en", "de"}, "de", []string{"fr"}, "de"},
		{"what no language is", []string{"en", "de"}, "de", []string{"<b>"}, "de"},
		{"two different ones", []string{"en", "de", "fr"}, "en", []string{"fr", "de"}, "en"},
		{"two, of which one is offered", []string{"en", "de"}, "en", []string{"fr", "de"}, "de"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, speaking(tt.offered...))
			r := w.browser().request(http.MethodGet, "/x", nil, wishes(tt.accept))
			for _, value := range tt.cookies {
				r.Header.Add("Cookie", languageCookie+"="+value)
			}
			if got := w.browser().send(r).in(t); got != tt.want {
				t.Errorf("the page is in %s, want %s", got, tt.want)
			}
		})
	}
}

func TestTheCookieOfALanguage(t *testing.T) {
	w := newWorld(t, speaking("en", "de"), func(s *settings) { s.web.SingleSignOn = "example.com" })
	b := w.browser()
	b.open("/x")
	b.at, b.page = &url.URL{Path: "/x/.doorcode/language"}, b.do(http.MethodGet, "/x/.doorcode/language", nil, clicked)
	cookie := b.post(clicked, "/language", "language", "de").Header.Get("Set-Cookie")
	if want := languageCookie + "=de; Path=/; Max-Age=31536000; HttpOnly; Secure; SameSite=Lax"; cookie != want {
		t.Errorf("Set-Cookie: %s, want %s", cookie, want)
	}
	for _, tag := range []string{"fr", "<b>", "de-AT", "DE"} {
		if got := b.post(clicked, "/language", "language", tag); got.Header.Get("Set-Cookie") != "" || got.StatusCode != http.StatusSeeOther {
			t.Errorf("%s: %d, Set-Cookie: %s", tag, got.StatusCode, got.Header.Get("Set-Cookie"))
		}
	}
}

// TestNobodyElseChoosesALanguage: neither a page of another site nor a form made
// elsewhere sets a cookie, or leads anywhere.
func TestNobodyElseChoosesALanguage(t *testing.T) {
	w := newWorld(t, speaking("en", "de"))
	b := w.browser()
	form := url.Values{"language": {"de"}, "flow": {"x"}}
	for name, h := range map[string]http.Header{
		"another site": with(clicked, "Sec-Fetch-Site", "cross-site"),
		"a sister":     with(clicked, "Sec-Fetch-Site", "same-site"),
	} {
		if got := b.do(http.MethodPost, "/.doorcode/language", form, h); got.StatusCode != http.StatusForbidden || got.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %d, Set-Cookie: %s", name, got.StatusCode, got.Header.Get("Set-Cookie"))
		}
	}
	b.jar[languageCookie] = "en"
	for _, from := range []string{"https://evil.example/x", "https://app.example.com.evil.example/", "//evil.example", "http://app.example.com/x", "https://app.example.com//evil.example"} {
		b.at, b.page = &url.URL{Path: "/y/.doorcode/language"}, b.do(http.MethodGet, "/y/.doorcode/language", nil, with(clicked, "Referer", from))
		if got := b.post(clicked, "/language", "language", "de").Header.Get("Location"); got != origin+"/y" && got != origin+"/" {
			t.Errorf("from %s it leads to %s", from, got)
		}
	}
	if got := b.do(http.MethodPost, "/y/.doorcode/language", form, clicked).Header.Get("Location"); got != origin+"/y" {
		t.Errorf("a form that was not sealed leads to %s", got)
	}
}

func TestTheLanguageCookieNeverReachesTheApp(t *testing.T) {
	w := newWorld(t, speaking("en", "de"))
	h := http.Header{"Cookie": {languageCookie + "=de; theirs=1"}}
	w.door.RemoveCookies(h)
	if got := h.Get("Cookie"); got != "theirs=1" {
		t.Errorf("the app sees %q", got)
	}
}

func TestOneLanguageIsNoChoice(t *testing.T) {
	w := newWorld(t, speaking("de"))
	b := w.browser()
	if page := b.open("/x"); strings.Contains(page.body, "language") || page.in(t) != "de" {
		t.Errorf("the page is in %s:\n%s", page.in(t), page.body)
	}
	b.do(http.MethodGet, "/.doorcode/language", nil, clicked).wants(t, http.StatusNotFound)
}

// saves keeps a language in the settings of somebody who is in.
func (b *browser) saves(tag string) {
	b.w.t.Helper()
	b.chooses("/.doorcode/settings", "save", "")
	b.submit("/settings", "news", "1", "language", tag).wants(b.w.t, http.StatusOK)
}

// TestASavedLanguageIsThatOfItsPersonEverywhere is acceptance item 93: on pages and in
// mails, on another machine too, and only after proof.
func TestASavedLanguageIsThatOfItsPersonEverywhere(t *testing.T) {
	w := newWorld(t, speaking("en", "de", "fr"))
	first := w.enters(firefox, ana)
	first.saves("de")
	if first.page.in(t) != "de" || first.jar[languageCookie] != "de" {
		t.Errorf("the page is in %s, the cookies are %v", first.page.in(t), first.jar)
	}
	w.clock.advance(time.Hour)

	second := w.browser()
	if got := second.open("/x").in(t); got != "en" {
		t.Errorf("before proof the page is in %s", got)
	}
	second.signIn("/x", ana)
	for _, page := range []string{"", "sessions", "activity", "settings", "signout"} {
		if got := second.open("/.doorcode/" + page).in(t); got != "de" {
			t.Errorf("the page %q is in %s", page, got)
		}
	}
	second.open("/.doorcode/backup-codes")
	w.clock.advance(time.Minute)
	second.submit("/backup-codes", "action", "start", "change", "backup_codes")
	if got := second.page.in(t); got != "de" || w.mailbox.last(t).Language != "de" {
		t.Errorf("the page for a change is in %s, its mail in %s", got, w.mailbox.last(t).Language)
	}

	second.jar[languageCookie] = "fr" // which was chosen in this browser
	if got := second.open("/.doorcode/sessions").in(t); got != "fr" {
		t.Errorf("the page is in %s", got)
	}
}

// TestASavedLanguageIsThatOfAPageThatConfirms: whoever is in has shown who they are.
func TestASavedLanguageIsThatOfAPageThatConfirms(t *testing.T) {
	w := newWorld(t, speaking("en", "de"))
	w.enters(firefox, ana).saves("de")
	w.clock.advance(time.Hour)
	b := w.browser().signIn("/x", ana)
	w.clock.advance(time.Hour)
	w.arrive = func(in *web.Arrival, _ *http.Request) { in.Page = challenge.Page{MaxAge: time.Minute} }
	page := b.open("/admin")
	if page.in(t) != "de" || w.mailbox.last(t).Language != "de" {
		t.Errorf("the page is in %s, its mail in %s", page.in(t), w.mailbox.last(t).Language)
	}
	if got := b.post(with(scripted, "Accept-Language", "en"), "/verify", "code", "1234"); !strings.Contains(got.body, "Der Code hat") {
		t.Errorf("a script is told %s", got.body)
	}
}

func TestASessionCostsNoReadForItsLanguage(t *testing.T) {
	w := newWorld(t, speaking("en", "de"))
	b := w.enters(firefox, ana)
	b.saves("de")
	b.open("/x")
	w.store.since()
	b.open("/x").wants(t, http.StatusOK, "app")
	if gets, puts := w.store.since(); gets+puts > 0 {
		t.Errorf("a session: %d reads, %d writes", gets, puts)
	}
}

// TestALinkToTheLanguagesLosesNothing: it is not on pages that hold somebody's form, nor
// on those whose address is a key.
func TestALinkToTheLanguagesLosesNothing(t *testing.T) {
	held := newWorld(t, speaking("en", "de")).late(ana)
	if page := held.sends("/x", pairs, "a=b", clicked); !strings.Contains(page.body, `name="held"`) || strings.Contains(page.body, "language\"") {
		t.Errorf("the page with a form:\n%s", page.body)
	}
	keyed := newWorld(t, speaking("en", "de"), onlyKeyed, roomy).browser()
	keyed.provesACode("/x")
	if !strings.Contains(keyed.page.body, "language\"") {
		t.Errorf("the page that wants a passkey:\n%s", keyed.page.body)
	}
	if page := keyed.sends("/x", pairs, "a=b", clicked); !strings.Contains(page.body, `name="held"`) || strings.Contains(page.body, "language\"") {
		t.Errorf("the same with a form:\n%s", page.body)
	}
	w := newWorld(t, speaking("en", "de"))
	if page := w.browser().open("/.doorcode/no/AAAA"); strings.Contains(page.body, "language\"") {
		t.Errorf("the page of a mail's link:\n%s", page.body)
	}
	if page := w.browser().open("/.doorcode/language"); strings.Contains(page.body, "<footer") {
		t.Errorf("the page of languages links to itself:\n%s", page.body)
	}
}

func TestALanguageThatABrowserDoesNotKeepIsNotLostInSilence(t *testing.T) {
	w := newWorld(t, speaking("en", "de"))
	b := w.browser()
	b.open("/reports?page=2")
	b.open("/reports/.doorcode/language")
	_, fields := b.form("/language")
	fields.Set("language", "de")
	clear(b.jar)
	chosen := b.do(http.MethodPost, "/reports/.doorcode/language", fields, clicked)
	chosen.wants(t, http.StatusSeeOther)
	probe := strings.TrimPrefix(chosen.Header.Get("Location"), origin)
	kept := b.clone()
	kept.do(http.MethodGet, probe, nil, clicked).wants(t, http.StatusSeeOther)
	clear(b.jar)
	blocked := b.do(http.MethodGet, probe, nil, clicked)
	blocked.wants(t, http.StatusForbidden, "Your browser is blocking cookies", "Allow cookies for app.example.com, then choose again.", "!code")
	if again := `href="` + origin + `/reports/.doorcode/language"`; !strings.Contains(blocked.body, again) {
		t.Errorf("no %s in\n%s", again, blocked.body)
	}
}
