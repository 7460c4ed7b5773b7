// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"bufio"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge/web"
)

func FuzzKindOf(f *testing.F) {
	for _, row := range rows {
		var lines strings.Builder
		_ = row.header.Write(&lines)
		f.Add(row.method, lines.String())
	}
	w := newWorld(f)
	f.Fuzz(func(t *testing.T, method, lines string) {
		r := httptest.NewRequest(http.MethodGet, "/x", nil)
		r.Method, r.Header, r.Host = method, parseHeader(lines), "app.example.com"
		in := w.arrival(r)
		w.door.Serve(httptest.NewRecorder(), r, in) // finds the site
		switch kind := web.KindOf(r, in); {
		case kind == web.KindPage && method != http.MethodGet && method != http.MethodHead,
			kind == web.KindFormPost && method != http.MethodPost,
			kind == web.KindFormPost && r.Header.Get("Sec-Fetch-Site") != "" && r.Header.Get("Sec-Fetch-Site") != "same-origin",
			kind == web.KindFormPost && r.Header.Get("Sec-Fetch-Site") == "" && !strings.EqualFold(r.Header.Get("Origin"), origin),
			kind == web.KindForeignPost && method != http.MethodPost:
			t.Errorf("%s with %q is of kind %d", method, lines, kind)
		}
	})
}

// parseHeader reads as many header lines as there are.
func parseHeader(lines string) http.Header {
	h := http.Header{}
	scanner := bufio.NewScanner(strings.NewReader(lines))
	for scanner.Scan() {
		if name, value, ok := strings.Cut(scanner.Text(), ":"); ok && name != "" {
			h.Add(strings.TrimSpace(name), strings.TrimSpace(value))
		}
	}
	return h
}

func FuzzPrefersHTML(f *testing.F) {
	for _, accept := range []string{"", "*/*", "text/html", "text/html;q=0.1,a/b;q=NaN", "a;q=1e9,text/html;q=0x1p-2", ";,;q=,=;;"} {
		f.Add(accept)
	}
	f.Fuzz(func(t *testing.T, accept string) {
		if web.PrefersHTML(http.Header{"Accept": {accept}}) && !strings.Contains(strings.ToLower(accept), "html") {
			t.Errorf("%q prefers HTML", accept)
		}
	})
}

func FuzzSafeBack(f *testing.F) {
	for _, target := range targets {
		f.Add(target)
	}
	f.Fuzz(func(t *testing.T, target string) {
		back := web.SafeBack(target)
		wantsOurs(t, target, back)
		if again := web.SafeBack(back); again != back {
			t.Errorf("%q became %q, and then %q", target, back, again)
		}
	})
}

func FuzzEndpoint(f *testing.F) {
	for _, path := range []string{"/", "/.doorcode", "/x/.doorcode/verify", "/.doorcode/../x", "//.doorcode/ping", "/auth/begin", "*", "/%2edoorcode/begin", "/x%2f.doorcode%2fy"} {
		f.Add(path, false)
		f.Add(path, true)
	}
	deep, pinned := newWorld(f), newWorld(f, func(s *settings) { s.web.Endpoints = "/auth" })
	f.Fuzz(func(t *testing.T, target string, pin bool) {
		u, err := url.ParseRequestURI(target)
		if err != nil {
			return
		}
		w, segment := deep, "/.doorcode"
		if pin {
			w, segment = pinned, "/auth"
		}
		own := w.door.Owns(u)
		if own && !strings.Contains(u.Path, segment) || !own && strings.Contains(u.Path, segment+"/") && !pin {
			t.Fatalf("%q: own = %v", target, own)
		}
		r := httptest.NewRequest(http.MethodGet, origin+"/", nil)
		r.Header = clicked.Clone()
		in := w.arrival(r)
		in.Original, in.Guarded = u, false
		rec := httptest.NewRecorder()
		if out := w.door.Serve(rec, r, in); out.Pass == own {
			t.Fatalf("%q: own = %v, passed = %v", target, own, out.Pass)
		}
		in.Guarded = true
		rec = httptest.NewRecorder()
		w.door.Serve(rec, r, in)
		a := answer{rec.Result(), rec.Body.String()}
		if at := a.Header.Get("Location"); at != "" && !strings.HasPrefix(at, origin+"/") {
			t.Errorf("%q leads to %q", target, at)
		}
		wantsOwnForms(t, target, a.body)
	})
}

// wantsOwnForms checks that every form of a page posts to an endpoint of ours on
// this origin, seen from the page's own address.
func wantsOwnForms(t *testing.T, target, body string) {
	at, err := url.Parse(origin + "/")
	if err == nil && strings.HasPrefix(target, "/") {
		if page, err := url.Parse(origin + target); err == nil {
			at = page
		}
	}
	for _, match := range formPattern.FindAllStringSubmatch(body, -1) {
		action, err := at.Parse(match[1])
		if err != nil || action.Host != "app.example.com" {
			t.Errorf("%q has a form that posts to %q: %v", target, match[1], err)
		}
	}
}

