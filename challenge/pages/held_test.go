// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages_test

import (
	"html"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge/pages"
)

func TestAHeldFormGoesAlongWithEveryFormOfThePage(t *testing.T) {
	r := renderer(t, nil)
	every := []pages.Page{
		pages.Email{Held: held},
		pages.Email{Held: held, Trouble: pages.EmailSuggestion, Address: "ana@gmial.com", Better: "ana@gmail.com"},
		pages.Send{Held: held},
	}
	for trouble := pages.NoTrouble; trouble <= pages.MailDown; trouble++ {
		for _, c := range []pages.Code{asked(), known(), confirm()} {
			c.Trouble, c.Held = trouble, held
			every = append(every, c)
		}
	}
	for _, page := range every {
		body := render(t, r, page)
		for _, form := range strings.Split(body, "<form")[1:] {
			form, _, _ = strings.Cut(form, "</form>")
			if n := strings.Count(form, `<input type="hidden" name="held" value="`+held+`">`); n != 1 {
				t.Errorf("%T: the held form is %d times in %s", page, n, form)
			}
		}
		_, answers := parse(t, body).all("body")[0].attrs["data-post"]
		if _, runs := page.(pages.Check); runs && !answers {
			t.Errorf("%T may load itself again, and lose the form", page)
		}
	}
}

func TestAPageSaysWhatBecameOfAForm(t *testing.T) {
	const (
		sendable = "Your form wasn't sent yet. Enter the code and you can send it."
		lost     = "Your form wasn't sent. After the check, press Back and send it again."
	)
	r := renderer(t, nil)
	code := func(trouble pages.Trouble, held string, lost bool) pages.Code {
		c := asked()
		c.Trouble, c.Held, c.FormNotSent = trouble, held, lost
		return c
	}
	tests := []struct {
		name string
		page pages.Page
		want string
	}{
		{"no form", asked(), ""},
		{"a lost form", code(0, "", true), lost},
		{"a held form", code(0, held, false), sendable},
		{"a held form that was to be lost", code(0, held, true), sendable},
		{"a held form and a wrong code", code(pages.WrongCode, held, false), sendable},
		{"a held form and a code that is over", code(pages.CodeCancelled, held, false), sendable},
		{"a held form and no code for long", code(pages.AddressLocked, held, false), lost},
		{"an address and a lost form", pages.Email{FormNotSent: true}, lost},
		{"an address and a held form", pages.Email{Held: held, FormNotSent: true}, sendable},
		{"a button and a held form", pages.Send{Held: held}, sendable},
		{"a button", pages.Send{}, ""},
	}
	note := regexp.MustCompile(`<p class="note">(.*?)</p>`)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			body := render(t, r, tt.page)
			said := ""
			if m := note.FindStringSubmatchIndex(body); m != nil {
				said = html.UnescapeString(body[m[2]:m[3]])
				if form := strings.Index(body, "<form"); form >= 0 && form < m[0] {
					t.Error("it is said after the form")
				}
			}
			if said != tt.want {
				t.Errorf("page says %q, want %q", said, tt.want)
			}
		})
	}
}

func TestAFormIsSentOnlyByThePerson(t *testing.T) {
	form := pages.SendForm{Action: "/save?a=1", Path: "/save", Discard: "/save", Fields: []pages.Field{{Name: "a", Value: "1"}}}
	want := "Send your form now? You filled in a form on /save before the check. It hasn't been sent. Send it Discard"
	if got := said(t, form, "main"); got != want {
		t.Errorf("page says %q, want %q", got, want)
	}
	r := renderer(t, nil)
	body := render(t, r, form)
	if strings.Contains(body, "<script") || strings.Contains(r.CSP(form), "script-src") {
		t.Error("a script may send it")
	}
	doc := parse(t, body)
	if link := doc.all("a")[0]; link.attrs["href"] != "/save" {
		t.Errorf("what discards it is %v", link)
	}
	if buttons := doc.all("button"); len(buttons) != 1 || len(buttons[0].attrs) != 0 {
		t.Errorf("buttons add something of their own: %v", buttons)
	}
}

