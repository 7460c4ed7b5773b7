// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer_test

import (
	"bytes"
	"errors"
	"net/mail"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/mailer"
)

// hostile is what somebody may try to get into a header or a part.
var hostile = []string{
	"x\r\nBcc: eve@evil.example",
	"x\nSubject: other",
	"x\rTo: eve@evil.example",
	"x\x00y",
	`x" <eve@evil.example>, "y`,
	"x\u2028Bcc: eve@evil.example",
	"x\u202Egnp.exe",
	"Bücher \xff\xfe",
	`Bücher \\ \"`,
	"=?UTF-8?Q?=0D=0ABcc:_eve@evil.example?=",
	"x\r\n\r\n<script>alert(1)</script>",
	"x\r\n.\r\nMAIL FROM:<eve@evil.example>",
	"--part01kamz5c00abcdefghjkmnpqrs--",
	strings.Repeat("ü", 5000),
}

// checkOneOfEach fails unless raw has exactly one of the headers that decide
// where a mail goes, and no header that is not ours.
func checkOneOfEach(t *testing.T, raw []byte) {
	t.Helper()
	p := parse(t, raw)
	known := map[string]bool{
		"Auto-Submitted": true, "Content-Language": true, "Content-Type": true, "Date": true, "From": true,
		"Message-Id": true, "Mime-Version": true, "Reply-To": true, "Subject": true, "To": true,
		"X-Auto-Response-Suppress": true, "X-Entity-Ref-Id": true,
	}
	for name, values := range p.header {
		if !known[name] || len(values) != 1 {
			t.Errorf("header %s = %q", name, values)
		}
	}
	for _, name := range []string{"From", "To"} {
		list, err := p.header.AddressList(name)
		if err != nil || len(list) != 1 {
			t.Errorf("%s = %q: %v, %v", name, p.header[name], list, err)
		}
	}
	if to := p.header.Get("To"); to != "<ana@example.com>" {
		t.Errorf("To = %q", to)
	}
	if len(p.header["Subject"]) != 1 || len(p.parts) != 2 {
		t.Errorf("%d subjects and parts %q", len(p.header["Subject"]), p.order)
	}
	for _, line := range bytes.Split(raw, []byte("\r\n")) {
		if len(line) > 998 || bytes.ContainsAny(line, "\r\n\x00") {
			t.Errorf("line of %d bytes: %.80q", len(line), line)
		}
	}
}

// places are where hostile text might come in.
var places = map[string]func(*mailer.Letter, string){
	"app":         func(l *mailer.Letter, s string) { l.Notice.App = s },
	"host":        func(l *mailer.Letter, s string) { l.Notice.Host = s },
	"agent":       func(l *mailer.Letter, s string) { l.Notice.Agent = s },
	"browser":     func(l *mailer.Letter, s string) { l.Browser = s },
	"ref":         func(l *mailer.Letter, s string) { l.Notice.Ref = s },
	"language":    func(l *mailer.Letter, s string) { l.Notice.Language = s },
	"sender name": func(l *mailer.Letter, s string) { l.Style.From.Name = s },
	"support":     func(l *mailer.Letter, s string) { l.Style.Support = s },
	"city":        func(l *mailer.Letter, s string) { l.Notice.Place.City = s },
	"country":     func(l *mailer.Letter, s string) { l.Notice.Place.Country = s },
	"time zone":   func(l *mailer.Letter, s string) { l.Notice.Place.TimeZone = s },
	"network":     func(l *mailer.Letter, s string) { l.Notice.Place.Network = s },
	"credit":      func(l *mailer.Letter, s string) { l.Notice.Place.Credit = s },
	"reason":      func(l *mailer.Letter, s string) { l.Notice.Reason = challenge.Reason(s) },
	"link":        func(l *mailer.Letter, s string) { l.Notice.Stop = s },
	"kind":        func(l *mailer.Letter, s string) { l.Notice.Change = challenge.ChangeKind(s) },
	"why":         func(l *mailer.Letter, s string) { l.Notice.Why = s },
	"account":     func(l *mailer.Letter, s string) { l.Notice.Second, l.Notice.Account = true, s },
	"own account": func(l *mailer.Letter, s string) { l.Notice.Change, l.Notice.Account = challenge.SetSecond, s },
	"end of link": func(l *mailer.Letter, s string) { l.Notice.Stop = stop + s },
}

