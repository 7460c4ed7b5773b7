// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer_test

import (
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/geo"
)

// line is the value of a fact in the text part, or "".
func line(text, label string) string {
	found := regexp.MustCompile(`(?m)^  ` + label + ` +(.*)$`).FindStringSubmatch(text)
	if found == nil {
		return ""
	}
	return found[1]
}

func TestWhereSomebodyIs(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*geo.Place)
		place  string
		time   string
	}{
		"a city is near and approximate": {
			func(*geo.Place) {}, "near Lisbon, Portugal (approximate)", "22 Nov, 12:34 UTC (12:34 in Lisbon)",
		},
		"its clocks may be on another day": {
			func(p *geo.Place) { p.TimeZone = "Pacific/Kiritimati" }, "near Lisbon, Portugal (approximate)", "22 Nov, 12:34 UTC (23 Nov, 02:34 in Lisbon)",
		},
		"a radius of 200 km is a city still": {
			func(p *geo.Place) { p.Radius = 200 }, "near Lisbon, Portugal (approximate)", "22 Nov, 12:34 UTC (12:34 in Lisbon)",
		},
		"beyond it is only a country, which may have several clocks": {
			func(p *geo.Place) { p.Radius = 201 }, "Portugal", "22 Nov, 12:34 UTC",
		},
		"a radius without a point says nothing": {
			func(p *geo.Place) { p.Radius, p.Located = 900, false }, "near Lisbon, Portugal (approximate)", "22 Nov, 12:34 UTC (12:34 in Lisbon)",
		},
		"a country alone": {
			func(p *geo.Place) { p.City = "" }, "Portugal", "22 Nov, 12:34 UTC",
		},
		"a private network": {
			func(p *geo.Place) { *p = geo.Place{Private: true} }, "a private network", "22 Nov, 12:34 UTC",
		},
		"what is unknown is left out": {
			func(p *geo.Place) { *p = geo.Place{} }, "", "22 Nov, 12:34 UTC",
		},
		"a zone that does not exist is left out": {
			func(p *geo.Place) { p.TimeZone = "Europe/Atlantis" }, "near Lisbon, Portugal (approximate)", "22 Nov, 12:34 UTC",
		},
		"no zone is not UTC": {
			func(p *geo.Place) { p.TimeZone = "" }, "near Lisbon, Portugal (approximate)", "22 Nov, 12:34 UTC",
		},
		"nor is this machine's zone that of a place": {
			func(p *geo.Place) { p.TimeZone = "Local" }, "near Lisbon, Portugal (approximate)", "22 Nov, 12:34 UTC",
		},
		"a zone is no path": {
			func(p *geo.Place) { p.TimeZone = "../../etc/localtime" }, "near Lisbon, Portugal (approximate)", "22 Nov, 12:34 UTC",
		},
	} {
		t.Run(name, func(t *testing.T) {
			for mail, subject := range subjects {
				l := located(subject)
				l.Notice.Place = located(challenge.SignInCode).Notice.Place
				tt.change(&l.Notice.Place)
				m := render(t, l)
				if got := line(m.Text, "Place"); got != tt.place {
					t.Errorf("%s: place is %q, want %q", mail, got, tt.place)
				}
				if got := line(m.Text, "Time"); got != tt.time {
					t.Errorf("%s: time is %q, want %q", mail, got, tt.time)
				}
				for _, want := range []string{tt.place, tt.time} {
					if !strings.Contains(m.HTML, "<bdi>"+want+"</bdi>") && want != "" {
						t.Errorf("%s: HTML lacks %q", mail, want)
					}
				}
			}
		})
	}
}

