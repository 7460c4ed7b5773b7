// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer_test

import (
	"encoding/json"
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/mailer"
)

// FuzzRender (ML-01): whatever a site is called and whoever asks, a mail has one
// recipient, one sender and one subject, and the code comes first.
func FuzzRender(f *testing.F) {
	for _, s := range hostile {
		f.Add(s, s, s, s)
	}
	f.Add("Example", "app.example.com", "Firefox on Windows", "7KQ")
	f.Fuzz(func(t *testing.T, app, host, browser, ref string) {
		l := letter()
		l.Notice.App, l.Notice.Host, l.Notice.Agent, l.Browser, l.Notice.Ref = app, host, browser, browser, ref
		l.Style.From.Name = app
		m := render(t, l)
		checkOneOfEach(t, m.Raw)
		if !strings.HasPrefix(m.Subject, secret) || !strings.HasPrefix(m.Text, secret) || digitRun.FindString(m.HTML) != secret {
			t.Errorf("the code is not first: %q", m.Subject)
		}
		if strings.Count(m.HTML, "<") != strings.Count(m.HTML, ">") || strings.Count(m.HTML, "<strong>") != 3 {
			t.Errorf("markup got through:\n%s", m.HTML)
		}
		if strings.Count(m.Text, "\n") != 18 {
			t.Errorf("text has other lines than it should:\n%s", m.Text)
		}
	})
}

// FuzzNotice (ML-01): whatever the databases say of a place and whatever the
// link is, each mail keeps its form, and leads to the site or nowhere.
func FuzzNotice(f *testing.F) {
	for i, s := range hostile {
		f.Add(uint8(i), s, s, s, s, s, s, s, s, int64(i))
	}
	f.Add(uint8(2), "Lisbon", "PT", "Europe/Lisbon", "Example Telecom", "new_place", stop, "", "", int64(0))
	f.Add(uint8(6), "Lisbon", "PT", "Europe/Lisbon", "Example Telecom", "", stop, "set_second", "bo@example.com", int64(1))
	f.Fuzz(func(t *testing.T, subject uint8, city, country, zone, owner, reason, link, kind, word string, due int64) {
		l := located(challenge.Subject(int(subject) % len(subjects)))
		l.Notice.Change, l.Notice.Why, l.Notice.Account, l.Notice.Count = challenge.ChangeKind(kind), word, word, int(due)
		l.Notice.Second, l.Notice.Urge = due%2 == 1, due%3 == 1
		if due > 0 {
			l.Notice.Due = asked.Add(time.Duration(due))
		}
		p := &l.Notice.Place
		p.City, p.Country, p.TimeZone, p.Network, p.Credit = city, country, zone, owner, owner
		l.Notice.Reason, l.Notice.Stop = challenge.Reason(reason), link
		m := render(t, l)
		checkOneOfEach(t, m.Raw)
		if len(m.Raw) >= 20_000 || strings.Count(m.HTML, "<") != strings.Count(m.HTML, ">") {
			t.Errorf("%d bytes:\n%s", len(m.Raw), m.HTML)
		}
		links := hrefs.FindAllStringSubmatch(m.HTML, -1)
		if len(links) > 1 || len(links) == 1 && !leadsHome(links[0][1]) {
			t.Errorf("mail links to %q", links)
		}
		before, _, _ := strings.Cut(m.Text, "\n--\n")
		if lines := strings.Count(before, "\n"); lines > 17 {
			t.Errorf("%d lines before the end:\n%s", lines, m.Text)
		}
		first := digitRun.FindString(m.HTML)
		if hasCode(l.Notice.Subject) != (first == secret && strings.HasSuffix(m.Text, "\n\n@app.example.com #482917\n")) {
			t.Errorf("first run of digits is %q in:\n%s", first, m.Text)
		}
	})
}

func leadsHome(link string) bool {
	u, err := url.Parse(html.UnescapeString(link))
	return err == nil && u.User == nil && strings.EqualFold(u.Hostname(), "app.example.com")
}

// FuzzMailbox: a mail goes to one plain address or to nobody.
func FuzzMailbox(f *testing.F) {
	for _, s := range append(oddMailboxes, "ana@example.com", "a.b+c@x.example") {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, mailbox string) {
		l := letter()
		l.Notice.Mailbox = mailbox
		m, err := l.Render()
		if err != nil {
			return
		}
		p := parse(t, m.Raw)
		list, err := p.header.AddressList("To")
		if err != nil || len(list) != 1 || list[0].Address != mailbox || list[0].Name != "" || m.To != mailbox {
			t.Errorf("mailbox %q became %v, %v", mailbox, list, err)
		}
	})
}

