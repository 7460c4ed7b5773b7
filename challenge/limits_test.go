// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// guess uses up tries at an address, from new browsers in new networks, and
// returns the error that ended it and how many codes were compared.
func guess(w *world, g *challenge.Gate, at challenge.Email, most int) (tries int, err error) {
	for tries < most {
		thief := w.browser(g)
		if _, err = thief.ask(at); err != nil {
			return tries, err
		}
		code := thief.lastCode()
		for n := 0; n < 5 && tries < most; n++ {
			err = thief.enter(wrong(code, n), false)
			if tries++; limitOf(err) != "" {
				return tries, err
			}
		}
	}
	return tries, err
}

// only changes some limits and leaves the others roomy.
func only(change func(l *challenge.Limits)) challenge.Policy {
	l := roomy
	change(&l)
	return challenge.Policy{Limits: l}
}

var triesOnly = only(func(l *challenge.Limits) { l.TryAddress = nil })

// L-21, L-23, L-26: a counter per flow or per session is none, since those are
// free. L-15, L-16: nor is one for each spelling.
func TestRL02FailuresCountOverAllChallengesAndBrowsers(t *testing.T) {
	for _, tt := range []struct {
		name     string
		spelling func(n int) string
	}{
		{"L-21 the flow is started again", func(int) string { return "ana@example.com" }},
		{"L-15 aliases share one count", func(n int) string { return fmt.Sprintf("ana+%d@example.com", n) }},
		{"L-16 cases share one count", func(n int) string { return []string{"Ana", "ANA", "aNa", "ana"}[n%4] + "@Example.COM" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			g := w.gate(challenge.GateOptions{Policy: triesOnly})
			tries := 0
			for n := range 30 {
				address, err := challenge.ParseEmail(tt.spelling(n))
				if err != nil {
					t.Fatal(err)
				}
				k, err := guess(w, g, address, 4)
				tries += k
				if limitOf(err) == challenge.LimitTryAddress {
					break
				}
			}
			if tries != 15 {
				t.Errorf("%d codes were compared in an hour, want 15", tries)
			}
		})
	}
}

func TestRL02L23ManyOpenChallengesShareOneCount(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{Policy: triesOnly})
	var open []*browser
	for range 8 {
		b := w.browser(g)
		b.mailed(ana)
		open = append(open, b)
	}
	tries := 0
	for n := range 5 {
		for _, b := range open {
			if err := b.enter(wrong("000000", n), false); errors.Is(err, challenge.ErrWrongCode) || errors.Is(err, challenge.ErrCodeCancelled) {
				tries++
			}
		}
	}
	if tries != 14 { // the fifteenth is told that it was the last
		t.Errorf("%d codes were wrong before the lock, want 14", tries)
	}
}

func TestRL02L26AResendGivesNoNewTries(t *testing.T) {
	w := newWorld(t)
	b := w.browser(w.gate(challenge.GateOptions{Policy: triesOnly}))
	code := b.mailed(ana)
	for n := range 3 {
		_ = b.enter(wrong(code, n), false)
	}
	w.clock.advance(time.Minute)
	if sent, err := b.resend(); err != nil || sent.Progress.Left != 2 || !sent.Again {
		t.Errorf("Resend = %+v, %v, want the same code with 2 tries left", sent, err)
	}
}

// Ruling 16: the windows pass, whatever strangers do.
func TestRL03WrongTriesDisableNothingForGood(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{Policy: triesOnly})
	total, end := 0, w.clock.now().Add(60*24*time.Hour)
	var until time.Time
	for w.clock.now().Before(end) {
		tries, err := guess(w, g, ana, 1000)
		total += tries
		if until = untilOf(t, err); until.Sub(w.clock.now()) > 30*24*time.Hour {
			t.Fatalf("locked until %s, more than 30 days", until)
		}
		w.clock.advance(until.Sub(w.clock.now()))
	}
	if total > 300 {
		t.Errorf("%d codes were compared in 60 to 90 days, want at most 100 in any 30", total)
	}
	w.browser(g).signIn(ana, false)
}

