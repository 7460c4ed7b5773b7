// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/pages"
)

func TestTheFieldOfAWayIsForWhatIsTypedThere(t *testing.T) {
	r := renderer(t, nil)
	common := map[string]string{
		"id": "code", "type": "text", "name": "code", "autocorrect": "off", "spellcheck": "false",
		"enterkeyhint": "go", "dir": "ltr", "aria-describedby": "error hint", "autofocus": "autofocus",
	}
	tests := map[string]struct {
		way  pages.Way
		want map[string]string
	}{
		"a backup code is read from paper and never filled in": {pages.WayBackup, map[string]string{
			"class": "long", "inputmode": "text", "autocomplete": "off", "autocapitalize": "characters",
		}},
		"an app's code may be filled in by it": {pages.WayApp, map[string]string{
			"inputmode": "numeric", "autocomplete": "one-time-code", "autocapitalize": "off",
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := asked()
			c.Way = tt.way
			maps.Copy(tt.want, common)
			field, _ := parse(t, render(t, r, c)).byID("code")
			if !maps.Equal(field.attrs, tt.want) {
				t.Errorf("field has %v, want %v", field.attrs, tt.want)
			}
		})
	}
}

// pressed are the ways and endpoints that the buttons of a page lead to.
func pressed(doc document) (ways, endpoints []string) {
	for _, e := range doc.all("button") {
		if e.attrs["name"] == "way" {
			ways = append(ways, e.attrs["value"])
		}
		if target := e.attrs["formaction"]; target != "" {
			endpoints = append(endpoints, target[strings.LastIndexByte(target, '/')+1:])
		}
	}
	return ways, endpoints
}

func TestAPageLeadsToTheWaysThatTheGateOffers(t *testing.T) {
	r := renderer(t, nil)
	tests := map[string]struct {
		way    pages.Way
		offers pages.WayOffers
		want   []string
	}{
		"none":                                   {pages.WayMail, pages.WayOffers{}, nil},
		"one of each":                            {pages.WayMail, everyWay, []string{"backup", "other"}},
		"backup codes alone":                     {pages.WayMail, pages.WayOffers{Backup: true}, []string{"backup"}},
		"the app alone needs no list":            {pages.WayMail, pages.WayOffers{App: true}, []string{"app"}},
		"nor does the second address":            {pages.WayMail, pages.WayOffers{Second: true}, []string{"second"}},
		"two without backup codes are a list":    {pages.WayMail, pages.WayOffers{App: true, Second: true}, []string{"other"}},
		"from a backup code":                     {pages.WayBackup, everyWay, []string{"mail", "other"}},
		"from a backup code that is the only":    {pages.WayBackup, pages.WayOffers{Backup: true}, []string{"mail"}},
		"from the app":                           {pages.WayApp, everyWay, []string{"mail", "backup", "other"}},
		"from the second address":                {pages.WaySecond, everyWay, []string{"mail", "backup", "other"}},
		"the list has all of them, and the mail": {pages.WayChoice, everyWay, []string{"backup", "app", "second", "mail"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := asked()
			c.Way, c.Offers = tt.way, tt.offers
			if got, _ := pressed(parse(t, render(t, r, c))); !slices.Equal(got, tt.want) {
				t.Errorf("ways = %v, want %v", got, tt.want)
			}
		})
	}
}

// BKP-04 and L-32: the counters are in front of every way, so that a page that tells
// of a lock must not send a person on to another refusal.
func TestBKP04WhereNothingIsAcceptedNoWayIsOffered(t *testing.T) {
	r := renderer(t, nil)
	for trouble := pages.NoTrouble; trouble <= pages.MailDown; trouble++ {
		for way := pages.WayMail; way <= pages.WayChoice; way++ {
			c := asked()
			c.Trouble, c.Way, c.RetryAt = trouble, way, noon.Add(time.Hour)
			html := render(t, r, c)
			ways, _ := pressed(parse(t, html))
			locked := trouble == pages.AddressLocked || trouble == pages.NetworkLocked
			if locked != (len(ways) == 0) {
				t.Errorf("trouble %d at way %d: ways %v", trouble, way, ways)
			}
			if told := strings.Contains(html, "No other way in works until then"); told != locked {
				t.Errorf("trouble %d at way %d: says that no other way works: %t", trouble, way, told)
			}
		}
	}
}

