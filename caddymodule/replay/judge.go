// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"slices"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/risk"
)

// An Outcome is what became of somebody.
type Outcome string

// The outcomes.
const (
	Passed  Outcome = "passed"  // without a code
	Asked   Outcome = "asked"   // for a code
	Refused Outcome = "refused" // no code could help: not on the list, or kept out from there
)

// Why a decision cannot be judged again.
const (
	whyOutdated  = "a version before wrote them, without what they went by"
	whyNoGate    = "no gate of this configuration stands where they were made"
	whyWhichGate = "several gates of this configuration stand where they were made, and none of them is the one of the log"
	whyMatcher   = "the gate has another matcher now, and the log does not say what was asked for"
	whySource    = "the person was named by another step than the gate goes by now"
	whyLists     = "the lists name addresses of that domain, and without the secret nobody can tell whose the account is"
	whyCountry   = "the log does not say from where they came"
	whyNetwork   = "a part of the network is named, and the log does not have the address"
	whyUnlooked  = "nobody looked at the person's usual places when they were made; 'observe' has the gate look"
	whyNoPlaces  = "there was no database of places when they were made, as far as the log tells"
	whySensitive = "a sensitive page, whose rule may be another one now"
	whyBrowser   = "nobody looked at the browser when they were made, since it did not matter"
	whyRenewed   = "the browser may have made the session without a code, which the gate does not take now"
	whyKeyless   = "the browser had no key, and what else it was is not in the log"
	whyUnproved  = "the browser did not prove its key, and what else it was is not in the log"
	whyProof     = "only a passkey opens the gate now, and the log does not say what was shown last"
	whyKey       = "a key of the browser's machine is required now, and the log does not say whether there was one"
	whyPersonal  = "the person may have wished to be asked each time, or the gate did so"
)

// A judgement is what the gate would do now. With why it cannot be known.
type judgement struct {
	now    Outcome
	reason risk.Reason
	why    string
}

func unjudged(why string) judgement { return judgement{why: why} }

// A knowledge is what is known of the gate that made decisions, by the log.
type knowledge struct {
	digest  string // of its policy; empty when the log does not say
	looked  bool   // it goes by where people usually are
	located bool   // it had a database of places
}

var (
	placeReasons = risk.SetOf(risk.NewPlace, risk.Travel)
	usualReasons = placeReasons | risk.SetOf(risk.NewNetwork)
	lostReasons  = risk.SetOf(risk.Expired, risk.Ended, risk.Operator)
	newReasons   = lostReasons | risk.SetOf(risk.NewBrowser)
)

// learn takes in what a decision tells of the gate that made it.
func (k *knowledge) learn(r *record) {
	k.located = k.located || r.country != "" || r.held&placeReasons != 0
	// Who enters a code, or comes with a remembered browser, is looked up anyway.
	k.looked = k.looked || r.held&usualReasons != 0 && !entered[r.factor] && r.factor != challenge.FactorBrowser
}

// A trial is one decision before a gate.
type trial struct {
	*record
	gate *Gate
	same bool // the policy is the one that was in force
	knew knowledge
}

// judge judges a decision again, in the order in which a gate does.
func (t *trial) judge() judgement {
	if t.outdated {
		return unjudged(whyOutdated)
	}
	if t.source != t.gate.Source {
		return unjudged(whySource)
	}
	if t.gate.Policy.Risk.ObserveAll && t.factor != challenge.FactorToken {
		return judgement{now: Passed}
	}
	admits, bars := t.admits(), t.bars()
	switch {
	case admits == unknown:
		return unjudged(whyLists)
	case admits == no:
		return judgement{now: Refused}
	case bars == unknown:
		return unjudged(whyCountry)
	case bars == yes:
		return judgement{now: Refused}
	case t.factor == challenge.FactorToken:
		return judgement{now: Passed}
	case t.reason == challenge.Unproved:
		return t.unproved()
	case !t.held.Has(risk.Always) && !t.renewed: // it speaks wherever there is no session
		return t.inSession()
	default:
		return t.atDoor()
	}
}

