// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge/web"
)

func TestRuling37WhatIsNotHeld(t *testing.T) {
	files := func(name, value string) (string, string) {
		var buf bytes.Buffer
		m := multipart.NewWriter(&buf)
		_ = m.WriteField("title", "x")
		part, _ := m.CreateFormFile("file", name)
		_, _ = part.Write([]byte(value))
		_ = m.Close()
		return m.FormDataContentType(), buf.String()
	}
	upload, uploaded := files("cv.pdf", "%PDF")
	noFile, nothing := files("", "")
	odd, _ := inParts()
	boundary := strings.TrimPrefix(odd, "multipart/form-data; boundary=")
	part := func(head string) string {
		return "--" + boundary + "\r\n" + head + "\r\n\r\nx\r\n--" + boundary + "--\r\n"
	}
	many := func(n int) string { return strings.TrimSuffix(strings.Repeat("a=b&", n), "&") }
	tests := map[string]struct {
		media, body string
		target      string
		held        bool
	}{
		"64 KiB":                          {pairs, "a=" + strings.Repeat("b", 64<<10-2), "/x?" + strings.Repeat("q", 2000), true},
		"64 KiB and a byte":               {pairs, "a=" + strings.Repeat("b", 64<<10-1), "/x", false},
		"1,000 fields":                    {pairs, many(1000), "/x", true},
		"1,001 fields":                    {pairs, many(1001), "/x", false},
		"an upload":                       {upload, uploaded, "/x", false},
		"an upload of nothing":            {noFile, nothing, "/x", false},
		"a part with a type":              {odd, part("Content-Disposition: form-data; name=a\r\nContent-Type: text/plain"), "/x", false},
		"a file without a type":           {odd, part("Content-Disposition: form-data; name=a; filename=b"), "/x", false},
		"a part with a backslash":         {odd, part(`Content-Disposition: form-data; name="a\\b"`), "/x", false},
		"a part without a name":           {odd, part("Content-Disposition: form-data"), "/x", false},
		"a part that is an attachment":    {odd, part("Content-Disposition: attachment; name=a"), "/x", false},
		"a plain part":                    {odd, part(`Content-Disposition: form-data; name="a"`), "/x", true},
		"parts cut off":                   {odd, strings.TrimSuffix(part(`Content-Disposition: form-data; name="a"`), "--\r\n"), "/x", false},
		"parts without a boundary":        {"multipart/form-data", part("Content-Disposition: form-data; name=a"), "/x", false},
		"plain text":                      {"text/plain", "a=b", "/x", false},
		"JSON":                            {"application/json", `{"a":"b"}`, "/x", false},
		"no type":                         {"", "a=b", "/x", false},
		"a malformed escape":              {pairs, "a=%zz", "/x", false},
		"NUL, which no page can send":     {pairs, "a=%00", "/x", false},
		"bytes that are no text":          {pairs, "a=%ff", "/x", false},
		"a field without a name":          {pairs, "=b", "/x", false},
		"an address longer than we go to": {pairs, "a=b", "/x?" + strings.Repeat("q", 2048), false},
	}
	w := newWorld(t)
	b := w.late(ana)
	for name, test := range tests {
		tab := b.clone()
		a := tab.sends(test.target, test.media, test.body, clicked)
		if want := map[bool]string{true: notYet, false: lost}[test.held]; (heldIn(a) != "") != test.held || !strings.Contains(a.text(), want) {
			t.Errorf("%s: held %v, want %v", name, !test.held, test.held)
		}
		if test.held { // and fits through
			tab.stay("/email", "email", ana)
			tab.page.wants(t, http.StatusUnauthorized, notYet)
		}
	}
}

// A step-up that the app asks for comes after the app has read the form.
func TestRuling37AFormIsHeldWholeOrNotAtAll(t *testing.T) {
	w := newWorld(t)
	b := w.late(ana)
	for name, change := range map[string]func(r *http.Request){
		"a body that the app has read":    func(r *http.Request) { r.Body = http.NoBody },
		"a body of which a part was read": func(r *http.Request) { _, _ = r.Body.Read(make([]byte, 1)) },
		"a body of unknown length":        func(r *http.Request) { r.ContentLength = -1 },
	} {
		r := b.clone().request(http.MethodPost, "/x", url.Values{"a": {"b"}}, clicked)
		change(r)
		if a := b.clone().send(r); heldIn(a) != "" || !strings.Contains(a.text(), lost) {
			t.Errorf("%s was held", name)
		}
	}
	w.arrive = func(in *web.Arrival, _ *http.Request) { in.Answer = web.AnswerJSON }
	b.clone().sends("/x", pairs, "a=b", clicked).wantsProblem(t, http.StatusUnauthorized, "check-needed")
}

// Only a form that carries another one may be larger than ours are.
func TestDOS02AHeldFormHasItsOwnBound(t *testing.T) {
	w := newWorld(t)
	for name, test := range map[string]struct {
		body   string
		status int
	}{
		"96 KiB":              {"flow=x&held=" + strings.Repeat("A", 96<<10-12), http.StatusConflict},
		"96 KiB and a byte":   {"flow=x&held=" + strings.Repeat("A", 96<<10-11), http.StatusRequestEntityTooLarge},
		"9 KiB without one":   {"flow=x&code=" + strings.Repeat("1", 9<<10), http.StatusRequestEntityTooLarge},
		"9 KiB before one":    {"flow=" + strings.Repeat("x", 9<<10) + "&held=A", http.StatusRequestEntityTooLarge},
		"9 KiB of another":    {"flow=x&withheld=" + strings.Repeat("A", 9<<10), http.StatusRequestEntityTooLarge},
		"8 KiB without one":   {"flow=x&code=" + strings.Repeat("1", 8<<10-12), http.StatusConflict},
		"one that is nothing": {"flow=x&held=&code=1", http.StatusConflict},
	} {
		for _, endpoint := range []string{"email", "verify", "resend", "change", "backup", "way"} {
			r := w.browser().request(http.MethodPost, "/.doorcode/"+endpoint, url.Values{}, scripted)
			r.Body = httptest.NewRequest(http.MethodPost, "/", strings.NewReader(test.body)).Body
			if a := w.browser().send(r); a.StatusCode != test.status {
				t.Errorf("%s to %s: status %d, want %d", name, endpoint, a.StatusCode, test.status)
			}
		}
	}
	b := w.browser().signIn("/x", ana)
	b.open("/.doorcode/signout")
	b.post(clicked, "/signout", "held", strings.Repeat("A", 9<<10)).wants(t, http.StatusRequestEntityTooLarge)
}