// What became of a mail does not concern whoever types a backup code.
func TestAWayWithoutMailSaysNothingOfMails(t *testing.T) {
	r := renderer(t, nil)
	mail := regexp.MustCompile(`7KQ|No email after|Look in spam|Our mail service|Too many codes were sent|earlier email`)
	for trouble := pages.NoTrouble; trouble <= pages.MailDown; trouble++ {
		for notice := pages.NoNotice; notice <= pages.TooEarly; notice++ {
			for _, way := range []pages.Way{pages.WayBackup, pages.WayApp, pages.WayChoice} {
				c := asked()
				c.Way, c.Trouble, c.Notice, c.RetryAt = way, trouble, notice, noon.Add(time.Hour)
				if said := mail.FindString(inlined.ReplaceAllString(render(t, r, c), "")); said != "" {
					t.Errorf("way %d, trouble %d, notice %d says %q", way, trouble, notice, said)
				}
			}
		}
	}
}

// Only its person knows a second address: no page shows it, nor says that there is
// one.
func TestASecondAddressIsNeverShownAtTheDoor(t *testing.T) {
	r := renderer(t, nil)
	for trouble := pages.NoTrouble; trouble <= pages.MailDown; trouble++ {
		c := asked()
		c.Way, c.Trouble, c.RetryAt = pages.WaySecond, trouble, noon.Add(time.Hour)
		if html := render(t, r, c); strings.Contains(html, "ana@") {
			t.Errorf("trouble %d names an address:\n%s", trouble, html)
		}
	}
}

func TestTheCodePageSaysWhatItsCodeIsFor(t *testing.T) {
	r := renderer(t, nil)
	said := map[string]pages.Purpose{}
	for purpose := pages.PurposeBackupCodes; purpose <= pages.PurposeSomethingNew; purpose++ {
		for way := pages.WayMail; way <= pages.WayChoice; way++ {
			c := changing(purpose)
			c.Way = way
			html := render(t, r, c)
			doc := parse(t, html)
			sentence := regexp.MustCompile(`>(To [^,<]*), `).FindStringSubmatch(html)
			if sentence == nil {
				t.Fatalf("purpose %d at way %d says nothing of it:\n%s", purpose, way, html)
			}
			if other, twice := said[sentence[1]]; twice && other != purpose {
				t.Errorf("purposes %d and %d both say %q", purpose, other, sentence[1])
			}
			said[sentence[1]] = purpose
			_, endpoints := pressed(doc)
			_, box := doc.byID("remember")
			if _, link := doc.byID("back"); link || box || !slices.Contains(endpoints, "change") {
				t.Errorf("purpose %d at way %d: link back %t, box %t, buttons to %v", purpose, way, link, box, endpoints)
			}
			whole, masked := strings.Contains(html, "ana@example.com"), strings.Contains(html, "a••@example.com")
			if proof := purpose == pages.PurposeProof; way == pages.WayMail && (whole != proof || masked == proof) {
				t.Errorf("purpose %d shows the address: %t, masked: %t", purpose, whole, masked)
			}
		}
	}
}

func TestSentencesOfAWayAreTheSameForScripts(t *testing.T) {
	r := renderer(t, nil)
	tests := []struct {
		name    string
		way     pages.Way
		trouble pages.Trouble
		want    string
	}{
		{"no backup code", pages.WayBackup, pages.CodeMissing, "Enter a backup code."},
		{"a wrong backup code", pages.WayBackup, pages.WrongCode, "That backup code isn't right or was already used."},
		{"text that is no backup code", pages.WayBackup, pages.WrongLength, "A backup code has 16 letters and numbers."},
		{"nothing from the app", pages.WayApp, pages.CodeMissing, "Enter the code from the app."},
		{
			"a wrong code of the app", pages.WayApp, pages.WrongCode,
			"That code isn't right or was already used. Enter the numbers that the app shows now.",
		},
		{"a code of the app that is too short", pages.WayApp, pages.WrongLength, "The code has 6 numbers. You entered 4."},
		{
			"too many codes of the app", pages.WayApp, pages.AppLocked,
			"Too many codes of an authenticator app were tried for this address. Use another way until then.",
		},
		{"letters for a code of the app", pages.WayApp, pages.WrongAlphabet, "The code has only numbers."},
		{
			"a lock is the same at each", pages.WayBackup, pages.AddressLocked,
			"Too many wrong codes for this address. If it can use Example, we emailed it about this.",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := asked()
			c.Way, c.Trouble, c.Entered, c.RetryAt = tt.way, tt.trouble, 4, noon.Add(time.Hour)
			if got := r.Sentence(english(), c); got != tt.want {
				t.Errorf("Sentence = %q, want %q", got, tt.want)
			}
		})
	}
}
