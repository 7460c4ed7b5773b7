// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge/bound/boundtest"
	"github.com/doorcode/caddy-doorcode/tests/harness"
)

const (
	registration = "Secure-Session-Registration"
	passCookie   = "__Host-doorcode-bound"
)

// byItself is what a browser says of a request that it makes by itself.
var byItself = http.Header{"Sec-Fetch-Site": {"same-origin"}, "Sec-Fetch-Mode": {"no-cors"}, "Sec-Fetch-Dest": {"empty"}}

func secureSite(lines ...string) string {
	return "https://app.example.test:PORT {\n" + gate("*@example.com", lines...) + "\n\treverse_proxy APP\n}\n"
}

// A boundBrowser has a key, in software.
type boundBrowser struct {
	*harness.Browser
	key   *boundtest.Key
	terms struct {
		Session string `json:"session_identifier"`
		Refresh string `json:"refresh_url"`
		Scope   struct {
			Origin string `json:"origin"`
			Site   bool   `json:"include_site"`
		} `json:"scope"`
		Credentials []struct{ Type, Name, Attributes string } `json:"credentials"`
		Continue    *bool                                     `json:"continue"`
	}
}

var askedParts = regexp.MustCompile(`^"([\w-]+)";id="([\w-]+)"$`)

// speak posts to a path as the browser itself does.
func (b *boundBrowser) speak(t *testing.T, path string, more http.Header) harness.Page {
	t.Helper()
	return b.Do(t, http.MethodPost, path, nil, byItself, http.Header{"Origin": {b.Base}}, more)
}

// register answers an offer.
func (b *boundBrowser) register(t *testing.T, offer string) harness.Page {
	t.Helper()
	o, ok := boundtest.ReadOffer(offer)
	if !ok {
		t.Fatalf("the offer is %q", offer)
	}
	page := b.speak(t, o.Path, http.Header{"Secure-Session-Response": {b.key.Register(o.Challenge, o.Authorization)}})
	if page.Status == http.StatusOK {
		b.read(t, page)
	}
	return page
}

func (b *boundBrowser) read(t *testing.T, page harness.Page) {
	t.Helper()
	b.terms.Continue = nil
	if err := json.Unmarshal([]byte(page.Body), &b.terms); err != nil {
		t.Fatalf("%v in %q", err, page.Body)
	}
}

// refresh proves the key.
func (b *boundBrowser) refresh(t *testing.T) harness.Page {
	t.Helper()
	named := http.Header{"Sec-Secure-Session-Id": {b.terms.Session}}
	asked := b.speak(t, b.terms.Refresh, named)
	if asked.Status != http.StatusForbidden {
		return asked
	}
	parts := askedParts.FindStringSubmatch(asked.Header.Get("Secure-Session-Challenge"))
	if parts == nil || parts[2] != b.terms.Session {
		t.Fatalf("asked %q", asked.Header)
	}
	named.Set("Secure-Session-Response", b.key.Prove(parts[1]))
	return b.speak(t, b.terms.Refresh, named)
}

// boundAt signs in on a secure site, and binds the browser.
func boundAt(t *testing.T, c *harness.Caddy) *boundBrowser {
	t.Helper()
	b := &boundBrowser{Browser: c.SecureBrowser(t, "app.example.test"), key: boundtest.NewKey()}
	wantStatus(t, "registering", b.register(t, signInOffered(t, c, b.Browser)), http.StatusOK)
	return b
}

// signInOffered signs in and returns what the answer offers.
func signInOffered(t *testing.T, c *harness.Caddy, b *harness.Browser) string {
	t.Helper()
	b.Open(t, "/")
	b.Submit(t, "email", url.Values{"email": {ana}})
	page := b.Post(t, "verify", url.Values{"code": {c.Mailbox.WaitCode(t, ana, 1).Code(t)}, "remember": {"on"}}, harness.Navigation)
	wantStatus(t, "the right code", page, http.StatusSeeOther)
	return page.Header.Get(registration)
}

