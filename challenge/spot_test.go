// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"net/netip"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge"
)

func TestCountries(t *testing.T) {
	allowPT, denyJP := challenge.Countries{Allow: []string{"PT", "ES"}}, challenge.Countries{Deny: []string{"JP"}}
	unknown := netip.MustParseAddr("192.88.1.1")
	for _, tt := range []struct {
		name      string
		countries challenge.Countries
		ip        netip.Addr
		barred    bool
	}{
		{"without lists everybody may come", challenge.Countries{}, tokyo, false},
		{"a country that is allowed", allowPT, lisbon, false},
		{"a country that is not allowed", allowPT, tokyo, true},
		{"an unknown place is in no country that is allowed", allowPT, unknown, true},
		{"no address at all is in none either", allowPT, netip.Addr{}, true},
		{"a private network has no country", allowPT, intern, false},
		{"a network that the operator named is welcome", allowPT, desk, false},
		{"a country that is denied", denyJP, tokyo, true},
		{"a country that is not denied", denyJP, lisbon, false},
		{"an unknown place is in no country that is denied", denyJP, unknown, false},
		{"a named network in a denied country is welcome", denyJP, desk, false},
		{"an IPv4 address written as IPv6", denyJP, netip.AddrFrom16(tokyo.As16()), true},
		{"a named one written so", denyJP, netip.AddrFrom16(desk.As16()), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			g := placedGate(w, func(p *challenge.Policy) { p.Countries = tt.countries })
			b := settled(w, w.gate(challenge.GateOptions{ID: "free", Policy: placed(nil), Locator: world1}), true)
			b.gate = g
			inSession, guest, remembered := *b, *w.browser(g), *b
			remembered.session = ""
			guest.earlier = basic("ana", ana)
			for name, visitor := range map[string]*browser{"a stranger": w.browser(g), "a session": &inSession, "a remembered browser": &remembered, "an earlier step's": &guest} {
				for range 2 { // the second time from memory
					v := visitor.at(tt.ip).open()
					if v.Barred != tt.barred || (v.Decision == challenge.Deny) != tt.barred {
						t.Errorf("%s: barred %t, decision %v, want barred %t", name, v.Barred, v.Decision, tt.barred)
					}
				}
			}
			if g.Bars(tt.ip) != tt.barred || g.WouldBar(tt.ip) != tt.barred {
				t.Errorf("the endpoints: barred %t, would be %t, want %t", g.Bars(tt.ip), g.WouldBar(tt.ip), tt.barred)
			}
		})
	}
}

// Ruling 15: an office is many people behind one address.
func TestRuling15ANamedNetworkHasBucketsOfItsOwn(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{
		Networks: office, Policy: challenge.Policy{Limits: challenge.Limits{SendIP: []challenge.Rate{{N: 2, Per: day}}}},
	})
	for range 10 { // strangers use up what strangers have
		_, _ = guess(w, g, ana, 5)
	}
	if _, err := w.browser(g).ask(ana); limitOf(err) == "" {
		t.Fatal("strangers still get mail; the test shows nothing")
	}
	for range 5 {
		b := w.browser(g).at(desk)
		if err := b.enter(b.mailed(ana), false); err != nil {
			t.Errorf("from the office: Verify = %v", err)
		}
	}
	b := w.browser(g).at(desk)
	b.mailed(ana)
	if all := w.mailbox.all(); !all[len(all)-1].Known {
		t.Error("the mail queue keeps no place for the office")
	}
	for range 2 {
		w.browser(g).at(tokyo).mailed(bob)
	}
	if _, err := w.browser(g).at(tokyo).ask(bob); limitOf(err) != challenge.LimitSendIP {
		t.Errorf("from elsewhere: Begin = %v, want the limit of a network", err)
	}
}

// It is alike for every address, so that it tells nobody who exists.
func TestRuling15ANamedNetworkDoesNotTellWhoIsKnown(t *testing.T) {
	for _, to := range []challenge.Email{ana, nobody} {
		w := newWorld(t)
		g := w.gate(challenge.GateOptions{Networks: office})
		b := w.browser(g).at(desk)
		b.mailed(to)
		if all := w.mailbox.all(); !all[0].Known {
			t.Errorf("%s: not in the own half of the queue", to)
		}
	}
}
