// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/keyring"
)

// A copy of the store holds no backup code, and whoever has it cannot tell a right
// guess from a wrong one without the root secret.
func TestBKP01AStolenStoreCannotBeSearchedForCodes(t *testing.T) {
	w := newWorld(t)
	b := w.linked(w.waysGate()).signIn(ana, true)
	codes := b.codes()
	if len(codes) != 10 || len(slices.Compact(slices.Sorted(slices.Values(codes)))) != 10 {
		t.Fatalf("%d codes, want ten that differ", len(codes))
	}
	var text strings.Builder
	belongings := ""
	for key, value := range dump(t, w) {
		text.WriteString(key + " " + value + "\n")
		if strings.HasPrefix(key, "belongings/") {
			belongings = value
		}
	}
	for _, code := range codes {
		if !regexp.MustCompile(`^([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}$`).MatchString(code) {
			t.Errorf("a code is %q, want 16 characters of 5 bits", code)
		}
		for _, form := range []string{code, strings.ReplaceAll(code, "-", ""), strings.ReplaceAll(code, "-", "")[:8]} {
			if strings.Contains(strings.ToUpper(text.String()), form) {
				t.Errorf("the store holds %q", form)
			}
		}
	}
	other, err := keyring.New([]byte("another root....another root...."))
	if err != nil {
		t.Fatal(err)
	}
	found := map[*keyring.Ring]int{}
	for _, code := range codes {
		for _, ring := range []*keyring.Ring{w.ring, other} {
			if strings.Contains(belongings, challenge.BackupHash(ring, ana, strings.ReplaceAll(code, "-", ""))) {
				found[ring]++
			}
		}
	}
	if found[w.ring] != 10 || found[other] != 0 {
		t.Errorf("%d codes are found with the root and %d without, want 10 and 0", found[w.ring], found[other])
	}
}

func TestBKP02NewCodesEndTheOldOnesAndNoneIsMailed(t *testing.T) {
	w := newWorld(t)
	g := w.waysGate()
	b := w.linked(g).signIn(ana, true)
	old := b.codes()
	w.clock.advance(time.Minute)
	codes := b.codes()
	if got := b.account().Backup; got.Left != 10 || got.Of != 10 || !got.Made.Equal(w.clock.now()) {
		t.Errorf("the account says %+v", got)
	}
	for _, code := range old {
		if err := w.browser(g).enterBy(challenge.ByBackup, code, false); !errors.Is(err, challenge.ErrWrongCode) {
			t.Errorf("an old code: %v, want ErrWrongCode", err)
		}
	}
	for _, n := range w.mailbox.all() {
		raw, err := json.Marshal(n)
		if err != nil {
			t.Fatal(err)
		}
		for _, code := range append(old, codes...) {
			if strings.Contains(string(raw), code) || n.Code.Reveal() == code {
				t.Errorf("a mail about %v holds a backup code", n.Subject)
			}
		}
	}
	stranger := w.browser(g)
	if err := stranger.enterBy(challenge.ByBackup, spelled(codes[0]), false); err != nil {
		t.Fatalf("a new code as people copy it: %v", err)
	}
	stranger.wantPass("by a backup code")
	if got := b.account().Backup.Left; got != 9 {
		t.Errorf("%d are left, want 9", got)
	}
	if err := w.browser(g).enterBy(challenge.ByBackup, codes[0], false); !errors.Is(err, challenge.ErrWrongCode) {
		t.Errorf("the code once more: %v, want ErrWrongCode", err)
	}
}

