// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package risk

import "time"

// newPlace speaks for a country or a network of unclear place that is new to the
// person, always; and in a known country for what is far from every area, with
// excuses.
func newPlace(f *Facts, p *Policy, now time.Time) finding {
	switch here := &f.Here; {
	case !p.Places:
		return finding{cause: causeNoDatabase}
	case here.Name != "":
		return finding{cause: causeNamed}
	case f.blank(now):
		return f.firstVisit()
	case here.kind() == sited:
		return f.newSite(p, now)
	case f.isKnown(now):
		return finding{cause: causeKnownKind}
	default:
		return finding{says: true, cause: causeNewKind}
	}
}

// blank reports whether there is nothing to judge by: no entry yet, or none since
// there is a database.
func (f *Facts) blank(now time.Time) bool {
	return !f.anyArea(now, func(Area) bool { return true })
}

// firstVisit asks whoever has no history: to accept what cannot be judged is to
// accept anybody. A session that is older than the memory of places, or than the
// database of them, goes on.
func (f *Facts) firstVisit() finding {
	old := f.Browser == InSession && (f.From.Blind || f.Person.Empty())
	return is(!old, causeNoHistory, causeOldSession)
}

// came reports whether it is known where the session was verified from.
func (f *Facts) came() bool { return f.Browser == InSession && f.From != (Where{}) }

// isKnown reports whether the visit comes from an area of the person, or from
// where its session does.
func (f *Facts) isKnown(now time.Time) bool {
	return f.anyArea(now, func(a Area) bool {
		_, ok := a.holds(&f.Here)
		return ok
	})
}

// anyArea looks for an area among the person's and where the session comes from.
func (f *Facts) anyArea(now time.Time, is func(Area) bool) bool {
	if !f.Person.Empty() {
		for i := range f.Person.Areas {
			if a := &f.Person.Areas[i]; a.lives(now) && is(*a) {
				return true
			}
		}
	}
	if !f.came() || f.From.Blind || f.From.Name != "" { // a name says nothing of where
		return false
	}
	return is(areaOf(&f.From, Trace{}))
}

func (f *Facts) newSite(p *Policy, now time.Time) finding {
	here := &f.Here
	inCountry := func(a Area) bool { return a.Kind == sited && a.Country == here.Country }
	switch {
	case !f.anyArea(now, inCountry):
		return finding{says: true, cause: causeNewCountry}
	case !here.Cell.valid():
		return finding{cause: causeNoCell}
	// An area without a cell is the whole country.
	case f.anyArea(now, func(a Area) bool { return inCountry(a) && !a.Cell.valid() }):
		return finding{cause: causeCountryAlone}
	case here.Roaming:
		return finding{cause: causeRoaming}
	}
	km := f.nearest(now)
	switch {
	case km <= p.distance():
		return finding{cause: causeNear, km: km}
	case f.learning(p, now):
		return finding{cause: causeLearning, km: km}
	case f.trusted() && f.knownNetwork(now):
		return finding{cause: causeOwnNetwork, km: km}
	}
	return finding{says: true, cause: causeFar, km: km}
}

// nearest is how far the visit is from the nearest usual area with a cell.
func (f *Facts) nearest(now time.Time) float64 {
	least := float64(farthest)
	f.anyArea(now, func(a Area) bool {
		if km, ok := Distance(a.where(), f.Here); ok && a.Kind == sited {
			least = min(least, km)
		}
		return false
	})
	return least
}

// learning reports whether the person is new. A first entry in the future is as
// far away as one in the past.
func (f *Facts) learning(p *Policy, now time.Time) bool {
	if f.Person.Empty() {
		return false
	}
	return now.Sub(time.Unix(f.Person.Since, 0)).Abs() < p.learningTime()
}

const (
	usualDistance = 500 // kilometres
	usualSpeed    = 900 // kilometres an hour
	usualLearning = 14 * day
)

func (p *Policy) distance() float64 {
	if p.Distance == 0 {
		return usualDistance
	}
	return p.Distance
}

func (p *Policy) speed() float64 {
	if p.Speed == 0 {
		return usualSpeed
	}
	return p.Speed
}

func (p *Policy) learningTime() time.Duration {
	if p.Learning == 0 {
		return usualLearning
	}
	return p.Learning
}
