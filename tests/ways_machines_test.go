// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"encoding/base32"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/ways"
	"github.com/doorcode/caddy-doorcode/tests/harness"
)

var (
	shownCode = regexp.MustCompile(`\b[0-9A-HJKMNP-TV-Z]{4}(?:-[0-9A-HJKMNP-TV-Z]{4}){3}\b`)
	shownKey  = regexp.MustCompile(`\b[A-Z2-7]{4}(?: [A-Z2-7]{4}){7}\b`)
)

// makeCodes makes backup codes and returns what the page shows.
func (h house) makeCodes(t *testing.T, b *harness.Browser) []string {
	t.Helper()
	h.change(t, b, "backup-codes", "Create", nil)
	page := b.Press(t, "Create backup codes", nil)
	codes := shownCode.FindAllString(page.Text(), -1)
	if len(codes) < 5 {
		t.Fatalf("%d backup codes on the page; status %d:\n%s", len(codes), page.Status, page.Text())
	}
	return codes
}

// setUpApp sets up an authenticator app, and returns it with the step of its first
// code, which is used.
func (h house) setUpApp(t *testing.T, b *harness.Browser) (seed ways.Seed, step int64) {
	t.Helper()
	h.change(t, b, "ways", "Set up an app", nil)
	seed, step = seedOf(t, b.Press(t, "Show the QR code", nil).Text()), ways.Step(time.Now())
	wantText(t, "the app", b.Press(t, "Finish", url.Values{"code": {seed.Code(step)}}), "Your authenticator app is set up")
	return seed, step
}

// seedOf reads the key of an app, as a person types it into one.
func seedOf(t testing.TB, text string) ways.Seed {
	t.Helper()
	key := strings.ReplaceAll(shownKey.FindString(text), " ", "")
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(key)
	seed := ways.SeedOf(raw)
	if err != nil || seed.IsZero() {
		t.Fatalf("key %q: %v\n%s", key, err, text)
	}
	return seed
}

// addSecond adds Ben's address as Ana's second one.
func (h house) addSecond(t *testing.T, b *harness.Browser) {
	t.Helper()
	h.change(t, b, "ways", "Add this address", url.Values{"email": {ben}})
	before := len(h.fleet.Mailbox.Codes(t, ben))
	b.Press(t, "Send code", nil)
	code := h.fleet.Mailbox.WaitCode(t, ben, before+1).Code(t)
	wantStatus(t, "the code from the second address", enter(t, b, code), http.StatusOK)
	wantText(t, "the second address", b.Press(t, "Use this address", nil), "Your second address is added")
}

// atWay is a new browser at the door of a machine that has chosen another way in.
func (h house) atWay(t *testing.T, m *harness.Machine, n int, button string) *harness.Browser {
	t.Helper()
	b := from(t, m.Caddy, n)
	ask(t, m.Caddy, b, "/", ana)
	b.Press(t, "Try another way", nil)
	wantStatus(t, button, b.Press(t, button, nil), http.StatusUnauthorized)
	return b
}

func (h house) atBackup(t *testing.T, m *harness.Machine, n int) *harness.Browser {
	t.Helper()
	return h.atWay(t, m, n, "Use a backup code")
}

// BKP-02: twenty codes, each entered at both machines at the same time, let in twenty
// times, and then never again.
func TestBKP02EachCodeWorksOnceWhereverItIsEntered(t *testing.T) {
	onEachStore(t, func(t *testing.T, h house) {
		home := h.signIn(t, h.first, 200, "", true)
		codes := h.makeCodes(t, home)
		if len(codes) != 20 {
			t.Fatalf("%d codes, want 20", len(codes))
		}
		spare := make([]*harness.Browser, len(codes))
		type entry struct {
			line string
			form url.Values
		}
		entries := make([]entry, len(codes))
		for i, code := range codes {
			b := h.atBackup(t, h.first, i)
			entries[i] = entry{cookies(t, b), url.Values{"flow": {b.Page().Hidden(t, "backup")}, "code": {code}}}
			if i < 2 {
				spare[i] = h.atBackup(t, h.both()[i%len(h.both())], 100+i)
			}
		}
		pages := make([][2]harness.Page, len(codes))
		var all sync.WaitGroup
		for i, e := range entries {
			for j, m := range []*harness.Machine{h.first, h.second} {
				twin := with(t, m.Caddy, e.line)
				all.Go(func() { pages[i][j] = twin.Do(t, http.MethodPost, "/.doorcode/backup", e.form, sameOrigin) })
			}
		}
		all.Wait()
		for i := range pages {
			if n := sessionsIn(pages[i][:]); n != 1 {
				t.Errorf("code %d made %d sessions, want 1; statuses %d and %d:\n%s", i, n, pages[i][0].Status, pages[i][1].Status, pages[i][1].Text())
			}
		}
		for i, b := range spare[:2] {
			wantText(t, "a used code", b.Press(t, "Continue", url.Values{"code": {codes[i]}}), "That backup code isn't right or was already used")
		}
		wantText(t, "what is left", home.Move(h.second).Open(t, "/.doorcode/backup-codes"), "You have used all of the codes")
	}, generous(""), "backup_codes 20")
}

// An attempt is a browser at the door that has chosen a way, and what would let it in.
type attempt struct {
	at    *harness.Browser
	right string
	way   int // of allWays
}

