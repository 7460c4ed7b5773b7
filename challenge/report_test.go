// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"context"
	"errors"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/keyring"
	"github.com/doorcode/caddy-doorcode/challenge/risk"
)

const (
	base    = "https://app.example.com/.doorcode/"
	firefox = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0"
)

// linked is a browser at a site that knows its own URL, so that mails have links.
func (w *world) linked(g *challenge.Gate) *browser {
	b := w.browser(g)
	b.link, b.agent = base, firefox
	return b
}

// link is the id in the link of the last mail about something.
func (m *Mailbox) link(t testing.TB, about challenge.Subject) string {
	t.Helper()
	id, found := "", false
	for _, n := range m.all() {
		if n.Subject == about {
			id, found = strings.CutPrefix(n.Stop, base+"no/")
		}
	}
	if !found {
		t.Fatal("no such mail has a link")
	}
	return id
}

func (b *browser) reportable(id string) (challenge.Report, error) {
	return b.gate.Reportable(context.Background(), b.visit(), id)
}

func (b *browser) report(id string) (challenge.Report, error) {
	return b.gate.Report(context.Background(), b.visit(), id)
}

func (b *browser) mustReport(id string) challenge.Report {
	b.w.t.Helper()
	r, err := b.report(id)
	if err != nil {
		b.w.t.Fatalf("Report = %v", err)
	}
	return r
}

func (b *browser) wantNoReport(when, id string) {
	b.w.t.Helper()
	if _, err := b.reportable(id); !errors.Is(err, challenge.ErrNoReport) {
		b.w.t.Errorf("%s: Reportable = %v, want ErrNoReport", when, err)
	}
	if _, err := b.report(id); !errors.Is(err, challenge.ErrNoReport) {
		b.w.t.Errorf("%s: Report = %v, want ErrNoReport", when, err)
	}
}

// blocked reports whether a network is kept from asking: its mail is a decoy.
func (b *browser) blocked(e challenge.Email) bool {
	b.w.t.Helper()
	b.mailed(e)
	all := b.w.mailbox.all()
	return all[len(all)-1].Decoy
}

// located knows places and asks nobody because of them.
var located = challenge.Policy{Limits: roomy, Risk: risk.Policy{Ask: risk.SetOf(challenge.NewBrowser), Places: true}}

func roomyGate(w *world) *challenge.Gate {
	return w.gate(challenge.GateOptions{Policy: located, Locator: world1, Networks: office})
}

func TestRuling39AReportEndsTheCodeAndBlocksItsNetwork(t *testing.T) {
	w := newWorld(t)
	g := roomyGate(w)
	thief := w.linked(g)
	thief.ip = lisbon
	code := thief.mailed(ana)
	id := w.mailbox.link(t, challenge.SignInCode)

	reader := w.browser(g) // any browser that shows the mail
	want := challenge.Report{
		Kind: challenge.ReportCode, Browser: "Firefox on Windows", City: "Lisbon", Country: "PT", Radius: 10, Credit: "by a test",
		Network: "62.48.10.0/24", At: w.clock.now(),
	}
	got, err := reader.reportable(id)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("Reportable = %v; -want +got:\n%s", err, diff)
	}
	want.Blocked = true
	if diff := cmp.Diff(want, reader.mustReport(id)); diff != "" {
		t.Errorf("Report, -want +got:\n%s", diff)
	}
	if !w.diary.has(challenge.Reported) {
		t.Error("the operator is not told")
	}
	if err := thief.enter(code, false); leftOf(t, err) != 4 {
		t.Errorf("the code: Verify = %v, want a wrong code", err)
	}
	reader.wantNoReport("a second time", id)

	neighbour := w.browser(g)
	neighbour.ip = netip.MustParseAddr("62.48.10.77")
	if !neighbour.blocked(ana) {
		t.Error("the network can ask for the address still")
	}
	if err := neighbour.enter(neighbour.lastCode(), false); leftOf(t, err) != 4 {
		t.Errorf("the code that was not mailed: Verify = %v, want a wrong code", err)
	}
	if neighbour.blocked(bob) {
		t.Error("the network cannot ask for another address")
	}
	if w.browser(g).blocked(ana) {
		t.Error("another network cannot ask for the address")
	}
	w.clock.advance(time.Hour - time.Second)
	if !neighbour.blocked(ana) {
		t.Error("the block is over before its hour")
	}
	w.clock.advance(time.Second)
	neighbour.ask(ana)
	w.browser(g).signIn(ana, false)
	if neighbour.flow = nil; neighbour.blocked(ana) {
		t.Error("the block is there after an hour")
	}
}

