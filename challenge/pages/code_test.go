// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/pages"
)

func TestWEB05TheCodeFieldIsOneThatCanBePastedAndFilled(t *testing.T) {
	field, _ := parse(t, render(t, renderer(t, nil), asked())).byID("code")
	want := map[string]string{
		"id": "code", "type": "text", "name": "code", "inputmode": "numeric",
		"autocomplete": "one-time-code", "autocapitalize": "off", "autocorrect": "off", "spellcheck": "false",
		"enterkeyhint": "go", "dir": "ltr", "aria-describedby": "error lead hint", "autofocus": "autofocus",
	}
	if !maps.Equal(field.attrs, want) {
		t.Errorf("code field has %v", field.attrs)
	}
	email, _ := parse(t, render(t, renderer(t, nil), pages.Email{})).byID("email")
	want = map[string]string{
		"id": "email", "type": "email", "name": "email", "value": "", "autocomplete": "username webauthn",
		"inputmode": "email", "autocapitalize": "off", "spellcheck": "false", "enterkeyhint": "send", "dir": "ltr",
		"aria-describedby": "error hint", "autofocus": "autofocus",
	}
	if !maps.Equal(email.attrs, want) {
		t.Errorf("email field has %v", email.attrs)
	}
}

// Where a code is over, the field can take none: what there is to do, and why, is
// at the button.
func TestTheFocusIsOnTheNewCodeWhereTheOldOneIsOver(t *testing.T) {
	r := renderer(t, nil)
	for trouble := pages.NoTrouble; trouble <= pages.MailDown; trouble++ {
		c := asked()
		c.Trouble = trouble
		doc := parse(t, render(t, r, c))
		var focused []element
		for _, e := range doc.elements {
			if _, has := e.attrs["autofocus"]; has {
				focused = append(focused, e)
			}
		}
		_, field := doc.byID("code")
		over := trouble == pages.CodeExpired || trouble == pages.CodeLost
		switch {
		case !field:
			if len(focused) > 0 {
				t.Errorf("trouble %d: the focus is on %v", trouble, focused)
			}
		case len(focused) != 1:
			t.Errorf("trouble %d: %d elements have the focus", trouble, len(focused))
		case over && (focused[0].name != "button" || focused[0].attrs["aria-describedby"] != "trouble"):
			t.Errorf("trouble %d: the focus is on %v, want the button that sends a new code", trouble, focused[0])
		case !over && focused[0].attrs["id"] != "code":
			t.Errorf("trouble %d: the focus is on %v, want the field", trouble, focused[0])
		}
		if _, told := doc.byID("trouble"); over != told || over && !strings.HasPrefix(doc.text["title"], "Error: ") {
			t.Errorf("trouble %d: there is what the button is about: %t, title %q", trouble, told, doc.text["title"])
		}
	}
}

// A stolen first factor must not tell the mailbox.
func TestAKnownPersonsAddressIsNeverWhole(t *testing.T) {
	r := renderer(t, nil)
	for trouble := pages.NoTrouble; trouble <= pages.MailDown; trouble++ {
		for notice := pages.NoNotice; notice <= pages.TooEarly; notice++ {
			c := known()
			c.Address, c.Trouble, c.Notice, c.MailsUsedUp = "anastasia@example.com", trouble, notice, notice == pages.SentNew
			html := render(t, r, c)
			if strings.Contains(html, "nastasia") || strings.Contains(r.Sentence(english(), c), "nastasia") {
				t.Errorf("trouble %d, notice %d shows the address", trouble, notice)
			}
			if strings.Contains(html, "/change") {
				t.Errorf("trouble %d, notice %d lets the address be changed", trouble, notice)
			}
		}
	}
	for address, want := range map[string]string{
		"ana@example.com": "a••@example.com", "élan@example.com": "é••@example.com", "": "•••@", "@": "•••@", "\xff@x": "•••@x",
	} {
		if html := render(t, r, pages.Send{Address: address}); !strings.Contains(html, "<bdi>"+want+"</bdi>") {
			t.Errorf("%q is not masked as %s", address, want)
		}
	}
}

// A page that answers a POST must not listen or reload; the script does so by
// the absence of this mark.
func TestAPageThatAnswersAPOSTSaysSo(t *testing.T) {
	r := renderer(t, nil)
	for _, answers := range []bool{true, false} {
		c := asked()
		c.AnswersPost = answers
		for _, page := range []pages.Page{c, pages.Email{AnswersPost: answers}} {
			if _, marked := parse(t, render(t, r, page)).all("body")[0].attrs["data-post"]; marked != answers {
				t.Errorf("%T answers a POST: %v, marked: %v", page, answers, marked)
			}
		}
	}
}

func TestTimesAreToldWithoutAZone(t *testing.T) {
	r := renderer(t, nil)
	tests := []struct {
		left  time.Duration
		want  string
		clock bool // the script may put a time of day there
	}{
		{-time.Hour, "in 1 minute", true},
		{0, "in 1 minute", true},
		{time.Second, "in 1 minute", true},
		{61 * time.Second, "in 2 minutes", true},
		{119 * time.Minute, "in 119 minutes", true},
		{2 * time.Hour, "in 2 hours", true},
		{11*time.Hour + time.Minute, "in 12 hours", true},
		{12 * time.Hour, "in 12 hours", false},
		{48 * time.Hour, "in 48 hours", false},
		{49 * time.Hour, "in 3 days", false},
		{30 * 24 * time.Hour, "in 30 days", false},
	}
	for _, tt := range tests {
		c := asked()
		c.Trouble, c.RetryAt = pages.AddressLocked, noon.Add(tt.left)
		html := render(t, r, c)
		heading := parse(t, html).text["h1"]
		if heading != "Try again "+tt.want || strings.Contains(html, "<time") != tt.clock {
			t.Errorf("after %v: %q, clock %v", tt.left, heading, strings.Contains(html, "<time"))
		}
	}
}

func TestTheBoxIsOnlyThereToBeTicked(t *testing.T) {
	r := renderer(t, nil)
	tests := []struct {
		name     string
		remember pages.Remember
		ticked   bool
		want     bool
	}{
		{"asked, not ticked", pages.RememberAsk, false, true},
		{"asked, ticked before", pages.RememberAsk, true, true},
		{"always", pages.RememberAlways, true, false},
		{"never", pages.RememberNever, true, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := asked()
			c.Remember, c.Ticked = tt.remember, tt.ticked
			box, ok := parse(t, render(t, r, c)).byID("remember")
			_, checked := box.attrs["checked"]
			if ok != tt.want || checked != (tt.want && tt.ticked) {
				t.Errorf("box %v, checked %v", ok, checked)
			}
		})
	}
}

func TestSuggest(t *testing.T) {
	tests := []struct{ typed, better string }{
		{"ana@gmial.com", "ana@gmail.com"},
		{"Ana.B+x@GMIAL.com", "Ana.B+x@gmail.com"},
		{"ana@hotnail.com", "ana@hotmail.com"},
		{"ana@example.con", "ana@example.com"},
		{"ana@gmial.con", "ana@gmail.com"},
		{"ana@gmail.com", ""},
		{"ana@Gmail.com", ""},
		{"ana@example.co", ""},
		{"ana@con", ""},
		{"@gmial.com", ""},
		{"gmial.com", ""},
		{"", ""},
	}
	for _, tt := range tests {
		if better, ok := pages.Suggest(tt.typed); ok != (tt.better != "") || ok && better != tt.better {
			t.Errorf("Suggest(%q) = %q, %v, want %q", tt.typed, better, ok, tt.better)
		}
	}
}
