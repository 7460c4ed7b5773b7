// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages_test

import (
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/pages"
)

func TestAccountTimesAreExactAndInThePersonsZone(t *testing.T) {
	tests := []struct {
		name string
		zone string
		want string
		not  string
	}{
		{"nothing chosen: UTC, and the script may say it in the browser's", "", `<time datetime="2026-11-23T12:34:00Z" data-local>23 Nov 2026, 12:34 UTC</time>`, ""},
		{"a zone with letters", "Europe/Lisbon", `<time datetime="2026-11-23T12:34:00Z">23 Nov 2026, 12:34 WET</time>`, "data-local>"},
		{"a zone whose day is another", "Pacific/Auckland", `>24 Nov 2026, 01:34 NZDT</time>`, "data-local>"},
		{"a zone without letters", "America/Sao_Paulo", `>23 Nov 2026, 09:34 UTC-03</time>`, "data-local>"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			page := pages.AccountErasing{Frame: pages.SampleFrame("settings"), Due: noon.AddDate(0, 0, 1)}
			if tt.zone != "" {
				zone, err := time.LoadLocation(tt.zone)
				if err != nil {
					t.Fatal(err)
				}
				page.Frame.Zone = zone
			}
			html := inlined.ReplaceAllString(render(t, renderer(t, nil), page), "")
			if !strings.Contains(html, tt.want) || tt.not != "" && strings.Contains(html, tt.not) {
				t.Errorf("page lacks %s:\n%s", tt.want, html)
			}
		})
	}
}

func TestEverySuggestedZoneCanBeLoaded(t *testing.T) {
	for _, zone := range pages.Zones() {
		if _, err := time.LoadLocation(zone); err != nil {
			t.Errorf("%s: %v", zone, err)
		}
	}
}

func TestAnAccountPageNamesWhereItIs(t *testing.T) {
	r := renderer(t, nil)
	for _, current := range []string{"", "sessions", "backup-codes", "ways", "activity", "tokens", "settings"} {
		page := pages.AccountTrouble{Frame: pages.SampleFrame(current)}
		var here []string
		for _, link := range parse(t, render(t, r, page)).all("a") {
			if link.attrs["aria-current"] == "page" {
				here = append(here, link.attrs["href"])
			}
		}
		if len(here) != 1 || here[0] != "./"+current {
			t.Errorf("%q: the page says it is %v", current, here)
		}
	}
}

func TestAccountPagesOfAGateWithoutThemAreNotLinked(t *testing.T) {
	o := pages.AccountOverview{Frame: pages.SampleFrame("")}
	o.Frame.Tabs = pages.AccountTabs{}
	o.Urge, o.May = true, true
	for _, link := range parse(t, render(t, renderer(t, nil), o)).all("a") {
		switch link.attrs["href"] {
		case "./backup-codes", "./ways", "./tokens":
			t.Errorf("a link leads to %s", link.attrs["href"])
		}
	}
}

// TestSeveralRowsHaveButtonsOfDifferentNames: ten buttons "Forget" tell nobody who
// hears them which one is which (WCAG 2.2, 2.4.4).
func TestSeveralRowsHaveButtonsOfDifferentNames(t *testing.T) {
	html := render(t, renderer(t, nil), pages.AccountBrowsers{Frame: pages.SampleFrame("sessions"), Browsers: pages.SampleBrowsers()})
	for _, want := range []string{
		`Rename<span class="aloud"> <bdi>Kitchen tablet</bdi></span></button>`,
		`Forget<span class="aloud"> <bdi>Firefox on Windows</bdi></span></button>`,
		`Sign out<span class="aloud"> <bdi>Firefox on Windows</bdi></span></a>`,
	} {
		if !strings.Contains(html, want) {
			t.Errorf("page lacks %s", want)
		}
	}
}

// TestABrowserThatMayChangeNothingIsNotUrgedTo: it would be refused.
func TestABrowserThatMayChangeNothingIsNotUrgedTo(t *testing.T) {
	o := pages.AccountOverview{Frame: pages.SampleFrame(""), Urge: true, CodesHeld: true, Made: noon, SecondHeld: true, Second: true, Guarded: noon.AddDate(0, 0, 6)}
	for _, may := range []bool{false, true} {
		o.May = may
		html := inlined.ReplaceAllString(render(t, renderer(t, nil), o), "")
		if urged := strings.Contains(html, "is your only way in"); urged != may {
			t.Errorf("may change %v, urged %v", may, urged)
		}
		if told := strings.Contains(html, "this browser can&#39;t change them"); told == may {
			t.Errorf("may change %v, told that it may not: %v", may, told)
		}
		for _, card := range []string{"<strong>Backup codes</strong> On hold", "Second address: on hold"} {
			if !strings.Contains(html, card) {
				t.Errorf("page lacks %s", card)
			}
		}
	}
}