// A link is followed by scanners, previews and fingers. That must do nothing.
func TestRuling39FollowingALinkChangesNothing(t *testing.T) {
	c := newClock()
	store := newProbe(c)
	w := newWorldOn(t, c, store)
	g := roomyGate(w)
	w.linked(g).signIn(ana, false)
	owner := w.linked(g).signIn(ana, true)
	thief := w.linked(g)
	code := thief.mailed(ana)
	links := []string{w.mailbox.link(t, challenge.SignInCode), w.mailbox.link(t, challenge.NewSignIn)}
	before, events, mails := dump(t, w), len(w.diary.events), len(w.mailbox.all())
	store.take()
	for _, reader := range []*browser{w.browser(g), owner, thief} {
		for _, id := range append(links, "", "c", "junk") {
			for range 20 {
				_, _ = reader.reportable(id)
			}
		}
	}
	for _, call := range store.take() {
		if !strings.HasPrefix(call, "get ") {
			t.Errorf("store call %q, want reads only", call)
		}
	}
	if diff := cmp.Diff(before, dump(t, w)); diff != "" {
		t.Errorf("records changed:\n%s", diff)
	}
	if len(w.diary.events) != events || len(w.mailbox.all()) != mails {
		t.Error("something was logged or mailed")
	}
	if err := thief.enter(code, false); err != nil {
		t.Errorf("the code afterwards: Verify = %v", err)
	}
}

func TestRuling39ALinkActsOnceHoweverManyPressAtOnce(t *testing.T) {
	w := newWorld(t)
	g := roomyGate(w)
	w.linked(g).signIn(ana, false)
	w.linked(g).signIn(ana, false)
	w.linked(g).mailed(ana)
	for name, about := range map[string]challenge.Subject{"a code": challenge.SignInCode, "an entry": challenge.NewSignIn} {
		id := w.mailbox.link(t, about)
		var acted atomic.Int32
		var all sync.WaitGroup
		for range 32 {
			all.Go(func() {
				if _, err := w.browser(g).report(id); err == nil {
					acted.Add(1)
				} else if !errors.Is(err, challenge.ErrNoReport) {
					t.Errorf("Report = %v", err)
				}
			})
		}
		if all.Wait(); acted.Load() != 1 {
			t.Errorf("%s was reported %d times, want once", name, acted.Load())
		}
	}
}

func TestRuling39WhenALinkIsOver(t *testing.T) {
	for _, tt := range []struct {
		name  string
		after func(w *world, b *browser, code string)
		over  bool
	}{
		{"not while the code works", func(*world, *browser, string) {}, false},
		{"not when the code has just expired, for mail is read late", func(w *world, _ *browser, _ string) { w.clock.advance(time.Hour) }, false},
		{"when the code has been over for two hours", func(w *world, _ *browser, _ string) { w.clock.advance(2*time.Hour + 10*time.Minute) }, true},
		{"not when wrong tries ended the code", func(_ *world, b *browser, code string) {
			for n := range 5 {
				_ = b.enter(wrong(code, n), false)
			}
		}, false},
		{"not when the code was mailed again", func(w *world, b *browser, _ string) {
			w.clock.advance(time.Minute)
			_, _ = b.resend()
		}, false},
		{"not when the same browser has a newer code", func(w *world, b *browser, _ string) {
			w.clock.advance(6 * time.Minute)
			_, _ = b.resend()
		}, false},
		{"when the same browser has asked for another address", func(_ *world, b *browser, _ string) { b.mailed(bob) }, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			b := w.linked(roomyGate(w))
			code := b.mailed(ana)
			id := w.mailbox.link(t, challenge.SignInCode)
			tt.after(w, b, code)
			if tt.over {
				b.wantNoReport("afterwards", id)
				return
			}
			if _, err := b.reportable(id); err != nil {
				t.Errorf("Reportable = %v", err)
			}
			b.mustReport(id)
			if err := b.enter(b.lastCode(), false); err == nil {
				t.Error("the newest code is right still")
			}
			b.wantNoReport("a second time", id)
		})
	}
}

