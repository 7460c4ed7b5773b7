// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/passkeys/passkeystest"
)

func TestAPasskeyLetsItsPersonInFromAnywhereOnTheWay(t *testing.T) {
	for name, begin := range map[string]func(b *browser){
		"before an address is known": func(*browser) {},
		"once it was typed":          func(b *browser) { b.mailed(ana) },
		"at another way":             func(b *browser) { b.mailed(ana); b.turn(challenge.ByBackup) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			owner := w.settled(w.keysGate(), ana)
			key := owner.passkey("my phone")
			w.mailbox.clear()
			b := w.linked(owner.gate)
			begin(b)
			if err := b.signs(key, true); err != nil {
				t.Fatal(err)
			}
			a := b.admitted()
			if a.Identity.Email != ana || a.Class() != challenge.ClassPasskey || b.device == "" {
				t.Errorf("%s is in as %s, remembered: %v", a.Identity.Email, a.Class(), b.device != "")
			}
			if got := a.Live.Methods; !slices.Equal(got, []string{"hwk", "user"}) {
				t.Errorf("methods %v", got)
			}
			if n := w.mailbox.mails(); n[len(n)-1].Subject != challenge.NewSignIn {
				t.Errorf("the last mail is %v, want news of a new browser", n[len(n)-1].Subject)
			}
		})
	}
}

func TestAPasskeyThatIsCopiedIsOfSoftware(t *testing.T) {
	w := newWorld(t)
	owner := w.settled(w.keysGate(), ana)
	key := passkeystest.New(origin)
	key.Flags |= passkeystest.Eligible | passkeystest.BackedUp
	key.Step = 0 // as those that are copied count
	if _, err := owner.makes(key, ""); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		b := w.linked(owner.gate)
		if err := b.signs(key, false); err != nil {
			t.Fatal(err)
		}
		if got := b.admitted().Live.Methods; !slices.Equal(got, []string{"swk", "user"}) {
			t.Errorf("methods %v", got)
		}
	}
	if s := owner.account().Passkeys[0]; !s.BackedUp || s.Name != "Passkey" {
		t.Errorf("state %+v", s)
	}
}

func TestAPasskeyMakesANewSessionAndEndsTheOneBefore(t *testing.T) {
	w := newWorld(t)
	owner := w.settled(w.keysGate(), ana)
	key, before := owner.passkey("phone"), owner.session
	owner.flow = nil
	if err := owner.signs(key, true); err != nil {
		t.Fatal(err)
	}
	old := *owner
	old.session, old.device = before, ""
	old.wantCheck("with the session before", challenge.Ended)
	owner.wantPass("with the new one")
}

func TestARememberedBrowserKeepsWhatItsPasskeyWasWorth(t *testing.T) {
	w := newWorld(t)
	owner := w.settled(w.keysGate(), ana)
	key := owner.passkey("phone")
	b := w.linked(owner.gate)
	if err := b.signs(key, true); err != nil {
		t.Fatal(err)
	}
	w.clock.advance(24 * time.Hour)
	if got := b.class(); got != challenge.ClassPasskey {
		t.Errorf("a day later: %s", got)
	}
	b.flow = nil
	if err := b.confirmsByCode(); err != nil {
		t.Fatal(err)
	}
	w.clock.advance(24 * time.Hour)
	if got := b.class(); got != challenge.ClassCode {
		t.Errorf("a day after a code: %s", got)
	}
}

// A lock is for guesses, and a signature cannot be guessed.
func TestAPasskeyLetsInWhileTheAddressIsLocked(t *testing.T) {
	w := newWorld(t)
	owner := w.settled(w.gate(challenge.GateOptions{Policy: challenge.Policy{Ways: challenge.WaysPolicy{Passkeys: true}}}), ana)
	key := owner.passkey("phone")
	var locked *challenge.LimitError
	stranger := w.linked(owner.gate)
	for n := 0; locked == nil; n++ {
		if n > 100 {
			t.Fatal("no limit was reached")
		}
		stranger.flow, stranger.ip = nil, elsewhere()
		code := stranger.mailed(ana)
		for range 5 {
			if err := stranger.enter(wrong(code, n), false); errors.As(err, &locked) {
				break
			}
			n++
		}
		w.clock.advance(10 * time.Minute)
	}
	if locked.Limit != challenge.LimitTryAddress {
		t.Fatalf("the limit is %s, want the lock", locked.Limit)
	}
	b := w.linked(owner.gate)
	b.flow = stranger.flow
	if err := b.signs(key, false); err != nil {
		t.Fatal(err)
	}
	b.wantPass("by the passkey")
}

func TestPasskeysEndWithTheMailbox(t *testing.T) {
	w := newWorld(t)
	owner := w.settled(w.keysGate(), ana)
	key := owner.passkey("phone")
	w.clock.advance(59 * 24 * time.Hour)
	if err := w.linked(owner.gate).signs(key, false); err != nil {
		t.Fatalf("after 59 days: %v", err)
	}
	w.clock.advance(2 * 24 * time.Hour) // a passkey proves no mailbox
	wantRefused(t, "after 61 days", w.linked(owner.gate).signs(key, false))
}

