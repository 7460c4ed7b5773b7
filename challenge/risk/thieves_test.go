// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package risk_test

import (
	"math/rand/v2"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/risk"
)

// A thief is somebody else with a person's password, or with a copy of the
// cookies of a browser of theirs. None can read the person's mail.
type thief int

// The thieves.
const (
	withPassword thief = iota // from anywhere, the next house included
	nextDoor                  // cookies; the same city and provider
	sameCountry               // cookies; anywhere in the person's country
	fromAbroad                // cookies; any other country, sometimes through a VPN
	thieves
)

func (th thief) String() string {
	return [...]string{"password", "cookie, next door", "cookie, same country", "cookie, from abroad"}[th]
}

// strikes is what a thief's visit looks like, after the person's last one.
func (th thief) strikes(p *person, last visit, coded time.Time, random *rand.Rand) risk.Facts {
	country := p.home.country
	l := link{seed: random.Uint64(), country: country, city: random.IntN(len(atlas[country].cities)), line: fixedLine(country, random.IntN(fixedLines)), dual: true}
	if random.IntN(4) == 0 {
		l.line = mobileLine(country, random.IntN(mobileLines))
	}
	switch th {
	case nextDoor:
		l.city, l.line = p.home.city, p.home.line
	case withPassword, fromAbroad:
		for th == fromAbroad && l.country == country || th == withPassword && random.IntN(2) == 0 {
			l.country = random.IntN(len(atlas))
			l.city, l.line = random.IntN(len(atlas[l.country].cities)), fixedLine(l.country, random.IntN(fixedLines))
		}
		if random.IntN(5) == 0 {
			l.line = centre(random.IntN(centres))
		}
	}
	f := risk.Facts{Here: l.at(random.IntN(12), random.IntN(2) == 0)}
	switch {
	case th == withPassword:
	case random.IntN(2) == 0: // the cookie that remembers the browser
		f.Browser, f.ID = risk.Remembered, last.browser
	default: // that of the session
		f.Browser, f.ID, f.From, f.Coded = risk.InSession, last.browser, last.here, coded
	}
	return f
}
