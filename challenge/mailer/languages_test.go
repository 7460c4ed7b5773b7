// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer_test

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/mailer"
	"github.com/doorcode/caddy-doorcode/challenge/words"
)

var (
	// anyDigits are a run of digits of any script, as long as a code.
	anyDigits = regexp.MustCompile(`\p{Nd}{4,8}`)
	unseen    = regexp.MustCompile(`(?s)<(style|head)\b.*?</(style|head)>|<[^>]*>`)
)

// everyMail calls check with each mail in each language.
func everyMail(t *testing.T, check func(t *testing.T, l mailer.Letter)) {
	for _, language := range words.Languages() {
		t.Run(language, func(t *testing.T) {
			for _, s := range mailer.Samples() {
				s.Letter.Notice.Language = language
				t.Run(s.Name, func(t *testing.T) { check(t, s.Letter) })
			}
		})
	}
}

// Item 77, in every language: phones offer the first run of digits that looks like a
// code, so nothing may stand before it, and a mail without one must not have any.
func TestItem77TheCodeComesFirstInEveryLanguage(t *testing.T) {
	everyMail(t, func(t *testing.T, l mailer.Letter) {
		for _, numbered := range []bool{false, true} {
			if numbered {
				l.Notice.App = "Ledger 2024"
			}
			m := render(t, l)
			want := ""
			if l.Notice.Code.Reveal() == secret {
				want = secret
			}
			parts := map[string]string{"text": m.Text}
			if !l.Style.TextOnly {
				parts["HTML"], parts["what is seen of the HTML"] = m.HTML, unseen.ReplaceAllString(m.HTML, "")
			}
			for where, part := range parts {
				if first := anyDigits.FindString(part); first != want && want != "" {
					t.Errorf("first run of digits in the %s is %q, want %q:\n%s", where, first, want, m.Text)
				}
			}
			if first := anyDigits.FindString(m.Subject); first != "" && first != want {
				t.Errorf("first run of digits in the subject is %q: %s", first, m.Subject)
			}
		}
	})
}

// Item 84: each mail is whole in its language, and says which and in which direction.
func TestItem84EveryMailInEveryLanguage(t *testing.T) {
	everyMail(t, func(t *testing.T, l mailer.Letter) {
		m := render(t, l)
		p := parse(t, m.Raw)
		language := l.Notice.Language
		opening := `<html lang="` + language + `" dir="` + words.Dir(language) + `">`
		if got := p.header.Get("Content-Language"); got != language || !l.Style.TextOnly && !strings.Contains(m.HTML, opening) {
			t.Errorf("Content-Language = %q, and HTML begins with %.80q", got, m.HTML)
		}
		if all := m.Subject + m.Text + m.HTML; keys.MatchString(all) || strings.Contains(all, "<no value>") || strings.ContainsAny(m.Subject+m.Text, "{}") {
			t.Errorf("a sentence is missing:\n%s\n%s", m.Subject, m.Text)
		}
		if utf8.RuneCountInString(m.Text) > 1300 || len(m.HTML) > 5500 || len(m.Raw) > 20_000 {
			t.Errorf("text has %d characters, HTML %d bytes and all of it %d", utf8.RuneCountInString(m.Text), len(m.HTML), len(m.Raw))
		}
	})
}

// What is read from left to right stays so in a sentence that is not.
func TestCodesAndAddressesKeepTheirDirection(t *testing.T) {
	for _, language := range words.Languages() {
		for name, subject := range subjects {
			l := located(subject)
			l.Notice.Language = language
			m := render(t, l)
			for _, value := range []string{l.Notice.Code.Reveal(), l.Notice.Ref, l.Notice.Host, l.Notice.Mailbox, "help@example.com"} {
				if value == "" {
					continue
				}
				title := regexp.MustCompile(`(?s)<head>.*</head>`).ReplaceAllString(m.HTML, "")
				bare := strings.Count(title, value)
				kept := strings.Count(title, `<bdi dir="ltr">`+value) + strings.Count(title, "https://"+value) + strings.Count(title, `<bdi dir="ltr">a••@example.com`)
				if inside := strings.Count(title, "@"+value); inside > 0 { // a part of an address
					bare -= inside
				}
				if bare != kept && value != l.Notice.Host {
					t.Errorf("%s in %s: %q stands %d times, %d times on its own:\n%s", name, language, value, bare, kept, title)
				}
			}
		}
	}
}

// Item 93: plurals, months and their order are those of the language.
func TestMomentsAreOfTheLanguage(t *testing.T) {
	for language, want := range map[string]string{"en": "22 Nov, 12:34 UTC (12:34 in Lisbon)", "de": "22. Nov."} {
		l := located(challenge.SignInCode)
		l.Notice.Language = language
		if m := render(t, l); !strings.Contains(m.Text, want) {
			t.Errorf("%s lacks %q:\n%s", language, want, m.Text)
		}
	}
}
