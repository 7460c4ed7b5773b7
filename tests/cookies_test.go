// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"fmt"
	"math/rand"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// setCookies are the cookies that an answer sets, by name.
func setCookies(page harness.Page) map[string]*http.Cookie {
	set := map[string]*http.Cookie{}
	for _, cookie := range (&http.Response{Header: page.Header}).Cookies() {
		set[cookie.Name] = cookie
	}
	return set
}

// CK-01: browsers hold cookies of these names to be set over https, by this very
// host, out of reach of scripts. No sibling site can plant one.
func TestCK01NamesAndAttributesOverTLS(t *testing.T) {
	c := harness.Start(t, "https://app.example.test:PORT {\n"+gate("*@example.com")+"\n\treverse_proxy APP\n}\n")
	b := c.SecureBrowser(t, "app.example.test")
	first := setCookies(b.Open(t, "/"))
	b.Submit(t, "email", url.Values{"email": {ana}})
	last := setCookies(b.Post(t, "verify", url.Values{"code": {c.Mailbox.Wait(t, ana, 1).Code(t)}, "remember": {"on"}}, nil))
	for name, cookie := range map[string]*http.Cookie{
		"__Host-Http-doorcode-flow": first["__Host-Http-doorcode-flow"], "__Host-Http-doorcode": last["__Host-Http-doorcode"],
		"__Host-Http-doorcode-device": last["__Host-Http-doorcode-device"],
	} {
		switch {
		case cookie == nil:
			t.Errorf("%s was not set", name)
		case !cookie.Secure || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/" || cookie.Domain != "":
			t.Errorf("%s is set as %s", name, cookie)
		case len(cookie.Name)+len(cookie.Value) > 4096: // CK-02
			t.Errorf("%s has %d bytes", name, len(cookie.Value))
		}
	}
	if session := last["__Host-Http-doorcode"]; session != nil && (session.MaxAge != 0 || !session.Expires.IsZero()) {
		t.Errorf("the session outlives the browser: %s", session)
	}
	wantStatus(t, "with the cookies", b.Open(t, "/"), http.StatusOK)
}

// CK-01: names without a prefix, which anybody on the network could plant over
// http, do not count over https.
func TestCK01BareNamesDoNotCountOverTLS(t *testing.T) {
	c := harness.Start(t, "https://app.example.test:PORT {\n"+gate("*@example.com")+"\n\treverse_proxy APP\n}\n")
	b := c.SecureBrowser(t, "app.example.test")
	b.SignIn(t, c, "/", ana, true)
	reached := len(c.App.Seen())
	for _, prefix := range []string{"", "__Secure-", "__Host-", "__host-http-", "__HOST-HTTP-", " __Host-Http-x"} {
		stranger := c.SecureBrowser(t, "app.example.test")
		var pairs []string
		for name, value := range b.Cookies(t) {
			pairs = append(pairs, prefix+strings.TrimPrefix(name, "__Host-Http-")+"="+value)
		}
		stranger.Extra = http.Header{"Cookie": {strings.Join(pairs, "; ")}}
		wantStatus(t, prefix, stranger.Fetch(t, "/"), http.StatusUnauthorized)
	}
	c.App.Untouched(t, reached)
}

// CK-03: an app that gets our cookies can open the door anywhere they count; one
// that misses its own does not work.
func TestCK03OurCookiesStayWithUs(t *testing.T) {
	c := harness.Start(t, site("public /public/*"))
	b := c.Browser(t)
	b.SignIn(t, c, "/", ana, true)
	ours := cookies(t, b)
	session := b.Cookies(t)["doorcode"]
	var many []string
	for n := range 100 {
		many = append(many, "c"+string(rune('a'+n%26))+"="+strings.Repeat("x", n))
	}
	for name, tt := range map[string]struct{ sent, want string }{
		"first":        {ours + "; a=1; b=2", "a=1; b=2"},
		"last":         {"a=1; b=2; " + ours, "a=1; b=2"},
		"in between":   {"a=1; " + ours + "; b=2", "a=1; b=2"},
		"alone":        {ours, ""},
		"with $":       {"$Version=1; " + ours + "; a=\"1\"; $Path=/", "$Version=1; a=\"1\"; $Path=/"},
		"twice":        {ours + "; a=1; " + ours, "a=1"},
		"hundred":      {strings.Join(many, "; ") + "; " + ours, strings.Join(many, "; ")},
		"alike names":  {"doorcodes=1; mydoorcode=2; " + ours + "; doorcode-=3", "doorcodes=1; mydoorcode=2; doorcode-=3"},
		"other prefix": {"a=1; __Host-Http-doorcode=" + session + "; __Host-Http-doorcode-flow=x; " + ours, "a=1"},
	} {
		for _, path := range []string{"/x", "/public/x"} {
			page := c.Raw(t, "GET "+path+" HTTP/1.1", "Host: HOST", "Cookie: "+tt.sent, "Connection: close", "", "")
			wantStatus(t, name+path, page, http.StatusOK)
			if got := strings.Join(c.App.Last(t).Header["Cookie"], " | "); got != tt.want {
				t.Errorf("%s%s: the app saw %q, want %q", name, path, got, tt.want)
			}
		}
	}
}

