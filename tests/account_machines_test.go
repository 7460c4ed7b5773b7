// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore/redistest"
	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// A house is a door whose account pages are used at two machines; where it keeps its
// records in a file, both are the same one.
type house struct {
	fleet         *harness.Fleet
	first, second *harness.Machine
}

// onEachStore runs a test at two machines on one Redis, and at one with a file.
func onEachStore(t *testing.T, test func(t *testing.T, h house), lines ...string) {
	t.Parallel()
	t.Run("two machines on Redis", func(t *testing.T) {
		t.Parallel()
		f, first, second, _ := pair(t, lines...)
		test(t, house{f, first, second})
	})
	t.Run("one with a file", func(t *testing.T) {
		t.Parallel()
		f := harness.NewFleet(t, oneDoor("embedded FOLDER/doorcode.db", lines...))
		one := f.Run(t, "")[0]
		test(t, house{f, one, one})
	})
}

// both are the machines that there are.
func (h house) both() []*harness.Machine { return h.fleet.Machines }

// signIn is a browser of a kind of its own in a network of its own.
func (h house) signIn(t *testing.T, m *harness.Machine, n int, agent string, remember bool) *harness.Browser {
	t.Helper()
	b := from(t, m.Caddy, n)
	if agent != "" {
		b.Agent = agent
	}
	b.SignIn(t, m.Caddy, "/", ana, remember)
	return b
}

// change presses a button that a code is asked for, and enters it. The page that
// follows asks whether to go on.
func (h house) change(t *testing.T, b *harness.Browser, page, button string, fields url.Values) harness.Page {
	t.Helper()
	wantStatus(t, page, b.Open(t, "/.doorcode/"+page), http.StatusOK)
	before := len(h.fleet.Mailbox.Codes(t, ana))
	b.Press(t, button, fields)
	code := h.fleet.Mailbox.WaitCode(t, ana, before+1).Code(t)
	asked := enter(t, b, code)
	wantStatus(t, button+", after its code", asked, http.StatusOK)
	return asked
}

const (
	edge   = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0"
	safari = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15"
)

// SES-02, acceptance of browsers and sessions: one browser is signed out at one
// machine, and is out at the other, with what it has open there. The others stay.
func TestSES02ABrowserThatIsSignedOutAtOneMachineIsOutAtAll(t *testing.T) {
	onEachStore(t, func(t *testing.T, h house) {
		h.fleet.App.Answer(streaming)
		home := h.signIn(t, h.first, 1, "", true)
		gone, stays := h.signIn(t, h.second, 2, chrome, true), h.signIn(t, h.second, 3, safari, true)
		streams, others := openStreams(t, h.second.Caddy, gone), openStreams(t, h.second.Caddy, stays)

		page := home.Open(t, "/.doorcode/sessions")
		wantText(t, "the list", page, "Chrome on macOS", "Safari on macOS", "This browser", "Signed in and remembered")
		wantText(t, "the question", home.Press(t, "Sign out Chrome on macOS", nil), "Sign out Chrome on macOS?")
		wantText(t, "the list after it", home.Press(t, "Sign out", nil), "!Chrome on macOS", "Safari on macOS")

		each(streams, func(s *stream) { s.wantCut(t) })
		each(others, func(s *stream) { s.wantOpen(t) })
		eventually(t, "the session to end", gone, http.StatusUnauthorized)
		gone.Drop(t, "doorcode")
		for _, m := range h.both() {
			wantStatus(t, "what was remembered of it at "+m.At, gone.Move(m).Fetch(t, "/"), http.StatusUnauthorized)
			wantStatus(t, "another at "+m.At, stays.Move(m).Fetch(t, "/"), http.StatusOK)
			wantStatus(t, "this one at "+m.At, home.Move(m).Fetch(t, "/"), http.StatusOK)
		}
	}, generous(""))
}

func TestSES02SigningOutEverywhereElseHoldsAtEveryMachine(t *testing.T) {
	onEachStore(t, func(t *testing.T, h house) {
		h.fleet.App.Answer(streaming)
		home := h.signIn(t, h.first, 1, "", true)
		all := []*harness.Browser{h.signIn(t, h.second, 2, chrome, true), h.signIn(t, h.first, 3, safari, true), h.signIn(t, h.second, 4, edge, false)}
		colleague := from(t, h.second.Caddy, 5)
		colleague.SignIn(t, h.second.Caddy, "/", ben, true)
		streams := openStreams(t, h.second.Caddy, all[0])

		home.Open(t, "/.doorcode/sessions")
		wantText(t, "the question", home.Press(t, "Sign out everywhere else", nil), "3 browsers will be signed out")
		wantText(t, "the list", home.Press(t, "Sign out everywhere else", nil), "This browser", "!Chrome on macOS", "!Safari", "!Edge")

		each(streams, func(s *stream) { s.wantCut(t) })
		for _, b := range all {
			for _, m := range h.both() {
				eventually(t, "a session to end at "+m.At, b.Move(m), http.StatusUnauthorized)
			}
			b.Drop(t, "doorcode")
			wantStatus(t, "what was remembered of it", b.Fetch(t, "/"), http.StatusUnauthorized)
		}
		for _, m := range h.both() {
			wantStatus(t, "this one at "+m.At, home.Move(m).Fetch(t, "/"), http.StatusOK)
			wantStatus(t, "somebody else at "+m.At, colleague.Move(m).Fetch(t, "/"), http.StatusOK)
		}
	}, generous(""))
}

