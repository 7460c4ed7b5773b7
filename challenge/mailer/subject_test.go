// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/mailer"
)

func TestSubjects(t *testing.T) {
	for name, tt := range map[string]struct {
		subject challenge.Subject
		change  func(*mailer.Letter)
		want    string
	}{
		"a code comes first":                {challenge.SignInCode, nil, "482917 is your Example code (7KQ)"},
		"unless it is hidden":               {challenge.SignInCode, hidden, "Your Example code (7KQ)"},
		"a code that confirms never shows":  {challenge.ConfirmCode, nil, "Your Example code to confirm it's you (7KQ)"},
		"whatever the style says":           {challenge.ConfirmCode, hidden, "Your Example code to confirm it's you (7KQ)"},
		"nor does another run of digits":    {challenge.ConfirmCode, numbered, "Your code to confirm it's you (7KQ)"},
		"a sign-in names the browser":       {challenge.NewSignIn, nil, "New sign-in to Example: Firefox on Windows"},
		"and no run of digits":              {challenge.NewSignIn, numbered, "New sign-in: Firefox"},
		"a browser that nobody knows":       {challenge.NewSignIn, func(l *mailer.Letter) { l.Browser = "" }, "New sign-in to Example: an unknown browser"},
		"wrong codes":                       {challenge.WrongCodes, nil, "Too many wrong codes for Example"},
		"wrong codes without run of digits": {challenge.WrongCodes, numbered, "Too many wrong codes"},
		"a code for a change never shows":   {challenge.ChangeCode, nil, "Your Example code to confirm a change (7KQ)"},
		"nor do digits beside it":           {challenge.ChangeCode, numbered, "Your code to confirm a change (7KQ)"},
		"a backup code":                     {challenge.BackupCodeUsed, nil, "A backup code was used for Example"},
		"a backup code and no digits":       {challenge.BackupCodeUsed, numbered, "A backup code was used"},
		"a change is named":                 {challenge.WaysChanged, nil, "New backup codes for Example"},
		"a change without run of digits":    {challenge.WaysChanged, numbered, "Your sign-in was changed"},
		"a change that waits":               {challenge.WaysChanged, waiting, "Waiting: new backup codes for Example"},
		"one that waits without digits":     {challenge.WaysChanged, func(l *mailer.Letter) { waiting(l); numbered(l) }, "A change to your sign-in is waiting"},
		"a code that is read out":           {challenge.CodeReadOut, nil, "A sign-in code for Example, to be read out to you"},
		"a code read out without digits":    {challenge.CodeReadOut, numbered, "A sign-in code, to be read out to you"},
		"a code that comes quietly":         {challenge.SignInCode, func(l *mailer.Letter) { l.Notice.Quietly = true }, "Your Example code (7KQ)"},
	} {
		t.Run(name, func(t *testing.T) {
			l := located(tt.subject)
			if tt.change != nil {
				tt.change(&l)
			}
			m := render(t, l)
			p := parse(t, m.Raw)
			if got := p.subject(t); got != tt.want || m.Subject != tt.want {
				t.Errorf("subject is %q and %q, want %q", got, m.Subject, tt.want)
			}
		})
	}
}

func hidden(l *mailer.Letter) { l.Style.HideCode = true }

func waiting(l *mailer.Letter) { l.Notice.Due = asked.Add(24 * time.Hour) }

func numbered(l *mailer.Letter) { l.Notice.App, l.Browser = "Ledger 2024", "Firefox 145000" }

func TestWhatEachMailTells(t *testing.T) {
	details := []string{"app.example.com", "Firefox on Windows", "near Lisbon, Portugal", "203.0.113.7, Example Telecom", "22 Nov, 12:34 UTC", "ana@example.com", "help@example.com"}
	for name, wants := range map[string][]string{
		"code":        {"482917 is your Example sign-in code.", "4 8 2 9 1 7", "for 10 minutes, once", "7KQ", "Not you? Don't share", "Stop this sign-in"},
		"confirm":     {"482917 is your Example code to confirm it's you.", "4 8 2 9 1 7", "for 10 minutes, once", "7KQ", "in the browser where you are signed in", "Not you?", "Stop this sign-in"},
		"new-sign-in": {"Someone signed in to Example as you, in a new browser or from a new place.", "Was this you? Then there is nothing to do.", "Sign that browser out.", "That wasn't me"},
		"wrong-codes": {"Someone entered too many wrong codes for Example.", "Nobody got in", "Until 22 Nov, 13:34 UTC (13:34 in Lisbon) we accept no codes", "A browser that we remember for you still works."},
		"change": {
			"482917 is your Example code to make new backup codes.", "4 8 2 9 1 7", "for 10 minutes, once", "7KQ", "in the browser where you are signed in",
			"Not you? Someone is signed in as you and wants to change how you sign in. Don't share or enter this code.", "Stop this change",
		},
		"backup-code-used": {"Someone used a backup code for Example.", "7 backup codes are left.", "Was this you?", "Sign that browser out.", "That wasn't me"},
		"ways-changed":     {"Someone made new backup codes for Example.", "Any older ones no longer work.", "Was this you?", "Was it someone else? The link takes it back, signs that browser out,", "Then check", "at app.example.com/.doorcode/.", "That wasn't me"},
	} {
		l := located(subjects[name])
		if name == "wrong-codes" {
			l.Notice.Expires = asked.Add(time.Hour)
		}
		m := render(t, l)
		html := regexp.MustCompile(`</?(?:bdi|strong)[^>]*>`).ReplaceAllString(m.HTML, "")
		html = strings.ReplaceAll(html, "&#39;", "'")
		for _, want := range append(wants, details...) {
			if !strings.Contains(m.Text, want) || !strings.Contains(html, want) {
				t.Errorf("%s lacks %q:\n%s", name, want, m.Text)
			}
		}
		if !strings.Contains(html, "<title>"+wants[0]+"</title>") {
			t.Errorf("the title of %s is not its lead", name)
		}
	}
}

