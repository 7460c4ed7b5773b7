// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// A report must not be undone by records that know nothing of it, however long ago
// they were copied.
func TestRuling45WhatWasReportedIsNotLearnedAgain(t *testing.T) {
	from := newWorld(t)
	g := roomyGate(from)
	from.linked(g).at(lisbon).signIn(ana, true)
	thief := from.linked(g).at(tokyo).signIn(ana, true)
	id := from.mailbox.link(t, challenge.SignInCode)
	to := from.apart()
	from.moveTo(to)
	reader := thief.in(to).at(porto)
	reader.mustReport(id)
	places := placesOf(t, to)
	from.browser(g).at(lisbon).signIn(ana, false) // the others go on
	if err := challenge.FillRing(t.Context(), to.store); err != nil {
		t.Fatal(err)
	}
	to.clock.advance(2 * time.Hour) // the block is over

	for name, way := range map[string][2]*world{"forth": {from, to}, "back": {to, from}} {
		way[0].moveTo(way[1])
		if now := placesOf(t, way[1]); strings.Contains(now, `"JP"`) || !strings.Contains(places, `"PT"`) {
			t.Errorf("%s: places %s, and were %s", name, now, places)
		}
		thief.in(way[1]).wantOut(name)
		reader.in(way[1]).wantNoReport(name, id)
	}
}

// Files can be copied otherwise, too. What the list of ends tells holds then.
func TestRuling24WhatTheListOfEndsTellsStaysEnded(t *testing.T) {
	whose := regexp.MustCompile(`,"p":"[^"]*"`)
	for name, forget := range map[string]bool{"signed out": false, "forgotten": true} {
		for version, older := range map[string]bool{"": false, ", as the version before tells it": true} {
			t.Run(name+version, func(t *testing.T) {
				from := newWorld(t)
				b := from.browser(roomyGate(from)).signIn(ana, true)
				before, stale := dump(t, from), *b
				b.signOut(forget)
				if older {
					put(t, from.store, "ended", whose.ReplaceAllString(dump(t, from)["ended"], ""))
				}
				after := dump(t, from)
				for way, stores := range map[string][2]map[string]string{"from where it ended": {after, before}, "to where it ended": {before, after}} {
					to := restart(t, from, stores[1])
					restart(t, from, stores[0]).moveTo(to)
					remove(t, to.store, "ended") // it is short: the records must do without
					stale.in(to).wantOut(way)
				}
			})
		}
	}
}

// An operator copies ahead, and once more when everybody is asleep.
func TestRuling35WhoLeavesBetweenTwoCopiesIsGone(t *testing.T) {
	from := newWorld(t)
	g := roomyGate(from)
	b, stays := from.browser(g).signIn(ana, true), from.browser(g).signIn(ana, true)
	to := from.apart()
	local := to.browser(roomyGate(to)).signIn(ana, true)
	from.moveTo(to)
	stale := *b
	b.signOut(true)
	if err := challenge.FillRing(t.Context(), from.store); err != nil {
		t.Fatal(err)
	}
	from.moveTo(to)
	stale.in(to).wantOut("who has left meanwhile")
	stays.in(to).wantPass("who stays")
	local.in(to).wantPass("whom only the destination knows")
}

// A store that was copied long ago meets one that has its records from another.
func TestRuling35NobodyComesBackByAThirdStore(t *testing.T) {
	from := newWorld(t)
	b := from.browser(roomyGate(from)).signIn(ana, true)
	to, third := from.apart(), from.apart()
	from.moveTo(to)
	there := b.in(to)
	there.wantPass("moved")
	stale := *there
	there.signOut(true)
	if err := challenge.FillRing(t.Context(), to.store); err != nil {
		t.Fatal(err)
	}
	to.moveTo(third)
	from.moveTo(third)
	for name, w := range map[string]*world{"the second": to, "the third": third} {
		b.in(w).wantOut(name)
		stale.in(w).wantOut(name)
	}
}

// A machine of the destination that runs meanwhile sees what happened.
func TestRuling24ARunningMachineLearnsOfEndsThatWereCopied(t *testing.T) {
	from := newWorld(t)
	b := from.browser(roomyGate(from)).signIn(ana, false)
	to := from.apart()
	from.moveTo(to)
	there := b.in(to)
	there.wantPass("while it lives")
	b.wantPass("at the source too")
	b.signOut(false)
	from.moveTo(to)
	waitFor(t, func() bool { return there.open().Decision == challenge.Check })
}

// The list of ends of the source is short. What the destination had from it is told
// there all the same.
func TestRuling24ARunningMachineLearnsOfEndsThatNoListTells(t *testing.T) {
	from := newWorld(t)
	b := from.browser(roomyGate(from)).signIn(ana, true)
	to := from.apart()
	from.moveTo(to)
	there := b.in(to)
	connection := there.connect()
	b.signOut(true)
	remove(t, from.rest().store, "ended")
	from.moveTo(to)
	waitFor(t, func() bool { return there.open().Decision == challenge.Check })
	connection.want("afterwards", false)
	if !strings.Contains(dump(t, to)["ended"], `"b":"`) {
		t.Error("no end tells that the browser is forgotten")
	}
}

// A copy of an old cookie must not be good again where older records were.
func TestRuling22AReplacedSecretStaysReplaced(t *testing.T) {
	from := newWorld(t)
	b := from.browser(roomyGate(from)).signIn(ana, true)
	stolen := *b
	to := from.apart()
	from.moveTo(to)
	there := b.in(to)
	to.clock.advance(13 * time.Hour)
	there.wantPass("renewed")
	there.wantPass("with the new secret")
	to.moveTo(from)
	to.clock.advance(13 * time.Hour)
	owner := *there
	stolen.in(from).wantCheck("the stolen cookie", challenge.Ended)
	owner.in(from).wantCheck("whose browser has ended with it", challenge.Ended)
}

// Two who were moved into one list may be too many for it.
func TestRuling24ARunningMachineLearnsWhoIsNotOnTheListAnyMore(t *testing.T) {
	from := newWorld(t)
	to := from.apart()
	b := to.browser(roomyGate(to)).signIn(ana, false)
	b.wantPass("before")
	from.gate(challenge.GateOptions{})
	if err := challenge.PutPerson(t.Context(), from.house, ana, "theirs", 100, to.clock.now().Add(3*time.Hour)); err != nil {
		t.Fatal(err)
	}
	from.moveTo(to)
	waitFor(t, func() bool { return b.open().Decision == challenge.Check })
}