// Fifty codes are each tried at two machines at once.
func TestBKP02EachCodeWorksOnceAlsoAtTwoMachines(t *testing.T) {
	w := newWorld(t)
	o := challenge.GateOptions{Policy: challenge.Policy{Limits: roomy, Ways: challenge.WaysPolicy{BackupCodes: 50}}}
	gates := []*challenge.Gate{w.gate(o), w.gateOf(w.machine(), o)}
	codes := w.linked(gates[0]).signIn(ana, true).codes()
	for n, code := range codes {
		var browsers []*browser
		for _, g := range gates {
			b := w.browser(g)
			b.mailed(ana)
			browsers = append(browsers, b.turn(challenge.ByBackup))
		}
		var both sync.WaitGroup
		outcomes := make([]error, len(browsers))
		for i, b := range browsers {
			both.Go(func() { outcomes[i] = b.enter(code, false) })
		}
		both.Wait()
		in := slices.DeleteFunc(slices.Clone(outcomes), func(err error) bool { return err != nil })
		if len(in) != 1 {
			t.Errorf("code %d: %v, want one that is right", n, outcomes)
		}
	}
}

// The work is that of one keyed hash and one look, however many codes there are.
func TestBKP03ATryCostsTheSameWhateverThereIs(t *testing.T) {
	work := func(most int) []string {
		c := newClock()
		store := newProbe(c)
		w := newWorldOn(t, c, store)
		g := w.gate(challenge.GateOptions{Policy: challenge.Policy{Limits: roomy, Ways: challenge.WaysPolicy{BackupCodes: most}}})
		w.linked(g).signIn(ana, true).codes()
		b := w.browser(g)
		b.mailed(ana)
		b.turn(challenge.ByBackup)
		store.take()
		_ = b.enter(noCode, false)
		return store.take()
	}
	one, many := work(1), work(50)
	if diff := cmp.Diff(one, many); diff != "" {
		t.Errorf("one code or fifty (-one +fifty):\n%s", diff)
	}
	if counted, compared := slices.Index(one, "update door"), slices.Index(one, "update belongings"); counted < 0 || compared < counted {
		t.Errorf("the calls are %q: a try must be counted before it is compared", one)
	}
}

// L-32: the counter is one, in front of every way.
func TestBKP04BruteForceThroughEachWayReachesOneLimit(t *testing.T) {
	for _, order := range [][]challenge.Way{
		{challenge.ByMail, challenge.ByBackup, challenge.BySecond, challenge.ByApp},
		{challenge.ByBackup, challenge.ByApp, challenge.BySecond, challenge.ByMail},
		{challenge.BySecond, challenge.ByMail},
		{challenge.ByBackup},
	} {
		t.Run(fmt.Sprintf("%q", order), func(t *testing.T) {
			w := newWorld(t)
			g := w.gate(challenge.GateOptions{Policy: triesOnly})
			owner := w.linked(g).signIn(ana, true)
			codes, app := owner.codes(), owner.app()
			owner.second(spare)

			tries, err := 0, error(nil)
			for n := 0; limitOf(err) == "" && tries < 40; n++ {
				thief := w.browser(g) // each begins anew, in a network of its own
				thief.mailed(ana)
				_, _ = thief.resend()
				err = guessBy(thief, order[n%len(order)], n)
				tries++
			}
			if tries != 15 || limitOf(err) != challenge.LimitTryAddress {
				t.Errorf("%d tries, then %v, want the limit of tries at the 15th", tries, err)
			}
			w.wantTold("a lock", ana, challenge.WrongCodes, 1)
			w.wantTold("a lock", spare, challenge.WrongCodes, 1)
			late := &browser{w: w, gate: g, ip: elsewhere(), flow: g.NewFlow(&challenge.Visit{Now: w.clock.now()})}
			late.flow.Address = ana
			for way, code := range map[challenge.Way]string{challenge.ByBackup: codes[0], challenge.ByApp: app.shows(0)} {
				if err := late.turn(way).enter(code, false); limitOf(err) != challenge.LimitTryAddress {
					t.Errorf("a right code %s while it is locked: %v", way, err)
				}
			}
			if _, err := late.askSecond(); limitOf(err) != challenge.LimitTryAddress {
				t.Errorf("a mail to the second address while it is locked: %v", err)
			}
			owner.wantPass("the owner")
			if err := owner.enterBy(challenge.ByBackup, codes[0], true); err != nil {
				t.Errorf("in the owner's browser: %v", err)
			}
		})
	}
}

