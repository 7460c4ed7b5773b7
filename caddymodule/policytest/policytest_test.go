// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package policytest_test

import (
	"errors"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/doorcode/caddy-doorcode/caddymodule/policytest"
	"github.com/doorcode/caddy-doorcode/geo"
	"github.com/doorcode/caddy-doorcode/geo/geotest"
)

// near knows one mistake.
func near(word string, _ []string) string {
	return map[string]string{"expct": "expect", "chek": "check", "anna": "ana"}[word]
}

func parse(text string) (*policytest.File, error) {
	return policytest.Parse("policy.yaml", strings.NewReader(text), near)
}

const whole = `
site: app.example.com
people:
  ana: {email: Ana@Example.com, user: boss, usual: [Lisbon, 203.0.113.0/24], remembered: true, last_code: 2d}
  ben:
    email: ben@example.com
    usual: 2001:db8::/48
tests:
  - name: at home
    person: ana
    expect: pass
  - person: ana
    from: 2001:db8::7
    site: www.example.com
    method: POST
    path: /billing/?a=b
    session: 2h
    remembered: false
    agent: curl/8
    headers: {accept: application/json}
    expect: check
    reason: sensitive
    status: 401
  - {name: short, person: ben, from: PT, last_code: 0s, expect: deny, status: 403}
`

func TestAFileIsReadAsItIsWritten(t *testing.T) {
	f, err := parse(whole)
	if err != nil {
		t.Fatal(err)
	}
	lisbon := policytest.Spot{Text: "Lisbon", Line: 4}
	usual := []policytest.Spot{lisbon, {Text: "203.0.113.0/24", Line: 4, IP: netip.MustParseAddr("203.0.113.1")}}
	want := &policytest.File{Name: "policy.yaml", Tests: []policytest.Test{
		{
			Name: "at home", Line: 9, Site: "app.example.com", Email: "ana@example.com", User: "boss", From: lisbon, Usual: usual,
			Method: "GET", Path: "/", Remembered: true, Coded: 48 * time.Hour, Want: policytest.Expectation{Decision: "pass"},
		},
		{
			Name: "line 12", Line: 12, Site: "www.example.com", Email: "ana@example.com", User: "boss", Usual: usual,
			From:   policytest.Spot{Text: "2001:db8::7", Line: 13, IP: netip.MustParseAddr("2001:db8::7")},
			Method: "POST", Path: "/billing/?a=b", Agent: "curl/8", Header: http.Header{"Accept": {"application/json"}}, Session: true, Coded: 2 * time.Hour,
			Want: policytest.Expectation{Decision: "check", Reason: "sensitive", Status: 401},
		},
		{
			Name: "short", Line: 24, Site: "app.example.com", Email: "ben@example.com", From: policytest.Spot{Text: "PT", Line: 24},
			Usual:  []policytest.Spot{{Text: "2001:db8::/48", Line: 7, IP: netip.MustParseAddr("2001:db8::1")}},
			Method: "GET", Path: "/", Want: policytest.Expectation{Decision: "deny", Status: 403},
		},
	}}
	if diff := cmp.Diff(want, f, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
		t.Errorf("file (-want +got):\n%s", diff)
	}
	if names := f.Names(); len(names) != 4 { // where she is, is one of her usual places
		t.Errorf("names: %v", names)
	}
	found := map[string]netip.Addr{"Lisbon": netip.MustParseAddr("81.2.69.1"), "PT": netip.MustParseAddr("81.2.71.1")}
	if f.Settle(found); len(f.Names()) != 0 || f.Tests[0].From.IP != found["Lisbon"] || f.Tests[2].From.IP != found["PT"] {
		t.Errorf("settled: %+v", f.Tests)
	}
}

