// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/mailer"
)

// parsed is a mail as a reader sees it.
type parsed struct {
	header mail.Header
	parts  map[string]string // decoded, by media type
	order  []string
}

func parse(t *testing.T, raw []byte) parsed {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("reading mail: %v\n%s", err, raw)
	}
	p := parsed{header: m.Header, parts: map[string]string{}}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatalf("Content-Type: %v", err)
	}
	if kind == "text/plain" {
		p.add(t, kind, m.Header.Get("Content-Transfer-Encoding"), m.Body)
		return p
	}
	if kind != "multipart/alternative" {
		t.Fatalf("Content-Type = %q", kind)
	}
	for r := multipart.NewReader(m.Body, params["boundary"]); ; {
		part, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			return p
		}
		if err != nil {
			t.Fatalf("reading part: %v", err)
		}
		kind, params, err := mime.ParseMediaType(part.Header.Get("Content-Type"))
		if err != nil || params["charset"] != "UTF-8" {
			t.Errorf("part is %q %v, %v", kind, params, err)
		}
		p.add(t, kind, part.Header.Get("Content-Transfer-Encoding"), part)
	}
}

func (p *parsed) add(t *testing.T, kind, encoding string, r io.Reader) {
	t.Helper()
	if encoding != "quoted-printable" {
		t.Errorf("%s is encoded as %q", kind, encoding)
	}
	content, err := io.ReadAll(quotedprintable.NewReader(r))
	if err != nil {
		t.Fatalf("decoding %s: %v", kind, err)
	}
	p.parts[kind] = strings.ReplaceAll(string(content), "\r\n", "\n")
	p.order = append(p.order, kind)
}

func (p *parsed) subject(t *testing.T) string {
	t.Helper()
	s, err := new(mime.WordDecoder).DecodeHeader(p.header.Get("Subject"))
	if err != nil {
		t.Fatalf("Subject: %v", err)
	}
	return s
}

func TestML06HeadersAndParts(t *testing.T) {
	m := render(t, letter())
	p := parse(t, m.Raw)
	for name, want := range map[string]string{
		"Subject":                  "482917 is your Example code (7KQ)",
		"From":                     `"Example sign-in" <login@example.com>`,
		"Reply-To":                 "<help@example.com>",
		"To":                       "<ana@example.com>",
		"Message-Id":               "<01kamz5c00abcdefghjkmnpqrs@example.com>",
		"Date":                     "Sun, 22 Nov 2026 12:34:00 +0000",
		"Auto-Submitted":           "auto-generated",
		"X-Auto-Response-Suppress": "All",
		"X-Entity-Ref-Id":          "01kamz5c00abcdefghjkmnpqrs",
		"Content-Language":         "en",
		"Mime-Version":             "1.0",
	} {
		if got := p.header[name]; len(got) != 1 || got[0] != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	for _, name := range []string{
		"List-Unsubscribe", "Precedence", "In-Reply-To", "References", "X-Mailer", "User-Agent", "Cc", "Bcc", "Return-Path",
	} {
		if got, there := p.header[name]; there {
			t.Errorf("%s = %q, want none", name, got)
		}
	}
	if got := strings.Join(p.order, " "); got != "text/plain text/html" {
		t.Errorf("parts are %q, want the text first", got)
	}
	if p.parts["text/plain"] != m.Text || p.parts["text/html"] != m.HTML {
		t.Error("Text and HTML are not what Raw holds")
	}
	if len(m.Text) >= 1000 || len(m.HTML) >= 4000 {
		t.Errorf("text is %d bytes and HTML %d", len(m.Text), len(m.HTML))
	}
}

// A client that fetches anything tells the sender when the mail was read, and a
// link is what scanners press.
func TestML06NothingToFetchOrFollow(t *testing.T) {
	m := render(t, letter())
	fetches := regexp.MustCompile(`(?i)<(?:img|a|link|script|iframe|object|form|input)\b|https?:|url\(|@import|src=|href=|display:\s*none|visibility|font-size:\s*0`)
	for name, part := range map[string]string{"text": m.Text, "HTML": m.HTML} {
		if found := fetches.FindAllString(part, -1); found != nil {
			t.Errorf("%s has %q", name, found)
		}
	}
}

var digitRun = regexp.MustCompile(`\d{4,}`)

// Phones offer the first run of digits that looks like a code.
func TestTheCodeIsTheFirstRunOfDigits(t *testing.T) {
	for name, change := range map[string]func(*mailer.Letter){
		"in an ordinary mail": func(*mailer.Letter) {},
		"though app, host and colour have others": func(l *mailer.Letter) {
			l.Notice.App = "Ledger 2024"
			l.Notice.Host = "app2024.example.com:8443"
			l.Notice.Mailbox = "user19283@example.com"
			l.Notice.IP = netip.MustParseAddr("2001:db8:1234::5678")
			l.Browser = "Firefox 1450"
			l.Style.Accent = "123456"
			l.Style.Support = "https://help.example.com/20241122"
		},
		"though the subject does not show it": func(l *mailer.Letter) {
			l.Notice.App = "Ledger 2024"
			l.Style.HideCode = true
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := letter()
			change(&l)
			m := render(t, l)
			p := parse(t, m.Raw)
			parts := map[string]string{"text": m.Text, "HTML": m.HTML, "subject": p.subject(t)}
			for where, part := range parts {
				want := secret
				if where == "subject" && l.Style.HideCode {
					want = ""
				}
				if got := digitRun.FindString(part); got != want {
					t.Errorf("first run of digits in the %s is %q, want %q", where, got, want)
				}
			}
		})
	}
}

