// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge/pages"
	"github.com/doorcode/caddy-doorcode/challenge/words"
)

// said is all that an element of a page says, without the words for screen
// readers only and in one line.
func said(t testing.TB, page pages.Page, name string) string {
	t.Helper()
	html := regexp.MustCompile(`<span class="aloud">.*?</span>`).ReplaceAllString(render(t, renderer(t, nil), page), "")
	return strings.Join(strings.Fields(parse(t, html).text[name]), " ")
}

func TestEveryReasonIsToldInItsWords(t *testing.T) {
	tests := []struct {
		name   string
		reason pages.Reason
		near   words.Spot
		want   string
	}{
		{"none", 0, porto, ""},
		{"a new browser", pages.ReasonNewBrowser, words.Spot{}, "We don't recognise this browser. We check each new browser once."},
		{"a new place", pages.ReasonNewPlace, porto, "This sign-in comes from a place you don't usually use (near Porto, Portugal)."},
		{"a new place, far from sure", pages.ReasonNewPlace, words.Spot{City: "Porto", Country: "PT", Radius: 500}, "This sign-in comes from a place you don't usually use (Portugal)."},
		{"a new place that nobody knows", pages.ReasonNewPlace, words.Spot{}, "This sign-in comes from a place you don't usually use."},
		{"travel", pages.ReasonTravel, words.Spot{}, "You signed in far from here a short time ago."},
		{"travel to somewhere", pages.ReasonTravel, lisbon, "You signed in far from here a short time ago. Where you seem to be: near Lisbon, Portugal."},
		{"a new network", pages.ReasonNewNetwork, words.Spot{}, "This sign-in comes from a network you haven't used before."},
		{"a private network", pages.ReasonNewNetwork, words.Spot{Private: true}, "This sign-in comes from a network you haven't used before. Where you seem to be: a private network."},
		{"a sensitive page", pages.ReasonSensitive, words.Spot{}, "This page changes important things, so we check again."},
		{"expired", pages.ReasonExpired, words.Spot{}, "The time for which we remember this browser is over."},
		{"ended", pages.ReasonEnded, words.Spot{}, "You were signed out on this browser."},
		{"always", pages.ReasonAlways, words.Spot{}, "Example asks for a code at every sign-in."},
		{"the operator", pages.ReasonOperator, words.Spot{}, "The people who run Example asked for a new code."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := asked()
			c.Reason, c.Near = tt.reason, tt.near
			want := tt.want
			if want != "" {
				want = "Why am I seeing this?" + want
			}
			got := said(t, c, "details")
			if strings.ReplaceAll(got, ".Where", ". Where") != want {
				t.Errorf("page says %q, want %q", got, want)
			}
		})
	}
}

// Whoever made the database is named beside a place that it told, and nowhere
// else.
func TestThePlaceIsCreditedWhereItIsTold(t *testing.T) {
	r := renderer(t, nil)
	tests := []struct {
		name   string
		reason pages.Reason
		near   words.Spot
		want   bool
	}{
		{"a place", pages.ReasonTravel, lisbon, true},
		{"a new place", pages.ReasonNewPlace, porto, true},
		{"no place", pages.ReasonTravel, words.Spot{}, false},
		{"a private network, which no database tells", pages.ReasonTravel, words.Spot{Private: true}, false},
		{"no reason to tell it for", 0, lisbon, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := asked()
			c.Reason, c.Near, c.Credit = tt.reason, tt.near, credit
			if got := strings.Contains(render(t, r, c), credit); got != tt.want {
				t.Errorf("code page credits: %v", got)
			}
			stop := pages.Stop{Asked: pages.StopDetails{Near: tt.near, Credit: credit}}
			if got := strings.Contains(render(t, r, stop), credit); got != (tt.want || tt.reason == 0) {
				t.Errorf("stop page credits: %v", got)
			}
		})
	}
}

func TestConfirmingSaysWhatItIsFor(t *testing.T) {
	const rest = " Look for the letters 7KQ in it. The code works for 10 minutes."
	tests := []struct {
		name   string
		reason pages.Reason
		lead   string
	}{
		{"a sensitive page", pages.ReasonSensitive, "Example asks for a fresh code before this page. We sent it to a••@example.com." + rest},
		{"travel", pages.ReasonTravel, "We sent a 6-digit code to a••@example.com." + rest},
		{"a new place", pages.ReasonNewPlace, "We sent a 6-digit code to a••@example.com." + rest},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := confirm()
			c.Reason = tt.reason
			if heading := said(t, c, "h1"); heading != "Confirm it's you" {
				t.Errorf("heading is %q", heading)
			}
			if got := said(t, c, "main"); !strings.Contains(got, tt.lead) {
				t.Errorf("page says %q, want %q", got, tt.lead)
			}
		})
	}
}

// A session may be in a stranger's hands: it must neither tell the mailbox, nor
// choose another one, nor have the browser remembered.
func TestConfirmingTellsAndChangesNothingOfThePerson(t *testing.T) {
	r := renderer(t, nil)
	for trouble := pages.NoTrouble; trouble <= pages.MailDown; trouble++ {
		for _, withForm := range []string{"", held} {
			c := confirm()
			c.Address, c.Trouble, c.Held = "anastasia@example.com", trouble, withForm
			c.Remember, c.Ticked, c.Often = pages.RememberAsk, true, true
			html := render(t, r, c)
			for _, wrong := range []string{"nastasia", "/change", `name="remember"`} {
				if strings.Contains(html, wrong) {
					t.Errorf("trouble %d: page has %q", trouble, wrong)
				}
			}
			back, ok := parse(t, html).byID("back")
			if !ok || back.attrs["href"] != "/reports" {
				t.Errorf("trouble %d: the way back is %v", trouble, back.attrs)
			}
		}
	}
	c := confirm()
	c.GoBack = ""
	if back, _ := parse(t, render(t, r, c)).byID("back"); back.attrs["href"] != "/" {
		t.Errorf("without a URL the way back is %v", back.attrs)
	}
}

func TestCountriesAreToldWhereTheyAreRefused(t *testing.T) {
	for country, want := range map[string]string{
		"PT":    "Not available hereSign-in to Example isn't available from where you are (network in Portugal).",
		"":      "Not available hereSign-in to Example isn't available from where you are.",
		"\r\n":  "Not available hereSign-in to Example isn't available from where you are.",
		"<b>&A": "Not available hereSign-in to Example isn't available from where you are (network in <b>&A).",
	} {
		got := said(t, pages.NoCountry{Country: country}, "main")
		if strings.ReplaceAll(got, "here Sign", "hereSign") != want {
			t.Errorf("%q: %q, want %q", country, got, want)
		}
	}
}
