// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/web"
)

// asks has a code mailed for a change, and goes to the page of it.
func (b *browser) asks(page string, change challenge.Change) answer {
	b.w.t.Helper()
	b.w.clock.advance(31 * time.Second)
	c := b.calls()
	c.visit.Change = &change
	sent, err := b.w.gate.Begin(b.w.t.Context(), &c.visit, nil, challenge.Email(c.admission.Live.Email))
	if err != nil {
		b.w.t.Fatal(err)
	}
	b.jar[flowName] = b.w.gate.SealFlow(sent.Flow)
	return b.open("/.doorcode/" + page)
}

func makeCodes() challenge.Change { return challenge.Change{Kind: challenge.MakeBackupCodes} }

func TestTheCodeOfAChangeIsAskedForOnItsPage(t *testing.T) {
	w := newWorld(t)
	b := w.browser().signIn("/x", ana)
	a := b.asks("backup-codes", makeCodes())
	a.wants(t, http.StatusOK, "Confirm it's you", "To make new backup codes, enter the code that we sent to", "a••@example.com", "Go back", "!ana@example.com", "!Don't ask again")
	for name, want := range map[string]string{
		"WWW-Authenticate": "", "Doorcode-Reason": "", "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp",
	} {
		if got := a.Header.Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	code := w.code(false)
	b.submit("/verify", "code", wrongCode(code, 0)).wants(t, http.StatusOK, "You have 4 tries left")
	mails := w.mails()
	w.clock.advance(31 * time.Second)
	b.submit("/resend").wants(t, http.StatusOK, "Email sent again")
	if got := w.mails(); got != mails+1 {
		t.Errorf("%d mails, want %d", got, mails+1)
	}
	sent := b.post(clicked, "/verify", "code", code)
	if sent.wants(t, http.StatusSeeOther); sent.Header.Get("Location") != origin+"/.doorcode/backup-codes" {
		t.Errorf("Location = %q", sent.Header.Get("Location"))
	}
	if b.jar[flowName] == "" || len(sent.Cookies()) != 1 {
		t.Errorf("cookies %v, want the flow with its permit and nothing else", sent.Cookies())
	}
	b.post(clicked, "/verify", "code", code).wants(t, http.StatusSeeOther) // a double click
	if s := b.post(scripted, "/verify", "code", code).json(t); !s.OK {
		t.Errorf("a script that sends it twice is told %+v", s)
	}
	b.open("/.doorcode/backup-codes").wants(t, http.StatusOK, "!Confirm it's you", "!isn't right")
}

func TestAChangeCanBeAllowedByAnotherWay(t *testing.T) {
	w := newWorld(t)
	k := w.equip(ana)
	b := w.browser().signIn("/x", ana)
	b.asks("ways", challenge.Change{Kind: challenge.RemoveApp})
	b.choose("backup").wants(t, http.StatusOK, "Use a backup code", "To remove your authenticator app, show that it's you.", "Go back")
	b.submit("/backup", "code", k.codes[0]).wants(t, http.StatusOK, "!Use a backup code", "!Confirm it's you")
}

func TestGoingBackFromACodeEndsItsFlow(t *testing.T) {
	for _, h := range []http.Header{clicked, scripted} {
		w := newWorld(t)
		b := w.browser().signIn("/x", ana)
		b.asks("backup-codes", makeCodes())
		if h.Get("Sec-Fetch-Mode") == "cors" {
			if s := b.post(h, "/change").json(t); !s.OK || s.To != "/.doorcode/backup-codes" {
				t.Errorf("a script is told %+v", s)
			}
		} else {
			b.submit("/change").wants(t, http.StatusOK, "!Confirm it's you")
		}
		if w.gate.GateOfFlow(b.jar[flowName]) != "" {
			t.Error("the flow goes on")
		}
		b.open("/x").wants(t, http.StatusOK, "app")
	}
}

// A code for a change does nothing for a page that wants a fresh one, and the other
// way round: each is typed on a page that says what for.
func TestSTP03TheCodeOfAChangeConfirmsNothingElse(t *testing.T) {
	w := newWorld(t)
	b := w.browser().signIn("/x", ana)
	w.clock.advance(time.Hour)
	w.arrive = func(in *web.Arrival, r *http.Request) {
		if !strings.Contains(r.URL.Path, ".doorcode") {
			in.Page = challenge.Page{MaxAge: 10 * time.Minute}
		}
	}
	b.open("/admin").wants(t, http.StatusUnauthorized, "Confirm it's you")
	confirming := b.clone()
	b.asks("backup-codes", makeCodes()).wants(t, http.StatusOK, "To make new backup codes")
	code := w.code(false)
	// The form that is still open speaks of the page, not of the change.
	confirming.jar = b.jar
	confirming.post(scripted, "/verify", "code", code).wantsProblem(t, http.StatusConflict, "check-lost")
	if to := confirming.post(clicked, "/verify", "code", code).Header.Get("Location"); !strings.HasPrefix(to, origin+"/admin/.doorcode/begin?probe=") {
		t.Errorf("led to %s", to)
	}
	b.open("/admin").wants(t, http.StatusUnauthorized, "Confirm it's you", "!To make new backup codes")
}

// A mailbox is proved by its own mail alone: another way would let its person set
// down somebody else's.
func TestOnlyTheMailToASecondAddressProvesIt(t *testing.T) {
	w := newWorld(t)
	k := w.equip(ana)
	b := w.browser().signIn("/x", ana)
	c := b.calls()
	sent, err := w.gate.BeginSecond(t.Context(), &c.visit, c.admission, c.permit(challenge.Change{Kind: challenge.SetSecond, Detail: "cleo@example.org"}))
	if err != nil {
		t.Fatal(err)
	}
	b.jar[flowName] = w.gate.SealFlow(sent.Flow)
	b.open("/.doorcode/ways").wants(t, http.StatusOK, "To use this second address, enter the code that we sent to cleo@example.org.")
	if strings.Contains(b.page.body, `name="way"`) {
		t.Error("another way is offered")
	}
	target, fields := b.form("/verify")
	fields.Set("way", "backup")
	b.do(http.MethodPost, strings.TrimSuffix(target, "verify")+"way", fields, clicked)
	fields.Set("code", k.codes[0])
	b.do(http.MethodPost, strings.TrimSuffix(target, "verify")+"backup", fields, clicked).wants(t, http.StatusSeeOther)
	b.open("/.doorcode/ways").wants(t, http.StatusOK, "To use this second address, enter the code")
	b.submit("/verify", "code", w.mailbox.last(t).Code.Reveal()).wants(t, http.StatusOK, "!enter the code that we sent")
}
