// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"encoding/base32"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/ways"
)

// spare is the second address of most tests; it may pass itself.
const spare = challenge.Email("spare@example.org")

// waysGate offers every way in, and has room.
func (w *world) waysGate() *challenge.Gate { return w.waysGateOf(w.house) }

func (w *world) waysGateOf(h *challenge.House) *challenge.Gate {
	return w.gateOf(h, challenge.GateOptions{Policy: challenge.Policy{Limits: roomy, Ways: challenge.WaysPolicy{Tokens: true}}})
}

// settled is somebody in a browser that they have had for three days.
func (w *world) settled(g *challenge.Gate, who challenge.Email) *browser {
	b := w.linked(g).signIn(who, true)
	w.clock.advance(72 * time.Hour)
	b.wantPass("after three days")
	return b
}

// admitted is the admission of somebody who is in.
func (b *browser) admitted() *challenge.Admission {
	b.w.t.Helper()
	return b.wantPass("signed in").Admission
}

func (b *browser) account() challenge.Account {
	b.w.t.Helper()
	account, err := b.gate.Account(b.w.t.Context(), b.visit(), b.admitted())
	if err != nil {
		b.w.t.Fatal(err)
	}
	return account
}

// turn chooses another way.
func (b *browser) turn(to challenge.Way) *browser {
	b.w.t.Helper()
	flow, err := b.gate.ChooseWay(b.flow, to)
	if err != nil {
		b.w.t.Fatalf("ChooseWay(%q) = %v", to, err)
	}
	b.flow = flow
	return b
}

// askSecond has a code sent to the second address.
func (b *browser) askSecond() (challenge.Sent, error) {
	sent, err := b.gate.SendSecond(b.w.t.Context(), b.visit(), b.flow)
	if sent.Flow != nil {
		b.flow = sent.Flow
	}
	return sent, err
}

// enterBy begins anew and enters a code of another way.
func (b *browser) enterBy(way challenge.Way, code string, remember bool) error {
	b.w.t.Helper()
	b.flow = nil
	b.mailed(ana)
	return b.turn(way).enter(code, remember)
}

// began begins a change, for which a code is on its way.
func (b *browser) began(c challenge.Change) *challenge.Flow {
	b.w.t.Helper()
	sent, err := b.gate.Begin(b.w.t.Context(), b.changing(c), nil, challenge.Email(b.admitted().Live.Email))
	if err != nil {
		b.w.t.Fatal(err)
	}
	return sent.Flow
}

// changing is a visit that is about a change.
func (b *browser) changing(c challenge.Change) *challenge.Visit {
	b.w.t.Helper()
	live := b.admitted().Live
	v := b.visit()
	v.Confirm, v.Change = live, &c
	return v
}

// allowedBy enters a code for a change, by a way.
func (b *browser) allowedBy(way challenge.Way, code string, f *challenge.Flow) (*challenge.Flow, error) {
	b.w.t.Helper()
	next := f
	if way != f.Way {
		turned, err := b.gate.ChooseWay(f, way)
		if err != nil {
			return nil, err
		}
		next = turned
	}
	entry, err := b.gate.Verify(b.w.t.Context(), b.changing(*f.Change), next, challenge.Try{Typed: code})
	return entry.Flow, err
}

// tryCodes goes the whole way to backup codes.
func (b *browser) tryCodes() (codes []string, due time.Time, err error) {
	b.w.t.Helper()
	a, flow := b.permit(challenge.Change{Kind: challenge.MakeBackupCodes})
	made, due, err := b.gate.MakeBackupCodes(b.w.t.Context(), b.visit(), a, flow)
	for _, c := range made {
		codes = append(codes, c.Reveal())
	}
	return codes, due, err
}

// codes are new backup codes, that work already.
func (b *browser) codes() []string {
	b.w.t.Helper()
	codes, due, err := b.tryCodes()
	if err != nil || !due.IsZero() {
		b.w.t.Fatalf("MakeBackupCodes = %v, due %v", err, due)
	}
	return codes
}

// An authenticator is an app with one secret.
type authenticator struct {
	w    *world
	seed ways.Seed
}

// shows is what it shows so many steps from now.
func (a authenticator) shows(off int64) string { return a.seed.Code(ways.Step(a.w.clock.now()) + off) }

