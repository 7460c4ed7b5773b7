// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package risk

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// An Effect is what a reason leads to under a policy when its rule speaks.
type Effect string

// The effects.
const (
	Asks     Effect = "asks"     // a code is asked for
	Refuses  Effect = "refuses"  // the visit is refused; no rule of this package does that
	Observed Effect = "observed" // it is only noted
	Off      Effect = "off"      // it has no say
)

// A Vote is what one rule says of a visit, and why.
type Vote struct {
	Reason Reason
	Says   bool
	Effect Effect
	// Why is a short English sentence for operators. Visitors must not see it:
	// it tells what would pass.
	Why string
}

// Explain tells what each rule says of a visit, the most telling reason first.
// The rules are those that Assess goes by.
func Explain(f *Facts, p *Policy, now time.Time) []Vote {
	asks, observed := p.effects(f.Browser == InSession)
	votes := make([]Vote, 0, len(order))
	for i, r := range order {
		found, effect := rule(r, f, p, now), Off
		switch bit := Set(1) << i; {
		case asks&bit != 0:
			effect = Asks
		case observed&bit != 0:
			effect = Observed
		}
		votes = append(votes, Vote{Reason: r, Says: found.says, Effect: effect, Why: found.why(f, p, now)})
	}
	return votes
}

// A cause is why a rule speaks, or does not.
type cause uint8

const (
	causeOperator cause = iota
	causeNotEnded
	causeSignedOut
	causeLapsed
	causeKeyless
	causeNotLapsed
	causeUnknownBrowser
	causeKnownBrowser
	causeInSession
	causeAlways
	causeNotAlways
	causeNoDatabase
	causeNamed
	causeNoHistory
	causeOldSession
	causeKnownKind
	causeNewKind
	causeNewCountry
	causeNoCell
	causeCountryAlone
	causeRoaming
	causeNear
	causeLearning
	causeOwnNetwork
	causeFar
	causeKnownNetwork
	causeNewNetwork
	causeNoNetwork
	causeStillNoNetwork
	causeShady
	causeUsual
	causeNoSighting
	causeNearSighting
	causeSlow
	causeTooFast
	causeNoPage
	causeNoCode
	causeRenewed
	causeRecovered
	causeCoded
)

// sentences are the causes that need no facts.
var sentences = map[cause]string{
	causeOperator:       "The operator asked for a new code.",
	causeNotEnded:       "Nobody ended this browser.",
	causeSignedOut:      "Somebody signed out on this browser.",
	causeLapsed:         "The time for which the browser was remembered is over.",
	causeKeyless:        "The browser has no key of its machine, and device_bound is required.",
	causeNotLapsed:      "No memory of the browser ran out.",
	causeUnknownBrowser: "The browser is not remembered for this person.",
	causeKnownBrowser:   "The browser is known for this person.",
	causeInSession:      "There is a session.",
	causeAlways:         "The policy asks at every sign-in.",
	causeNotAlways:      "The policy does not ask at every sign-in.",
	causeNoDatabase:     "There is no database of places.",
	causeNoHistory:      "Nothing is remembered of this person.",
	causeOldSession:     "Nothing is remembered, and the session is older than the memory of places.",
	causeNoCell:         "The place has no coordinates.",
	causeRoaming:        "A mobile or satellite network says little of the place.",
	causeNoNetwork:      "The network is not known.",
	causeStillNoNetwork: "The network is not known, as when the session began.",
	causeShady:          "An anonymiser or a data centre has no place to travel from.",
	causeUsual:          "The place is one of the usual areas.",
	causeNoSighting:     "There is no recent sighting to compare with.",
	causeNoPage:         "The page asks for no fresh code.",
	causeNoCode:         "There is no session, so no fresh code.",
	causeRenewed:        "The session was renewed without a code.",
	causeRecovered:      "The session began by a way of recovery.",
}

// passkeySentences are those of them that are about a code, where it was a passkey.
var passkeySentences = map[cause]string{
	causeNoPage:  "The page asks for no fresh code or passkey.",
	causeRenewed: "The session was renewed without the passkey.",
}