func TestOnlyTheAddressOfThePasskeyIsLetIn(t *testing.T) {
	w := newWorld(t)
	owner := w.settled(w.keysGate(), ana)
	key := owner.passkey("phone")
	other := w.linked(owner.gate)
	other.mailed(bob)
	wantRefused(t, "where another address was typed", other.signs(key, false))
	named := w.linked(owner.gate)
	named.earlier = &challenge.Identity{Source: "ldap", User: "bob", Email: bob}
	wantRefused(t, "where an earlier step has named somebody else", named.signs(key, false))
	named.earlier = &challenge.Identity{Source: "ldap", User: "ana", Email: ana}
	named.flow = nil
	if err := named.signs(key, false); err != nil {
		t.Errorf("where it has named them: %v", err)
	}
}

func TestWhoMayNoLongerPassIsRefusedWithTheirPasskey(t *testing.T) {
	w := newWorld(t)
	owner := w.settled(w.keysGate(), ana)
	key := owner.passkey("phone")
	owner.gate.SetAccess(access(t, challenge.AccessOptions{Allow: []string{string(bob)}}))
	wantRefused(t, "without leave to pass", w.linked(owner.gate).signs(key, false))
}

func TestAPasskeyIsRenamedAndRemoved(t *testing.T) {
	w := newWorld(t)
	owner := w.settled(w.keysGate(), ana)
	key := owner.passkey("  my\tphone ")
	if err := w.linked(owner.gate).signs(key, false); err != nil {
		t.Fatal(err)
	}
	state := owner.account().Passkeys[0]
	want := challenge.PasskeyState{
		ID: state.ID, Name: "my phone", Made: w.clock.now().Truncate(time.Second), Used: w.clock.now().Truncate(time.Second),
		Browser: "Firefox on Windows", Site: "app.example.com",
	}
	if diff := cmp.Diff(want, state); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
	if err := owner.gate.RenamePasskey(t.Context(), owner.visit(), owner.admitted(), state.ID, "key ring"); err != nil {
		t.Fatal(err)
	}
	if got := owner.account().Passkeys[0].Name; got != "key ring" {
		t.Errorf("it is called %q", got)
	}
	if err := owner.gate.RenamePasskey(t.Context(), owner.visit(), owner.admitted(), "x", "y"); !errors.Is(err, challenge.ErrNoSuch) {
		t.Errorf("renaming none: %v", err)
	}
	if _, err := owner.removePasskey(state.ID); err != nil {
		t.Fatal(err)
	}
	if n := len(owner.account().Passkeys); n != 0 {
		t.Errorf("%d are left", n)
	}
	wantRefused(t, "once it was removed", w.linked(owner.gate).signs(key, false))
	if _, err := owner.removePasskey(state.ID); !errors.Is(err, challenge.ErrNoSuch) {
		t.Errorf("removing it again: %v", err)
	}
}

// removePasskey goes the whole way.
func (b *browser) removePasskey(id string) (due time.Time, err error) {
	b.w.t.Helper()
	a, flow := b.permit(challenge.Change{Kind: challenge.RemovePasskey, Detail: id})
	return b.gate.RemovePasskey(b.w.t.Context(), b.visit(), a, flow)
}

func TestThereAreTenPasskeysAtMost(t *testing.T) {
	w := newWorld(t)
	owner := w.settled(w.keysGate(), ana)
	for range challenge.MaxPasskeys {
		owner.passkey("")
	}
	if _, err := owner.makes(passkeystest.New(origin), ""); !errors.Is(err, challenge.ErrTooMany) {
		t.Errorf("one more: %v", err)
	}
}

func TestSeveralPasskeysWaitAtOnce(t *testing.T) {
	w := newWorld(t)
	w.settled(w.keysGate(), ana)
	young := w.linked(w.keysGate()).signIn(ana, true)
	keys := map[string]*passkeystest.Authenticator{"phone": passkeystest.New(origin), "laptop": passkeystest.New(origin)}
	for name, key := range keys {
		due, err := young.makes(key, name)
		if err != nil {
			t.Fatal(err)
		}
		wantDue(t, name, due, w.clock.now().Add(24*time.Hour))
		wantRefused(t, name+" while it waits", w.linked(young.gate).signs(key, false))
	}
	var called []string
	for _, c := range young.account().Waiting {
		called = append(called, c.Called)
	}
	if slices.Sort(called); !slices.Equal(called, []string{"laptop", "phone"}) {
		t.Errorf("what waits is called %q", called)
	}
	w.clock.advance(24 * time.Hour)
	for name, key := range keys {
		if err := w.linked(young.gate).signs(key, false); err != nil {
			t.Errorf("%s after a day: %v", name, err)
		}
	}
}

