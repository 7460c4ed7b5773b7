// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package risk_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/risk"
)

// The people. Shares and rates are estimates, made before the rules were run on
// them; what browsers lose is set so that asking only new browsers comes to the
// share that is known of such sites, about one visit in eighteen.

const (
	population = 400
	daysOfYear = 365

	ofPrivate = 0.009 // visits from a private window or somebody else's computer
	ofLoss    = 0.008 // visits before which the browser was emptied or replaced
	ofCleaner = 0.10  // the same, of one person in twenty-five who empties it often
)

// A visit is a sign-in or a renewal.
type visit struct {
	at      time.Time
	here    risk.Where
	browser string
	private bool // forgotten afterwards
	lost    bool // forgotten before
}

// A browser is one of a person's.
type browser int

// The browsers.
const (
	laptop browser = iota
	phone
	tablet
	office
)

// A stay is some days at another place.
type stay struct {
	from, to int
	link     link
}

type person struct {
	number  int
	random  *rand.Rand
	perDay  float64
	has     [4]bool
	cleaner bool

	home, second, work, carrier link
	twoHomes                    bool
	moves                       int // the day on which; none: never
	moved                       link
	stays                       []stay

	vpn     []link  // exits
	veiled  float64 // share of visits through them
	company link    // where all of the office's traffic leaves; no country: none
	tunnel  bool
}

func newPerson(number int) *person {
	random := rand.New(rand.NewPCG(uint64(number), 45))
	p := &person{number: number, random: random, perDay: 0.1 + 0.1*random.Float64(), moves: daysOfYear}
	if p.chance(0.6) {
		p.perDay = 0.4 + 0.4*random.Float64()
	}
	p.has = [4]bool{laptop: true, phone: p.chance(0.5), tablet: p.chance(0.06), office: p.chance(0.3)}
	p.cleaner = p.chance(0.04)

	country := random.IntN(homeCountries)
	p.home = p.line(country, p.cityOf(country))
	p.work = p.line(country, p.home.city)
	if p.chance(0.1) { // commutes
		p.work = p.line(country, p.cityOf(country))
	}
	p.carrier = link{seed: random.Uint64(), country: country, city: p.home.city, line: mobileLine(country, p.most(mobileLines)), dual: p.chance(0.7)}
	if p.twoHomes = p.chance(0.12); p.twoHomes {
		second := country
		if p.chance(0.15) {
			second = random.IntN(homeCountries)
		}
		p.second = p.line(second, p.cityOf(second))
	}
	switch {
	case p.chance(0.07):
		p.moves, p.moved = random.IntN(daysOfYear), p.line(country, p.cityOf(country))
	case p.chance(0.1): // changes the provider
		p.moves, p.moved = random.IntN(daysOfYear), p.line(country, p.home.city)
	}
	p.travels(country)
	p.veils(country)
	return p
}

func (p *person) chance(share float64) bool { return p.random.Float64() < share }

// most picks one of n, the first ones more often.
func (p *person) most(n int) int { return min(p.random.IntN(n), p.random.IntN(n)) }

func (p *person) cityOf(country int) int { return p.most(len(atlas[country].cities)) }

func (p *person) line(country, city int) link {
	return link{seed: p.random.Uint64(), country: country, city: city, line: fixedLine(country, p.most(fixedLines)), dual: p.chance(0.5)}
}

// travels plans holidays, and journeys of those who travel for their work.
func (p *person) travels(country int) {
	journeys, abroad := p.random.IntN(4), 0.45
	days := func() int { return 3 + p.random.IntN(12) }
	if p.chance(0.12) {
		journeys, days = journeys+3+p.random.IntN(5), func() int { return 2 + p.random.IntN(3) }
	}
	for range journeys {
		to := country
		if p.chance(abroad) {
			to = p.random.IntN(len(atlas))
		}
		from := p.random.IntN(daysOfYear)
		p.stays = append(p.stays, stay{from: from, to: from + days(), link: p.line(to, p.cityOf(to))})
	}
}

// veils chooses VPNs: of one's own with exits in some countries, of a browser
// that relays, or of the company.
func (p *person) veils(country int) {
	switch first := p.random.IntN(centres); {
	case p.chance(0.08):
		p.veiled = 0.3
		for i := range 3 {
			exit := country
			if p.chance(0.4) {
				exit = p.random.IntN(len(atlas))
			}
			p.vpn = append(p.vpn, link{seed: p.random.Uint64(), country: exit, line: centre(first + i)})
		}
	case p.chance(0.08):
		p.veiled = 0.4
		for i := range 2 {
			p.vpn = append(p.vpn, link{seed: p.random.Uint64(), country: country, line: centre(i)})
		}
	case p.chance(0.06):
		p.tunnel = true
		p.company = link{seed: p.random.Uint64(), country: p.random.IntN(homeCountries), line: centre(first)}
	}
}

// year lists a person's visits in order.
func (p *person) year() (visits []visit) {
	for d := range daysOfYear {
		away := p.awayOn(d)
		for range p.visitsOn(away != nil) {
			hour := 7 + p.random.IntN(16)
			v := visit{at: noon.Add(time.Duration(d)*day + time.Duration(hour-12)*time.Hour + time.Duration(p.random.IntN(3600))*time.Second)}
			b, l := p.sits(d, hour, away)
			v.browser, v.here = fmt.Sprintf("%04d-%03d", p.number, b), l.at(d/30, p.chance(0.6))
			v.private = p.chance(ofPrivate)
			v.lost = p.chance(ofLoss) || p.cleaner && p.chance(ofCleaner)
			visits = append(visits, v)
		}
	}
	slices.SortStableFunc(visits, func(a, b visit) int { return a.at.Compare(b.at) })
	return visits
}

func (p *person) awayOn(d int) *link {
	for i := range p.stays {
		if s := &p.stays[i]; s.from <= d && d < s.to {
			return &s.link
		}
	}
	return nil
}

func (p *person) visitsOn(away bool) (n int) {
	rate := p.perDay
	if away {
		rate /= 2
	}
	for range 3 {
		if p.chance(rate / 3) {
			n++
		}
	}
	return n
}

// sits chooses a browser and how it is connected.
func (p *person) sits(d, hour int, away *link) (browser, link) {
	here, carried := p.home, []browser{laptop, laptop, phone, tablet}
	weekend := d%7 >= 5
	switch {
	case away != nil:
		here, carried = *away, []browser{laptop, phone, phone, tablet}
	case p.twoHomes && weekend && (d/7)%3 == p.number%3:
		here = p.second
	case p.has[office] && !weekend && 9 <= hour && hour < 17:
		here, carried = p.work, []browser{office, office, office, phone}
	case d >= p.moves:
		here = p.moved
	}
	b := carried[p.random.IntN(len(carried))]
	if !p.has[b] {
		b = laptop
	}
	switch {
	case b == phone && p.chance(0.5): // at home in its network abroad, too
		here = p.carrier
	case b == office && p.tunnel:
		here = p.company
	case len(p.vpn) > 0 && b != office && p.chance(p.veiled):
		here = p.vpn[p.random.IntN(len(p.vpn))]
	case away == nil && b != office && p.chance(0.04): // a café
		here = p.line(here.country, here.city)
	}
	return b, here
}
