// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/passkeys/passkeystest"
	"github.com/doorcode/caddy-doorcode/tests/harness"
)

var toCreate = regexp.MustCompile(`data-create="([^"]*)"`)

// makePasskey makes Ana a passkey on her account page, as the page's script does.
func makePasskey(t *testing.T, c *harness.Caddy, b *harness.Browser, name string) *passkeystest.Authenticator {
	t.Helper()
	b.Open(t, "/.doorcode/passkeys")
	before := len(c.Mailbox.Codes(t, ana))
	b.Press(t, "Add a passkey", nil)
	wantStatus(t, "the code for a passkey", enter(t, b, c.Mailbox.WaitCode(t, ana, before+1).Code(t)), http.StatusOK)
	page := b.Submit(t, "passkeys", nil)
	options := toCreate.FindStringSubmatch(page.Body)
	if options == nil {
		t.Fatalf("no options on the page:\n%s", page.Text())
	}
	key := passkeystest.New(b.Base)
	made, err := key.Create([]byte(html.UnescapeString(options[1])))
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, "the passkey", b.Submit(t, "passkeys", url.Values{"name": {name}, "credential": {string(made)}}), "Your passkey is added")
	return key
}

// showPasskey goes to a page as a stranger who has a passkey, and shows that.
func showPasskey(t *testing.T, b *harness.Browser, path string, key *passkeystest.Authenticator) harness.Page {
	t.Helper()
	flow := url.Values{"flow": {b.Open(t, path).Hidden(t, "email")}}
	asked := b.Do(t, http.MethodPost, "/.doorcode/passkey", flow, harness.Scripted)
	var offer struct{ Options json.RawMessage }
	if err := json.Unmarshal([]byte(asked.Body), &offer); err != nil {
		t.Fatalf("what to sign: %v in %s", err, asked.Body)
	}
	signed, err := key.Get(offer.Options)
	if err != nil {
		t.Fatal(err)
	}
	flow.Set("credential", string(signed))
	return b.Do(t, http.MethodPost, "/.doorcode/passkey", flow, harness.Scripted)
}

// A passkeyRow is a passkey as machines are told of it.
type passkeyRow struct{ Storage, ID, Name, Site, State, Used string }

func passkeysBy(t *testing.T, child *harness.Child, config []string) []passkeyRow {
	t.Helper()
	var answer struct{ Passkeys []passkeyRow }
	r := doorcode(t, child, config, "passkeys", "list", "--user", ana, "--json")
	if err := json.Unmarshal([]byte(r.out), &answer); err != nil {
		t.Fatalf("passkeys list: %v\n%s%s", err, r.out, r.err)
	}
	return answer.Passkeys
}

// An operator whose user has lost a phone signs them out, is told that a passkey stays,
// and takes it away: what holds it lets nobody in any more.
func TestAnOperatorTakesAPasskeyAway(t *testing.T) {
	child, config := startManaged(t, site("passkeys on", generous("")))
	run := func(args ...string) run { return doorcode(t, child, config, append(args, "--user", ana)...) }
	run("passkeys", "list").wantLines(t, "of somebody who was never here", "There is no passkey of "+ana+".")
	run("passkeys", "remove", "--all").wantLines(t, "removal of none", "There is no passkey of "+ana+".")

	home := signedIn(t, child.Caddy, ana)
	phone, stick := makePasskey(t, child.Caddy, home, "Phone"), makePasskey(t, child.Caddy, home, "Stick")
	wantStatus(t, "the phone", showPasskey(t, from(t, child.Caddy, 1), "/x", phone), http.StatusOK)
	run("passkeys", "list").wantLines(t, "two", "ID | NAME | SITE | WORKS | MADE | LAST USED | MADE IN",
		passkeysBy(t, child, config)[0].ID+" | Stick | localhost | yes | ", passkeysBy(t, child, config)[1].ID+" | Phone | localhost | yes | ")
	run("browsers", "revoke").wantLines(t, "revocation", "Signed out as "+ana+": 2 sessions.",
		"2 passkeys still let them in; 'caddy doorcode passkeys remove --user "+ana+" --all' takes them away.")
	wantStatus(t, "the phone, after everything was ended", showPasskey(t, from(t, child.Caddy, 2), "/x", phone), http.StatusOK)

	rows := passkeysBy(t, child, config)
	if len(rows) != 2 || rows[1].Name != "Phone" || rows[1].State != "counts" || rows[1].Used == "" || rows[1].Storage != filepath.Join(child.Folder, "doorcode.db") {
		t.Fatalf("passkeys: %+v", rows)
	}
	run("passkeys", "remove").wantFailure(t, "which one is not said", "say which passkey is meant: --passkey with an ID")
	run("passkeys", "remove", "--passkey", rows[1].ID).wantLines(t, "one", "Removed 1 passkey of "+ana+":", " | Phone for localhost",
		"Sessions that were begun go on; 'caddy doorcode browsers revoke --user "+ana+"' ends them.")
	run("passkeys", "remove", "--passkey", rows[1].ID).wantFailure(t, "the same again", "the address has no such passkey; 'passkeys list' shows those that it has")
	refused := showPasskey(t, from(t, child.Caddy, 3), "/x", phone)
	wantStatus(t, "the phone, after its passkey was removed", refused, http.StatusUnprocessableEntity)
	wantStatus(t, "the stick", showPasskey(t, from(t, child.Caddy, 4), "/x", stick), http.StatusOK)
	run("browsers", "revoke").wantLines(t, "revocation again", "Signed out as "+ana+": 2 sessions.",
		"1 passkey still lets them in; 'caddy doorcode passkeys remove --user "+ana+" --all' takes it away.")
	run("passkeys", "remove", "--all").wantLines(t, "all", "Removed 1 passkey of "+ana+":", " | Stick for localhost")
	run("browsers", "revoke").wantLines(t, "revocation of nothing", "There was nothing to end")
	wantStatus(t, "the stick, after all were removed", showPasskey(t, from(t, child.Caddy, 5), "/x", stick), http.StatusUnprocessableEntity)
	harness.Eventually(t, "mail that tells of both", func() bool {
		told := 0
		for _, mail := range child.Mailbox.Mails(t, ana) {
			told += b2i(strings.Contains(mail.Text, "Someone removed a passkey"))
		}
		return told == 2
	})
}