// allWays are the buttons of the ways; the mailed code needs none.
var allWays = []string{"", "Use a backup code", "Use your authenticator app", "Send the code to my second address"}

// A keychain is what lets Ana in.
type keychain struct {
	codes []string
	app   string // the next code of it
}

func (h house) attempt(t *testing.T, k keychain, way, n int) attempt {
	t.Helper()
	g := attempt{from(t, h.first.Caddy, n), "", way}
	g.right = ask(t, h.first.Caddy, g.at, "/", ana)
	if way == 0 {
		return g
	}
	g.at.Press(t, "Try another way", nil)
	before := len(h.fleet.Mailbox.Codes(t, ben))
	g.at.Press(t, allWays[way], nil)
	switch way {
	case 1:
		g.right = k.codes[n%len(k.codes)]
	case 2:
		g.right = k.app
	case 3:
		g.right = h.fleet.Mailbox.WaitCode(t, ben, before+1).Code(t)
	}
	return g
}

// wrong is one answer that is not right, another for each n.
func (g attempt) wrong(n int) string {
	if g.way == 1 {
		return strings.Repeat("0", 15) + string("0123456789"[n%10])
	}
	return notThis(g.right, n)
}

// BKP-04: whoever guesses by one way after the other, at one machine after the other,
// has no more guesses than by one. After them not even the right answer helps, by any
// way at any machine; the person's own browser goes on.
func TestBKP04OneLimitForAllWaysAtAllMachines(t *testing.T) {
	const tries = 8
	onEachStore(t, func(t *testing.T, h house) {
		home := h.signIn(t, h.first, 200, "", true)
		codes := h.makeCodes(t, home)
		seed, step := h.setUpApp(t, home)
		h.addSecond(t, home)
		k := keychain{codes, seed.Code(step + 1)}
		var guessing, knowing []attempt
		for n, way := range []int{1, 2, 0, 3} { // of mailed codes eight wait at a time, and the first two are none
			guessing = append(guessing, h.attempt(t, k, way, 10*n))
			knowing = append(knowing, h.attempt(t, k, way, 10*n+1), h.attempt(t, k, way, 10*n+2))
		}
		machines := []*harness.Machine{h.first, h.second}
		for n := range tries {
			g := guessing[n%4]
			if page := enterAt(t, g.at.Move(machines[n/4%2]), g.wrong(n)); page.Status == http.StatusOK {
				t.Fatalf("guess %d was right", n)
			}
		}
		for i, g := range knowing {
			page := enterAt(t, g.at.Move(machines[i%2]), g.right)
			if page.Status != http.StatusTooManyRequests {
				t.Errorf("the right answer by %q at machine %d after %d wrong ones: %d\n%s", allWays[g.way], i%2, tries, page.Status, page.Text())
			}
		}
		for i, m := range h.both() {
			b := from(t, m.Caddy, 150+i)
			b.Open(t, "/")
			wantWait(t, "another browser at "+m.At, b.Submit(t, "email", url.Values{"email": {ana}}))
			home.Drop(t, "doorcode")
			wantStatus(t, "her own browser at "+m.At, home.Move(m).Fetch(t, "/"), http.StatusOK)
		}
	}, generous("try_address 8/1h"))
}

// enterAt types a code into the field of the page, whatever way it is of.
func enterAt(t *testing.T, b *harness.Browser, code string) harness.Page {
	t.Helper()
	return b.Press(t, "Continue", url.Values{"code": {code}})
}

// Ruling 43: an operator at one machine lets somebody in at the other, once; by that
// they change nothing of how they get in.
func TestRuling43ALetInWorksOnceAtAnyMachine(t *testing.T) {
	onEachStore(t, func(t *testing.T, h house) {
		var made struct{ Code string }
		// The admin API is there before the configuration that it is to speak of.
		harness.Eventually(t, "a code to read out", func() bool {
			status, answer := h.first.Ask(t, http.MethodPost, "/doorcode/let-in", `{"address":"`+ana+`","why":"lost her phone","for":"15m"}`)
			return status == http.StatusOK && json.Unmarshal([]byte(answer), &made) == nil && len(made.Code) == 8
		})
		b, again := from(t, h.second.Caddy, 1), from(t, h.first.Caddy, 2)
		ask(t, h.second.Caddy, b, "/", ana)
		ask(t, h.first.Caddy, again, "/", ana)
		line, form := cookies(t, b), form(t, b, made.Code)
		if n := sessionsIn(atOnce(8, h.fleet, form, line, t)); n != 1 {
			t.Errorf("one code that was read out made %d sessions", n)
		}
		wantStatus(t, "the code a second time", enter(t, again, made.Code), http.StatusUnauthorized)

		_, answer := h.first.Ask(t, http.MethodPost, "/doorcode/let-in", `{"address":"`+ana+`","why":"lost her phone again"}`)
		if err := json.Unmarshal([]byte(answer), &made); err != nil {
			t.Fatal(err)
		}
		wantStatus(t, "another code", again.Move(h.second).Submit(t, "verify", url.Values{"code": {made.Code}, "remember": {"on"}}), http.StatusOK)
		again.Move(h.first).Open(t, "/.doorcode/backup-codes")
		wantText(t, "what it may change", again.Press(t, "Create", nil), "You can't change this from here yet")
		again.Drop(t, "doorcode")
		wantStatus(t, "the browser, which is not remembered", again.Fetch(t, "/"), http.StatusUnauthorized)
	}, generous(""))
}
