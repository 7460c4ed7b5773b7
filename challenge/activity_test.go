// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// activity is what a person who is signed in reads of themselves.
func (b *browser) activity(q challenge.ActivityQuery) challenge.ActivityPage {
	b.w.t.Helper()
	v := b.wantPass("reading activity")
	page, err := b.gate.Activity(context.Background(), b.visit(), v.Admission, q)
	if err != nil {
		b.w.t.Fatalf("Activity = %v", err)
	}
	return page
}

// told are the kinds of what is read, the newest first.
func told(rows []challenge.ActivityRow) (all []string) {
	for _, r := range rows {
		text := string(r.Kind)
		if r.Times > 1 {
			text += fmt.Sprint(" x", r.Times)
		}
		all = append(all, text)
	}
	return all
}

func (b *browser) wantActivity(when string, q challenge.ActivityQuery, want ...string) []challenge.ActivityRow {
	b.w.t.Helper()
	rows := b.activity(q).Rows
	if diff := cmp.Diff(want, told(rows)); diff != "" {
		b.w.t.Errorf("%s, -want +got:\n%s", when, diff)
	}
	return rows
}

// quickMachine is a machine that gathers as little as one does in earnest.
func (w *world) quickMachine() *challenge.House {
	w.t.Helper()
	h, err := challenge.OpenHouse(context.Background(), challenge.HouseOptions{Store: w.store, Ring: w.ring, Sender: w.mailbox, Now: w.clock.now})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(h.Close)
	return h
}

func TestAPersonReadsWhatHappened(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{Locator: world1, Policy: challenge.Policy{Limits: roomy, Session: challenge.SessionPolicy{Lifetime: time.Hour}}})
	owner := w.linked(g)
	owner.ip, owner.agent = lisbon, firefox
	code := owner.mailed(ana)
	_ = owner.enter(wrong(code, 0), false)
	if err := owner.enter(code, true); err != nil {
		t.Fatal(err)
	}
	// Who has not proved the address before has no record, and no rows: what is kept
	// waits for the same moment.
	owner.wantActivity("at first", challenge.ActivityQuery{}, "remembered", "entered", "wrong", "code_sent")

	w.clock.advance(2 * time.Hour)
	owner.wantPass("the session was over")
	w.clock.advance(time.Minute)
	stranger := w.browser(g)
	code = stranger.mailed(ana)
	for n := range 5 {
		_ = stranger.enter(wrong(code, n), false)
		w.clock.advance(time.Second)
	}
	_ = stranger.enter(wrong(code, 5), false)
	rows := owner.wantActivity("later", challenge.ActivityQuery{}, "cancelled", "wrong x4", "code_sent", "renewed", "remembered", "entered", "wrong", "code_sent")
	owner.wantActivity("problems", challenge.ActivityQuery{Problems: true}, "cancelled", "wrong x4", "wrong")

	renewed := rows[3]
	if renewed.Browser != "Firefox on Windows" || renewed.City != "Lisbon" || renewed.Country != "PT" || renewed.Network == "" || !renewed.At.Equal(w.clock.now().Add(-time.Minute-5*time.Second)) {
		t.Errorf("the row says %+v", renewed)
	}
	if sent, err := owner.ask(ana); err != nil {
		t.Fatal(sent, err)
	}
	if _, err := owner.gate.SignOut(t.Context(), owner.visit(), owner.wantPass("before the end").Admission, false); err != nil {
		t.Fatal(err)
	}
	again := w.browser(g).signIn(ana, false)
	again.wantActivity("after a sign-out", challenge.ActivityQuery{Rows: 4}, "entered", "code_sent", "signed_out", "code_sent")
}