// Ruling 41: a change that waits is seen at every machine, and taken back at any, by
// its page or by the link of the mail about it. Whoever asked to be erased is signed
// out everywhere at once.
func TestRuling41AChangeThatWaitsIsCancelledAtAnyMachine(t *testing.T) {
	for name, cancel := range map[string]func(t *testing.T, h house){
		"by its page": func(t *testing.T, h house) {
			b := h.signIn(t, h.second, 3, safari, true)
			wantText(t, "the overview", b.Open(t, "/.doorcode/"), "A change is waiting", "will be erased on")
			wantText(t, "the question", b.Press(t, "Cancel this change", nil), "Cancel this change?")
			wantText(t, "the overview after it", b.Press(t, "Cancel the change", nil), "!A change is waiting")
		},
		"by the link of its mail": func(t *testing.T, h house) {
			press(t, h.second.Caddy, stopLink(t, mailWith(t, h, "Until then it can be cancelled")))
		},
	} {
		t.Run(name, func(t *testing.T) {
			onEachStore(t, func(t *testing.T, h house) {
				home, other := h.signIn(t, h.first, 1, "", true), h.signIn(t, h.second, 2, chrome, true)
				h.change(t, home, "settings", "Erase everything", nil)
				wantText(t, "the end", home.Press(t, "Erase everything", nil), "You are signed out in all your browsers")
				eventually(t, "her other session to end", other, http.StatusUnauthorized)
				cancel(t, h)
				after := h.signIn(t, h.first, 4, edge, false)
				wantText(t, "the overview at the first machine", after.Open(t, "/.doorcode/"), "!A change is waiting")
			}, generous(""))
		})
	}
}

// mailWith waits for a mail to Ana that says something.
func mailWith(t *testing.T, h house, text string) (found harness.Mail) {
	t.Helper()
	harness.Eventually(t, "mail that says "+text, func() bool {
		for _, mail := range h.fleet.Mailbox.Mails(t, ana) {
			if strings.Contains(mail.Text, text) {
				found = mail
				return true
			}
		}
		return false
	})
	return found
}

// What an operator forgets at one machine is forgotten at all.
func TestForgettingSomebodyHoldsAtEveryMachine(t *testing.T) {
	onEachStore(t, func(t *testing.T, h house) {
		h.fleet.App.Answer(streaming)
		home, other := h.signIn(t, h.first, 1, "", true), h.signIn(t, h.second, 2, chrome, true)
		codes := h.makeCodes(t, home)
		streams := openStreams(t, h.second.Caddy, other)
		if status, answer := h.first.Ask(t, http.MethodPost, "/doorcode/forget", `{"address":"`+ana+`"}`); status != http.StatusOK {
			t.Fatalf("forgetting: %d %s", status, answer)
		}
		each(streams, func(s *stream) { s.wantCut(t) })
		for _, b := range []*harness.Browser{home, other} {
			for _, m := range h.both() {
				eventually(t, "a session to end at "+m.At, b.Move(m), http.StatusUnauthorized)
			}
			b.Drop(t, "doorcode")
			wantStatus(t, "what was remembered of it", b.Fetch(t, "/"), http.StatusUnauthorized)
		}
		b := h.atBackup(t, h.second, 3)
		wantText(t, "a backup code", b.Press(t, "Continue", url.Values{"code": {codes[0]}}), "That backup code isn't right or was already used")
		wantText(t, "the overview", h.signIn(t, h.second, 4, "", false).Open(t, "/.doorcode/"), "No backup codes", "1 browser")
	}, generous(""))
}

