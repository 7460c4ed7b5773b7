// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// carla is somebody else who may pass.
const carla = "carla@example.com"

// A sessionRow is a session as machines are told of it.
type sessionRow struct{ Storage, Address, ID, Browser, Kind, Network string }

// sessionsBy lists sessions by the command.
func sessionsBy(t *testing.T, child *harness.Child, config []string, args ...string) []sessionRow {
	t.Helper()
	var answer struct{ Sessions []sessionRow }
	r := doorcode(t, child, config, append([]string{"sessions", "list", "--json"}, args...)...)
	if err := json.Unmarshal([]byte(r.out), &answer); err != nil {
		t.Fatalf("sessions list: %v\n%s%s", err, r.out, r.err)
	}
	return answer.Sessions
}

// Acceptance 114: an operator ends one session of somebody, with what is open in it. The
// browser was remembered, and needs a code all the same; others stay.
func TestAnOperatorEndsOneSession(t *testing.T) {
	child, config := startManaged(t, site(generous("")))
	child.App.Answer(streaming)
	doorcode(t, child, config, "sessions", "list").wantLines(t, "nobody", "Nobody is signed in.")
	b, other := child.Browser(t), child.Browser(t)
	b.SignIn(t, child.Caddy, "/", ana, true)
	other.Agent, other.From = safari, "198.51.100.9"
	other.SignIn(t, child.Caddy, "/", ana, true)
	signedIn(t, child.Caddy, ben)
	streams, others := openStreams(t, child.Caddy, b), openStreams(t, child.Caddy, other)

	doorcode(t, child, config, "sessions", "list").wantLines(t, "everybody's", "USER | SESSION | BROWSER | SINCE | UNTIL | PLACE | NETWORK", ana+" | ", ben+" | ")
	hers := sessionsBy(t, child, config, "--user", ana)
	at := slices.IndexFunc(hers, func(s sessionRow) bool { return s.Kind == "Firefox on Windows" })
	if len(hers) != 2 || at < 0 || hers[at].Network != "203.0.113.0/24" || hers[at].Address != ana {
		t.Fatalf("her sessions: %+v", hers)
	}
	gone := hers[at].ID
	doorcode(t, child, config, "sessions", "revoke", "--user", ana, "--session", gone).wantLines(t, "one session",
		"Signed out as "+ana+": 1 session. A code is needed again in 1 browser.")
	each(streams, func(s *stream) { s.wantCut(t) })
	each(others, func(s *stream) { s.wantOpen(t) })
	page := b.Open(t, "/x")
	wantStatus(t, "the browser whose session was ended", page, http.StatusUnauthorized)
	wantText(t, "the page", page, "An administrator signed you out.")
	wantStatus(t, "her other browser", other.Open(t, "/x"), http.StatusOK)
	doorcode(t, child, config, "sessions", "revoke", "--user", ana, "--session", gone).wantFailure(t, "the same again",
		"the address has no such session; 'sessions list' shows those that it has")
	if left := sessionsBy(t, child, config); len(left) != 2 {
		t.Errorf("sessions that are left: %+v", left)
	}
}

// Acceptance 114: everybody is signed out, and who is remembered comes back by
// themselves, unless a code is to be entered in each browser.
func TestAnOperatorSignsEverybodyOut(t *testing.T) {
	child, config := startManaged(t, site(generous("")))
	b, other := child.Browser(t), signedIn(t, child.Caddy, ben)
	b.SignIn(t, child.Caddy, "/", ana, true)
	revoke := func(args ...string) run {
		return doorcode(t, child, config, append([]string{"sessions", "revoke"}, args...)...)
	}
	revoke("--all").wantFailure(t, "without a word", "--all signs everybody out; add --yes if that is meant")
	wantStatus(t, "while nothing is ended", other.Open(t, "/x"), http.StatusOK)
	revoke("--all", "--yes").wantLines(t, "everybody", "Everybody is signed out: 2 sessions of 2 people.")
	wantStatus(t, "a browser that is not remembered", other.Open(t, "/x"), http.StatusUnauthorized)
	wantStatus(t, "one that is", b.Open(t, "/x"), http.StatusOK)
	revoke("--all", "--yes", "--browsers").wantLines(t, "everybody and their browsers",
		"Everybody is signed out: 1 session of 1 person. A code is needed again in 1 browser.")
	wantStatus(t, "the remembered browser", b.Open(t, "/x"), http.StatusUnauthorized)
	revoke("--all", "--yes").wantLines(t, "nobody", "Nobody was signed in.")
	signedIn(t, child.Caddy, ana)
}

