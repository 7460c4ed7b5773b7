// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package risk

import "time"

const (
	// leastGap is the shortest time that a speed is made of: seconds would make
	// one of any inexact place.
	leastGap = 15 * time.Minute
	// familyGap is how long a browser that changes between IPv4 and IPv6 may have
	// two places: the two are located apart.
	familyGap = time.Hour
	// recentGap is how much older than the newest a sighting may be to vouch for
	// the visit. A week ago one can have been anywhere.
	recentGap = day
)

// travel speaks where nobody can have come from where the browser was last seen.
// Of several sightings the one that damns least counts: a browser may have two
// places at once, as behind a VPN that is switched on and off.
func travel(f *Facts, p *Policy, now time.Time) finding {
	here := &f.Here
	switch {
	case !p.Places:
		return finding{cause: causeNoDatabase}
	case here.Name != "":
		return finding{cause: causeNamed}
	case here.Shady:
		return finding{cause: causeShady}
	case here.Roaming:
		return finding{cause: causeRoaming}
	case !here.tracked():
		return finding{cause: causeNoCell}
	case f.Person.usual(here, now):
		return finding{cause: causeUsual}
	case f.trusted() && f.knownNetwork(now):
		return finding{cause: causeOwnNetwork}
	}
	var seen tracks
	f.sightings(&seen, now)
	return seen.judge(here, p, now)
}

// usual reports whether a place belongs to an area that the person has used.
func (p *Profile) usual(here *Where, now time.Time) bool {
	return p != nil && p.area(here, now) != nil
}

// tracks are the sightings that a visit is compared with.
type tracks struct {
	list [mostOfBrowser + 1]Sighting
	n    int
}

func (t *tracks) add(s Sighting) {
	t.list[t.n] = s
	t.n++
}

// sightings collects the last of this browser, or else of the person, and where
// the session comes from.
func (f *Facts) sightings(seen *tracks, now time.Time) {
	if p := f.Person; p != nil && !p.last(seen, &f.Here, now, short(f.ID)) {
		p.last(seen, &f.Here, now, "")
	}
	if !f.came() || !f.From.tracked() {
		return
	}
	from := Sighting{Cell: f.From.Cell, Radius: f.From.Radius, At: second(f.Coded), V6: f.From.V6}
	if from.comparable(&f.Here, now) {
		seen.add(from)
	}
}

// last collects the last sightings of a browser, or of all for an empty name,
// and reports whether there are any.
func (p *Profile) last(seen *tracks, here *Where, now time.Time, by string) (found bool) {
	for i := len(p.Sightings) - 1; i >= 0 && seen.n < mostOfBrowser; i-- {
		s := &p.Sightings[i]
		if by != "" && s.By != by {
			continue
		}
		if found = true; s.comparable(here, now) {
			seen.add(*s)
		}
	}
	return found
}

func (s *Sighting) comparable(here *Where, now time.Time) bool {
	return s.Cell.valid() && (s.V6 == here.V6 || s.gap(now) >= familyGap)
}

// gap is how long ago it was. A clock that was set back must not make it
// endless.
func (s *Sighting) gap(now time.Time) time.Duration { return now.Sub(time.Unix(s.At, 0)).Abs() }

func (t *tracks) judge(here *Where, p *Policy, now time.Time) finding {
	best := finding{cause: causeNoSighting}
	for _, s := range t.list[:t.n] {
		if t.newest()-s.At > int64(recentGap/time.Second) {
			continue
		}
		found := s.judge(here, p, now)
		if !found.says {
			return found
		}
		if !best.says || found.speed() < best.speed() {
			best = found
		}
	}
	return best
}

func (t *tracks) newest() (at int64) {
	for _, s := range t.list[:t.n] {
		at = max(at, s.At)
	}
	return at
}

func (s *Sighting) judge(here *Where, p *Policy, now time.Time) finding {
	km, _ := Distance(s.where(), *here)
	if km <= p.distance() {
		return finding{cause: causeNearSighting, km: km}
	}
	found := finding{cause: causeSlow, km: km, gap: max(s.gap(now), leastGap)}
	if found.speed() > p.speed() {
		found.says, found.cause = true, causeTooFast
	}
	return found
}

// speed is in kilometres an hour.
func (f finding) speed() float64 { return f.km / f.gap.Hours() }