func TestBND01ABrowserBindsItselfThroughCaddy(t *testing.T) {
	c := harness.Start(t, secureSite())
	b := &boundBrowser{Browser: c.SecureBrowser(t, "app.example.test"), key: boundtest.NewKey()}
	page := b.register(t, signInOffered(t, c, b.Browser))
	wantStatus(t, "registering", page, http.StatusOK)
	set := setCookies(page)[passCookie]
	if set == nil || !set.Secure || !set.HttpOnly || set.SameSite != http.SameSiteLaxMode || set.Path != "/" || set.Domain != "" || set.MaxAge != 600 || len(set.Value) > 200 {
		t.Errorf("the short cookie is %v", set)
	}
	if got := page.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control %q", got)
	}
	if b.terms.Refresh != "/.doorcode/bound/refresh" || b.terms.Scope.Origin != b.Base || b.terms.Scope.Site || len(b.terms.Credentials) != 1 ||
		b.terms.Credentials[0].Name != passCookie || b.terms.Credentials[0].Attributes != "Path=/; HttpOnly; Secure; SameSite=Lax" {
		t.Errorf("the terms are %+v", b.terms)
	}
	wantStatus(t, "the app", b.Open(t, "/"), http.StatusOK)
	if sent := c.App.Last(t).Header; len(sent["Cookie"]) > 0 {
		t.Errorf("the app saw %q", sent["Cookie"])
	}
	again := b.refresh(t)
	wantStatus(t, "refreshing", again, http.StatusOK)
	if setCookies(again)[passCookie] == nil {
		t.Error("there is no new short cookie")
	}
	before := b.terms.Session
	if b.read(t, again); b.terms.Session != before {
		t.Error("the session has another name")
	}
	c.App.Untouched(t, 1)
}

func TestBND01SigningOutTellsTheBrowserSo(t *testing.T) {
	c := harness.Start(t, secureSite())
	b := boundAt(t, c)
	b.Open(t, "/.doorcode/signout")
	out := b.Post(t, "signout", nil, harness.Navigation)
	if gone := setCookies(out)[passCookie]; gone == nil || gone.MaxAge >= 0 {
		t.Errorf("the short cookie is not expired: %v", gone)
	}
	b.read(t, b.refresh(t))
	if b.terms.Continue == nil || *b.terms.Continue {
		t.Error("the browser is not told that it is over")
	}
}

// A remembered browser without a key is asked when its session is renewed, on the app's
// own answer.
func TestARenewedSessionIsOfferedAKey(t *testing.T) {
	c := harness.Start(t, secureSite())
	b := c.SecureBrowser(t, "app.example.test")
	first := signInOffered(t, c, b)
	if page := b.Open(t, "/"); page.Header.Get(registration) != "" {
		t.Error("a key is asked for on each request")
	}
	at, err := url.Parse(b.Base)
	if err != nil {
		t.Fatal(err)
	}
	b.Jar.SetCookies(at, []*http.Cookie{{Name: "__Host-Http-doorcode", Path: "/", Secure: true, MaxAge: -1}})
	page := b.Open(t, "/renewed")
	wantStatus(t, "renewed", page, http.StatusOK)
	offer := page.Header.Get(registration)
	if offer == "" || offer == first {
		t.Errorf("offered %q, and before %q", offer, first)
	}
	wantStatus(t, "registering", (&boundBrowser{Browser: b, key: boundtest.NewKey()}).register(t, offer), http.StatusOK)
}