func TestAFormGoesWhereItWasGoing(t *testing.T) {
	tests := []struct {
		name, action, want string
	}{
		{"a path", "/save", "/save"},
		{"a path as browsers write it", "/wiki/Foo_(bar)'*!|%c3%a9%2f?a=b&c=%20+d'[]", "/wiki/Foo_(bar)'*!|%c3%a9%2f?a=b&c=%20+d'[]"},
		{"with its origin", "https://app.example.com/save", "https://app.example.com/save"},
		{"over http", "http://127.0.0.1:8080/save", "http://127.0.0.1:8080/save"},
		{"a script", "javascript:alert(1)", "#"},
		{"a script in disguise", "java\nscript:alert(1)", "#"},
		{"data", "data:text/html,x", "#"},
		{"markup", `/"><script>`, `/"><script>`},
	}
	r := renderer(t, nil)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, multipart := range []bool{false, true} {
				form := parse(t, render(t, r, pages.SendForm{Action: tt.action, Multipart: multipart})).all("form")[0]
				if form.attrs["action"] != tt.want || form.attrs["method"] != "post" {
					t.Errorf("form has %v, want the action %q", form.attrs, tt.want)
				}
				if (form.attrs["enctype"] == "multipart/form-data") != multipart || form.attrs["autocomplete"] != "off" {
					t.Errorf("form has %v", form.attrs)
				}
			}
		})
	}
}

// fieldsOf reads the fields of a SendForm as a browser does: it drops one line
// break behind <textarea>, decodes, and fills in a hidden field named _charset_.
func fieldsOf(t testing.TB, body string) []pages.Field {
	t.Helper()
	_, form, _ := strings.Cut(body, "<form")
	form, _, _ = strings.Cut(form, "</form>")
	var fields []pages.Field
	either := regexp.MustCompile(`(?s)<input type="hidden" name="([^"]*)" value="([^"]*)">|<textarea name="([^"]*)" hidden>(?:\r\n|\n)?([^<]*)</textarea>`)
	for _, m := range either.FindAllStringSubmatch(form, -1) {
		if strings.EqualFold(m[1], "_charset_") {
			m[2] = "UTF-8"
		}
		fields = append(fields, pages.Field{Name: html.UnescapeString(m[1] + m[3]), Value: html.UnescapeString(m[2] + m[4])})
	}
	return fields
}

func TestFieldsReachTheAppAsTheyAre(t *testing.T) {
	fields := []pages.Field{
		{Name: "text", Value: "\r\n\r\nfirst\r\n\tsecond\r\n"},
		{Name: "quotes", Value: `"'` + "`" + `<>&amp;+%20 {{.}}`},
		{Name: "submit", Value: "submit"},
		{Name: "action", Value: "https://evil.example"},
		{Name: "method", Value: "get"},
		{Name: `a"b[]`, Value: ""},
		{Name: "same", Value: "1"},
		{Name: "same", Value: "2"},
		{Name: "controls", Value: "\x01\x08\x0b\x0c\x1b\x7f\u0085\u2028\ufeff\ufffe"},
		{Name: "everything", Value: "日本語 \u202e 🏳️\u200d🌈 e\u0301"},
		{Name: "_charset_", Value: "\r\nwindows-1252</textarea>"},
		{Name: "_CHARSET_", Value: "UTF-8"},
		{Name: " ", Value: " "},
	}
	got := fieldsOf(t, render(t, renderer(t, nil), pages.SendForm{Action: "/", Fields: fields}))
	if !slices.Equal(got, fields) {
		t.Errorf("fields are %q\nwant       %q", got, fields)
	}
	for _, f := range fields {
		if !f.Exact() {
			t.Errorf("%q is said not to be exact", f)
		}
	}
	for _, f := range []pages.Field{{}, {Value: "x"}, {Name: "a", Value: "x\x00"}, {Name: "\x00"}, {Name: "a", Value: "\xe9"}, {Name: "\xff"}} {
		if f.Exact() {
			t.Errorf("%q is said to be exact", f)
		}
	}
}