// Ruling 40: of an entry that is reported at one machine, nothing that came with it
// counts at any: neither its session, nor the codes that it made.
func TestRuling40AReportAtOneMachineHoldsAtEvery(t *testing.T) {
	onEachStore(t, func(t *testing.T, h house) {
		h.fleet.App.Answer(streaming)
		home := h.signIn(t, h.first, 1, "", true)
		thief := h.signIn(t, h.second, 2, chrome, true)
		codes := h.makeCodes(t, thief)
		streams := openStreams(t, h.second.Caddy, thief)
		wantText(t, "the report", press(t, h.first.Caddy, stopLink(t, notice(t, h.first.Caddy, ana, newSignIn, 1))), "signed out")

		each(streams, func(s *stream) { s.wantCut(t) })
		for i, m := range h.both() {
			eventually(t, "the thief's session to end at "+m.At, thief.Move(m), http.StatusUnauthorized)
			b := h.atBackup(t, m, 10+i)
			wantText(t, "a code of the thief at "+m.At, b.Press(t, "Continue", url.Values{"code": {codes[i]}}), "That backup code isn't right or was already used")
			wantText(t, "her own browser at "+m.At, home.Move(m).Open(t, "/.doorcode/"), "Somebody else got in")
		}
		late := h.signIn(t, h.second, 20, chrome, true)
		wantStatus(t, "a browser that comes afterwards", late.Open(t, "/.doorcode/backup-codes"), http.StatusOK)
		wantText(t, "what it may change", late.Press(t, "Make new codes", nil), "You can't change this from here yet")
	}, generous(""))
}

// Ruling 44: an access token that is made at one machine opens the app at the other,
// until it is revoked at the first.
func TestRuling44ATokenIsRevokedAtEveryMachine(t *testing.T) {
	onEachStore(t, func(t *testing.T, h house) {
		home := h.signIn(t, h.first, 1, "", true)
		token := makeToken(t, h.first.Caddy, home, ana, nil)
		program := carrying(t, h.second.Caddy, "Authorization", "Bearer "+token)
		wantStatus(t, "the token at the other machine", program.Do(t, http.MethodGet, "/", nil), http.StatusOK)
		wantText(t, "its last use", home.Open(t, "/.doorcode/tokens"), "Laptop", "!Never")
		revoke(t, home)
		for _, m := range h.both() {
			harness.Eventually(t, "the token to end at "+m.At, func() bool {
				return program.Move(m).Do(t, http.MethodGet, "/", nil).Status == http.StatusUnauthorized
			})
		}
	}, generous(""), "tokens on")
}

// BKP-03, ruling 30: the server of the codes is lost as soon as one was used, and a
// replica takes its place. The used one stays used, and the others stay good.
func TestBKP03ACodeThatWasUsedStaysUsedAfterAFailover(t *testing.T) {
	t.Parallel()
	h, master, _ := watched(t)
	codes := h.makeCodes(t, h.signIn(t, h.first, 1, "", true))
	b, again, other := h.atBackup(t, h.first, 2), h.atBackup(t, h.second, 3), h.atBackup(t, h.second, 4)
	entered := b.Press(t, "Continue", url.Values{"code": {codes[0]}})
	master.Kill()
	wantStatus(t, "the code", entered, http.StatusOK)
	for _, m := range h.both() {
		settled(t, m)
	}
	wantText(t, "the code after the failover", again.Press(t, "Continue", url.Values{"code": {codes[0]}}), "That backup code isn't right or was already used")
	wantStatus(t, "another code", other.Press(t, "Continue", url.Values{"code": {codes[1]}}), http.StatusOK)
}

// Ruling 30: where no replica says that it has the use of a code, nobody gets in by
// it, and nobody ever will.
func TestRuling30AUseThatNoReplicaHasLetsNobodyIn(t *testing.T) {
	t.Parallel()
	h, _, replica := watched(t)
	codes := h.makeCodes(t, h.signIn(t, h.first, 1, "", true))
	b, again := h.atBackup(t, h.first, 2), h.atBackup(t, h.second, 3)
	replica.Pause()
	page := b.Press(t, "Continue", url.Values{"code": {codes[0]}})
	replica.Resume()
	wantStatus(t, "the code", page, http.StatusServiceUnavailable)
	if setCookies(page)["doorcode"] != nil {
		t.Error("a use that may be undone made a session")
	}
	if e := eventOf(t, h.first, "store_failed"); !strings.Contains(fmt.Sprint(e["error"]), "no replica of redis says that it has this") {
		t.Errorf("the log says %v", e)
	}
	for _, m := range h.both() {
		back(t, m)
	}
	wantText(t, "the code, once the replica is back", again.Press(t, "Continue", url.Values{"code": {codes[0]}}), "That backup code isn't right or was already used")
}

// watched are two machines on a Redis with a replica, and sentinels that put that in
// its place.
func watched(t *testing.T) (h house, master, replica *redistest.Server) {
	t.Helper()
	master = redistest.Start(t)
	replica = redistest.Replica(t, master)
	sentinels := redistest.Sentinels(t, master, 3)
	f := harness.NewFleet(t, oneDoor("redis STORE {\n\t\t\tsentinel "+redistest.MasterName+"\n\t\t\tgrace 10m\n\t\t}", generous("")))
	store := "redis://" + strings.Join(redistest.Addrs(sentinels), " redis://")
	both := f.Run(t, store, store)
	return house{f, both[0], both[1]}, master, replica
}