func TestBND03NobodyElseBindsABrowser(t *testing.T) {
	c := harness.Start(t, secureSite())
	b := boundAt(t, c)
	seen := len(c.App.Seen())
	stranger := &boundBrowser{Browser: c.SecureBrowser(t, "app.example.test"), key: boundtest.NewKey()}
	for name, tt := range map[string]struct {
		path   string
		send   http.Header
		status int
		says   string
	}{
		"a registration of nothing":       {"/.doorcode/bound", nil, 403, "not-bound"},
		"a registration without an offer": {"/.doorcode/bound", http.Header{"Secure-Session-Response": {stranger.key.Register("a", "b")}}, 403, "not-bound"},
		"a registration that is too long": {"/.doorcode/bound", http.Header{"Secure-Session-Response": {strings.Repeat(".", 7_000)}}, 403, "not-bound"},
		"a refresh of nothing":            {"/.doorcode/bound/refresh", nil, 200, `{"continue":false}`},
		"a refresh of another's session":  {"/.doorcode/bound/refresh", http.Header{"Sec-Secure-Session-Id": {b.terms.Session}, "Secure-Session-Response": {stranger.key.Prove("a")}}, 403, ""},
		"a refresh with quotes":           {"/.doorcode/bound/refresh", http.Header{"Sec-Secure-Session-Id": {`"` + b.terms.Session + `"`}}, 403, ""},
		"from another site":               {"/.doorcode/bound/refresh", http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example"}}, 403, "bad-origin"},
	} {
		page := stranger.speak(t, tt.path, tt.send)
		wantStatus(t, name, page, tt.status)
		if !strings.Contains(page.Body, tt.says) || setCookies(page)[passCookie] != nil && setCookies(page)[passCookie].MaxAge >= 0 {
			t.Errorf("%s: %s, cookies %v", name, page.Body, setCookies(page))
		}
	}
	wantStatus(t, "a GET", b.Fetch(t, "/.doorcode/bound"), http.StatusMethodNotAllowed)
	c.App.Untouched(t, seen)
}

// CK-05: an app must not set the cookie by which a browser shows its key.
func TestCK05TheAppSetsNoShortCookie(t *testing.T) {
	c := harness.Start(t, secureSite())
	b := boundAt(t, c)
	c.App.Answer(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Add("Set-Cookie", passCookie+"=planted; Path=/; Secure; HttpOnly")
		w.Header().Add("Set-Cookie", "mine=1")
	})
	set := setCookies(b.Open(t, "/"))
	if set[passCookie] != nil || set["mine"] == nil {
		t.Errorf("the app has set %v", set)
	}
}

func TestNobodyIsAskedForAKeyWhereNoneCanBe(t *testing.T) {
	t.Run("with device_bound off", func(t *testing.T) {
		c := harness.Start(t, secureSite("session {\ndevice_bound off\n}"))
		if offer := signInOffered(t, c, c.SecureBrowser(t, "app.example.test")); offer != "" {
			t.Errorf("offered %q", offer)
		}
	})
	t.Run("with one session for several hosts", func(t *testing.T) {
		c := harness.Start(t, secureSite("single_sign_on example.test"))
		b := &boundBrowser{Browser: c.SecureBrowser(t, "app.example.test"), key: boundtest.NewKey()}
		if offer := signInOffered(t, c, b.Browser); offer != "" {
			t.Errorf("offered %q", offer)
		}
		wantStatus(t, "registering all the same", b.speak(t, "/.doorcode/bound", nil), http.StatusNotFound)
	})
	t.Run("over plain http", func(t *testing.T) {
		c := harness.Start(t, site())
		if offer := signInOffered(t, c, c.Browser(t)); offer != "" {
			t.Errorf("offered %q", offer)
		}
	})
}

func TestTheOperatorSeesWhichBrowserIsBound(t *testing.T) {
	c, port := administered(t, secureSite())
	b := boundAt(t, c)
	wantStatus(t, "the app", b.Open(t, "/"), http.StatusOK)
	if a := order(t, port, "/doorcode/browsers", `{"address":"`+ana+`"}`); a.status != http.StatusOK || strings.Count(a.body, `"bound":true`) != 1 {
		t.Errorf("%d %s", a.status, a.body)
	}
}