// Acceptance 114: a browser that is lost needs a code again.
func TestAnOperatorForgetsABrowser(t *testing.T) {
	child, config := startManaged(t, site(generous("")))
	b, stays := child.Browser(t), child.Browser(t)
	b.SignIn(t, child.Caddy, "/", ana, true)
	stays.Agent = safari
	stays.SignIn(t, child.Caddy, "/", ana, true)
	var answer struct {
		Browsers []struct {
			ID, Kind   string
			Remembered bool
			SignedIn   bool `json:"signed_in"`
		}
	}
	r := doorcode(t, child, config, "browsers", "list", "--user", ana, "--json")
	if err := json.Unmarshal([]byte(r.out), &answer); err != nil || len(answer.Browsers) != 2 {
		t.Fatalf("browsers: %v\n%s%s", err, r.out, r.err)
	}
	lost := ""
	for _, one := range answer.Browsers {
		if !one.Remembered || !one.SignedIn {
			t.Errorf("%+v, want one that is remembered and signed in", one)
		}
		if one.Kind == "Firefox on Windows" {
			lost = one.ID
		}
	}
	doorcode(t, child, config, "browsers", "list", "--user", ana).wantLines(t, "browsers",
		"ID | BROWSER | NAME | REMEMBERED | SIGNED IN | BOUND | FIRST | LAST | PLACE | NETWORK", lost+" | Firefox on Windows | - | yes | yes | no")
	doorcode(t, child, config, "browsers", "revoke", "--user", ana, "--browser", lost).wantLines(t, "the lost one",
		"Signed out as "+ana+": 1 session. A code is needed again in 1 browser.")
	wantStatus(t, "the lost one", b.Open(t, "/x"), http.StatusUnauthorized)
	wantStatus(t, "the other", stays.Open(t, "/x"), http.StatusOK)
	doorcode(t, child, config, "browsers", "revoke", "--user", ana, "--browser", lost+"x").wantFailure(t, "none", "the address has no such browser")
	doorcode(t, child, config, "browsers", "revoke", "--user", ana).wantLines(t, "all", "Signed out as "+ana+": 1 session.")
	wantStatus(t, "the other, too", stays.Open(t, "/x"), http.StatusUnauthorized)
	doorcode(t, child, config, "browsers", "list", "--user", carla).wantLines(t, "of somebody who was never here", "No browser is remembered for "+carla)
	doorcode(t, child, config, "browsers", "revoke", "--user", carla).wantLines(t, "of somebody who was never here", "There was nothing to end")
}

// Acceptance 114, SES-02: what an operator ends at one machine is over at each, with
// what is open there.
func TestSES02AnOperatorEndsSessionsAtEveryMachine(t *testing.T) {
	t.Parallel()
	f, first, second, _ := pair(t, generous(""))
	f.App.Answer(streaming)
	b, other := signedIn(t, first.Caddy, ana), signedIn(t, first.Caddy, ben)
	streams, others := openStreams(t, second.Caddy, b), openStreams(t, second.Caddy, other)
	revoke := func(m *harness.Machine, args ...string) run {
		return caddyCommand(t, m.Folder, append([]string{"doorcode", "sessions", "revoke", "--address", m.Admin}, args...)...)
	}
	revoke(first, "--user", ana).wantLines(t, "her sessions", "Signed out as "+ana+": 1 session.")
	each(streams, func(s *stream) { s.wantCut(t) })
	eventually(t, "her session to end at the other machine", b.Move(second), http.StatusUnauthorized)
	each(others, func(s *stream) { s.wantOpen(t) })
	revoke(second, "--all", "--yes").wantLines(t, "everybody's", "Everybody is signed out: 1 session of 1 person.")
	each(others, func(s *stream) { s.wantCut(t) })
	eventually(t, "his session to end at the other machine", other, http.StatusUnauthorized)
}

// listedSite has every kind of list.
const listedSite = `http://localhost:PORT {
	doorcode ana@example.com group:staff *@partner.example {
		group staff *@example.com bob@other.example
		people_file FOLDER/people.csv
		deny mallory@example.com
		mail file MAIL
		storage embedded FOLDER/doorcode.db
	}
	reverse_proxy APP
}
http://other.localhost:PORT {
	doorcode {
		identity {http.auth.user.id}
		mail file MAIL
		storage embedded FOLDER/doorcode.db
	}
	reverse_proxy APP
}
`

const peopleFile = "address,user,name,groups,until\n" +
	"Carla@example.com,carla,Carla Silva,board,2999-01-31\n" +
	"dora@elsewhere.example,=cmd,Dora,board,2020-01-31\n"