// Whoever comes back in the minute that a mail names must not be too early.
func TestWrongCodesAreOverWhenTheMailSays(t *testing.T) {
	for end, want := range map[time.Duration]string{
		time.Hour:                         "Until 22 Nov, 13:34 UTC (13:34 in Lisbon) we",
		time.Hour + time.Nanosecond:       "Until 22 Nov, 13:35 UTC (13:35 in Lisbon) we",
		time.Hour + 59*time.Second:        "Until 22 Nov, 13:35 UTC (13:35 in Lisbon) we",
		11*time.Hour + 25*time.Minute + 1: "Until 23 Nov, 00:00 UTC (00:00 in Lisbon) we",
	} {
		l := located(challenge.WrongCodes)
		l.Notice.Expires = asked.Add(end)
		if m := render(t, l); !strings.Contains(m.Text, want) {
			t.Errorf("for an end after %v the text lacks %q:\n%s", end, want, m.Text)
		}
	}
	l := located(challenge.WrongCodes)
	l.Notice.Expires = time.Time{}
	if m := render(t, l); strings.Contains(m.Text, "Until") || !strings.Contains(m.Text, "still works") {
		t.Errorf("an end is told that nobody knows:\n%s", m.Text)
	}
}

// A notice without a code must offer phones nothing to take for one, though
// somebody fill in a code by mistake.
func TestANoticeWithoutACodeHasNone(t *testing.T) {
	for name, subject := range subjects {
		if hasCode(subject) {
			continue
		}
		for _, code := range []challenge.Code{{}, challenge.NewCode(secret), challenge.NewCode("000000")} {
			l := located(subject)
			l.Notice.Code, l.Notice.Ref = code, "7KQ"
			l.Notice.Place.Network, l.Notice.Place.City = "AS64500 Example Telecom", "Lisbon 1100"
			m := render(t, l)
			for part, content := range map[string]string{"subject": m.Subject, "text": m.Text, "HTML": m.HTML} {
				if part == "HTML" {
					_, content, _ = strings.Cut(content, "</head>") // colours are three numbers and six letters
				}
				if found := digitRun.FindString(content); found != "" {
					t.Errorf("%s: %s has %q", name, part, found)
				}
				for _, never := range []string{"#", "7KQ", "<strong></strong>", `<bdi dir="ltr"></bdi>`, "One at a time", "minute"} {
					if strings.Contains(strings.ReplaceAll(content, "&#39;", "'"), never) {
						t.Errorf("%s: %s has %q", name, part, never)
					}
				}
			}
		}
	}
}

func TestTheCodeIsFirstWhereverItIsFrom(t *testing.T) {
	for name, subject := range subjects {
		if !hasCode(subject) {
			continue
		}
		l := located(subject)
		l.Notice.App, l.Notice.Host = "Ledger 2024", "app2024.example.com"
		l.Notice.Place.Network, l.Notice.Place.City = "AS64500 Example Telecom", "Lisbon 1100"
		m := render(t, l)
		if !strings.HasPrefix(m.Text, secret+" is your ") || digitRun.FindString(m.HTML) != secret || !strings.HasSuffix(m.Text, "\n\n@app2024.example.com #482917\n") {
			t.Errorf("%s: the code is not first and last:\n%s", name, m.Text)
		}
	}
}

func TestAnUnknownSubjectIsRefused(t *testing.T) {
	l := letter()
	l.Notice.Subject = 200
	if _, err := l.Render(); !errors.Is(err, mailer.ErrSubject) {
		t.Errorf("Render = %v, want ErrSubject", err)
	}
}
