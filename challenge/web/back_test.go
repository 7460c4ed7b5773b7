// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge/web"
)

// targets are addresses that have led elsewhere somewhere.
var targets = []string{
	"", "/", "/x", "/x?y=1#z", "/x?to=https://evil.example", "x", "//evil.example", "///evil.example", `/\evil.example`, `\/evil.example`,
	`\\evil.example`, "/%2fevil.example", "/%5cevil.example", "/%2F%2Fevil.example", "/%09/evil.example", "/\t/evil.example", "/\r\n/evil.example",
	"/\r\nLocation: https://evil.example", "/%0d%0aSet-Cookie:a=b", "/x\x00y", "/./\\evil.example", "/.//evil.example", "/..//evil.example",
	"/x/..//evil.example", "/;//evil.example", "/@evil.example", "@evil.example", ".evil.example", ":443@evil.example", "https://evil.example",
	"https:evil.example", "https:/evil.example", "http:///evil.example", "javascript:alert(1)", "JAVASCRIPT:alert(1)", "data:text/html,x",
	"vbscript:x", "//app.example.com@evil.example", "/\u2028/evil.example", "/é", "/\xff\xfe", "/%", "/%zz", "/%2", "/%5c?x=%", "/%2f?%zz",
	"/" + strings.Repeat("a", 4000), "/x?" + strings.Repeat("a", 4000), "?x", "#x", "/x y", " /x", "/x\\..\\..\\evil", "/%252f%252fevil.example",
	"/\u3000/evil.example", "/。evil", "*", "/*", "/x\x7f",
}

// resolve is where a browser ends up that is sent to a target in both ways that
// we use: behind our origin, and as a path.
func resolve(t testing.TB, back string) (behind, path *url.URL) {
	t.Helper()
	behind, err := url.Parse(origin + back)
	if err != nil {
		t.Fatalf("%q: %v", back, err)
	}
	base, _ := url.Parse(origin + "/some/page")
	path, err = base.Parse(back)
	if err != nil {
		t.Fatalf("%q: %v", back, err)
	}
	return behind, path
}

func wantsOurs(t testing.TB, target, back string) {
	t.Helper()
	behind, path := resolve(t, back)
	for _, u := range []*url.URL{behind, path} {
		if u.Scheme != "https" || u.Host != "app.example.com" || u.User != nil {
			t.Errorf("%q became %q, which leads to %s", target, back, u)
		}
	}
	if strings.ContainsAny(back, "\r\n\t \x00\\") && !strings.HasPrefix(back, "/") || len(back) > 2048 {
		t.Errorf("%q became %q", target, back)
	}
}

func TestRD01AndRD02AReturnTargetStaysOnThisOrigin(t *testing.T) {
	for _, target := range targets {
		wantsOurs(t, target, web.SafeBack(target))
	}
	for target, want := range map[string]string{
		"/x?y=1": "/x?y=1", "/a//b": "/a//b", "//evil.example": "/", `/\evil.example`: "/", "https://evil.example": "/",
		"/x?" + strings.Repeat("a", 4000): "/x", "/a?to=//evil.example": "/a?to=//evil.example",
	} {
		if got := web.SafeBack(target); got != want {
			t.Errorf("SafeBack(%.40q) = %q, want %q", target, got, want)
		}
	}
}