// Whoever registers a network, or edits a database, names it as he likes.
func TestML05NamesFromDatabasesAreTame(t *testing.T) {
	for name, want := range map[string]string{
		"Example Telecom":              "Example Telecom",
		"AS64500 Example Telecom":      "Example Telecom",
		"Code 123456 for you":          "Code for you",
		"Code ١٢٣٤٥٦ for you":          "Code for you",
		"1&1 Versatel":                 "1&1 Versatel",
		"TDC Holding A/S":              "TDC Holding A/S",
		"Amazon.com, Inc.":             "Amazon.com, Inc.",
		"http://evil.example/ Telecom": "Telecom",
		"Win evil.example/prize now":   "Win now",
		"WWW.evil.example":             "",
		"@app.example.com #000000":     "",
		"x\r\nBcc: eve@evil.example":   "x Bcc:",
		"Tele\u202emoc":                "Telemoc",
		strings.Repeat("é", 100):       strings.Repeat("é", 59) + "…",
	} {
		l := located(challenge.SignInCode)
		l.Notice.Place.Network, l.Notice.Place.City = name, name
		m := render(t, l)
		network, place := "203.0.113.7", "Portugal"
		if want != "" {
			network += ", " + want
			place = "near " + want + ", Portugal (approximate)"
		}
		if got := line(m.Text, "Network"); got != network {
			t.Errorf("network %q is printed as %q, want %q", name, got, network)
		}
		if got := line(m.Text, "Place"); got != place && len(name) < 100 {
			t.Errorf("city %q is printed as %q, want %q", name, got, place)
		}
	}
}

func TestAMailTellsTimesByTheClockThatItsReaderChose(t *testing.T) {
	for name, tt := range map[string]struct {
		zone, place string
		want        []string
	}{
		"none was chosen":              {"", "", []string{"Time     22 Nov, 12:34 UTC\n", "23 Nov, 12:34 UTC"}},
		"none, and the place has one":  {"", "Europe/Madrid", []string{"Time     22 Nov, 12:34 UTC (13:34 in Lisbon)\n", "23 Nov, 12:34 UTC (13:34 in Lisbon)"}},
		"one with letters":             {"Asia/Tokyo", "", []string{"Time     22 Nov, 21:34 JST\n", "23 Nov, 21:34 JST"}},
		"one without letters":          {"Asia/Kathmandu", "", []string{"Time     22 Nov, 18:19 UTC+05:45\n", "23 Nov, 18:19 UTC+05:45"}},
		"that of the place":            {"Europe/Berlin", "Europe/Madrid", []string{"Time     22 Nov, 13:34 CET\n", "23 Nov, 13:34 CET"}},
		"another than that of a place": {"Asia/Tokyo", "Europe/Madrid", []string{"Time     22 Nov, 21:34 JST (13:34 in Lisbon)\n", "23 Nov, 21:34 JST (13:34 in Lisbon)"}},
		"one whose day is another":     {"Pacific/Auckland", "Europe/Madrid", []string{"Time     23 Nov, 01:34 NZDT (22 Nov, 13:34 in Lisbon)\n", "24 Nov, 01:34 NZDT (23 Nov, 13:34 in Lisbon)"}},
		"one that there is not":        {"Mars/Olympus", "", []string{"Time     22 Nov, 12:34 UTC\n", "23 Nov, 12:34 UTC"}},
	} {
		t.Run(name, func(t *testing.T) {
			l := located(challenge.WaysChanged)
			l.Notice.Change, l.Notice.Due = challenge.EraseData, asked.Add(24*time.Hour)
			l.Notice.Zone, l.Notice.Place.TimeZone = tt.zone, tt.place
			m := render(t, l)
			for _, want := range tt.want {
				if !strings.Contains(m.Text, want) {
					t.Errorf("text lacks %q:\n%s", want, m.Text)
				}
			}
		})
	}
}

func TestAnUnknownAddressHasNoNetwork(t *testing.T) {
	l := located(challenge.SignInCode)
	l.Notice.IP = netip.Addr{}
	if m := render(t, l); strings.Contains(m.Text, "Network") || strings.Contains(m.Text, "Telecom") {
		t.Errorf("text has a network:\n%s", m.Text)
	}
}