// FuzzReadFields: what is read of a form can be sent again, and goes through the
// page as it is.
func FuzzReadFields(f *testing.F) {
	media, body := inParts(draft...)
	f.Add(pairs, encode(draft))
	f.Add(media, body)
	f.Add(pairs+"; charset=utf-8", "a=b&&=&c")
	f.Add("multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--x--")
	f.Fuzz(func(t *testing.T, media, body string) {
		fields, _, ok := web.ReadFields(media, []byte(body))
		if len(fields) > 1000 || !ok && fields != nil {
			t.Fatalf("%d fields, read %v", len(fields), ok)
		}
		size := 0
		for _, field := range fields {
			size += len(field.Name) + len(field.Value)
			if !field.Exact() {
				t.Errorf("%q cannot be sent again", field)
			}
		}
		if size > len(body) {
			t.Errorf("%d bytes became %d", len(body), size)
		}
		packed := web.PackFields(nil, fields)
		if again, ok := web.UnpackFields(packed); !ok || !slices.Equal(again, fields) {
			t.Errorf("%q became %q", fields, again)
		}
	})
}

func FuzzUnpackFields(f *testing.F) {
	f.Add(web.PackFields(nil, draft))
	f.Add([]byte{1, 'a'})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 'a'})
	f.Fuzz(func(t *testing.T, packed []byte) {
		if fields, ok := web.UnpackFields(packed); ok {
			if again, ok := web.UnpackFields(web.PackFields(nil, fields)); !ok || !slices.Equal(again, fields) {
				t.Errorf("%q became %q", fields, again)
			}
		}
	})
}

// FuzzServe: whatever a stranger sends, nothing passes a guarded path without an
// admission, and nothing panics.
func FuzzServe(f *testing.F) {
	w := newWorld(f, roomy, func(s *settings) { s.access.Allow = []string{ana} })
	b := w.browser().signIn("/x", ana, "remember", "1")
	asked := w.browser()
	asked.ask("/x", ana)
	_, form := asked.form("/verify")
	for name, value := range b.jar {
		f.Add("GET", "/x", "Accept: text/html\nCookie: "+name+"="+value[:len(value)-1]+"x", "")
		f.Add("GET", "/x", "Cookie: "+name+"="+value+"; "+name+"=x", "")
	}
	for _, row := range rows {
		var lines strings.Builder
		_ = row.header.Write(&lines)
		f.Add(row.method, "/x", lines.String(), "")
	}
	for _, endpoint := range []string{"begin", "email", "verify", "resend", "change", "backup", "way", "signout", "nothing", ""} {
		f.Add("POST", "/x/.doorcode/"+endpoint, "Sec-Fetch-Site: same-origin\nContent-Type: application/x-www-form-urlencoded\nCookie: __Host-Http-doorcode-flow="+asked.jar["__Host-Http-doorcode-flow"],
			url.Values{"flow": form["flow"], "email": {eve}, "code": {"000000"}}.Encode())
	}
	valid := maps.Clone(b.jar)
	f.Fuzz(func(t *testing.T, method, target, lines, body string) {
		u, err := url.ParseRequestURI(target)
		if err != nil {
			return
		}
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Method, r.URL, r.Header, r.Host = method, u, parseHeader(lines), "app.example.com"
		in := w.arrival(r)
		rec := httptest.NewRecorder()
		out := w.door.Serve(rec, r, in)
		if out.Pass && out.Admission == nil {
			t.Errorf("%s %q with %q passed unknown", method, target, lines)
		}
		if out.Pass && !strings.Contains(lines, valid["__Host-Http-doorcode"]) && !strings.Contains(lines, valid["__Host-Http-doorcode-device"]) {
			t.Errorf("%s %q with %q passed without a cookie of ours", method, target, lines)
		}
		released := rec.Header().Get("Service-Worker-Allowed") != "" && r.Header.Get("Service-Worker") == "script"
		if !out.Pass && rec.Code == http.StatusOK && !w.door.Owns(u) && !released {
			t.Errorf("%s %q with %q: status 200 and no pass", method, target, lines)
		}
	})
}

// FuzzTokenIn looks for a token that reaches the app, and for a line of the app's that
// does not.
func FuzzTokenIn(f *testing.F) {
	for _, line := range []string{"Bearer dct_a", "Basic OmRjdF9h", "basic  eDpkY3RfYQ==", "Basic dct_", "Bearer", "dct_", "Basic Og==", "Bearer  dct_ x"} {
		f.Add(line, "Basic YXBwOnNlY3JldA==", "")
	}
	f.Fuzz(func(t *testing.T, one, two, own string) {
		h := http.Header{"Authorization": {one, two}, web.TokenHeader: {own}}
		found := web.TokenIn(h)
		found.Remove(h)
		left := web.TokenIn(http.Header{"Authorization": h["Authorization"]})
		if left != (web.Presented{}) {
			t.Errorf("%q and %q leave %q", one, two, h["Authorization"])
		}
		for _, line := range []string{one, two} {
			alone := web.TokenIn(http.Header{"Authorization": {line}})
			if kept := slices.Contains(h["Authorization"], line); kept != (alone == web.Presented{}) {
				t.Errorf("%q is kept: %t", line, kept)
			}
		}
	})
}