// guessBy tries one wrong code.
func guessBy(b *browser, way challenge.Way, n int) error {
	code := map[challenge.Way]string{challenge.ByBackup: noCode, challenge.ByApp: fmt.Sprintf("%06d", n)}[way]
	if way == challenge.BySecond {
		if _, err := b.askSecond(); err != nil {
			return err
		}
	} else {
		b.turn(way)
	}
	if code == "" {
		code = wrong(b.lastCode(), n)
	}
	return b.enter(code, false)
}

func TestBKP04ALockEndsTheCodeThatWaits(t *testing.T) {
	for _, way := range []challenge.Way{challenge.ByMail, challenge.ByBackup} {
		t.Run("by "+string(way), func(t *testing.T) {
			w := newWorld(t)
			g := w.gate(challenge.GateOptions{Policy: only(func(l *challenge.Limits) {
				l.TryAddress, l.Lockout = []challenge.Rate{{N: 2, Per: time.Minute}}, time.Minute
			})})
			w.linked(g).signIn(ana, true)
			thief, other := w.browser(g), w.browser(g)
			waits := other.mailed(ana)
			code := thief.mailed(ana)
			thief.turn(way)
			for n := range 2 {
				_ = thief.enter(map[challenge.Way]string{challenge.ByBackup: noCode, challenge.ByMail: wrong(code, n)}[way], false)
			}
			w.clock.advance(2 * time.Minute)
			thief.turn(challenge.ByMail)
			if p, err := g.Progress(t.Context(), thief.visit(), thief.flow); err != nil || p.Phase != challenge.Cancelled {
				t.Errorf("Progress = %v, %v, want Cancelled", p.Phase, err)
			}
			if err := thief.enter(code, false); !errors.Is(err, challenge.ErrCodeCancelled) {
				t.Errorf("its code when the lock is over: %v, want ErrCodeCancelled", err)
			}
			// Ruling 14: what waits in another browser is not touched.
			if err := other.enter(waits, false); err != nil {
				t.Errorf("another browser's code: %v", err)
			}
		})
	}
}

// A store that takes no count has nothing compared, and what is not a code costs
// nothing.
func TestBKP04NothingIsComparedThatWasNotCounted(t *testing.T) {
	w, s := newFailing(t)
	g := w.waysGate()
	owner := w.linked(g).signIn(ana, true)
	codes := owner.codes()
	b := w.browser(g)
	b.mailed(ana)
	b.turn(challenge.ByBackup)
	s.denyOnce("door/")
	if err := b.enter(codes[0], false); !errors.Is(err, challenge.ErrUnavailable) {
		t.Fatalf("Verify = %v, want ErrUnavailable", err)
	}
	if got := owner.account().Backup.Left; got != 10 {
		t.Errorf("%d codes are left, want 10", got)
	}
	var malformed *challenge.MalformedError
	if err := b.enter("ABCD-EFGH", false); !errors.As(err, &malformed) || malformed.Want.Length != 16 {
		t.Errorf("half a code: %v", err)
	}
	if err := b.enter(codes[0], false); err != nil {
		t.Errorf("the code once the store is back: %v", err)
	}
	// Where the store fails after the code was spent, the person is told all the same.
	s.denyOnce("person/")
	if err := w.browser(g).enterBy(challenge.ByBackup, codes[1], false); !errors.Is(err, challenge.ErrUnavailable) {
		t.Fatalf("Verify = %v, want ErrUnavailable", err)
	}
	w.wantTold("a code that was spent for nothing", ana, challenge.BackupCodeUsed, 2)
}