func TestAPasskeyAllowsAChange(t *testing.T) {
	w := newWorld(t)
	owner := w.settled(w.keysGate(), ana)
	key := owner.passkey("phone")
	change := challenge.Change{Kind: challenge.MakeBackupCodes}
	v := owner.changing(change)
	options, f, err := owner.gate.OfferPasskey(v, owner.began(change))
	if err != nil {
		t.Fatal(err)
	}
	entry, err := owner.gate.VerifyPasskey(t.Context(), owner.changing(change), f, challenge.PasskeyTry{Response: must[[]byte](t)(key.Get(options))})
	if err != nil || entry.Flow == nil || entry.SetSession != "" {
		t.Fatalf("VerifyPasskey = %+v, %v", entry, err)
	}
	if _, _, err := owner.gate.MakeBackupCodes(t.Context(), owner.visit(), owner.admitted(), entry.Flow); err != nil {
		t.Error(err)
	}
}

func TestAGateWithoutPasskeysHasNone(t *testing.T) {
	w := newWorld(t)
	for name, gate := range map[string]*challenge.Gate{
		"off": w.waysGate(), "codes alone are accepted": w.keysGateAs("other", challenge.AcceptCode),
	} {
		b := w.settled(gate, ana)
		if gate.Offers().Passkeys {
			t.Errorf("%s: they are offered", name)
		}
		if _, _, err := gate.OfferPasskey(b.visit(), gate.NewFlow(b.visit())); !errors.Is(err, challenge.ErrNotOffered) {
			t.Errorf("%s: OfferPasskey = %v", name, err)
		}
		if _, err := gate.VerifyPasskey(t.Context(), b.visit(), gate.NewFlow(b.visit()), challenge.PasskeyTry{}); !errors.Is(err, challenge.ErrNotOffered) {
			t.Errorf("%s: VerifyPasskey = %v", name, err)
		}
		if _, err := b.makes(passkeystest.New(origin), ""); !errors.Is(err, challenge.ErrNotOffered) {
			t.Errorf("%s: NewPasskey = %v", name, err)
		}
	}
}

func TestNoSiteHasPasskeysWhereBrowsersHaveNone(t *testing.T) {
	w := newWorld(t)
	b := w.browser(w.keysGate())
	for _, link := range []string{"http://app.example.com/.doorcode/", "https://192.0.2.1/.doorcode/", ""} {
		b.link = link
		if _, _, err := b.gate.OfferPasskey(b.visit(), b.gate.NewFlow(b.visit())); !errors.Is(err, challenge.ErrNotOffered) {
			t.Errorf("%q: %v", link, err)
		}
	}
}

func TestPasskeysAreToldOfInWordsAndEvents(t *testing.T) {
	w := newWorld(t)
	owner := w.settled(w.keysGate(), ana)
	w.mailbox.clear()
	key := owner.passkey("phone")
	notices := w.mailbox.mails()
	if n := notices[len(notices)-1]; n.Subject != challenge.WaysChanged || n.Change != challenge.AddPasskey || n.Stop == "" {
		t.Errorf("the mail is about %v %q, stopped at %q", n.Subject, n.Change, n.Stop)
	}
	if err := w.linked(owner.gate).signs(key, false); err != nil {
		t.Fatal(err)
	}
	rows := must[challenge.ActivityPage](t)(owner.gate.Activity(t.Context(), owner.visit(), owner.admitted(), challenge.ActivityQuery{})).Rows
	told := map[challenge.ActivityKind]challenge.ActivityRow{}
	for _, r := range slices.Backward(rows) {
		told[r.Kind] = r
	}
	if r := told[challenge.ActivityEntered]; r.Way != challenge.ByPasskey {
		t.Errorf("the entry was by %q", r.Way)
	}
	if r := told[challenge.ActivityChanged]; r.Change != challenge.AddPasskey || r.Name != "phone" {
		t.Errorf("the change is %q of %q", r.Change, r.Name)
	}
	w.diary.mu.Lock()
	defer w.diary.mu.Unlock()
	if !slices.ContainsFunc(w.diary.events, func(e challenge.Event) bool { return e.Factor == challenge.FactorPasskey }) {
		t.Error("no decision goes by the passkey")
	}
}

func TestWhoHasAPasskeyIsNotUrgedToMakeBackupCodes(t *testing.T) {
	w := newWorld(t)
	owner := w.settled(w.keysGate(), ana)
	if !owner.account().Urge {
		t.Error("nobody urges who has nothing")
	}
	owner.passkey("phone")
	if owner.account().Urge {
		t.Error("the page urges who has a passkey")
	}
}

func TestPasskeysAreInTheDossierAndGoWithTheirPerson(t *testing.T) {
	w := newWorld(t)
	owner := w.settled(w.keysGate(), ana)
	key := owner.passkey("phone")
	file := string(must[[]byte](t)(w.house.ExportPerson(t.Context(), ana)))
	if !containsAll(file, `"passkeys"`, `"phone"`, `"app.example.com"`) {
		t.Errorf("the dossier is %s", file)
	}
	if _, err := w.house.Forget(t.Context(), ana); err != nil {
		t.Fatal(err)
	}
	wantRefused(t, "once its person was erased", w.linked(owner.gate).signs(key, false))
}