// Of several tokens, a person has to see which one it is about.
func TestActivityNamesTheTokenThatWasMadeOrIsToBe(t *testing.T) {
	w := newWorld(t)
	g := w.tokenGate(challenge.GateOptions{})
	owner := w.browser(g).signIn(ana, true)
	owner.token(laptop)
	w.clock.advance(48 * time.Hour)
	newer := w.browser(g).signIn(ana, true)
	newer.token(challenge.TokenSpec{Name: "Backup", Path: "/", Days: 30})
	if err := newer.revoke(newer.tokens()[0].ID); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range newer.activity(challenge.ActivityQuery{}).Rows {
		if r.Kind == challenge.ActivityChanged || r.Kind == challenge.ActivityWaits {
			got = append(got, fmt.Sprint(r.Kind, " ", r.Change, " ", r.Name))
		}
	}
	want := []string{
		fmt.Sprint(challenge.ActivityChanged, " ", challenge.RemoveToken, " Laptop"),
		fmt.Sprint(challenge.ActivityWaits, " ", challenge.AddToken, " Backup"),
		fmt.Sprint(challenge.ActivityChanged, " ", challenge.AddToken, " Laptop"),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestAPersonReadsOnlyTheirOwn(t *testing.T) {
	w := newWorld(t)
	g := roomyGate(w)
	w.browser(g).signIn(ana, false)
	bobs := w.browser(g).signIn(bob, false)
	rows := bobs.wantActivity("bob", challenge.ActivityQuery{}, "entered", "code_sent")
	annas := w.browser(g).signIn(ana, false)
	annas.wantActivity("ana", challenge.ActivityQuery{}, "entered", "code_sent", "entered", "code_sent")
	_, err := g.ReportRow(t.Context(), annas.visit(), annas.wantPass("ana").Admission, rows[0].ID)
	if err != challenge.ErrNoSuch { //nolint:errorlint // it is returned as it is
		t.Errorf("a row of somebody else is reported: %v", err)
	}
}

// Ruling 16: what is done at an address that nobody has proved leaves nothing.
func TestNothingIsKeptOfAnAddressThatNobodyHasProved(t *testing.T) {
	w := newWorld(t)
	g := roomyGate(w)
	for _, to := range []challenge.Email{ana, nobody} {
		code := w.browser(g).mailed(to)
		b := w.browser(g)
		_, _ = b.ask(to)
		_ = b.enter(wrong(code, 1), false)
	}
	if !challenge.WriteJournal(t.Context(), w.house) {
		t.Error("it waits for somebody to prove the address")
	}
	for key := range dump(t, w) {
		if strings.HasPrefix(key, "activity/") {
			t.Errorf("there is %s", key)
		}
	}
}

// What is asked for lately is on the page within a second, on every machine.
func TestItem90ActivityIsThereWithinASecondOnEveryMachine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		here := w.gateOf(w.quickMachine(), challenge.GateOptions{Policy: challenge.Policy{Limits: roomy}})
		there := w.gateOf(w.quickMachine(), challenge.GateOptions{Policy: challenge.Policy{Limits: roomy}})
		owner := w.browser(here).signIn(ana, true)
		time.Sleep(time.Second)
		owner.gate = there
		owner.wantActivity("on the other machine", challenge.ActivityQuery{}, "remembered", "entered", "code_sent")
		code := w.browser(here).mailed(ana)
		stranger := w.browser(there)
		_, _ = stranger.ask(ana)
		_ = stranger.enter(wrong(code, 3), false)
		time.Sleep(time.Second)
		rows := owner.activity(challenge.ActivityQuery{}).Rows
		if got := told(rows); len(got) != 6 || !slices.Contains(got, "wrong") {
			t.Errorf("a second later there is %q", got)
		}
	})
}

func TestReadingPageByPageLeavesNothingOut(t *testing.T) {
	w := newWorld(t)
	g := roomyGate(w)
	owner := w.browser(g).signIn(ana, true)
	const rows = 330
	for range rows {
		b := w.browser(g)
		b.mailed(ana)
		w.clock.advance(time.Minute)
		challenge.WriteJournal(t.Context(), w.house)
	}
	pages := 0
	for key := range dump(t, w) {
		if strings.Count(key, "/") == 2 && strings.HasPrefix(key, "activity/") {
			pages++
		}
	}
	if pages < 5 {
		t.Errorf("%d full pages, want at least 5", pages)
	}
	seen, q := map[string]bool{}, challenge.ActivityQuery{}
	var visited []challenge.ActivityPage
	for {
		page := owner.activity(q)
		visited = append(visited, page)
		for _, r := range page.Rows {
			if seen[r.ID] {
				t.Fatalf("row %s is read twice", r.ID)
			}
			seen[r.ID] = true
		}
		w.browser(g).mailed(ana) // more happens meanwhile
		w.clock.advance(time.Minute)
		if q.After = page.Next; q.After == "" {
			break
		}
	}
	if len(seen) != rows+3 {
		t.Errorf("%d rows are read, want %d", len(seen), rows+3)
	}
	back := owner.activity(challenge.ActivityQuery{Before: visited[3].Prev})
	if diff := cmp.Diff(visited[2].Rows, back.Rows); diff != "" {
		t.Errorf("back again, -was +is:\n%s", diff)
	}
}

