// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/doorcode/caddy-doorcode/caddymodule"
	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/mailer"
)

// A form that has all that a mail needs, and says in which language it is.
const ownMail = `<html lang="{{.Lang}}"><p>{{.Code}} {{.Args.ref}} {{.Link}}</p>{{.Lead}}</html>`

// files writes them, by name, and returns the folder.
func files(t *testing.T, content map[string]string) string {
	t.Helper()
	folder := t.TempDir()
	for name, text := range content {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// A mail whose looks are changed still speaks the languages of the site.
func TestThePagesSayInWhichLanguageMailsAre(t *testing.T) {
	german := caddymodule.Pages{Language: "de", Languages: []string{"de", "en"}}
	titled := german
	titled.Templates = files(t, map[string]string{
		"de/own.json": `{"mail.new_subject": "Seite: {app} {browser}", "mail.confirm_subject": "Seite: {app} ({ref})"}`,
	})
	form := map[string]string{"mail.html": ownMail}
	text := map[string]string{"de/own.json": `{"mail.new_subject": "Mail: {app} {browser}"}`}
	tests := map[string]struct {
		pages         caddymodule.Pages
		mail          map[string]string
		asked         string
		subject       challenge.Subject
		language, has string
	}{
		"no page asked":                                 {german, form, "", challenge.NewSignIn, "de", ""},
		"no page asked, and there are own texts":        {german, text, "", challenge.NewSignIn, "de", "Mail: "},
		"a page asked":                                  {german, form, "en", challenge.NewSignIn, "en", ""},
		"a language that the site has no more":          {german, form, "fr", challenge.NewSignIn, "de", ""},
		"the same, and there are own texts":             {german, text, "fr", challenge.NewSignIn, "de", "Mail: "},
		"the pages have texts":                          {titled, form, "", challenge.NewSignIn, "de", "Seite: "},
		"the mail's texts come first":                   {titled, text, "", challenge.NewSignIn, "de", "Mail: "},
		"what the mail leaves out is as the pages have": {titled, text, "", challenge.ConfirmCode, "de", "Seite: "},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			m := &caddymodule.FileMail{Folder: t.TempDir(), Letter: caddymodule.Letter{Templates: files(t, tt.mail)}}
			ctx, cancel := caddy.NewContext(caddy.Context{Context: t.Context()})
			defer cancel()
			if err := m.Provision(ctx); err != nil {
				t.Fatal(err)
			}
			style, err := caddymodule.StyleOf(tt.pages, m)
			if err != nil {
				t.Fatal(err)
			}
			at := time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)
			letter := mailer.Letter{Style: style, ID: mailer.NewID(at), Date: at, Browser: "Firefox on Windows", Notice: challenge.Notice{
				Subject: tt.subject, Mailbox: "ann@example.com", App: "Example", Host: "app.example.com", Language: tt.asked, Asked: at, Expires: at,
			}}
			if tt.subject.HasCode() {
				letter.Notice.Code, letter.Notice.Ref = challenge.NewCode("482917"), "7KQ"
			}
			got, err := letter.Render()
			if err != nil {
				t.Fatal(err)
			}
			if field := "\r\nContent-Language: " + tt.language + "\r\n"; !strings.Contains(string(got.Raw), field) || !strings.HasPrefix(got.Subject, tt.has) {
				t.Errorf("want %q and a subject that begins with %q, got %q in\n%s", field, tt.has, got.Subject, got.Raw)
			}
		})
	}
}