func TestWhateverIsWrongIsToldWithItsLine(t *testing.T) {
	const people = "people:\n  ana: {email: ana@example.com, usual: Lisbon}\n"
	test := func(fields string) string { return people + "tests:\n  - {name: x, person: ana, " + fields + "}\n" }
	for _, tt := range []struct{ name, text, want string }{
		{"nothing", "", "policy.yaml: there is nothing in it"},
		{"a comment alone", "# tests", "there is nothing in it"},
		{"no YAML", "tests: [", "policy.yaml: line 1: did not find"},
		{"a tab", "tests:\n\t- x", "line 2: found character that cannot start any token"},
		{"a list", "- x", "policy.yaml:1: the file takes 'key: value' lines"},
		{"no tests", people, "policy.yaml:1: there are no 'tests' in it"},
		{"an empty list of tests", people + "tests: []", "policy.yaml:3: 'tests' is an empty list"},
		{"two documents", people + "---\n" + people, "there is a second document in it"},
		{"an unknown key", test("expct: pass"), "policy.yaml:4: unknown key 'expct' of a test; did you mean 'expect'?"},
		{"a key that moves a terminal", test(`"e\e[2J\u202Ex": pass`), "policy.yaml:4: unknown key 'e\uFFFD[2J\uFFFDx' of a test"},
		{"a key unlike any", "x: y\n" + test("expect: pass"), "policy.yaml:1: unknown key 'x' of the file; there are people, site, tests"},
		{"an unknown key of a person", "people:\n  ana: {email: a@example.com, age: 7}\ntests: []", "policy.yaml:2: unknown key 'age' of person 'ana'; there are bound, email, last_code, proof, remembered, user, usual"},
		{"a key twice", test("expect: pass, expect: check"), "policy.yaml:4: 'expect' stands twice in a test"},
		{"a person twice", people + "  ana: {email: x@example.com}\ntests: []", "'ana' stands twice in 'people'"},
		{"a person without an address", "people:\n  ana: {user: boss}\ntests: []", "policy.yaml:2: person 'ana' needs an 'email'"},
		{"no address", "people:\n  ana: {email: ana}\ntests: []", "'email' takes an address such as ana@example.com, got 'ana'"},
		{"an unknown person", people + "tests:\n  - {person: anna, expect: pass}", "policy.yaml:4: nobody is called 'anna'; did you mean 'ana'?"},
		{"nobody", people + "tests:\n  - {expect: pass}", "policy.yaml:4: 'line 4' needs a 'person'"},
		{"from nowhere", "people:\n  ana: {email: a@example.com}\ntests:\n  - {name: x, person: ana, expect: pass}", "'x' needs a 'from'"},
		{"no expectation", test("path: /"), "'x' needs an 'expect': pass, check, deny, public, own"},
		{"another decision", test("expect: chek"), "'expect' cannot be 'chek'; did you mean 'check'?"},
		{"another reason", test("expect: check, reason: why"), "'reason' cannot be 'why'; there are travel, new_place"},
		{"a reason to pass", test("expect: pass, reason: travel"), "only 'expect: check' has the 'reason: travel'"},
		{"a reason to refuse that asks", test("expect: check, reason: keyless"), "only 'expect: deny' has the 'reason: keyless'"},
		{"the app's status", test("expect: pass, status: 200"), "the status of what passes is the app's"},
		{"no status", test("expect: deny, status: no"), "'status' takes a status such as 401, got 'no'"},
		{"no path", test("expect: pass, path: admin"), "'path' takes a path such as /admin, got 'admin'"},
		{"no method", test("expect: pass, method: A/B"), "'method' takes a method such as POST, got 'A/B'"},
		{"a URL as a site", test("expect: pass, site: 'https://x'"), "'site' takes a host such as app.example.com"},
		{"no duration", test("expect: pass, session: soon"), "'session' takes a duration such as 45m, 12h or 20d, up to 360d, got 'soon'"},
		{"too long ago", test("expect: pass, last_code: 500d"), "up to 360d"},
		{"two ages", test("expect: pass, session: 1h, last_code: 2h"), "leave 'last_code' out"},
		{"neither true nor false", test("expect: pass, remembered: maybe"), "'remembered' takes true or false, got 'maybe'"},
		{"a broken address", test("expect: pass, from: 203.0.113"), "'from' takes an address such as 203.0.113.7, a network, a city or a country such as PT, got '203.0.113'"},
		{"a network that is none", test("expect: pass, from: 203.0.113.0/40"), "'from' takes an address"},
		{"a list as a place", test("expect: pass, from: [Lisbon]"), "policy.yaml:4: 'from' takes one value"},
		{"an empty value", test("expect: pass, from: ''"), "'from' is empty"},
		{"many places", "people:\n  ana: {email: a@example.com, usual: [A, A, A, A, A, A, A, A, A]}\ntests: []", "'usual' takes up to 8 places, got 9"},
		{"a cookie", test("expect: pass, headers: {cookie: x}"), "the header Cookie is made up from 'session'"},
		{"no header", test(`expect: pass, headers: {"a b": x}`), "'a b' is no header with a value"},
		{"an alias", "people:\n  ana: &a {email: ana@example.com}\n  ben: *a\ntests: []", "policy.yaml:3: '*a' is an alias; write what is meant in its place"},
		{"a merged key", "people:\n  ana: &a {email: ana@example.com}\n  ben: {<<: *a}\ntests: []", "policy.yaml:3: person 'ben' takes plain keys"},
		{"an alias of itself", "people: &a\n  ana: *a\ntests: []", "is an alias"},
		{"too much", strings.Repeat("# x\n", 1<<19), "policy.yaml is larger than 1 MiB"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, err := parse(tt.text)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %q, want %q; %+v", err, tt.want, f)
			}
		})
	}
}