// admits is what the lists say; under the same policy at least as much as they did.
func (t *trial) admits() answer {
	admits := t.gate.admits(t.record)
	if admits == unknown && t.same {
		return answerOf(t.before != Refused || t.barred || t.reason == challenge.Keyless)
	}
	return admits
}

func (t *trial) bars() answer {
	if t.gate.Policy.Risk.ObserveAll {
		return no
	}
	bars := t.gate.bars(t.record)
	if bars == unknown && t.same {
		return answerOf(t.barred)
	}
	return bars
}

// inSession judges a visit that has a session.
func (t *trial) inSession() judgement {
	asks, _ := t.gate.effects(true)
	said, why := t.said(asks & usualReasons)
	sensitive := t.sensitive()
	switch {
	case t.reason == challenge.Keyless && t.gate.Policy.Session.DeviceBound == challenge.BoundRequired:
		return judgement{now: Refused, reason: challenge.Keyless}
	case t.reason == challenge.Keyless:
		return unjudged(whyKeyless)
	case t.demands() != "":
		return unjudged(t.demands())
	case t.lacksPasskey():
		return judgement{now: Asked, reason: challenge.NeedsPasskey}
	case said != 0:
		return judgement{now: Asked, reason: said.First()}
	case sensitive == yes, entered[t.factor] && t.reason == risk.Sensitive && !t.wants: // that the app asked for
		return judgement{now: Asked, reason: risk.Sensitive}
	case why != "":
		return unjudged(why)
	case sensitive == unknown:
		return unjudged(whySensitive)
	case t.gate.always() && t.device && !t.same:
		return unjudged(whyRenewed)
	}
	return judgement{now: Passed}
}

// lacksPasskey reports whether a code was shown last where only a passkey will do.
func (t *trial) lacksPasskey() bool {
	return t.reason == challenge.NeedsPasskey && t.gate.Policy.Accept == challenge.AcceptPasskey
}

// demands says what the gate wants of a session or of a remembered browser that is not in
// the log. Under the same policy there would be a reason for it.
func (t *trial) demands() (why string) {
	switch {
	case t.same:
		return ""
	case t.gate.Policy.Session.DeviceBound == challenge.BoundRequired:
		return whyKey
	case t.gate.Policy.Accept == challenge.AcceptPasskey && t.reason != challenge.NeedsPasskey:
		return whyProof
	}
	return ""
}

// unproved judges a visit whose browser did not prove the key that it has. Where keys
// count, it is one that nobody knows.
func (t *trial) unproved() judgement {
	counts := t.gate.Policy.Session.DeviceBound != challenge.BoundOff
	if counts && (t.same || t.gate.Source == "" || t.gate.asksGuests()) {
		return judgement{now: Asked, reason: challenge.Unproved}
	}
	return unjudged(whyUnproved)
}

// atDoor judges a visit without a session: by a browser, or by an earlier step's word.
func (t *trial) atDoor() judgement {
	// A browser that somebody else used last is remembered for both, and asked.
	remembered, always := t.news()&newReasons == 0, t.gate.always()
	asks, observed := t.gate.effects(false)
	asks &^= risk.SetOf(risk.Sensitive) // see uncoded
	typed := t.gate.Source == ""
	switch {
	case !always && !t.same && t.blind():
		return unjudged(whyBrowser)
	case always, !remembered && (typed || t.gate.asksGuests()), t.held.Has(risk.Operator):
		return judgement{now: Asked, reason: t.unknownBrowser(asks)}
	case !remembered:
		return t.guest(asks)
	case t.demands() != "":
		return unjudged(t.demands())
	}
	said, why := t.said(asks)
	switch {
	case said != 0 && (typed || t.gate.asksGuests()):
		return judgement{now: Asked, reason: said.First()}
	case said != 0:
		return t.guest(asks)
	case t.lacksPasskey():
		return judgement{now: Asked, reason: challenge.NeedsPasskey}
	case t.reason == risk.Always && t.same: // their own wish, since it is not the gate's
		return judgement{now: Asked, reason: risk.Always}
	case t.reason == risk.Always:
		return unjudged(whyPersonal)
	case why != "" && !t.atSensitive():
		return unjudged(why)
	}
	if said, _ := t.said(observed & placeReasons); said != 0 {
		// The session that it makes does not count the place as usual, and may be bound.
		return t.inSession()
	}
	return t.uncoded()
}

