// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer_test

import (
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/devices"
	"github.com/doorcode/caddy-doorcode/challenge/words"
)

func TestABrowserThatSaysNothingIsUnknownInEachLanguage(t *testing.T) {
	for _, language := range words.Languages() {
		l := located(challenge.SignInCode)
		l.Notice.Language, l.Browser = language, devices.Describe("")
		want := words.For(language).Text("mail.unknown_browser", nil)
		m := render(t, l)
		if !strings.Contains(m.Text, want) || language != "en" && strings.Contains(m.Text+m.HTML, devices.Unknown) {
			t.Errorf("%s: the mail does not say %q:\n%s", language, want, m.Text)
		}
	}
}

func TestABrowserIsCalledInTheLanguageOfTheMail(t *testing.T) {
	for language, want := range map[string]string{"en": "Firefox on Windows", "de": "Firefox unter Windows", "ja": "WindowsのFirefox"} {
		l := located(challenge.SignInCode)
		l.Notice.Language, l.Browser = language, "Firefox on Windows"
		if m := render(t, l); !strings.Contains(m.Text, want) {
			t.Errorf("%s: the mail does not say %q:\n%s", language, want, m.Text)
		}
	}
}

// After Arabic letters, digits with spaces between them stand the other way round,
// unless a mark before them says otherwise.
func TestACodeThatIsSpelledOutReadsTheSameInEachDirection(t *testing.T) {
	l := located(challenge.SignInCode)
	l.Notice.Language = "ar"
	if m := render(t, l); !strings.Contains(m.Text, "\u200e4 8 2 9 1 7") {
		t.Errorf("the code that is spelled out has no direction:\n%s", m.Text)
	}
	l.Notice.Language = "de"
	if m := render(t, l); strings.Contains(m.Text, "\u200e") {
		t.Error("a mark of direction where none is needed")
	}
}

// What is marked in the lead is drawn as a code.
func TestOnlyACodeIsMarkedInALead(t *testing.T) {
	for _, language := range words.Languages() {
		l := located(challenge.TestMail)
		l.Notice.Language = language
		if m := render(t, l); strings.Contains(m.HTML[:strings.Index(m.HTML, "</h1>")], "<strong>") {
			t.Errorf("%s: the lead of a test mail has a code", language)
		}
	}
}