// What an operator asks who is told that a passkey does not work: the answer has each
// passkey and each entry by one, and a refusal is in the log, with its reason.
func TestWhyTellsOfPasskeys(t *testing.T) {
	child, config := startManaged(t, logged+site("passkeys on", "accept passkey"))
	why := func() run { return doorcode(t, child, config, "why", ana) }
	const only = " | Only a passkey opens the app ('accept passkey'), also in a session that a code began; a code leads to the account pages, where one is made."
	const none = " | There is no passkey of this address that works, so nothing but the account pages opens."
	why().wantLines(t, "somebody who was never here", only, none, "Nobody has ever entered, by a code or a passkey.")

	home := child.Browser(t)
	enter(t, home, ask(t, child.Caddy, home, "/x", ana))
	wantStatus(t, "the app, after a code", home.Open(t, "/x"), http.StatusUnauthorized)
	why().wantLines(t, "who has entered a code", only, none, "There is no passkey.")
	key := makePasskey(t, child.Caddy, home, "Phone")
	why().wantLines(t, "who has a passkey", only, "Passkey 1 of 1 is for localhost, and was never used.", "changed add_passkey | 20")
	wantStatus(t, "the passkey", showPasskey(t, from(t, child.Caddy, 1), "/x", key), http.StatusOK)
	told := why()
	told.wantLines(t, "who has shown it", only, "Passkey 1 of 1 is for localhost, and was used last 20", "entered by passkey | 20")
	if strings.Contains(wide.ReplaceAllString(told.out, " | "), none) {
		t.Errorf("it is said that there is no passkey:\n%s", told.out)
	}

	copied := key.Copy()
	copied.Count = 0
	wantStatus(t, "a copy", showPasskey(t, from(t, child.Caddy, 2), "/x", copied), http.StatusUnprocessableEntity)
	why().wantLines(t, "whose passkey was copied", none, "Passkey 1 of 1 is for localhost, and was used last 20")
	if out := why().out; !strings.Contains(out, "; it lets nobody in (cloned).") {
		t.Errorf("it is not said that a copy was used:\n%s", out)
	}
	wantStatus(t, "the passkey itself", showPasskey(t, from(t, child.Caddy, 3), "/x", key), http.StatusUnprocessableEntity)
	doorcode(t, child, config, "passkeys", "list", "--user", ana).wantLines(t, "the list", passkeysBy(t, child, config)[0].ID+" | Phone | localhost | copied | ")
	for n, reason := range []string{"its count did not rise: there is a copy of it", "it does not count at the moment"} {
		if refused := events(t, child.Caddy, "passkey_refused"); len(refused) != 2 || refused[n]["error"] != reason {
			t.Errorf("refusals in the log: %v, want the %dth to be %q", refused, n+1, reason)
		}
	}
}

// A browser that did not prove its key is what an operator finds when somebody asks why
// they were asked for a code, or who has a copy of their cookies.
func TestWhyTellsOfABrowserThatDidNotProveItsKey(t *testing.T) {
	port, g := harness.FreePort(t), guess{secure: true, idle: "30d"}
	child := harness.PrepareChild(t, adminAt(port, strings.Replace(secureSite("secret "+rootSecret, "session {\ndevice_bound required\n}"), "app.example.test", "localhost", 1)))
	p := openPast(t, child.Caddy, g)
	theirs := p.live(t, visitor{email: ana, ip: "203.0.113.7", known: true, session: true, bound: true, copied: true, last: 20 * time.Minute})
	p.close(t)
	child.Run(t)
	config := []string{"--config", filepath.Join(child.Folder, "Caddyfile"), "--adapter", "caddyfile"}
	why := func() run { return doorcode(t, child, config, "why", ana) }

	b := child.SecureBrowser(t, "localhost")
	const held = " | A browser that has made no key of its machine within a minute of its sign-in is refused ('device_bound required', keyless)."
	why().wantLines(t, "before anybody came", held, "1 session lives, 1 browser is remembered.")
	page := b.Do(t, http.MethodGet, "/x", nil, harness.Navigation, http.Header{"Cookie": {theirs}})
	wantStatus(t, "a copy of the cookies", page, http.StatusUnauthorized)
	why().wantLines(t, "after a copy came", held, "unproved | 20")
	doorcode(t, child, config, "browsers", "list", "--user", ana).wantLines(t, "browsers", "ID | BROWSER | NAME | REMEMBERED | SIGNED IN | BOUND")
	if mail := child.Mailbox.Wait(t, ana, 1); !strings.Contains(mail.Text, "couldn't prove that it's yours") {
		t.Errorf("the person is told\n%s", mail.Text)
	}
}
