// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"context"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

func TestAnExportIsWholeAndHoldsNothingThatLetsAnybodyIn(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{Locator: world1, Policy: challenge.Policy{Limits: roomy, Ways: challenge.WaysPolicy{Tokens: true}}})
	eve := w.linked(g)
	eve.agent = safari
	eve.signIn(bob, true)
	b := w.linked(g)
	b.ip = lisbon
	b.signIn(ana, true)
	codes, app := b.codes(), b.app()
	b.second(spare)
	token := b.token(laptop)
	if err := g.RenameBrowser(t.Context(), b.visit(), b.admitted(), b.account().Browsers[0].ID, "Study"); err != nil {
		t.Fatal(err)
	}
	a, f := b.permit(challenge.Change{Kind: challenge.ExportData})
	raw, due, err := g.Export(t.Context(), b.visit(), a, f)
	if err != nil || !due.IsZero() {
		t.Fatalf("Export = %v, due %v", err, due)
	}
	for _, part := range []string{
		`"address": "ana@example.com"`, `"Study"`, `"Firefox on Windows"`, `"Lisbon"`, `"PT"`, challenge.Surroundings(lisbon).String(), `"backup_codes"`, `"left": 10`,
		`"authenticator_app"`, `"address": "spare@example.org"`, `"Laptop"`, `"scope": "app.example.com/"`, `"latitude": `, `"kind": "entered"`, `"change": "backup_codes"`,
		`"first_code": "2026-08-01T12:00:00Z"`, `"last_mailed_code"`,
	} {
		if !strings.Contains(string(raw), part) {
			t.Errorf("there is no %s in\n%s", part, raw)
		}
	}
	live := b.admitted().Live
	for _, secret := range append(codes, token, b.session, b.device, live.Key(), live.Browser, strings.ReplaceAll(app.seed.Key(), " ", ""), string(bob), "Safari", challenge.BackupHash(w.ring, ana, strings.ReplaceAll(codes[0], "-", ""))) {
		if secret != "" && strings.Contains(string(raw), secret) {
			t.Errorf("the file holds %q", secret)
		}
	}
	if keys := regexp.MustCompile(`"[A-Z][A-Za-z]*":`).FindAllString(string(raw), -1); len(keys) > 0 {
		t.Errorf("keys of two styles: %q", keys)
	}
	if !json.Valid(raw) {
		t.Error("it is no JSON")
	}
	theirs, err := w.house.ExportPerson(t.Context(), ana)
	if err != nil || !strings.Contains(string(theirs), `"Study"`) {
		t.Errorf("for an operator: %v", err)
	}
	if none, err := w.house.ExportPerson(t.Context(), nobody); none != nil || err != nil {
		t.Errorf("of nobody: %s, %v", none, err)
	}
}

// Ruling 41: a stolen session does not walk out with the file at once.
func TestRuling41AnExportFromANewBrowserWaitsADay(t *testing.T) {
	w := newWorld(t)
	g := w.waysGate()
	owner := w.settled(g, ana)
	export := func(b *browser) ([]byte, time.Time, error) {
		a, f := b.permit(challenge.Change{Kind: challenge.ExportData})
		return g.Export(t.Context(), b.visit(), a, f)
	}
	young := w.linked(g).signIn(ana, false)
	raw, due, err := export(young)
	if raw != nil || err != nil {
		t.Fatalf("at first: %q, %v", raw, err)
	}
	wantDue(t, "the file", due, w.clock.now().Add(24*time.Hour))
	if n := w.wantTold("it", ana, challenge.WaysChanged, 1); n.Change != challenge.ExportData || !n.Due.Equal(due) || w.diary.has(challenge.DataExported) {
		t.Errorf("the mail says %+v", n)
	}
	w.clock.advance(time.Hour)
	if raw, _, err := export(owner); len(raw) == 0 || err != nil {
		t.Errorf("in a browser of three days: %v", err)
	}
	if waits := owner.account().Waiting; len(waits) != 0 {
		t.Errorf("%d changes wait after the file was had", len(waits))
	}
	if _, _, err := export(young); err != nil {
		t.Fatal(err)
	}
	w.clock.advance(24 * time.Hour)
	back := w.linked(g).signIn(ana, false) // nobody who is not remembered gets old enough
	if raw, _, err := export(back); len(raw) == 0 || err != nil || !w.diary.has(challenge.DataExported) {
		t.Errorf("a day later: %v", err)
	}
	if raw, due, err := export(back); raw != nil || due.IsZero() || err != nil {
		t.Errorf("once more: %v, due %v", err, due)
	}
	if err := g.CancelChange(t.Context(), owner.visit(), owner.admitted(), owner.account().Waiting[0].ID); err != nil {
		t.Fatal(err)
	}
	w.clock.advance(25 * time.Hour)
	if raw, due, err := export(w.linked(g).signIn(ana, false)); raw != nil || due.IsZero() || err != nil {
		t.Errorf("after it was cancelled: %v, due %v", err, due)
	}
}

// A record that a version before has written says less.
func TestRecordsOfAVersionBeforeHaveNoAccountYet(t *testing.T) {
	w := newWorld(t)
	g := w.waysGate()
	b, brief := w.linked(g).signIn(ana, true), w.linked(g).signIn(ana, false)
	w.clock.advance(2 * time.Hour)
	for key := range dump(t, w) {
		if !strings.HasPrefix(key, "person/") {
			continue
		}
		err := w.store.Update(context.Background(), key, func(old []byte, _ time.Time) ([]byte, time.Duration, error) {
			var p map[string]any
			if err := json.Unmarshal(old, &p); err != nil {
				return nil, 0, err
			}
			for _, field := range []string{"first", "mailed", "settings", "guard"} {
				delete(p, field)
			}
			for _, list := range []string{"devices", "sessions"} {
				for _, one := range p[list].([]any) {
					delete(one.(map[string]any), "seen")
					delete(one.(map[string]any), "name")
				}
			}
			raw, err := json.Marshal(p)
			return raw, 0, err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	list := b.account().Browsers
	if len(list) != 2 || !list[0].This || list[0].Kind != "" || list[0].Network != "" || list[0].Last.IsZero() {
		t.Errorf("the browsers are %+v", list)
	}
	if err := g.SignOutBrowser(t.Context(), b.visit(), b.admitted(), list[1].ID, false); err != nil {
		t.Error(err)
	}
	brief.over("the one that is not remembered")
	// It is not known that it is their first day, and the browser is of today.
	if _, due, err := b.tryCodes(); err != nil || due.IsZero() {
		t.Errorf("MakeBackupCodes = %v, due %v", err, due)
	}
	w.clock.advance(24 * time.Hour)
	b.wantPass("a day later")
	if got := b.account(); got.Backup.Left != 10 || got.Browsers[0].Kind != "Firefox on Windows" {
		t.Errorf("the account says %+v", got)
	}
	codes := b.codes()
	if err := w.browser(g).enterBy(challenge.ByBackup, codes[0], false); err != nil {
		t.Error(err)
	}
	if raw, err := w.house.ExportPerson(t.Context(), ana); err != nil || !strings.Contains(string(raw), `"backup_codes"`) {
		t.Errorf("ExportPerson = %v", err)
	}
	if due, err := b.erase(); err != nil || due.IsZero() {
		t.Errorf("Erase = %v, due %v", err, due)
	}
}
