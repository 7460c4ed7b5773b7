// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/tokens"
)

// A token that nobody made costs no look at the store, and one that is known none
// either: neither strangers nor busy programs put a load on it.
func TestRuling44AMadeUpTokenCostsNoStoreCall(t *testing.T) {
	c := newClock()
	store := newProbe(c)
	w := newWorldOn(t, c, store)
	g := w.tokenGate(challenge.GateOptions{})
	text := w.browser(g).signIn(ana, true).token(laptop)
	p := w.program(w.gateOf(w.machine(), challenge.GateOptions{Policy: g.Policy()}))
	store.take()
	foreign := tokens.New([16]byte{1}, func(...[]byte) [32]byte { return [32]byte{2} }).Reveal()
	for _, made := range []string{"", tokens.Prefix, foreign, text[:len(text)-1] + "_", strings.ToUpper(text), text + text} {
		p.wantShown("made up", made, 0, challenge.ErrTokenInvalid)
	}
	if calls := store.take(); len(calls) > 0 {
		t.Errorf("made-up tokens cost %q", calls)
	}
	p.wantShown("a new one", text, challenge.Pass, nil)
	if diff := cmp.Diff([]string{"get belongings", "update belongings"}, store.take()); diff != "" {
		t.Errorf("a token that is new here (-want +got):\n%s", diff)
	}
	for range 20 {
		p.wantShown("again", text, challenge.Pass, nil)
	}
	if calls := store.take(); len(calls) > 0 {
		t.Errorf("a token that is known costs %q", calls)
	}
}

func TestTheLastUseOfATokenIsNotedFourTimesAnHour(t *testing.T) {
	c := newClock()
	store := newProbe(c)
	w := newWorldOn(t, c, store)
	g := w.tokenGate(challenge.GateOptions{})
	b := w.browser(g).signIn(ana, true)
	text := b.token(laptop)
	if got := b.tokens()[0]; !got.Used.IsZero() || got.Network != "" {
		t.Errorf("used %v from %q before it was used", got.Used, got.Network)
	}
	p := w.program(g)
	p.wantShown("first", text, challenge.Pass, nil)
	want := challenge.Surroundings(p.ip).String()
	if got := b.tokens()[0]; !got.Used.Equal(c.now()) || got.Network != want {
		t.Errorf("used %v from %q, want %v from %q", got.Used, got.Network, c.now(), want)
	}
	store.take()
	for range 59 {
		c.advance(time.Minute)
		p.wantShown("in use", text, challenge.Pass, nil)
	}
	calls := store.take()
	if writes := len(slices.DeleteFunc(calls, func(call string) bool { return call != "update belongings" })); writes != 3 {
		t.Errorf("an hour of use was noted %d times, want 3", writes)
	}
	if err := b.revoke(b.tokens()[0].ID); err != nil {
		t.Fatal(err)
	}
}

// Within the grace a token goes on as sessions do, where this machine knows it.
func TestRuling25TokensGoOnWithinTheGrace(t *testing.T) {
	c := newClock()
	store := newProbe(c)
	w := newWorldOn(t, c, store)
	g := w.tokenGate(challenge.GateOptions{Grace: time.Hour})
	b := w.browser(g).signIn(ana, true)
	known, unknown := b.token(laptop), b.token(laptop)
	p := w.program(g)
	p.wantShown("before", known, challenge.Pass, nil)
	store.down.Store(true)
	c.advance(30 * time.Minute)
	p.wantShown("one that this machine knows", known, challenge.Pass, nil)
	p.wantShown("one that it does not", unknown, challenge.Unavailable, nil)
	if err := b.revoke("x"); !errors.Is(err, challenge.ErrUnavailable) {
		t.Errorf("RevokeToken = %v, want ErrUnavailable", err)
	}
	c.advance(31 * time.Minute)
	p.wantShown("after the grace", known, challenge.Unavailable, nil)
}

// BKP and ruling 44: whoever has the store has no token, no address and no scope, and
// whoever writes to it can make nothing of what is there.
func TestRuling44TheStoreHoldsNoTokenAndMakesNone(t *testing.T) {
	w := newWorld(t)
	g := w.tokenGate(challenge.GateOptions{})
	b := w.browser(g).signIn(ana, true)
	text := b.token(challenge.TokenSpec{Name: "Laptop of Ana", Path: "/notes", Days: 30})
	key, record := w.belongings()
	for _, secret := range []string{text, text[30:], "Laptop", "/notes", "app.example.com", string(ana), "ana"} {
		if strings.Contains(record, secret) {
			t.Errorf("the store has %q:\n%s", secret, record)
		}
	}
	ask := tokens.Request{Host: "app.example.com", Path: "/notes", Method: "GET"}
	for name, change := range map[string]func(token map[string]any){
		"a later end":       func(m map[string]any) { m["e"] = m["e"].(float64) + 1 },
		"another beginning": func(m map[string]any) { m["t"] = m["t"].(float64) - 1 },
		"other terms":       func(m map[string]any) { m["x"] = "AAAA" + m["x"].(string)[4:] },
		"no terms":          func(m map[string]any) { delete(m, "x") },
		"a suspension":      func(m map[string]any) { m["s"] = true },
	} {
		t.Run(name, func(t *testing.T) {
			var all map[string]any
			if err := json.Unmarshal([]byte(record), &all); err != nil {
				t.Fatal(err)
			}
			change(all["tokens"].([]any)[0].(map[string]any))
			tampered, err := json.Marshal(all)
			if err != nil {
				t.Fatal(err)
			}
			w.put(key, tampered)
			p := w.program(w.gateOf(w.machine(), challenge.GateOptions{Policy: g.Policy()}))
			if _, err := p.gate.AdmitToken(t.Context(), p.visit(), text, ask); !errors.Is(err, challenge.ErrTokenInvalid) {
				t.Errorf("AdmitToken = %v, want ErrTokenInvalid", err)
			}
		})
	}
	w.put(key, []byte(record))
	p := w.program(w.gateOf(w.machine(), challenge.GateOptions{Policy: g.Policy()}))
	if _, err := p.gate.AdmitToken(t.Context(), p.visit(), text, ask); err != nil {
		t.Errorf("as it was: %v", err)
	}
}

