// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

func TestWhyTellsWhatPagesKeepQuiet(t *testing.T) {
	child, config := startManaged(t, site(generous("try_address 3/1h"), "deny mallory@example.com"))
	why := func(address string) run { return doorcode(t, child, config, "why", address) }

	why(ana).wantLines(t, "somebody who was never here", ana, "SITE | MAY ENTER | BY | UNTIL | GROUPS", "localhost:"+child.Port+" | yes | allow *@example.com",
		" | Nobody has entered with this address yet.", " | A browser that is not remembered is asked for a code (new_browser).",
		" | A remembered browser is asked for none.", "Nobody has ever entered, by a code or a passkey.", "This machine has sent no mail to the address since it started.")

	b := child.Browser(t)
	b.SignIn(t, child.Caddy, "/", ana, true)
	waiting := from(t, child.Caddy, 1)
	code := ask(t, child.Caddy, waiting, "/", ana)
	enter(t, waiting, notThis(code, 0))
	told := why(ana)
	told.wantLines(t, "somebody who enters", " | In 1 session that lives no code is asked for while it lasts", " | 1 remembered browser is asked for none.",
		"1 session lives, 1 browser is remembered.", "CODE WITH LETTERS | SITE | ASKED FOR | WORKS UNTIL | MAILS | TRIES LEFT", "COUNTED OF | LOCKED UNTIL | WRONG CODES | MAILS",
		"MAIL | WHEN | BECAME | BY | LETTERS | TRIES | WHY", "code | 20", "WHAT HAPPENED | WHEN | TIMES | BROWSER | PLACE | NETWORK", "entered | 20")
	if !strings.Contains(wide.ReplaceAllString(told.out, " | "), " | 1 | 4\n") || !strings.Contains(told.out, child.Mailbox.Folder) {
		t.Errorf("the code under way has not one mail and four tries, or the mails name no transport:\n%s", told.out)
	}
	for _, secret := range append([]string{code}, cookieValues(t, b)...) {
		if strings.Contains(told.out, secret) {
			t.Errorf("a code or cookie is told:\n%s", told.out)
		}
	}
	for n := 1; n < 3; n++ {
		enter(t, waiting, notThis(code, n))
	}
	why(ana).wantLines(t, "who is locked out", "The code with the letters ", " | Since too many wrong codes were entered, unknown browsers get none until 20")

	stranger := child.Browser(t)
	stranger.Open(t, "/")
	stranger.Submit(t, "email", url.Values{"email": {"mallory@example.com"}})
	harness.Eventually(t, "a mail that is withheld", func() bool { return strings.Contains(why("mallory@example.com").out, "withheld") })
	why("mallory@example.com").wantLines(t, "who is denied", "localhost:"+child.Port+" | no | deny mallory@example.com",
		" | The page is the same as for everybody, and asks for a code; none is mailed, and none would be right.")
	doorcode(t, child, config, "why", ana, "--site", "third").wantFailure(t, "a site that there is not", "no gate stands at 'third'")
}

// A code whose tries are used up is what the person and the operator look for in vain.
func TestWhyTellsThatACodeIsUsedUp(t *testing.T) {
	child, config := startManaged(t, site(generous("try_address 20/1h")))
	b := from(t, child.Caddy, 1)
	code := ask(t, child.Caddy, b, "/", ana)
	for n := range 4 {
		enter(t, b, notThis(code, n))
	}
	const says = " works no more: too many wrong codes were entered. A new one has to be asked for."
	if told := doorcode(t, child, config, "why", ana); strings.Contains(told.out, says) {
		t.Errorf("a code with one try left:\n%s", told.out)
	}
	enter(t, b, notThis(code, 4))
	told := doorcode(t, child, config, "why", ana)
	told.wantLines(t, "a code without tries", "The code with the letters ")
	for _, part := range []string{" for localhost:" + child.Port + ", asked for 20", says} {
		if !strings.Contains(told.out, part) {
			t.Errorf("no %q in\n%s", part, told.out)
		}
	}
	if strings.Contains(told.out, "CODE WITH LETTERS") || strings.Contains(told.out, code) {
		t.Errorf("the code counts as one that works, or is told:\n%s", told.out)
	}
	var answer struct {
		Storages []struct {
			Pending []any
			UsedUp  []struct {
				Ref, Site string
				Left      int `json:"tries_left"`
			} `json:"used_up"`
		}
	}
	if r := doorcode(t, child, config, "why", ana, "--json"); json.Unmarshal([]byte(r.out), &answer) != nil || len(answer.Storages) != 1 ||
		len(answer.Storages[0].Pending) != 0 || len(answer.Storages[0].UsedUp) != 1 || answer.Storages[0].UsedUp[0].Left != 0 {
		t.Errorf("why --json: %s%s", r.out, r.err)
	}
}