// The licence of a database asks for a credit beside what it says, and only there.
func TestACreditStandsWhereAPlaceDoes(t *testing.T) {
	const credit = "Places by DB-IP, https://db-ip.com"
	for name, tt := range map[string]struct {
		place geo.Place
		want  bool
	}{
		"with a city":            {geo.Place{City: "Lisbon", Country: "PT", Credit: credit}, true},
		"with a country":         {geo.Place{Country: "PT", Credit: credit}, true},
		"not with nothing":       {geo.Place{Network: "Example Telecom", Credit: credit}, false},
		"not with a private net": {geo.Place{Private: true, Credit: credit}, false},
		"nor where none is due":  {geo.Place{Country: "PT"}, false},
	} {
		for mail, subject := range subjects {
			l := located(subject)
			l.Notice.Place = tt.place
			m := render(t, l)
			for part, content := range map[string]string{"text": m.Text, "HTML": m.HTML} {
				if got := strings.Contains(content, "Places by DB-IP, db-ip.com"); got != tt.want {
					t.Errorf("%s, %s of %s: credit printed %v, want %v", name, part, mail, got, tt.want)
				}
			}
			if strings.Contains(m.Text+m.HTML, "https://db-ip.com") {
				t.Errorf("%s, %s: the credit is a link", name, mail)
			}
		}
	}
}

var reasons = []challenge.Reason{
	challenge.Travel, challenge.NewPlace, challenge.Operator, challenge.Ended, challenge.Expired,
	challenge.NewBrowser, challenge.NewNetwork, challenge.Always, challenge.Sensitive, challenge.Keyless, "", "unheard_of",
}

func TestWhyACodeIsNeeded(t *testing.T) {
	const unusual = "Someone is signing in from a place you don't usually use."
	want := map[challenge.Reason]string{
		challenge.NewPlace:   unusual,
		challenge.Travel:     unusual,
		challenge.Sensitive:  "Someone asked to open a protected page.",
		challenge.NewNetwork: "Someone is signing in from a network you haven't used before.",
		challenge.Ended:      "Someone is signing in on a browser that was signed out.",
		challenge.Expired:    "The time for which we remember that browser is over.",
		challenge.Operator:   "The people who run Example asked for a new code.",
		challenge.Keyless:    "That browser hasn't tied your sign-in to its device.",
	}
	const unusualChange = "That browser is at a place you don't usually use."
	signIn, change := want, map[challenge.Reason]string{challenge.NewPlace: unusualChange, challenge.Travel: unusualChange}
	for mail, subject := range subjects {
		l := located(subject)
		plain := render(t, l)
		want := signIn
		if subject == challenge.ChangeCode { // a code for a change is always needed
			want = change
		}
		for _, reason := range reasons {
			l.Notice.Reason = reason
			m := render(t, l)
			if want[reason] == "" || !hasCode(subject) {
				if m.Text != plain.Text || m.HTML != plain.HTML {
					t.Errorf("%s: %q changes the mail", mail, reason)
				}
				continue
			}
			if !strings.Contains(m.Text, "\n\n"+want[reason]+"\n\nAsked for by\n") {
				t.Errorf("%s: for %q the text lacks %q:\n%s", mail, reason, want[reason], m.Text)
			}
			if strings.Count(m.HTML, "<p>") != strings.Count(plain.HTML, "<p>")+1 {
				t.Errorf("%s: for %q the HTML has no sentence", mail, reason)
			}
		}
	}
}

var bdi = regexp.MustCompile(`<bdi[^>]*>[^<]*</bdi>`)

// In a right-to-left sentence a value that is not isolated drags the words around it along.
func TestEveryValueIsIsolated(t *testing.T) {
	for mail, subject := range subjects {
		l := located(subject)
		l.Notice.Reason = challenge.Operator
		l.Notice.Expires, l.Notice.Due = asked.Add(25*time.Hour), asked.Add(25*time.Hour)
		l.Notice.Count, l.Notice.Second, l.Notice.Account, l.Notice.Urge = 0, true, "b••@example.net", true
		_, content, _ := strings.Cut(render(t, l).HTML, "<body>")
		rest := bdi.ReplaceAllString(content, "")
		for _, value := range []string{
			secret, "7KQ", "app.example.com\"", ">app.example.com", "Example", "ana@", "help@", "Lisbon", "203.", "UTC", "Firefox", "DB-IP", "b••@", "/.doorcode/.", "train",
		} {
			if strings.Contains(rest, value) {
				t.Errorf("%s: %q is not isolated in:\n%s", mail, value, content)
			}
		}
	}
}