func TestRL04LocksDoubleUpToADay(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{Policy: only(func(l *challenge.Limits) { l.TryAddress = []challenge.Rate{{N: 5, Per: 10 * time.Minute}} })})
	for _, want := range []time.Duration{
		15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour, 16 * time.Hour, 24 * time.Hour, 24 * time.Hour,
	} {
		_, err := guess(w, g, ana, 100)
		if got := untilOf(t, err).Sub(w.clock.now()); got != want {
			t.Fatalf("locked for %s, want %s", got, want)
		}
		w.clock.advance(want - time.Second)
		if _, err := w.browser(g).ask(ana); limitOf(err) != challenge.LimitTryAddress {
			t.Fatalf("a second before the end: Begin = %v, want a lock", err)
		}
		w.clock.advance(time.Second)
	}
	w.browser(g).signIn(ana, false)
	_, err := guess(w, g, ana, 100)
	if got := untilOf(t, err).Sub(w.clock.now()); got != 15*time.Minute {
		t.Errorf("after a success: locked for %s, want 15m again", got)
	}
}

func TestRL07StrangersCannotTouchARememberedBrowser(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{})
	owner := w.browser(g).signIn(ana, true)
	owner.wantPass("with the new cookies")
	owner.session = ""
	owner.wantPass("renewed")
	v := owner.wantPass("again")
	if _, err := g.SignOut(t.Context(), owner.visit(), v.Admission, false); err != nil {
		t.Fatal(err)
	}
	owner.session = ""
	pending := *owner
	code := pending.mailed(ana)

	for n := range 100 { // every limit that strangers have at this address
		_, _ = guess(w, g, ana, 5)
		w.clock.advance(time.Duration(n%2) * time.Second)
	}
	stranger := w.browser(g)
	if _, err := stranger.ask(ana); err == nil {
		t.Fatal("strangers still get mail; the test shows nothing")
	}
	if err := pending.enter(code, true); err != nil {
		t.Errorf("pending code: Verify = %v", err)
	}
	owner.device = pending.device
	if err := owner.enter(owner.mailed(ana), true); err != nil {
		t.Errorf("new code: Verify = %v", err)
	}
	if _, err := stranger.ask(ana); limitOf(err) == "" {
		t.Errorf("strangers after the owner's success: Begin = %v, want still a limit", err)
	}
}

func TestRuling14StrangersCannotPushOutAnOwnChallenge(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{Policy: challenge.Policy{Limits: roomy}})
	owner := w.browser(g).signIn(ana, true)
	owner.session = ""
	code := owner.mailed(ana)
	for range 30 {
		w.browser(g).mailed(ana)
	}
	if err := owner.enter(code, true); err != nil {
		t.Errorf("Verify = %v; strangers pushed the challenge out", err)
	}
	var strangers [10]*browser
	var codes [10]string
	for i := range strangers {
		strangers[i] = w.browser(g)
		codes[i] = strangers[i].mailed(ana)
	}
	owner.session = ""
	owner.mailed(ana)
	if err := strangers[9].enter(codes[9], false); err != nil {
		t.Errorf("newest stranger: Verify = %v", err)
	}
}

func TestRL09LimitsSurviveARestart(t *testing.T) {
	w := newWorld(t)
	b := w.browser(w.gate(challenge.GateOptions{}))
	code := b.mailed(ana)
	for n := range 3 {
		_ = b.enter(wrong(code, n), false)
	}
	w.house.Close()
	b.gate = w.gateOf(w.machine(), challenge.GateOptions{})
	for n := range 2 {
		_ = b.enter(wrong(code, 3+n), false)
	}
	if err := b.enter(code, false); !errors.Is(err, challenge.ErrCodeCancelled) {
		t.Errorf("sixth try: Verify = %v, want ErrCodeCancelled", err)
	}
	for range 5 {
		w.browser(b.gate).mailed(ana)
	}
	if _, err := w.browser(b.gate).ask(ana); limitOf(err) != challenge.LimitSendAddress {
		t.Errorf("seventh mail: Begin = %v, want a limit", err)
	}
}