func TestAnAnswerIsComparedWithWhatIsWanted(t *testing.T) {
	answer := policytest.Answer{Decision: "check", Reason: "travel", Status: 401, Told: []string{"why"}}
	for want, ok := range map[policytest.Expectation]bool{
		{Decision: "check"}: true, {Decision: "check", Reason: "travel"}: true, {Decision: "check", Status: 401}: true,
		{Decision: "pass"}: false, {Decision: "check", Reason: "sensitive"}: false, {Decision: "check", Status: 403}: false,
	} {
		test := policytest.Test{Name: "x", Line: 3, Want: want}
		r := test.Judge(answer)
		if r.OK != ok || (len(r.Told) > 0) == ok {
			t.Errorf("%+v: %+v", want, r)
		}
	}
}

func TestResultsAreALineForEachTest(t *testing.T) {
	test := policytest.Test{Name: "x", Line: 3, Want: policytest.Expectation{Decision: "check", Reason: "sensitive"}}
	results := policytest.Results{
		test.Judge(policytest.Answer{Decision: "check", Reason: "sensitive"}), test.Judge(policytest.Answer{Decision: "deny", Status: 403, Told: []string{"why"}}),
		test.Fail(errors.New("no gate")),
	}
	var out strings.Builder
	if err := results.Text(&out, "policy.yaml"); err != nil {
		t.Fatal(err)
	}
	want := "ok    x\nFAIL  x (policy.yaml:3)\n      want check sensitive; got deny, 403\n      why\nFAIL  x (policy.yaml:3)\n      no gate\n3 tests, 2 failed\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("printed (-want +got):\n%s", diff)
	}
}

func TestPlacesAreFoundByTheirNames(t *testing.T) {
	folder := t.TempDir()
	place := func(country, city string) geo.Place {
		return geo.Place{Country: country, City: city, Located: true, Point: geo.Point{Latitude: 1, Longitude: 1}, Radius: 20}
	}
	hosted := place("ES", "Madrid")
	hosted.Hosting, hosted.Anonymous = true, true
	geotest.City(t, folder, "city.mmdb", map[string]geo.Place{
		"81.2.69.0/24": place("PT", "Lisbon"), "81.2.70.0/24": place("PT", "Porto"), "2a02:d500::/32": place("US", "Lisbon"), "5.35.1.0/24": hosted, "5.35.2.0/24": place("ES", "Sevilla"),
	})
	geotest.Anonymous(t, folder, "anonymous.mmdb", map[string]geo.Place{"5.35.1.0/24": hosted})
	files := []string{filepath.Join(folder, "city.mmdb"), filepath.Join(folder, "anonymous.mmdb")}
	db, err := geo.Open(geo.Options{Files: files, Refresh: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	find := func(text string) (string, error) {
		found, err := policytest.FindPlaces(files, db.Locate, []policytest.Spot{{Text: text}})
		return found[text].String(), err
	}
	for text, want := range map[string]string{
		"Porto": "81.2.70.1", "porto": "81.2.70.1", "Lisbon, PT": "81.2.69.1", "Lisbon US": "2a02:d500::1", "ES": "5.35.2.1",
	} {
		if got, err := find(text); err != nil || got != want {
			t.Errorf("%s: %s (%v), want %s", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"Lisbon": "'Lisbon' is in PT and US; write 'Lisbon, PT'", "Madrid": "no network in the databases is at 'Madrid'", "Lisboa": "write the English name of a city",
		"JP": "no network in the databases is at 'JP'",
	} {
		if got, err := find(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %s, error %v, want %q", text, got, err, want)
		}
	}
}