// CK-04, ruling 23: one valid session among worthless values counts, in any
// order; two valid ones of different people do not, since one was planted.
func TestCK04DuplicatesOfOurCookie(t *testing.T) {
	c := harness.Start(t, site())
	first, second := signedIn(t, c, ana).Cookies(t)["doorcode"], signedIn(t, c, ben).Cookies(t)["doorcode"]
	for name, tt := range map[string]struct {
		values []string
		want   int
	}{
		"bad first":              {[]string{"x", first}, 200},
		"good first":             {[]string{first, "x"}, 200},
		"the same twice":         {[]string{first, first}, 200},
		"two people":             {[]string{first, second}, 401},
		"two people, other way":  {[]string{second, first}, 401},
		"among many bad ones":    {append(worthless(3), first), 200},
		"lost in too many of us": {append(worthless(200), first), 401},
	} {
		t.Run(name, func(t *testing.T) {
			line := "doorcode=" + strings.Join(tt.values, "; doorcode=")
			wantStatus(t, name, c.Raw(t, "GET /x HTTP/1.1", "Host: HOST", "Cookie: "+line, "Connection: close", "", ""), tt.want)
			if seen := c.App.Seen(); tt.want == 200 && seen[len(seen)-1].Header.Get("Remote-Email") != ana {
				t.Errorf("the app saw %q", seen[len(seen)-1].Header)
			}
		})
	}
}

func worthless(n int) (values []string) {
	for i := range n {
		values = append(values, fmt.Sprint("y", i))
	}
	return values
}

// CK-05, ruling 23: an app that can set our cookies can sign its visitors in as
// somebody else, and one that can clear them signs everybody out.
func TestCK05TheAppCannotTouchOurCookies(t *testing.T) {
	c := harness.Start(t, site("public /public/*"))
	b := signedIn(t, c, ana)
	session := b.Cookies(t)["doorcode"]
	c.App.Answer(func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		for _, name := range []string{"doorcode", "DOORCODE", "doorcode-flow", "doorcode-device", "__Host-Http-doorcode", "__host-http-doorcode", "__Secure-other"} {
			h.Add("Set-Cookie", name+"=planted; Path=/")
		}
		h.Set("Clear-Site-Data", `"cache", "cookies", "storage", "*"`)
	})
	for _, path := range []string{"/x", "/public/x"} {
		page := b.Open(t, path)
		if set := page.Header["Set-Cookie"]; len(set) != 1 || !strings.HasPrefix(set[0], "__Secure-other=") {
			t.Errorf("%s: the browser was told to set %q", path, set)
		}
		if clears := page.Header.Get("Clear-Site-Data"); strings.Contains(clears, "cookies") || strings.Contains(clears, "*") || !strings.Contains(clears, "storage") {
			t.Errorf("%s: the browser was told to clear %s", path, clears)
		}
	}
	if now := b.Cookies(t)["doorcode"]; now != session {
		t.Error("the app changed the session cookie")
	}
}

// CK-06: whatever a cookie looks like, it either is a session or is none. The
// class of fault is an error path that lets the request through.
func TestCK06MutatedCookiesReachNothing(t *testing.T) {
	c := harness.Start(t, site())
	b := c.Browser(t)
	b.SignIn(t, c, "/", ana, true)
	good, foreign := cookies(t, b), len(c.App.Seen())
	conn := c.Pipeline(t)
	random := rand.New(rand.NewSource(1)) //nolint:gosec // the same mutations every time
	const rounds = 10_000
	for range rounds {
		line := mutated(random, good)
		if strings.Contains(line, b.Cookies(t)["doorcode"]) {
			continue // still the session
		}
		status := conn.Send("GET /x HTTP/1.1", "Host: HOST", "Accept: application/json", "Cookie: "+line)
		if status == http.StatusOK && c.App.Last(t).Header.Get("Remote-Email") == ana {
			foreign++ // a remembered browser that was left whole renews its session
			continue
		}
		if status != http.StatusUnauthorized && status != http.StatusBadRequest {
			t.Fatalf("status %d for Cookie: %q", status, line)
		}
	}
	c.App.Untouched(t, foreign)
}

// mutated is a line with some of its bytes changed, lost, doubled or swapped.
func mutated(random *rand.Rand, line string) string {
	b := []byte(line)
	for range 1 + random.Intn(4) {
		if len(b) < 2 {
			break
		}
		at := random.Intn(len(b))
		switch random.Intn(6) {
		case 0:
			b[at] = byte(0x20 + random.Intn(0x5f))
		case 1:
			b[at] = byte(0x80 + random.Intn(0x80))
		case 2:
			b = slices.Delete(b, at, at+1)
		case 3:
			b = slices.Insert(b, at, b[random.Intn(len(b))])
		case 4:
			to := random.Intn(len(b))
			b[at], b[to] = b[to], b[at]
		case 5:
			b = b[:max(1, at)]
		}
	}
	return string(b)
}