func (f finding) why(facts *Facts, p *Policy, now time.Time) string {
	if plain, ok := passkeySentences[f.cause]; ok && facts.ByPasskey {
		return plain
	}
	if plain, ok := sentences[f.cause]; ok {
		return plain
	}
	here := &facts.Here
	switch f.cause {
	case causeNamed:
		return "The operator named the network " + here.Name + "."
	case causeKnownKind:
		return upper(here.kindName()) + " is usual for this person."
	case causeNewKind:
		return upper(here.kindName()) + " is new for this person."
	case causeNewCountry:
		return fmt.Sprintf("Country %s is new; %s.", here.Country, facts.countries(now))
	case causeCountryAlone:
		return fmt.Sprintf("Country %s is known as a whole.", here.Country)
	case causeKnownNetwork:
		return upper(here.networkName()) + " is known."
	case causeNewNetwork:
		return upper(here.networkName()) + " is new for this person."
	case causeCoded:
		return facts.freshness(f)
	}
	return f.measured(facts, p)
}

func (f finding) measured(facts *Facts, p *Policy) string {
	area := fmt.Sprintf("%.0f km from the nearest usual area", f.km)
	switch f.cause {
	case causeNear:
		return fmt.Sprintf("%s, not over %.0f km.", area, p.distance())
	case causeFar:
		return fmt.Sprintf("%s, over %.0f km.", area, p.distance())
	case causeLearning:
		return fmt.Sprintf("The person is new: all is usual for the first %s.", length(p.learningTime()))
	case causeOwnNetwork:
		return fmt.Sprintf("The browser is known, and so is %s.", facts.Here.networkName())
	case causeNearSighting:
		return fmt.Sprintf("%.0f km from an earlier sighting, not over %.0f km.", f.km, p.distance())
	case causeSlow:
		return fmt.Sprintf("%.0f km in %s is %.0f km/h, not over %.0f km/h.", f.km, length(f.gap), f.speed(), p.speed())
	default:
		return fmt.Sprintf("%.0f km in %s is %.0f km/h, over %.0f km/h.", f.km, length(f.gap), f.speed(), p.speed())
	}
}

func (f *Facts) freshness(found finding) string {
	age, most, last := length(found.gap), length(f.Page.MaxAge), "The last code"
	if f.ByPasskey {
		last = "The last proof, a passkey,"
	}
	switch {
	case found.says && found.gap < 0:
		return fmt.Sprintf("%s lies %s in the future.", last, length(-found.gap))
	case found.says:
		return fmt.Sprintf("%s is %s old; the page allows %s.", last, age, most)
	case found.gap < f.Page.MaxAge:
		return fmt.Sprintf("%s is %s old, under %s.", last, age, most)
	}
	return fmt.Sprintf("%s is %s old, and use has kept it fresh.", last, age)
}

func (f *Facts) countries(now time.Time) string {
	var known []string
	f.anyArea(now, func(a Area) bool {
		if a.Kind == sited && !slices.Contains(known, a.Country) {
			known = append(known, a.Country)
		}
		return false
	})
	switch len(known) {
	case 0:
		return "none is known"
	case 1:
		return "known is " + known[0]
	}
	return "known are " + strings.Join(known, ", ")
}

func (w *Where) kindName() string {
	switch w.kind() {
	case shady:
		return "the anonymiser or data centre " + w.networkID()
	case private:
		return "a private network"
	default:
		return "an unknown place"
	}
}

func (w *Where) networkName() string { return "network " + w.networkID() }

func (w *Where) networkID() string {
	if w.ASN != 0 {
		return fmt.Sprintf("AS%d", w.ASN)
	}
	return "without a number"
}

func upper(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// length words a duration to the minute, or in days.
func length(d time.Duration) string {
	switch {
	case d >= 2*day:
		return fmt.Sprintf("%d days", d/day)
	case d >= time.Hour:
		d = d.Round(time.Minute)
	default:
		d = d.Round(time.Second)
	}
	text := d.String()
	for _, nothing := range [...]struct{ after, unit string }{{"m", "0s"}, {"h", "0m"}} {
		if strings.HasSuffix(text, nothing.after+nothing.unit) {
			text = strings.TrimSuffix(text, nothing.unit)
		}
	}
	return text
}