func TestML01NothingIsInjected(t *testing.T) {
	for place, put := range places {
		t.Run("through "+place, func(t *testing.T) {
			for name, subject := range subjects {
				for _, s := range hostile {
					l := located(subject)
					put(&l, s)
					m := render(t, l)
					checkOneOfEach(t, m.Raw)
					if strings.Contains(m.HTML, "<script") || strings.Contains(m.Text, "\n.\n") {
						t.Errorf("%q comes through in %s:\n%s", s, name, m.Text)
					}
				}
			}
		})
	}
}

func TestML01TheServerSeesOneRecipient(t *testing.T) {
	s := (&sink{}).open(t)
	transport := s.client(t, mailer.SMTPOptions{})
	mails := 0
	for _, text := range hostile {
		l := located(challenge.SignInCode)
		for _, put := range places {
			put(&l, text)
		}
		m := render(t, l)
		if err := transport.Deliver(t.Context(), m); err != nil {
			t.Fatalf("Deliver: %v", err)
		}
		mails++
		seen := s.seen()
		if len(seen.rcpts) != mails || seen.rcpts[mails-1] != "ana@example.com" || len(seen.bodies) != mails {
			t.Fatalf("after %q the sink saw %q and %d mails", text, seen.rcpts, len(seen.bodies))
		}
		if !bytes.Equal(seen.bodies[mails-1], m.Raw) {
			t.Errorf("%q changed the mail on its way", text)
		}
	}
}

var oddMailboxes = []string{
	"", "ana", "ana@", "@example.com", "ana@example.com\r\nRCPT TO:<eve@evil.example>", "ana@example.com,eve@evil.example",
	"ana@example.com eve@evil.example", `"ana"@example.com`, `"a,b"@example.com`, "Ana <ana@example.com>", "<ana@example.com>",
	"ana@evil.example@example.com", "ana(eve)@example.com", "änä@example.com", "ana@exämple.com", "ana@example.com\x00",
	"ana@[192.0.2.1]", "group:ana@example.com;", "ana@example.com> SIZE=1", strings.Repeat("a", 300) + "@example.com",
}

func TestML01OddMailboxesAreRefused(t *testing.T) {
	for _, odd := range oddMailboxes {
		l := letter()
		l.Notice.Mailbox = odd
		if _, err := l.Render(); !errors.Is(err, mailer.ErrMailbox) {
			t.Errorf("Render for mailbox %q = %v, want ErrMailbox", odd, err)
		}
		s := style()
		s.From = mail.Address{Address: odd}
		if err := s.Validate(); !errors.Is(err, mailer.ErrSender) {
			t.Errorf("sender %q: %v, want ErrSender", odd, err)
		}
	}
}

func TestAStyleIsValidated(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*mailer.Style)
		want   error
	}{
		"an ordinary one":           {func(*mailer.Style) {}, nil},
		"a field of its own":        {func(s *mailer.Style) { s.Headers = map[string]string{"X-Env": "a b"} }, nil},
		"a short colour":            {func(s *mailer.Style) { s.Accent = "0bf" }, nil},
		"a colour by name":          {func(s *mailer.Style) { s.Accent = "RebeccaPurple" }, nil},
		"a colour with its hash":    {func(s *mailer.Style) { s.Accent = "#0b5fff" }, mailer.ErrAccent},
		"a colour that ends a rule": {func(s *mailer.Style) { s.Accent = "red;}body{}" }, mailer.ErrAccent},
		"answers to nobody":         {func(s *mailer.Style) { s.ReplyTo = "nobody" }, mailer.ErrSender},
		"a second recipient":        {func(s *mailer.Style) { s.Headers = map[string]string{"bcc": "x@example.com"} }, mailer.ErrHeader},
		"a way to unsubscribe":      {func(s *mailer.Style) { s.Headers = map[string]string{"list-unsubscribe": "x"} }, mailer.ErrHeader},
		"another type":              {func(s *mailer.Style) { s.Headers = map[string]string{"Content-Type": "x"} }, mailer.ErrHeader},
		"a field in two lines":      {func(s *mailer.Style) { s.Headers = map[string]string{"X-A": "x\r\nBcc: y@example.com"} }, mailer.ErrHeader},
		"a name in two lines":       {func(s *mailer.Style) { s.Headers = map[string]string{"X-A: b\r\nBcc": "y@example.com"} }, mailer.ErrHeader},
	} {
		t.Run(name, func(t *testing.T) {
			s := style()
			tt.change(&s)
			if err := s.Validate(); !errors.Is(err, tt.want) {
				t.Errorf("Validate = %v, want %v", err, tt.want)
			}
			l := letter()
			l.Style = s
			if _, err := l.Render(); !errors.Is(err, tt.want) {
				t.Errorf("Render = %v, want %v", err, tt.want)
			}
		})
	}
}