func TestRL10RecordsAreBounded(t *testing.T) {
	w := newWorld(t)
	rates := []challenge.Rate{{N: 1000, Per: time.Second}}
	limits := challenge.Limits{SendAddress: rates, SendIP: rates, SendTotal: []challenge.Rate{{N: 1e6, Per: time.Second}}, TryAddress: rates, TryIP: rates}
	g := w.gate(challenge.GateOptions{Policy: challenge.Policy{Limits: limits}})
	for range 1_200 {
		b := w.browser(g)
		b.ip = netip.AddrFrom4([4]byte{192, 0, byte(networks.Add(1)), 1})
		if code, err := b.ask(ana); err == nil && code.Flow != nil {
			_ = b.enter(wrong(b.lastCode(), 0), false)
		}
		w.clock.advance(3 * time.Second)
	}
	longest := 0
	for key, value := range dump(t, w) {
		if longest = max(longest, len(value)); len(value) > 64<<10 {
			t.Errorf("record %s has %d bytes", key, len(value))
		}
	}
	if longest < 1000 {
		t.Fatalf("the longest record has %d bytes; the test shows nothing", longest)
	}
	w.clock.advance(32 * 24 * time.Hour)
	for key := range dump(t, w) {
		if key != "keys" && key != "ended" {
			t.Errorf("record %s is still there a month later", key)
		}
	}
}

// dump returns all live records.
func dump(t testing.TB, w *world) map[string]string {
	t.Helper()
	lister := w.store.(challenge.Lister)
	keys, err := lister.List(context.Background(), "", "", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]string, len(keys))
	for _, key := range keys {
		raw, err := w.store.Get(context.Background(), key)
		if err != nil && !errors.Is(err, challenge.ErrNotFound) {
			t.Fatal(err)
		}
		all[key] = string(raw)
	}
	return all
}

func TestRL12RefusalsDoNotTellWhoIsKnown(t *testing.T) {
	refusals := func(to challenge.Email) (all []string) {
		w := newWorld(t)
		g := w.gate(challenge.GateOptions{})
		for range 10 {
			_, err := w.browser(g).ask(to)
			all = append(all, fmt.Sprint(err))
		}
		w.clock.advance(2 * time.Hour)
		for range 4 {
			_, err := guess(w, g, to, 5)
			all = append(all, fmt.Sprint(err))
		}
		return all
	}
	known, unknown := refusals(ana), refusals(nobody)
	if fmt.Sprint(known) != fmt.Sprint(unknown) {
		t.Errorf("known:\n%q\nunknown:\n%q", known, unknown)
	}
	for _, limit := range []challenge.Limit{challenge.LimitSendAddress, challenge.LimitTryAddress} {
		if !slices.ContainsFunc(known, func(said string) bool { return strings.Contains(said, string(limit)) }) {
			t.Errorf("%s was never met, so this test shows less than it says: %q", limit, known)
		}
	}
}

func TestRuling16CodesGetLongerForAnAddressThatIsGuessedAt(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{Policy: triesOnly})
	owner := w.browser(g).signIn(ana, true)
	tries := 0
	for tries < 30 {
		k, _ := guess(w, g, ana, 30-tries)
		tries += k
		w.clock.advance(5 * time.Hour)
	}
	w.clock.advance(24 * time.Hour)
	stranger := w.browser(g)
	sent, err := stranger.ask(ana)
	if err != nil || sent.Progress.Form != (challenge.Form{Length: 8, Alphabet: challenge.Letters}) {
		t.Fatalf("a stranger gets %v, %v, want 8 letters", sent.Progress.Form, err)
	}
	owner.session = ""
	if sent, err = owner.ask(ana); err != nil || sent.Progress.Form != sixDigits {
		t.Errorf("a remembered browser gets %v, %v, want 6 digits", sent.Progress.Form, err)
	}
	if err := stranger.enter(w.mailbox.all()[len(w.mailbox.all())-2].Code.Reveal(), false); err != nil {
		t.Errorf("Verify of letters = %v", err)
	}
	if sent, _ = w.browser(g).ask(ana); sent.Progress.Form != sixDigits {
		t.Errorf("after a success a stranger gets %v, want 6 digits", sent.Progress.Form)
	}
}

// Limits may differ between gates that share a house: a short window at one
// must not make the other forget.
func TestAShortWindowOfOneGateForgetsNothingForAnother(t *testing.T) {
	w := newWorld(t)
	strict := w.gate(challenge.GateOptions{Policy: triesOnly})
	lax := w.gate(challenge.GateOptions{ID: "lax", Policy: only(func(l *challenge.Limits) { l.TryAddress = []challenge.Rate{{N: 20, Per: time.Minute}} })})
	_, _ = guess(w, strict, ana, 14)
	w.clock.advance(2 * time.Minute)
	_, _ = guess(w, lax, ana, 1)
	if tries, err := guess(w, strict, ana, 10); limitOf(err) != challenge.LimitTryAddress || tries > 0 {
		t.Errorf("%d more codes were compared (%v), want a lock after 15", tries, err)
	}
}