func TestBKP05AUseIsAnnouncedAtOnceToBothAddresses(t *testing.T) {
	w := newWorld(t)
	g := w.waysGate()
	owner := w.linked(g).signIn(ana, true)
	codes := owner.codes()
	w.wantTold("new codes", ana, challenge.WaysChanged, 1)
	owner.second(spare)
	thief := w.linked(g)
	if err := thief.enterBy(challenge.ByBackup, codes[3], true); err != nil {
		t.Fatal(err)
	}
	first, second := w.wantTold("a use", ana, challenge.BackupCodeUsed, 1), w.wantTold("a use", spare, challenge.BackupCodeUsed, 1)
	if first.Count != 9 || first.Second || first.IP != thief.ip || !second.Second || second.Account != string(ana) {
		t.Errorf("the mails say %+v and %+v", first, second)
	}
	rows := owner.activity(challenge.ActivityQuery{}).Rows
	if i := slices.IndexFunc(rows, func(r challenge.ActivityRow) bool { return r.Way == challenge.ByBackup }); i < 0 || rows[i].Kind != challenge.ActivityEntered {
		t.Errorf("the activity is %q", told(rows))
	}
	// The link of the mail ends what the code let in, and so does that of the code
	// which was mailed and not entered.
	thief.wantPass("before the report")
	w.browser(g).mustReport(w.mailbox.link(t, challenge.BackupCodeUsed))
	thief.over("after the report")
}

func TestBKP05TheLinkOfTheMailedCodeEndsWhatABackupCodeLetIn(t *testing.T) {
	w := newWorld(t)
	g := w.waysGate()
	codes := w.linked(g).signIn(ana, true).codes()
	thief := w.linked(g)
	if err := thief.enterBy(challenge.ByBackup, codes[0], false); err != nil {
		t.Fatal(err)
	}
	w.browser(g).mustReport(w.mailbox.link(t, challenge.SignInCode))
	thief.over("after the report")
}

func TestBKP06CodesAreMadeOnlyByACodeOfTheirOwn(t *testing.T) {
	w := newWorld(t)
	g := w.waysGate()
	b := w.linked(g).signIn(ana, true)
	other := w.linked(g).signIn(ana, true)
	codes := b.codes()
	app := b.app()
	a := b.admitted()
	make := func(f *challenge.Flow) error {
		_, _, err := g.MakeBackupCodes(t.Context(), b.visit(), a, f)
		return err
	}
	if err := make(nil); !errors.Is(err, challenge.ErrNoPermit) {
		t.Errorf("by a session alone: %v", err)
	}
	begun := b.began(challenge.Change{Kind: challenge.MakeBackupCodes})
	if err := make(begun); !errors.Is(err, challenge.ErrNoPermit) {
		t.Errorf("before the code: %v", err)
	}
	if _, err := b.allowedBy(challenge.ByBackup, codes[0], begun); !errors.Is(err, challenge.ErrNotOffered) {
		t.Errorf("by one of the codes themselves: %v", err)
	}
	flows := map[string]*challenge.Flow{}
	_, flows["of another session"] = other.permit(challenge.Change{Kind: challenge.MakeBackupCodes})
	_, flows["to test one"] = b.permit(challenge.Change{Kind: challenge.TestBackupCode})
	_, flows["to remove the app"] = b.permit(challenge.Change{Kind: challenge.RemoveApp})
	for _, name := range slices.Sorted(maps.Keys(flows)) {
		if err := make(flows[name]); !errors.Is(err, challenge.ErrNoPermit) {
			t.Errorf("a permit %s: %v", name, err)
		}
	}
	allowed, err := b.allowedBy(challenge.ByApp, app.shows(0), begun)
	if err != nil {
		t.Fatal(err)
	}
	w.clock.advance(5 * time.Minute)
	if err := make(allowed); !errors.Is(err, challenge.ErrNoPermit) {
		t.Errorf("after five minutes: %v", err)
	}
	_, allowed = b.permit(challenge.Change{Kind: challenge.MakeBackupCodes})
	w.clock.advance(5*time.Minute - time.Second)
	if err := make(allowed); err != nil {
		t.Errorf("just before: %v", err)
	}
	if err := make(allowed); !errors.Is(err, challenge.ErrNoPermit) {
		t.Errorf("a second time: %v", err)
	}
}