// installed is an app that has read what a page offers.
func (w *world) installed(o challenge.AppOffer) authenticator {
	w.t.Helper()
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ReplaceAll(o.Key.Reveal(), " ", ""))
	if err != nil {
		w.t.Fatal(err)
	}
	return authenticator{w, ways.SeedOf(raw)}
}

func (b *browser) tryApp() (app authenticator, due time.Time, err error) {
	b.w.t.Helper()
	a, flow := b.permit(challenge.Change{Kind: challenge.AddApp})
	offer, err := b.gate.OfferApp(b.visit(), a)
	if err != nil {
		b.w.t.Fatal(err)
	}
	app = b.w.installed(offer)
	due, err = b.gate.AddApp(b.w.t.Context(), b.visit(), a, flow, offer.Sealed, app.shows(-1))
	return app, due, err
}

// app adds an app, that works already.
func (b *browser) app() authenticator {
	b.w.t.Helper()
	app, due, err := b.tryApp()
	if err != nil || !due.IsZero() {
		b.w.t.Fatalf("AddApp = %v, due %v", err, due)
	}
	return app
}

// trySecond goes the whole way to a second address.
func (b *browser) trySecond(address challenge.Email) (due time.Time, err error) {
	b.w.t.Helper()
	a, flow := b.permit(challenge.Change{Kind: challenge.SetSecond, Detail: string(address)})
	sent, err := b.gate.BeginSecond(b.w.t.Context(), b.visit(), a, flow)
	if err != nil {
		return time.Time{}, err
	}
	flow, err = b.allowedBy(challenge.ByMail, b.lastCode(), sent.Flow)
	if err != nil {
		return time.Time{}, err
	}
	return b.gate.SetSecond(b.w.t.Context(), b.visit(), a, flow)
}

// second adds a second address, that works already.
func (b *browser) second(address challenge.Email) {
	b.w.t.Helper()
	if due, err := b.trySecond(address); err != nil || !due.IsZero() {
		b.w.t.Fatalf("SetSecond = %v, due %v", err, due)
	}
}

// remove takes a way away.
func (b *browser) remove(kind challenge.ChangeKind) (due time.Time, err error) {
	b.w.t.Helper()
	a, flow := b.permit(challenge.Change{Kind: kind})
	return b.gate.RemoveWay(b.w.t.Context(), b.visit(), a, flow, kind)
}

// to are the mails about something that really go to a mailbox.
func (m *Mailbox) to(mailbox challenge.Email, about challenge.Subject) (list []challenge.Notice) {
	return slices.DeleteFunc(m.about(about), func(n challenge.Notice) bool { return n.Decoy || n.Mailbox != string(mailbox) })
}

// wantTold wants so many mails about something at a mailbox, and returns the last.
func (w *world) wantTold(when string, mailbox challenge.Email, about challenge.Subject, want int) challenge.Notice {
	w.t.Helper()
	list := w.mailbox.to(mailbox, about)
	if len(list) != want {
		w.t.Errorf("%s: %s is told %d times, want %d", when, mailbox, len(list), want)
	}
	if len(list) == 0 {
		return challenge.Notice{}
	}
	return list[len(list)-1]
}

// stop follows the link of the last mail about something, without a session.
func (w *world) stop(about challenge.Subject) challenge.Report {
	w.t.Helper()
	return w.browser(w.anyGate()).mustReport(w.mailbox.link(w.t, about))
}

// anyGate is for whoever needs no particular one.
func (w *world) anyGate() *challenge.Gate { return w.waysGate() }

// spelled is a code as people copy it.
func spelled(code string) string { return " " + strings.ToLower(strings.ReplaceAll(code, "-", " ")) }

// noCode is a backup code that nobody has.
const noCode = "0000-0000-0000-0000"

func wantDue(t testing.TB, what string, due, want time.Time) {
	t.Helper()
	if !due.Equal(want) {
		t.Errorf("%s is due %v, want %v", what, due, want)
	}
}

// waiting are the kinds of changes that wait.
func (a account) waiting() (kinds []challenge.ChangeKind) {
	for _, c := range a.Waiting {
		kinds = append(kinds, c.Kind)
	}
	return kinds
}

type account challenge.Account
