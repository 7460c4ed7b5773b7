// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package risk

import "time"

// newNetwork speaks for a network that the person has not used. One that nothing
// is known of is always new, but to a session that came from such a one: it
// would be asked at every request.
func newNetwork(f *Facts, p *Policy, now time.Time) finding {
	switch {
	case f.Here.Name != "":
		return finding{cause: causeNamed}
	case f.Person.Empty() && !f.came():
		return f.firstVisit()
	case f.knownNetwork(now):
		return finding{cause: causeKnownNetwork}
	case f.learning(p, now):
		return finding{cause: causeLearning}
	case f.Here.onNetwork():
		return finding{says: true, cause: causeNewNetwork}
	default:
		return is(f.Browser != InSession || f.From.onNetwork(), causeNoNetwork, causeStillNoNetwork)
	}
}

// knownNetwork reports whether the person has used the network, or the session
// comes from it. A shady one is known only where it was learned as an area.
func (f *Facts) knownNetwork(now time.Time) bool {
	here := &f.Here
	if here.Shady {
		return here.onNetwork() && f.isKnown(now)
	}
	if f.Person != nil && f.Person.network(here, now) != nil {
		return true
	}
	if !f.came() || f.From.Shady || !f.From.onNetwork() {
		return false
	}
	from := networkOf(&f.From, Trace{})
	return from.holds(here)
}