// FuzzSubjectLine: whatever an operator writes, it is refused, or it makes one line in
// which a phone finds the code or nothing.
func FuzzSubjectLine(f *testing.F) {
	for _, s := range []string{"{code} is your {app} code ({ref})", "{ref}", "{code", "1{code}", "{ref}\r\nBcc: x@x.example", "{app}{app}{code}"} {
		f.Add(s, "Ledger 2024")
	}
	f.Fuzz(func(t *testing.T, line, app string) {
		l := letter()
		l.Style.SubjectLine, l.Notice.App = line, app
		if l.Style.Validate() != nil {
			return
		}
		m := render(t, l)
		checkOneOfEach(t, m.Raw)
		if !strings.Contains(m.Subject, secret) && !strings.Contains(m.Subject, l.Notice.Ref) {
			t.Errorf("subject %q says nothing of the mail: %q", line, m.Subject)
		}
		if first := anyCode.FindString(m.Subject); first != "" && first != secret {
			t.Errorf("subject %q of %q leads to another code: %q", line, app, m.Subject)
		}
	})
}

// anyCode is what a phone takes for a code.
var anyCode = regexp.MustCompile(`\d{4,8}`)

// FuzzTemplates: a template is refused, or its mails have what people need.
func FuzzTemplates(f *testing.F) {
	f.Add(ownText, ownHTML)
	f.Add("{{.Code}}{{.Args.ref}}{{.Link}}", "{{.Link}}")
	f.Add("{{define \"a\"}}{{end}}{{template \"a\"}}", "<script>{{.Code}}</script>{{.}}")
	f.Add("{{.Lexicon.Keys}}", "{{range .Facts}}{{break}}{{end}}")
	f.Fuzz(func(t *testing.T, text, page string) {
		if strings.Contains(text+page, "{{template") { // one that calls itself takes long to fail
			return
		}
		own, err := mailer.ParseTemplates(folder("mail.txt", text, "mail.html", page))
		if err != nil {
			return
		}
		l := located(challenge.SignInCode)
		l.Style.Templates = own
		m := render(t, l)
		checkOneOfEach(t, m.Raw)
		for _, part := range []string{m.Text, html.UnescapeString(m.HTML)} {
			if !strings.Contains(part, secret) || !strings.Contains(part, l.Notice.Ref) || !strings.Contains(part, stop) {
				t.Errorf("the mail lacks something:\n%s", part)
			}
		}
	})
}

// FuzzDialogue: a mail server may answer anything, and still no secret gets into the
// dialogue, nor anything but lines of text.
func FuzzDialogue(f *testing.F) {
	for _, s := range append(hostile, secret, "4-8-2-9-1-7", stop, "correct horse") {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, said string) {
		shown := mailer.Overheard("door", "correct  horse", render(t, located(challenge.SignInCode)), said+" 482917 correct  horse "+stop)
		if strings.Contains(shown, "correct horse") || strings.Contains(shown, secret) || strings.Contains(shown, stop[len(stop)-22:]) {
			t.Errorf("%q is shown as %q", said, shown)
		}
		if strings.ContainsFunc(strings.ReplaceAll(shown, "\n", ""), unicode.IsControl) || !utf8.ValidString(shown) {
			t.Errorf("%q is shown as %q", said, shown)
		}
	})
}

// FuzzAnswer reads what a mail service says. Only where it says so of the mailbox does
// it not count against the service.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		`{"ErrorCode":406,"Message":"inactive"}`, `{"name":"validation_error","message":"Invalid ` + "`to`" + ` field"}`, `{"errors":[{"field":"personalizations.0.to"}]}`, `{"errors":[null,{}]}`, `{"ErrorCode":"406"}`, "null", "[]", "", "<html>", "{\"ErrorCode\":4e2}",
	} {
		f.Add(422, []byte(seed))
		f.Add(400, []byte(seed))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		for service, refuses := range mailer.RefusesMailbox {
			if refuses(status, body) && (status < 400 || status >= 500 || !json.Valid(body)) {
				t.Errorf("%s: %d %q is about the mailbox", service, status, body)
			}
		}
	})
}