// news are the reasons that say whether the browser was remembered. Where each sign-in
// needs a code, one that is over is a session.
func (t *trial) news() risk.Set {
	if t.reason == risk.Expired && t.held.Has(risk.Always) {
		return t.held
	}
	return t.held | risk.SetOf(t.reason)
}

// blind reports whether the gate did not look whether the browser was remembered: it
// refused whoever came, asked everybody, or let everybody pass.
func (t *trial) blind() bool {
	return !entered[t.factor] && !t.renewed &&
		(t.before == Refused || t.reason == risk.Always || t.before == Passed && t.factor == challenge.FactorNone && t.reason == "")
}

// guest judges whom an earlier step has named, where that word can do without a code.
func (t *trial) guest(asks risk.Set) judgement {
	said, why := t.said(asks & usualReasons)
	switch {
	case said != 0:
		return judgement{now: Asked, reason: said.First()}
	case why != "" && !t.atSensitive():
		return unjudged(why)
	}
	return t.uncoded()
}

// atSensitive reports whether the page wanted a fresh code, and there are rules that
// some pages do. Which page it was the log does not say.
func (t *trial) atSensitive() bool { return t.wants && len(t.gate.Sensitive) > 0 }

// uncoded judges a visit that would pass without a code, which is a fresh one nowhere.
func (t *trial) uncoded() judgement {
	if t.atSensitive() {
		return judgement{now: Asked, reason: risk.Sensitive}
	}
	return judgement{now: Passed}
}

// sensitive says whether a page that wanted a fresh code of a session does so still. A
// rule may allow an older code now.
func (t *trial) sensitive() answer {
	switch {
	case !t.atSensitive():
		return no
	case t.same || t.since >= slices.Max(t.gate.Sensitive):
		return yes
	default:
		return unknown
	}
}

// said are the reasons of a set that hold. why says what is missing where one of them
// that the log does not have may hold all the same.
func (t *trial) said(of risk.Set) (said risk.Set, why string) {
	if !t.gate.Policy.Risk.Places {
		of &^= placeReasons
	}
	named := no // as it was: what holds says so already
	if !t.same {
		named = t.gate.named(t.record)
	}
	if named == yes {
		of &^= usualReasons
	}
	said = t.held & of
	if said&usualReasons != 0 && named == unknown && t.network.IsValid() {
		return said &^ usualReasons, whyNetwork
	}
	return said, t.missing(of)
}

// missing says why a reason of place of which the log says nothing may hold.
func (t *trial) missing(of risk.Set) string {
	switch {
	case t.same || of&usualReasons == 0:
		return ""
	case !t.looked():
		return whyUnlooked
	case of&placeReasons != 0 && t.country == "" && !t.knew.located:
		return whyNoPlaces
	default:
		return ""
	}
}

// looked reports whether the decision went by what is usual for the person.
func (t *trial) looked() bool {
	switch {
	case t.held&usualReasons != 0, entered[t.factor]:
		return true
	case t.renewed && !t.held.Has(risk.Always): // it tells of the session that was made here
		return false
	case t.knew.looked:
		return true
	case t.held.Has(risk.Always):
		return t.since > 0 // the time comes from the same record
	default:
		return false
	}
}

// unknownBrowser is what a visit is asked by whose browser is not let in by itself.
func (t *trial) unknownBrowser(asks risk.Set) risk.Reason {
	base := t.reason
	if !newReasons.Has(base) {
		base = (t.held & newReasons).First()
	}
	if base == "" || base == risk.Always {
		base = risk.NewBrowser
	}
	switch {
	case t.gate.always() && (base == risk.NewBrowser || t.reason == risk.Always):
		return risk.Always
	case t.gate.always(), t.held&lostReasons == 0:
		return base
	}
	said, _ := t.said(asks)
	if said == 0 {
		said, _ = t.said(newReasons | placeReasons)
	}
	return said.First()
}