func TestPeopleAreListedByWhatLetsThemIn(t *testing.T) {
	child := harness.PrepareChild(t, adminAt(harness.FreePort(t), listedSite))
	if err := os.WriteFile(filepath.Join(child.Folder, "people.csv"), []byte(peopleFile), 0o600); err != nil {
		t.Fatal(err)
	}
	child.Run(t)
	config := []string{"--config", filepath.Join(child.Folder, "Caddyfile"), "--adapter", "caddyfile"}
	for _, address := range []string{ana, "eva@example.com", "mallory@example.com"} {
		if address == "mallory@example.com" {
			ask := child.Browser(t)
			ask.Open(t, "/")
			ask.Submit(t, "email", map[string][]string{"email": {address}})
			continue
		}
		signedIn(t, child.Caddy, address)
	}
	people := doorcode(t, child, config, "people", "list", "--site", "localhost")
	people.wantLines(t, "people", "WHO | BY | MAY ENTER | UNTIL | FIRST ENTRY | LAST ENTRY | NAME | GROUPS",
		carla+" | people_file | yes | 2999-02-01", "dora@elsewhere.example | people_file | no: it is over | 2020-02-01",
		ana+" | ana@example.com | yes | - | 20", "bob@other.example | group:staff | yes | - | - | - | - | staff",
		"*@example.com | group:staff | yes", "eva@example.com | group:staff | yes | - | 20", "*@partner.example | *@partner.example | yes")
	if strings.Contains(people.out, "mallory") {
		t.Errorf("somebody who never entered is listed:\n%s", people.out)
	}
	everybody := doorcode(t, child, config, "people", "list")
	everybody.wantLines(t, "people of all sites", "SITE | WHO", "other.localhost:"+child.Port+" | * | identity | yes", "other.localhost:"+child.Port+" | "+ana+" | identity | yes")
	csv := doorcode(t, child, config, "people", "list", "--csv", "--site", "localhost")
	csv.wantLines(t, "CSV", "site,who,by,may_enter,rule,user,name,groups,until,first_entry,last_entry",
		"localhost:"+child.Port+",dora@elsewhere.example,people_file,false,people_file until,'=cmd,Dora,board,2020-02-01T00:00:00Z,,")
	doorcode(t, child, config, "people", "list", "--site", "third").wantFailure(t, "a site that there is not", "no gate stands at 'third'")
	var answer struct {
		People []struct{ Who, Entry, Rule string }
	}
	if r := doorcode(t, child, config, "people", "list", "--json"); json.Unmarshal([]byte(r.out), &answer) != nil || len(answer.People) < 9 {
		t.Errorf("people list --json:\n%s%s", r.out, r.err)
	}
}

func TestCommandsAboutSessionsSayWhatIsWrong(t *testing.T) {
	folder := t.TempDir()
	for args, want := range map[string]string{
		"sessions lst":                                      `unknown command "lst"`,
		"sessions list ana":                                 `unknown command "ana"`,
		"sessions list --user ana":                          "--user takes an address such as alice@example.com, got 'ana'",
		"sessions revoke":                                   "say whose sessions end: --user alice@example.com, or --all",
		"sessions revoke --user ana":                        "--user takes an address",
		"sessions revoke --session x":                       "--session needs --user, whose session it is",
		"sessions revoke --all --user ana@example.com":      "--all ends the sessions of everybody; leave --user and --session out",
		"sessions revoke --user ana@example.com --browsers": "--browsers belongs to --all",
		"sessions list --address 127.0.0.1:1":               "no Caddy can be asked at 127.0.0.1:1",
		"browsers list":                                     "say whose browsers are meant: --user alice@example.com",
		"browsers revoke":                                   "say whose browsers are meant: --user alice@example.com",
		"passkeys list":                                     "say whose passkeys are meant: --user alice@example.com",
		"passkeys remove --all":                             "say whose passkeys are meant: --user alice@example.com",
		"browsers revoke --user ana":                        "--user takes an address",
		"people list --json --csv":                          "--json and --csv are two ways to print the same",
		"people":                                            "",
		"why":                                               "takes one address",
		"why ana":                                           "why takes an address such as alice@example.com, got 'ana'",
	} {
		r := caddyCommand(t, folder, append([]string{"doorcode"}, strings.Fields(args)...)...)
		if want == "" {
			r.wantLines(t, args, "Lists the people of a running Caddy")
			continue
		}
		r.wantFailure(t, args, want)
	}
}