// belongings is the one record of its kind.
func (w *world) belongings() (key, record string) {
	w.t.Helper()
	lister, ok := w.store.(challenge.Lister)
	if !ok {
		w.t.Fatal("the store cannot list")
	}
	keys, err := lister.List(context.Background(), "belongings/", "", 10)
	if err != nil || len(keys) != 1 {
		w.t.Fatalf("belongings: %q, %v", keys, err)
	}
	raw, err := w.store.Get(context.Background(), keys[0])
	if err != nil {
		w.t.Fatal(err)
	}
	return keys[0], string(raw)
}

func (w *world) put(key string, record []byte) {
	w.t.Helper()
	err := w.store.Update(context.Background(), key, func([]byte, time.Time) ([]byte, time.Duration, error) {
		return record, 24 * time.Hour, nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func TestTokensAreBounded(t *testing.T) {
	w := newWorld(t)
	g := w.tokenGate(challenge.GateOptions{})
	b := w.browser(g).signIn(ana, true)
	for range 20 {
		b.token(laptop)
		w.clock.advance(time.Minute)
	}
	if _, err := b.tryToken(laptop); !errors.Is(err, challenge.ErrTooMany) {
		t.Errorf("one more: %v, want ErrTooMany", err)
	}
	if err := b.revoke(b.tokens()[7].ID); err != nil {
		t.Fatal(err)
	}
	b.token(laptop)
}

func TestWhatIsTypedForATokenIsCleaned(t *testing.T) {
	long := strings.Repeat("é", 50)
	for _, tt := range []struct {
		name  string
		typed challenge.TokenSpec
		want  challenge.TokenSpec
		err   error
	}{
		{"as it is", laptop, laptop, nil},
		{"spaces and lines", challenge.TokenSpec{Name: " a\r\n\tb\x00c ", Path: " notes/ ", Days: 90}, challenge.TokenSpec{Name: "a b c", Path: "/notes", Days: 90}, nil},
		{"what turns text around", challenge.TokenSpec{Name: "a\u202eb", Days: 365}, challenge.TokenSpec{Name: "ab", Path: "/", Days: 365}, nil},
		{"what is no text", challenge.TokenSpec{Name: "a\xffb", Days: 30}, challenge.TokenSpec{Name: "ab", Path: "/", Days: 30}, nil},
		{"too long", challenge.TokenSpec{Name: long, Days: 30}, challenge.TokenSpec{Name: long[:80], Path: "/", Days: 30}, nil},
		{"no name", challenge.TokenSpec{Name: "\u202e ", Days: 30}, challenge.TokenSpec{}, challenge.ErrTokenName},
		{"no path", challenge.TokenSpec{Name: "a", Path: "/a?b", Days: 30}, challenge.TokenSpec{}, challenge.ErrTokenPath},
		{"for ever", challenge.TokenSpec{Name: "a", Days: 100_000}, challenge.TokenSpec{}, challenge.ErrTokenDays},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.typed.Clean()
			if !errors.Is(err, tt.err) || err == nil && got != tt.want {
				t.Fatalf("Clean = %+v, %v, want %+v, %v", got, err, tt.want, tt.err)
			}
			if err != nil {
				return
			}
			if again, ok := challenge.ParseTokenSpec(got.Detail()); !ok || again != got {
				t.Errorf("ParseTokenSpec = %+v, %t", again, ok)
			}
		})
	}
}

// An old snapshot of the store has the token still; the machines that know of its end
// take it off again.
func TestRuling24ARevokedTokenStaysRevoked(t *testing.T) {
	w, s := newFailing(t)
	g := w.tokenGate(challenge.GateOptions{})
	b := w.browser(g).signIn(ana, true)
	text := b.token(laptop)
	revert := s.snapshot()
	if err := b.revoke(b.tokens()[0].ID); err != nil {
		t.Fatal(err)
	}
	revert()
	w.program(g).wantShown("where it was revoked", text, 0, challenge.ErrTokenInvalid)
	waitFor(t, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		for key, r := range s.records {
			if strings.HasPrefix(key, "belongings/") && strings.Contains(string(r.value), `"tokens"`) {
				return false
			}
		}
		return true
	})
	late := w.program(w.gateOf(w.machine(), challenge.GateOptions{Policy: g.Policy()}))
	late.wantShown("on a machine that starts later", text, 0, challenge.ErrTokenInvalid)
}

// Whoever ended the token may have died before it told anybody.
func TestATokenThatIsOnNoListEndsAtItsNextNote(t *testing.T) {
	w := newWorld(t)
	g := w.tokenGate(challenge.GateOptions{})
	text := w.browser(g).signIn(ana, true).token(laptop)
	p := w.program(g)
	p.wantShown("first", text, challenge.Pass, nil)
	key, _ := w.belongings()
	w.put(key, []byte(`{"v":1}`))
	p.wantShown("a while later", text, challenge.Pass, nil)
	w.clock.advance(15 * time.Minute)
	p.wantShown("when its use is noted", text, 0, challenge.ErrTokenInvalid)
	p.wantShown("from then on", text, 0, challenge.ErrTokenInvalid)
}
