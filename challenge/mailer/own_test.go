// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/mailer"
	"github.com/doorcode/caddy-doorcode/challenge/words"
)

const (
	ownText = `{{with .Code}}{{.}} lets you in ({{$.Args.ref}}){{else}}{{.Text .Lead .Args}}{{end}}{{with .Link}} or {{.}}{{end}}` + "\nACME"
	ownHTML = `<html lang="{{.Lang}}"><style>b{color:#336699}</style><p>{{.HTML .Lead .Marked}}</p>{{range .Before}}<p>{{$.HTML . $.Marked}}</p>{{end}}` +
		`{{with .Link}}<a href="{{.}}">{{$.Text $.Label $.Args}}</a>{{end}}<b>ACME</b></html>`
)

func folder(files ...string) fstest.MapFS {
	f := fstest.MapFS{}
	for i := 0; i < len(files); i += 2 {
		f[files[i]] = &fstest.MapFile{Data: []byte(files[i+1])}
	}
	return f
}

func TestAnOperatorsTemplatesAreUsed(t *testing.T) {
	for name, tt := range map[string]struct {
		files      fstest.MapFS
		text, html bool // are the operator's
	}{
		"both":         {folder("mail.txt", ownText, "mail.html", ownHTML), true, true},
		"only text":    {folder("mail.txt", ownText), true, false},
		"only HTML":    {folder("mail.html", ownHTML), false, true},
		"none":         {folder("en/mail.json", "{}"), false, false},
		"ours, copied": {folder("mail.txt", ours(t, "mail.txt"), "mail.html", ours(t, "mail.html")), false, false},
	} {
		t.Run(name, func(t *testing.T) {
			own, err := mailer.ParseTemplates(tt.files)
			if err != nil {
				t.Fatalf("ParseTemplates: %v", err)
			}
			for subject, about := range subjects {
				l := located(about)
				l.Style.Templates = own
				m := render(t, l)
				checkOneOfEach(t, m.Raw)
				if strings.Contains(m.Text, "ACME") != tt.text || strings.Contains(m.HTML, "ACME") != tt.html {
					t.Errorf("%s:\n%s\n%s", subject, m.Text, m.HTML)
				}
			}
		})
	}
}

func ours(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("templates", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestTemplatesThatWouldLoseSomethingAreRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		files fstest.MapFS
		want  string
	}{
		"not parsed":                 {folder("mail.txt", "a\nb\n{{.Code}"), "template: mail.txt:3: "},
		"HTML not parsed":            {folder("mail.html", "\n{{if .Code}}"), "mail.html:2: unexpected EOF; a mail is given .Code"},
		"a field that is not there":  {folder("mail.txt", "\n{{.Cod}}"), "; a mail is given .Code, .Link, .Args.ref and others: see docs/mail.md#words-and-looks"},
		"an arg that is not there":   {folder("mail.txt", ownText+"{{.Args.reff}}"), `map has no entry for key "reff"`},
		"no code":                    {folder("mail.txt", "{{.Args.ref}} {{.Link}}"), "mail.txt: mail with a code to sign in with: template cannot be used: it does not print the code"},
		"a code that is hidden":      {folder("mail.html", `<p title="{{.Code}}">{{.Args.ref}} <a href="{{.Link}}">x</a></p>`), "it does not print the code"},
		"no letters":                 {folder("mail.txt", "{{.Code}} {{.Link}}"), "it does not print the letters that the page shows"},
		"no link":                    {folder("mail.html", "{{.Code}} {{.Args.ref}}"), "mail.html: mail with a code to sign in with: template cannot be used: it does not print the link"},
		"no link in a notice":        {folder("mail.txt", "{{with .Code}}{{.}} {{$.Args.ref}} {{$.Link}}{{end}}"), "mail.txt: mail about a new sign-in: template cannot be used: it does not print the link"},
		"a year before the code":     {folder("mail.txt", "ACME 1999\n"+ownText), "it prints 1999 before the code"},
		"nothing":                    {folder("mail.txt", " \n"), "mail.txt: is empty"},
		"endless":                    {folder("mail.html", ownHTML+strings.Repeat("x", 64<<10)), "mail.html: longer than 64 KiB"},
		"both, of which all is told": {folder("mail.txt", "{{", "mail.html", "{{"), "mail.html:1"},
	} {
		t.Run(name, func(t *testing.T) {
			own, err := mailer.ParseTemplates(tt.files)
			if !errors.Is(err, mailer.ErrTemplate) || !strings.Contains(err.Error(), tt.want) || own != nil {
				t.Errorf("ParseTemplates = %v, %v, want %q", own, err, tt.want)
			}
		})
	}
}