func TestRuling39NobodyCanMakeALink(t *testing.T) {
	w := newWorld(t)
	b := w.linked(roomyGate(w))
	b.mailed(ana)
	id := w.mailbox.link(t, challenge.SignInCode)
	for name, forged := range map[string]string{
		"of another kind":    "b" + id[1:],
		"of an unknown kind": "x" + id[1:],
		"cut short":          id[:len(id)-1],
		"longer":             id + "A",
		"spelled otherwise":  id[:10] + "\n" + id[10:],
		"with loose bits":    id[:len(id)-1] + "B",
		"of another record":  "c" + strings.Repeat("A", 22) + id[23:],
		"of another thing":   id[:23] + strings.Repeat("A", 21),
		"padded":             id + "=",
		"empty":              "",
		"in other letters":   strings.ToUpper(id),
	} {
		t.Run(name, func(t *testing.T) {
			b.wantNoReport("forged", forged)
		})
	}
	other, err := keyring.New([]byte("another root....another root...."))
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := &world{t: t, clock: w.clock, store: w.store, ring: other, mailbox: w.mailbox, diary: w.diary}
	elsewhere.house = elsewhere.machine()
	if err := w.store.Update(t.Context(), "keys", func([]byte, time.Time) ([]byte, time.Duration, error) { return nil, 0, nil }); err != nil {
		t.Fatal(err)
	}
	elsewhere.linked(roomyGate(elsewhere)).wantNoReport("in another house", id)
	b.mustReport(id)
}

func TestAReportSaysWhenTheStoreIsDown(t *testing.T) {
	c := newClock()
	store := newProbe(c)
	w := newWorldOn(t, c, store)
	g := roomyGate(w)
	w.linked(g).signIn(ana, false)
	owner := w.linked(g).signIn(ana, true)
	w.linked(g).mailed(ana)
	for _, about := range []challenge.Subject{challenge.SignInCode, challenge.NewSignIn} {
		id := w.mailbox.link(t, about)
		store.down.Store(true)
		if _, err := owner.reportable(id); !errors.Is(err, challenge.ErrUnavailable) {
			t.Errorf("Reportable = %v, want ErrUnavailable", err)
		}
		if _, err := owner.report(id); !errors.Is(err, challenge.ErrUnavailable) {
			t.Errorf("Report = %v, want ErrUnavailable", err)
		}
		if err := owner.gate.Unreport(t.Context(), owner.visit(), id); !errors.Is(err, challenge.ErrUnavailable) {
			t.Errorf("Unreport = %v, want ErrUnavailable", err)
		}
		store.down.Store(false)
		owner.mustReport(id)
	}
}

// What is kept to show on the page is nobody else's to read, and bounded.
func TestGEO10TheStoreDoesNotTellWhoAskedFromWhere(t *testing.T) {
	w := newWorld(t)
	g := roomyGate(w)
	for range 30 {
		b := w.linked(g)
		b.ip = lisbon
		b.signIn(ana, false)
		b.ip = elsewhere()
		b.flow = nil
		b.mailed(ana)
		w.browser(g).mustReport(w.mailbox.link(t, challenge.SignInCode))
		w.clock.advance(time.Minute)
	}
	for key, raw := range dump(t, w) {
		for _, personal := range []string{"62.48", "Lisbon", "Firefox", "20.0."} {
			if strings.Contains(raw, personal) {
				t.Errorf("%s holds %q in clear", key, personal)
			}
		}
		if most := 16 << 10; len(raw) > most && !strings.HasPrefix(key, "activity/") || len(raw) > 2*most {
			t.Errorf("%s has %d bytes", key, len(raw))
		}
	}
	w.clock.advance(400 * day)
	if left := slices.Sorted(maps.Keys(dump(t, w))); !slices.Equal(left, []string{"keys"}) {
		t.Errorf("a year later there are still %v", left)
	}
}