func cookieValues(t *testing.T, b *harness.Browser) (values []string) {
	t.Helper()
	for _, value := range b.Cookies(t) {
		values = append(values, value)
	}
	return values
}

// A mail server that is down is what most questions are about.
func TestWhyTellsThatMailFails(t *testing.T) {
	relay := harness.NewRelay(t)
	child, config := startManaged(t, strings.Replace(site(), "mail file MAIL", "mail smtp "+relay.Address+" {\n\t\t\tfrom login@example.com\n\t\t}", 1))
	b := child.Browser(t)
	b.Open(t, "/")
	b.Submit(t, "email", url.Values{"email": {ana}})
	var answer struct {
		Sites    []struct{ Next []string }
		Storages []struct {
			Mails []struct{ Outcome, Subject, Transport, Reason, Site string }
		}
	}
	harness.Eventually(t, "a mail that cannot be handed over", func() bool {
		r := doorcode(t, child, config, "why", ana, "--json")
		if err := json.Unmarshal([]byte(r.out), &answer); err != nil {
			t.Fatalf("why --json: %v\n%s%s", err, r.out, r.err)
		}
		mails := answer.Storages[0].Mails
		return len(mails) > 0 && mails[0].Reason != ""
	})
	mail := answer.Storages[0].Mails[0]
	if mail.Outcome != "deferred" || mail.Subject != "code" || mail.Transport != "smtp "+relay.Address || !strings.Contains(mail.Reason, "connection refused") || mail.Site != "localhost:"+child.Port {
		t.Errorf("mail %+v", mail)
	}
	harness.Eventually(t, "the sentence about it", func() bool {
		return strings.Contains(doorcode(t, child, config, "why", ana).out, "The mail of this site cannot be handed over at the moment")
	})
}

func TestWhyIsAskedInTheBody(t *testing.T) {
	_, port := administered(t, listedPeople)
	orderBy(t, "GET", port, "/doorcode/why?address="+ana, "").wantRefusal(t, "by GET", http.StatusMethodNotAllowed, "/doorcode/why takes POST, got GET")
	var answer struct {
		Address string
		Sites   []struct {
			Site, Rule string
			Allowed    bool
			Next       []string
		}
		Storages []struct {
			Locks, Pending, Mails, Recent, Reported []any
			UsedUp                                  []any `json:"used_up"`
		}
	}
	order(t, port, "/doorcode/why", `{"address":"Ana@Example.com"}`).into(t, &answer)
	if answer.Address != ana || len(answer.Sites) != 2 || len(answer.Storages) != 1 || !answer.Sites[0].Allowed || answer.Sites[1].Allowed {
		t.Errorf("answer %+v", answer)
	}
	if s := answer.Storages[0]; s.Locks == nil || s.Pending == nil || s.UsedUp == nil || s.Mails == nil || s.Recent == nil || s.Reported == nil {
		t.Errorf("a list that is empty is not there: %+v", s)
	}
	order(t, port, "/doorcode/why", `{"address":"ana@example.com","site":"other.localhost"}`).into(t, &answer)
	if len(answer.Sites) != 1 || !strings.HasPrefix(answer.Sites[0].Site, "other.localhost:") {
		t.Errorf("sites %+v, want the one that was asked for", answer.Sites)
	}
}

// listedPeople are two sites of one storage with lists of their own.
var listedPeople = "http://localhost:PORT {\n" + gate("*@example.com") + "\n}\nhttp://other.localhost:PORT {\n" + gate("ben@example.com") + "\n}\n"