func TestTheCodeIsOneTextNode(t *testing.T) {
	m := render(t, letter())
	if !strings.Contains(m.HTML, `>482917</bdi></strong> is your`) {
		t.Errorf("code is not whole in:\n%s", m.HTML)
	}
	if !strings.HasPrefix(m.Text, "482917 is your Example sign-in code.\n") {
		t.Errorf("text begins with %q", strings.SplitN(m.Text, "\n", 2)[0])
	}
}

// The format binds a code to the site where it belongs (WICG sms-one-time-codes).
func TestTheLastLineBindsTheCodeToTheHost(t *testing.T) {
	for host, want := range map[string]string{
		"app.example.com": "\n\n@app.example.com #482917\n",
		"localhost:8443":  "\n\n@localhost #482917\n",
	} {
		l := letter()
		l.Notice.Host = host
		if m := render(t, l); !strings.HasSuffix(m.Text, want) {
			t.Errorf("text for %s ends with %q, want %q", host, m.Text[len(m.Text)-40:], want)
		}
	}
}

func TestMinutesAreThoseThatAreLeft(t *testing.T) {
	for left, want := range map[time.Duration]string{
		10 * time.Minute:               "It works for 10 minutes, once.",
		10*time.Minute - 2*time.Second: "It works for 10 minutes, once.",
		6*time.Minute + 40*time.Second: "It works for 6 minutes, once.",
		time.Minute:                    "It works for 1 minute, once.",
		20 * time.Second:               "It works for 1 minute, once.",
	} {
		l := letter()
		l.Notice.Expires = l.Date.Add(left)
		if m := render(t, l); !strings.Contains(m.Text, want) {
			t.Errorf("with %v left the text lacks %q:\n%s", left, want, m.Text)
		}
	}
}

// ML-04: nothing that the request says is printed, so two requests that differ
// in all that a visitor controls give the same mail.
func TestML04NothingOfTheRequestIsPrinted(t *testing.T) {
	want := render(t, letter())
	l := letter()
	l.Notice.Agent = "Host: evil.example\r\nX-Forwarded-Host: evil.example"
	if got := render(t, l); !bytes.Equal(got.Raw, want.Raw) {
		t.Error("the User-Agent changes the mail")
	}
	if bytes.Contains(want.Raw, []byte("evil")) || bytes.Contains(want.Raw, []byte("Mozilla")) {
		t.Error("the User-Agent is printed")
	}
}

func TestML05WhatTheMailTells(t *testing.T) {
	m := render(t, letter())
	for _, want := range []string{
		"app.example.com", "Firefox on Windows", "203.0.113.7", "22 Nov, 12:34 UTC", "ana@example.com",
		"It works for 10 minutes, once.", "7KQ", "4 8 2 9 1 7", "Not you? Don", "help@example.com",
	} {
		if !strings.Contains(m.Text, want) {
			t.Errorf("text lacks %q", want)
		}
		if !strings.Contains(strings.ReplaceAll(m.HTML, "&#39;", "'"), want) {
			t.Errorf("HTML lacks %q", want)
		}
	}
	for _, never := range []string{"Place", "near ", "/.doorcode/"} {
		if strings.Contains(m.Text, never) || strings.Contains(m.HTML, never) {
			t.Errorf("mail has %q", never)
		}
	}
}

func TestML05NothingIsUnescapedOrEndless(t *testing.T) {
	l := letter()
	const tag = "<img src=x onerror=alert(1)>"
	l.Browser, l.Notice.App, l.Notice.Host, l.Notice.Ref = tag, tag+"**", tag, tag
	m := render(t, l)
	if strings.Contains(m.HTML, "<img") || strings.Count(m.HTML, "<strong>") != 3 {
		t.Errorf("markup got through:\n%s", m.HTML)
	}
	l = letter()
	l.Browser = strings.Repeat("Firefox ", 10_000)
	l.Notice.App = strings.Repeat("x", 10_000)
	if m := render(t, l); len(m.Text) > 2000 || len(m.HTML) > 6000 {
		t.Errorf("text is %d bytes and HTML %d", len(m.Text), len(m.HTML))
	}
}

func TestRenderingAgainGivesTheSameMail(t *testing.T) {
	if a, b := render(t, letter()), render(t, letter()); !bytes.Equal(a.Raw, b.Raw) {
		t.Error("two renderings of one letter differ")
	}
}

func TestIdentifiersSortByTimeAndDiffer(t *testing.T) {
	seen := map[string]bool{}
	before := ""
	for i := range 1000 {
		id := mailer.NewID(asked.Add(time.Duration(i) * time.Millisecond))
		if len(id) != 26 || seen[id] || id <= before {
			t.Fatalf("identifier %d is %q after %q", i, id, before)
		}
		seen[id], before = true, id
	}
	if a, b := mailer.NewID(asked), mailer.NewID(asked); a == b {
		t.Errorf("two identifiers of one moment are both %q", a)
	}
}

func TestAMessageCannotBePrinted(t *testing.T) {
	m := render(t, letter())
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		if got := fmt.Sprintf(verb, m); strings.Contains(got, secret) || strings.Contains(got, "343832393137") {
			t.Errorf("%s shows the mail: %s", verb, got)
		}
	}
}
