// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package risk

import "time"

// A Judgement is what the rules say of a visit under a policy.
type Judgement struct {
	Said     Set // reasons whose rule speaks
	Asks     Set // those that ask for a code
	Observed Set // those that would, were they not only observed
}

// Assess judges a visit. It is what every request goes through, and allocates
// nothing.
func Assess(f *Facts, p *Policy, now time.Time) Judgement {
	var said Set
	for i, r := range order {
		if rule(r, f, p, now).says {
			said |= 1 << i
		}
	}
	asks, observed := p.effects(f.Browser == InSession)
	return Judgement{Said: said, Asks: said & asks, Observed: said & observed}
}

// A finding is what a rule says, and what Explain makes a sentence of.
type finding struct {
	says  bool
	cause cause
	km    float64
	gap   time.Duration
}

// rule asks the rule of a reason. The calls are spelled out: through a table of
// functions the compiler could not see that facts need not be allocated.
func rule(r Reason, f *Facts, p *Policy, now time.Time) finding {
	switch r {
	case Travel:
		return travel(f, p, now)
	case NewPlace:
		return newPlace(f, p, now)
	case Operator:
		return operator(f)
	case Ended:
		return ended(f)
	case Expired:
		return expired(f)
	case NewBrowser:
		return newBrowser(f)
	case NewNetwork:
		return newNetwork(f, p, now)
	case Always:
		return always(f, p)
	default:
		return sensitive(f, now)
	}
}

var (
	must      = SetOf(Operator, Sensitive)
	lost      = SetOf(Expired, Ended) // what new_browser covers
	ofPlace   = SetOf(NewPlace, Travel)
	ofNetwork = ofPlace | SetOf(NewNetwork)
)

// effects are the reasons that ask when they speak, and those that are only
// noted.
func (p *Policy) effects(session bool) (asks, observed Set) {
	would, observe := withLost(p.Ask), withLost(p.Observe)
	if session {
		would = p.Bind.reasons()
	}
	if !p.ObserveAll {
		asks = would&^observe | must
	}
	return asks, (would | observe | must) &^ asks
}

func withLost(s Set) Set {
	if s.Has(NewBrowser) {
		s |= lost
	}
	return s
}

func (b Bind) reasons() Set {
	switch b {
	case BindPlace:
		return ofPlace
	case BindNetwork:
		return ofNetwork
	default:
		return 0
	}
}