// What a template loses only sometimes must not keep people out: ours is used, and the
// operator is told.
func TestATemplateThatLosesTheCodeGivesWayToOurs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		own, err := mailer.ParseTemplates(folder("mail.txt", `{{if eq .Lang "en"}}`+ownText+`{{end}}`, "mail.html", `{{if .Facts}}`+ownHTML+`{{else}}{{index .Facts 7}}{{end}}`))
		if err != nil {
			t.Fatal(err)
		}
		r := &relay{}
		outbox, l := post(t, mailer.OutboxOptions{}, r)
		s := style()
		s.Templates = own
		outbox.Use("app", mailer.Route{Transport: r, Style: s})
		pass(t, outbox)
		pass(t, outbox, func(n *challenge.Notice) { n.Language = "de" })
		_, mails, _ := r.seen()
		if len(mails) != 2 || !strings.Contains(mails[0].Text, "ACME") || strings.Contains(mails[1].Text, "ACME") || !strings.Contains(mails[1].Text, secret) {
			t.Fatalf("sent %v", mails)
		}
		got := l.all()
		if got[0].Reason != "" || got[1].Outcome != mailer.Sent || !strings.Contains(got[1].Reason, "it does not print the code") {
			t.Errorf("reports are %+v", got)
		}
	})
}

func TestAnOperatorsTextsAreUsed(t *testing.T) {
	own, err := words.Custom(folder("en/mail.json", `{"mail.subject": "{code} opens {app} ({ref})"}`))
	if err != nil {
		t.Fatal(err)
	}
	l := letter()
	l.Style.Words = own
	if got := render(t, l).Subject; got != "482917 opens Example (7KQ)" {
		t.Errorf("subject is %q", got)
	}
}

func TestTheLanguageOfAMail(t *testing.T) {
	only, err := words.Standard().Only([]string{"en", "de"}, "de")
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		texts       *words.Catalogue
		asked, want string
	}{
		"the one of the page":                    {nil, "de", "de"},
		"English where nobody asked for one":     {nil, "", "en"},
		"the operator's where nobody did":        {only, "", "de"},
		"the page's before the operator's":       {only, "en", "en"},
		"the operator's where the page's is not": {only, "fr", "de"},
	} {
		t.Run(name, func(t *testing.T) {
			l := letter()
			l.Notice.Language, l.Style.Words = tt.asked, tt.texts
			if got := parse(t, render(t, l).Raw).header.Get("Content-Language"); got != tt.want {
				t.Errorf("language is %q, want %q", got, tt.want)
			}
		})
	}
}

func TestAnOperatorsSubject(t *testing.T) {
	for name, tt := range map[string]struct {
		line   string
		change func(*mailer.Letter)
		want   string
	}{
		"has what it asks for":                      {"{app}: {code} [{ref}]", nil, "Example: 482917 [7KQ]"},
		"may do without the code":                   {"Door of {app} ({ref})", nil, "Door of Example (7KQ)"},
		"shows no code that is hidden":              {"{app}: {code} [{ref}]", hidden, "Your Example code (7KQ)"},
		"nor one that comes quietly":                {"{app}: {code} [{ref}]", func(l *mailer.Letter) { l.Notice.Quietly = true }, "Your Example code (7KQ)"},
		"is there for a hidden code, too":           {"Door of {app} ({ref})", hidden, "Door of Example (7KQ)"},
		"gives way where the app looks like a code": {"{app}: {code} [{ref}]", numbered, "482917 is your Ledger 2024 code (7KQ)"},
		"also where it has no code":                 {"Door of {app} ({ref})", func(l *mailer.Letter) { numbered(l); hidden(l) }, "Your sign-in code (7KQ)"},
		"is not that of other codes":                {"{app}: {code} [{ref}]", func(l *mailer.Letter) { *l = ownSubject(located(challenge.ConfirmCode), l) }, "Your Example code to confirm it's you (7KQ)"},
		"nor of notices":                            {"{app} ({ref})", func(l *mailer.Letter) { *l = ownSubject(located(challenge.NewSignIn), l) }, "New sign-in to Example: Firefox on Windows"},
	} {
		t.Run(name, func(t *testing.T) {
			l := letter()
			l.Style.SubjectLine = tt.line
			if tt.change != nil {
				tt.change(&l)
			}
			if got := render(t, l).Subject; got != tt.want {
				t.Errorf("subject is %q, want %q", got, tt.want)
			}
		})
	}
}

func ownSubject(l mailer.Letter, from *mailer.Letter) mailer.Letter {
	l.Style.SubjectLine = from.Style.SubjectLine
	return l
}

func TestASubjectThatCouldNotBeUsedIsRefused(t *testing.T) {
	for line, want := range map[string]string{
		"Your code":                         "it needs {code} or {ref}",
		"{app}":                             "it needs {code} or {ref}",
		"{code} of {site}":                  "only {code}, {app} and {ref} are filled in",
		"{code":                             "only {code}, {app} and {ref} are filled in",
		"{code} {{ref}}":                    "only {code}, {app} and {ref} are filled in",
		"{code}\r\nBcc: eve@evil.example":   "it is one line",
		"{code} \u202e":                     "it is one line",
		" {code}":                           "it is one line",
		"{code}" + strings.Repeat("x", 150): "it is one line of at most 150 characters",
		"ACME 1999: {code}":                 "four digits or more besides the code",
		"1{code}":                           "four digits or more besides the code",
		"Code {ref} of 2024":                "four digits or more besides the code",
	} {
		s := style()
		s.SubjectLine = line
		if err := s.Validate(); !errors.Is(err, mailer.ErrSubjectLine) || !strings.Contains(err.Error(), want) {
			t.Errorf("subject %q: %v, want %q", line, err, want)
		}
	}
}