func TestActivityIsForgottenInTime(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{Policy: challenge.Policy{Limits: roomy, Audit: challenge.AuditPolicy{Keep: 2 * day}, Session: challenge.SessionPolicy{Lifetime: 10 * day}}})
	owner := w.browser(g).signIn(ana, false)
	w.clock.advance(day)
	w.browser(g).mailed(ana)
	owner.wantActivity("a day later", challenge.ActivityQuery{}, "code_sent", "entered", "code_sent")
	w.clock.advance(day + time.Minute)
	owner.wantActivity("after two days", challenge.ActivityQuery{}, "code_sent")
	w.clock.advance(day)
	owner.wantActivity("after three days", challenge.ActivityQuery{})
	for key := range dump(t, w) {
		if strings.HasPrefix(key, "activity/") {
			t.Errorf("there still is %s", key)
		}
	}
}

func TestTheNetworkIsKeptAsTheOperatorWants(t *testing.T) {
	tests := map[challenge.AuditIP]func(string) bool{
		"":                    func(s string) bool { return s == "62.48.10.0/24" },
		challenge.AuditPrefix: func(s string) bool { return s == "62.48.10.0/24" },
		challenge.AuditFull:   func(s string) bool { return s == lisbon.String() },
		challenge.AuditHash:   func(s string) bool { return len(s) == 8 && !strings.Contains(s, ".") },
	}
	for ip, fits := range tests {
		w := newWorld(t)
		g := w.gate(challenge.GateOptions{Policy: challenge.Policy{Limits: roomy, Audit: challenge.AuditPolicy{IP: ip}}})
		b := w.browser(g)
		b.ip = lisbon
		if got := b.signIn(ana, false).activity(challenge.ActivityQuery{}).Rows[0].Network; !fits(got) {
			t.Errorf("ip %q keeps %q of %s", ip, got, lisbon)
		}
	}
}

func TestGEO10TheStoreDoesNotTellWhatHappenedToWhom(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{Locator: world1, Policy: challenge.Policy{Limits: roomy, Audit: challenge.AuditPolicy{IP: challenge.AuditFull}}})
	for range 40 {
		b := w.browser(g)
		b.ip, b.agent = lisbon, firefox
		b.signIn(ana, true)
		w.clock.advance(time.Minute)
		challenge.WriteJournal(t.Context(), w.house)
	}
	for key, raw := range dump(t, w) {
		for _, personal := range []string{"62.48", "Lisbon", "PT", "Firefox", "Windows", "ana@", "example.com", "entered", "code_sent"} {
			if strings.HasPrefix(key, "activity/") && strings.Contains(key+raw, `"`+personal) {
				t.Errorf("%s holds %q in clear", key, personal)
			}
		}
	}
}

func TestOperatorsLeaveARow(t *testing.T) {
	w := newWorld(t)
	g := roomyGate(w)
	owner := w.browser(g).signIn(ana, true)
	if _, err := w.house.Unlock(t.Context(), ana); err != nil {
		t.Fatal(err)
	}
	if got := dump(t, w); !slices.ContainsFunc(keysOf(got), func(k string) bool { return strings.HasPrefix(k, "activity/") }) {
		t.Error("what an operator did is not kept before they are told")
	}
	rows := owner.wantActivity("unlocked", challenge.ActivityQuery{}, "unlocked", "remembered", "entered", "code_sent")
	if rows[0].Browser != "" || rows[0].Network != "" {
		t.Errorf("a row of an operator tells of a browser: %+v", rows[0])
	}
}

func keysOf(m map[string]string) (keys []string) {
	for k := range m {
		keys = append(keys, k)
	}
	return keys
}
