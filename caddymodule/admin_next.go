// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/risk"
)

// comesNext is what would happen if somebody came with the address now, in sentences
// for the operator. keys is how many passkeys work. down: mails of the gate cannot be handed over.
func (e *entrance) comesNext(s *challenge.Standing, keys int, down bool) (next []string) {
	switch {
	case s.Right.Allowed:
	case e.settings.observesAll():
		return []string{"They reach the app ('observe all'); the log says that the lists would have refused them (denied)."}
	default:
		return []string{e.refusedNext()}
	}
	say := func(format string, args ...any) { next = append(next, fmt.Sprintf(format, args...)) }
	if p := s.Person; p == nil {
		say("Nobody has entered with this address yet.")
	} else if p.Sessions > 0 {
		say("In %s no code is asked for while it lasts, but on sensitive pages.", some(p.Sessions, "session that lives", "sessions that live"))
	}
	next = append(next, e.askedNext(s)...)
	if e.settings.accepts() == challenge.AcceptPasskey && !e.settings.observesAll() {
		say("Only a passkey opens the app ('accept passkey'), also in a session that a code began; a code leads to the account pages, where one is made.")
		if keys == 0 {
			say("There is no passkey of this address that works, so nothing but the account pages opens.")
		}
	}
	if e.settings.Session.DeviceBound == "required" && !e.settings.observesAll() {
		say("A browser that has made no key of its machine within a minute of its sign-in is refused ('device_bound required', keyless).")
	}
	for _, l := range s.Locks {
		if l.Until.After(time.Now()) {
			say("Since too many wrong codes were entered, %s get none until %s; 'caddy doorcode unlock' lifts that.", l.Crowd, moment(l.Until))
		}
	}
	if p := s.Person; p != nil && !p.Guarded.IsZero() {
		say("A sign-in was reported: until %s new browsers are not remembered and change no way in; 'caddy doorcode unguard' ends that.", moment(p.Guarded))
	}
	if len(s.Reported) > 0 {
		say("From %s nobody can ask for a code of this address: its person has said that it was not them.", strings.Join(s.Reported, ", "))
	}
	if down {
		say("The mail of this site cannot be handed over at the moment; 'caddy doorcode send-test' shows why.")
	}
	return next
}

// refusedNext is what somebody sees who may not pass.
func (e *entrance) refusedNext() string {
	switch {
	case e.identity != nil:
		return "They are told that they have no access. No code is mailed."
	case *e.settings.Reveal:
		return "They are told that the address is not on the list. No code is mailed."
	}
	return "The page is the same as for everybody, and asks for a code; none is mailed, and none would be right."
}

// askedNext is when a code would be asked for.
func (e *entrance) askedNext(s *challenge.Standing) []string {
	asks := func(r challenge.Reason) bool {
		return slices.Contains(e.settings.Challenge, string(r)) && !slices.Contains(e.settings.Observe, string(r))
	}
	switch {
	case e.settings.observesAll():
		return []string{"Nobody is asked for a code ('observe all'): what would have asked is logged."}
	case slices.Contains(e.settings.Challenge, string(risk.Never)):
		return []string{"No code is asked for ('challenge never'), but on sensitive pages."}
	case asks(challenge.Always):
		return []string{"A code is asked for at each sign-in (always)."}
	case asks(challenge.NewBrowser) && challenge.Choice(e.settings.Remember.Choice) == challenge.ChoiceNever:
		return []string{"A code is asked for at each sign-in: no browser is remembered ('choice never')."}
	}
	var said, others []string
	if asks(challenge.NewBrowser) {
		said = append(said, "A browser that is not remembered is asked for a code (new_browser).")
	}
	for _, r := range []challenge.Reason{challenge.NewPlace, challenge.Travel, challenge.NewNetwork} {
		if asks(r) && (e.places != nil || r == challenge.NewNetwork) {
			others = append(others, string(r))
		}
	}
	return append(said, e.rememberedNext(s.Person, others))
}

// rememberedNext is when somebody is asked who comes with a remembered browser; others
// are the reasons that ask nevertheless.
func (e *entrance) rememberedNext(p *challenge.PersonState, others []string) string {
	what, having, lacking := "A remembered browser is", "it has a key of its machine", "it is"
	if p != nil && p.Browsers > 0 {
		what = some(p.Browsers, "remembered browser is", "remembered browsers are")
	}
	if p != nil && p.Browsers > 1 {
		having, lacking = "each has a key of its machine", "one is"
	}
	what += " asked for none"
	if len(others) > 0 {
		what += ", unless by " + either(others)
	}
	if e.settings.Session.DeviceBound == string(challenge.BoundRequired) {
		what += ", if " + having + "; without one " + lacking + " asked (" + string(challenge.Expired) + ")"
	}
	return what + "."
}
