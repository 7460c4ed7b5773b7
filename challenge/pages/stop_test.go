// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/pages"
	"github.com/doorcode/caddy-doorcode/challenge/words"
)

// saying is a page and all that it says.
type saying struct {
	name string
	page pages.Page
	want string
}

// afterwards are the pages for whom there is nothing to stop any more.
var afterwards = []saying{
	{
		"a code restored",
		pages.Restored{Home: "/"},
		"Undone Codes for you can be asked for from that network again. The code that you stopped stays stopped. Go to Example",
	},
	{
		"a browser restored",
		pages.Restored{About: pages.StopBrowser},
		"Undone Codes for you can be asked for from that network again. The browser that you signed out stays signed out.",
	},
	{
		"a link that is over",
		pages.StopOver{},
		"This link no longer works It was used already, or it is too old. There is nothing left to stop.",
	},
}

func TestStopPagesSayExactlyWhatHappens(t *testing.T) {
	const blocked = "Nobody can ask for a code for you from that network "
	tests := []saying{
		{
			"a code",
			pages.Stop{Keep: "/"},
			"Stop this sign-in? Someone asked for a code to sign in to Example as you. Yes, stop it It was me",
		},
		{
			"a code that a session asked for, before the button",
			pages.Stop{Keep: "/", Asker: true},
			"Stop this sign-in? Someone asked for a code to sign in to Example as you. " +
				"The browser that asked for it will be signed out and forgotten, too. Yes, stop it It was me",
		},
		{
			"a browser",
			pages.Stop{About: pages.StopBrowser, Keep: "/"},
			"Sign that browser out? Someone signed in to Example as you. Yes, sign it out It was me",
		},
		{
			"a code behind a password",
			pages.Stop{Password: true},
			"Stop this sign-in? Someone asked for a code to sign in to Example as you. " +
				"If it wasn't you, whoever tried knows your password for Example. Yes, stop it",
		},
		{"a code stopped", pages.Stopped{Blocked: time.Hour}, "Stopped The code no longer works. " + blocked + "for an hour."},
		{
			"a code that a session asked for",
			pages.Stopped{Asker: true},
			"Stopped The code no longer works. The browser that asked for it is signed out and forgotten.",
		},
		{"for some minutes", pages.Stopped{Blocked: 90 * time.Minute}, "Stopped The code no longer works. " + blocked + "for 90 minutes."},
		{"for some hours", pages.Stopped{Blocked: 2 * time.Hour}, "Stopped The code no longer works. " + blocked + "for 2 hours."},
		{"for less than a minute", pages.Stopped{Blocked: 1}, "Stopped The code no longer works. " + blocked + "for 1 minute."},
		{"without a network", pages.Stopped{}, "Stopped The code no longer works."},
		{
			"a browser stopped",
			pages.Stopped{About: pages.StopBrowser, Blocked: time.Hour},
			"Stopped That browser is signed out and forgotten. " + blocked + "for an hour. Whoever signed in could read your email. Change the password of your mailbox.",
		},
		{
			"a code stopped behind a password, by mistake",
			pages.Stopped{Blocked: time.Hour, Password: true, Undo: "./x"},
			"Stopped The code no longer works. " + blocked + "for an hour. " +
				"Whoever tried knows your password for Example. Change it. I pressed this by mistake",
		},
	}
	for _, tt := range slices.Concat(tests, afterwards) {
		t.Run(tt.name, func(t *testing.T) {
			if got := said(t, tt.page, "main"); got != tt.want {
				t.Errorf("page says %q\nwant      %q", got, tt.want)
			}
		})
	}
}

func TestTheDetailsOfAStopAreThoseThatAreKnown(t *testing.T) {
	months := []string{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"}
	for i, month := range months {
		at := time.Date(2026, time.Month(i+1), 3, 1, 5, 0, 0, time.FixedZone("", 2*3600))
		want := "Time2 " + month + ", 23:05 UTC"
		if got := said(t, pages.Stop{Asked: pages.StopDetails{At: at}}, "dl"); got != want {
			t.Errorf("details are %q, want %q", got, want)
		}
	}
	all := pages.StopDetails{Browser: "Firefox on Windows", Near: lisbon, Network: "203.0.113.7, Example Telecom", At: noon}
	want := "BrowserFirefox on Windows Placenear Lisbon, Portugal (approximate) Network203.0.113.7, Example Telecom Time22 Nov, 12:34 UTC"
	if got := said(t, pages.Stop{Asked: all}, "dl"); got != want {
		t.Errorf("details are %q, want %q", got, want)
	}
	if html := render(t, renderer(t, nil), pages.Stop{}); strings.Contains(html, "<dl>") {
		t.Error("there is a list of details without any")
	}
}

// What only looks at the link of a mail, runs its scripts or follows its links
// must not end anything: nothing does but a button of a form.
func TestNothingButAButtonStopsAnything(t *testing.T) {
	r := renderer(t, nil)
	for _, s := range screens() {
		if !strings.HasPrefix(s.name, "7-") {
			continue
		}
		html := render(t, r, s.page)
		if strings.Contains(html, "<script") || strings.Contains(html, "http-equiv") {
			t.Errorf("%s runs by itself", s.name)
		}
		for _, a := range parse(t, html).all("a") {
			if strings.Contains(a.attrs["href"], "Yk3nT0") || strings.Contains(a.attrs["href"], nonce) {
				t.Errorf("%s links to what stops: %s", s.name, a.attrs["href"])
			}
		}
		if policy := r.CSP(s.page); strings.Contains(policy, "script-src") || !strings.Contains(policy, "form-action 'self'") {
			t.Errorf("%s is sent with %s", s.name, policy)
		}
	}
}

func TestStoppingAndUndoingPostTheNonce(t *testing.T) {
	r := renderer(t, nil)
	for _, tt := range []struct {
		page pages.Page
		want map[string]string
	}{
		{pages.Stop{Action: "./a", Nonce: nonce}, map[string]string{"nonce": nonce}},
		{pages.Stopped{Undo: "./a", Nonce: nonce}, map[string]string{"nonce": nonce, "undo": "1"}},
	} {
		doc := parse(t, render(t, r, tt.page))
		if form := doc.all("form"); len(form) != 1 || form[0].attrs["action"] != "./a" {
			t.Errorf("%T has forms %v", tt.page, form)
		}
		got := map[string]string{}
		for _, e := range doc.all("input") {
			got[e.attrs["name"]] = e.attrs["value"]
		}
		if len(got) != len(tt.want) || got["nonce"] != tt.want["nonce"] || got["undo"] != tt.want["undo"] {
			t.Errorf("%T posts %v, want %v", tt.page, got, tt.want)
		}
	}
}

func TestABrowserIsCalledInTheLanguageOfThePage(t *testing.T) {
	r := renderer(t, nil)
	for described, want := range map[string]string{
		"Firefox on Windows":       "Firefox unter Windows",
		"Safari on iPhone or iPad": "Safari unter iPhone oder iPad",
		"Ana on the sofa":          "Ana on the sofa",
	} {
		if html := renderIn(t, r, words.For("de"), pages.Stop{Asked: pages.StopDetails{Browser: described}}); !strings.Contains(html, want) {
			t.Errorf("it does not say %q:\n%s", want, html)
		}
	}
}