// Browsers resolve addresses by rules of their own (WHATWG URL), which Go's
// parser does not share. Where node is there, it has the last word.
func TestRD01ABrowserResolvesEveryTargetToThisOrigin(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Log("no node here: Go's parser alone has judged")
		return
	}
	var backs []string
	for _, a := range targets {
		for _, b := range []string{"", "/", `\`, "%2f", "evil", "?", "@", "\t", "."} {
			backs = append(backs, web.SafeBack(a+b), web.SafeBack("/"+a+b), web.SafeBack("/."+b+a))
		}
	}
	input, err := json.Marshal(backs)
	if err != nil {
		t.Fatal(err)
	}
	const script = `const backs = JSON.parse(require('fs').readFileSync(0)), base = 'https://app.example.com';
for (const b of backs) for (const u of [new URL(base + b), new URL(b, base + '/some/page')])
  if (u.origin !== base || u.username) console.log(JSON.stringify(b), u.href);`
	run := exec.CommandContext(t.Context(), node, "-e", script)
	run.Stdin = strings.NewReader(string(input))
	out, err := run.CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("%v: %s", err, out)
	}
}

// RD-03: names end at a dot.
func TestRD03APageOfAnotherHostIsNoPlaceToReturnTo(t *testing.T) {
	w := newWorld(t)
	for from, want := range map[string]string{
		origin + "/cart?x=1":                    "/cart?x=1",
		origin + "/cart/.doorcode/begin":        "/cart",
		"HTTPS://APP.EXAMPLE.COM/cart":          "/cart",
		"https://evil.example/cart":             "/",
		"https://app.example.com.evil.ex/cart":  "/",
		"https://evilapp.example.com/cart":      "/",
		"https://app.example.com@evil.ex/cart":  "/",
		"https://u:p@app.example.com/cart":      "/",
		"http://app.example.com/cart":           "/",
		"https://app.example.com:8443/cart":     "/",
		"https://app.example.com//evil.example": "/",
		`https://app.example.com/\evil.example`: "/",
		"javascript:alert(1)":                   "/",
		"/cart":                                 "/",
		"%zz":                                   "/",
	} {
		for _, header := range []string{"HX-Current-URL", "Referer"} {
			b := w.browser()
			b.page = b.do(http.MethodPost, "/.doorcode/begin", nil, with(clicked, header, from))
			b.at = &url.URL{Path: "/.doorcode/begin"}
			sent := b.post(clicked, "/email", "email", "nonsense")
			if got := sent.Header.Get("Location"); got != origin+want {
				t.Errorf("%s %q leads to %q, want %q", header, from, got, want)
			}
		}
	}
}

func TestRD04TheBodyOfAFormIsNeitherKeptNorSent(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.page = b.do(http.MethodPost, "/pay?x=1", url.Values{"amount": {"918273"}}, clicked)
	b.at = &url.URL{Path: "/pay"}
	if strings.Contains(b.page.body, "918273") {
		t.Error("the page holds what the form said")
	}
	if got := b.post(clicked, "/email", "email", ana).Header.Get("Location"); got != origin+"/pay?x=1" {
		t.Errorf("leads to %q", got)
	}
}

func TestRD05EveryLocationIsAbsoluteAndOneLine(t *testing.T) {
	w := newWorld(t, roomy)
	for _, path := range []string{"/x", "/x/", "/a%20b/c", "/%0d%0aX:y", "/x;y=1/z", "/%E2%80%A8", "/a:b", "/x%2fy", "/.door", "/" + strings.Repeat("a", 5000)} {
		b := w.browser()
		page := b.open(path + "?q=%0d%0a&r=//evil")
		page.wants(t, http.StatusUnauthorized)
		if n := len(page.Header.Get("WWW-Authenticate")); n > 3<<10 {
			t.Errorf("%.40s: %d bytes of challenge", path, n)
		}
		for _, jar := range []map[string]string{b.jar, {}} {
			tab := b.clone()
			tab.jar = jar
			sent := tab.post(clicked, "/email", "email", ana)
			sent.wants(t, http.StatusSeeOther)
			at := sent.Header.Get("Location")
			u, err := url.Parse(at)
			if err != nil || u.Scheme+"://"+u.Host != origin || strings.ContainsAny(at, "\r\n") {
				t.Errorf("%.40s: Location = %q", path, at)
			}
		}
	}
}

func TestRD06ErrorPagesIgnoreWhereTheVisitorWantedToGo(t *testing.T) {
	w := newWorld(t)
	for _, target := range []string{"//evil.example/x", "/%2fevil.example", "/%5cevil.example", "/.doorcode/x?to=https://evil.example", "/.doorcode/begin?rd=https://evil.example", "http://evil.example/x"} {
		a := w.browser().do(http.MethodGet, target, nil, clicked)
		for _, link := range strings.Split(a.body, `href="`)[1:] {
			link, _, _ = strings.Cut(link, `"`)
			if link != origin+"/" && link != "data:," && link != "./language" {
				t.Errorf("%s has a link to %s", target, link)
			}
		}
		if a.Header.Get("Location") != "" || strings.Contains(a.body, "evil.example") {
			t.Errorf("%s: %v\n%s", target, a.Header, a.body)
		}
	}
}

func TestAPathOfTwoSlashesIsRefused(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"//evil.example", "/%2Fevil.example", "/%5cevil.example", "///", "//x/.doorcode/begin", "/%5C%5Cx/.doorcode/signout"} {
		w.browser().do(http.MethodGet, path, nil, clicked).wants(t, http.StatusBadRequest, "We couldn't read that request")
		w.browser().do(http.MethodGet, path, nil, terminal).wantsProblem(t, http.StatusBadRequest, "bad-request")
	}
}
