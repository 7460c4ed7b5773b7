// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package replay_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/caddymodule/replay"
	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/risk"
	"github.com/doorcode/caddy-doorcode/geo"
)

const (
	gateID = "hash@https://app.example.com"
	home   = `"network":"81.2.69.0/24","country":"PT"`
)

// gate is one that asks new browsers and new places; change makes it another.
func gate(change func(*replay.Gate)) *replay.Gate {
	g := &replay.Gate{
		ID: gateID, Origins: []string{"https://app.example.com"}, Digest: "new",
		Policy: challenge.Policy{Risk: risk.Policy{
			Ask: risk.SetOf(risk.NewBrowser, risk.NewPlace, risk.Travel), Places: true, Bind: risk.BindPlace, Distance: 500, Speed: 900,
		}},
		Account: func(e challenge.Email) string { return "of " + string(e.Canonical()) },
		Locate: func(ip netip.Addr) *geo.Place {
			if ip.IsPrivate() {
				return &geo.Place{Private: true}
			}
			return &geo.Place{Country: "PT"}
		},
	}
	allow(g, "*@example.com")
	if change != nil {
		change(g)
	}
	return g
}

// allow sets the lists of a gate.
func allow(g *replay.Gate, allowed string, denied ...string) {
	var err error
	g.Access, err = challenge.NewAccess(challenge.AccessOptions{Allow: strings.Fields(allowed), Deny: denied})
	if err != nil {
		panic(err)
	}
	g.Listed = nil
	for _, entry := range slices.Concat(strings.Fields(allowed), denied) {
		if email, err := challenge.ParseEmail(entry); err == nil && !strings.HasPrefix(entry, "*") {
			g.Listed = append(g.Listed, email)
		}
	}
}

// asking has a gate ask for other reasons.
func asking(reasons ...risk.Reason) func(*replay.Gate) {
	return func(g *replay.Gate) { g.Policy.Risk.Ask = risk.SetOf(reasons...) }
}

// decided is a line about Ana, with further fields.
func decided(fields string) string {
	return fmt.Sprintf(`{"ts":1795676419.5,"event":"decided","gate":%q,"account":"of ana@example.com","domain":"example.com","address":"a••@example.com",%s}`, gateID, fields)
}

// Lines as gates write them.
var (
	stranger   = decided(`"decision":"pass","factor":"code","session":"s1","held":["new_place","new_browser","new_network","always"],` + home)
	elsewhere  = decided(`"decision":"pass","factor":"code","session":"s1","held":["new_browser","new_network","always"],"since_s":86400,` + home)
	remembered = decided(`"decision":"pass","factor":"browser","session":"s1","held":["new_network","always"],"since_s":86400,` + home)
	moved      = decided(`"decision":"check","reason":"travel","factor":"session","session":"s1","held":["travel","new_place","new_network"],"since_s":3600,"country":"JP","network":"89.160.20.0/24"`)
	sensitive  = decided(`"decision":"check","reason":"sensitive","factor":"session","session":"s1","held":["sensitive"],"sensitive":true,"since_s":3600,` + home)
	token      = strings.Replace(decided(`"decision":"pass","factor":"access_token","session":"t1",`+home), `"domain":"example.com",`, "", 1)
)

// run replays lines and returns each decision.
func run(t *testing.T, g *replay.Gate, lines ...string) (all []replay.Decision, report *replay.Report) {
	t.Helper()
	x := replay.New(replay.Options{Gates: []*replay.Gate{g}, Each: func(d replay.Decision) { all = append(all, d) }})
	if err := x.Read("audit.log", strings.NewReader(strings.Join(lines, "\n")+"\n")); err != nil {
		t.Fatal(err)
	}
	return all, x.Report()
}

// outcome is a decision in short.
func outcome(d replay.Decision) string {
	now := strings.TrimSpace(string(d.Now) + " " + string(d.NowReason))
	if d.Now == "" {
		now = "? " + d.Why
	}
	return strings.TrimSpace(string(d.Before)+" "+string(d.Reason)) + " -> " + now
}

func named(prefix string) func(*replay.Gate) {
	return func(g *replay.Gate) {
		g.Networks = []challenge.Network{{Name: "office", Prefixes: []netip.Prefix{netip.MustParsePrefix(prefix)}}}
		g.Policy.Risk.Ask = risk.SetOf(risk.NewBrowser, risk.NewNetwork)
	}
}

func TestEachKindOfDecisionIsJudgedAsTheGateWouldNow(t *testing.T) {
	loaded := fmt.Sprintf(`{"ts":1795676410,"event":"loaded","gate":%q,"policy":"new"}`, gateID)
	verified := func(reason string) string {
		return `{"ts":1795676419,"event":"verified","session":"s1","reason":"` + reason + `"}`
	}
	behind := func(g *replay.Gate) { g.Source = "http.auth.user.id" }
	guest := func(fields string) string { return decided(`"source":"http.auth.user.id",` + fields) }
	both := func(changes ...func(*replay.Gate)) func(*replay.Gate) {
		return func(g *replay.Gate) {
			for _, change := range changes {
				change(g)
			}
		}
	}
	ages := func(ages ...time.Duration) func(*replay.Gate) { return func(g *replay.Gate) { g.Sensitive = ages } }
	for _, tt := range []struct {
		name, want string
		change     func(*replay.Gate)
		lines      []string
	}{
		{"a stranger is asked under every policy", "asked new_browser -> asked new_browser", asking(risk.Travel), []string{verified("new_browser"), elsewhere}},
		{"and at each sign-in where the gate asks always", "asked new_browser -> asked always", asking(risk.Always), []string{verified("new_browser"), elsewhere}},
		{"the log says why they were asked", "asked expired -> asked expired", nil, []string{verified("expired"), elsewhere}},
		{"without its line, the loudest reason counts", "asked new_place -> asked new_browser", nil, []string{stranger}},
		{"a remembered browser passes on a network that nobody minds", "passed -> passed", nil, []string{remembered}},
		{"and is asked where somebody does", "passed -> asked new_network", asking(risk.NewBrowser, risk.NewNetwork), []string{remembered}},
		{"but not where it is only observed", "passed -> passed", both(asking(risk.NewBrowser, risk.NewNetwork), func(g *replay.Gate) { g.Policy.Risk.Observe = risk.SetOf(risk.NewNetwork) }), []string{remembered}},
		{"nor where the network has a name", "passed -> passed", named("81.2.0.0/16"), []string{remembered}},
		{"a part of a network that has a name is not enough to tell", "passed -> ? a part of the network is named, and the log does not have the address", named("81.2.69.16/28"), []string{remembered}},
		{"with the address it is", "passed -> asked new_network", named("81.2.69.16/28"), []string{strings.Replace(remembered, `"network"`, `"ip":"81.2.69.10","network"`, 1)}},
		{"a session that moved is asked", "asked travel -> asked travel", nil, []string{moved}},
		{"unless nothing binds it", "asked travel -> passed", func(g *replay.Gate) { g.Policy.Risk.Bind = risk.BindNone }, []string{moved}},
		{"without a database, only the network speaks", "asked travel -> asked new_network", func(g *replay.Gate) { g.Policy.Risk.Places, g.Policy.Risk.Bind = false, risk.BindNetwork }, []string{moved}},
		{"a country that is kept out", "asked travel -> refused", func(g *replay.Gate) { g.Policy.Countries.Deny = []string{"JP"} }, []string{moved}},
		{"a country is looked up where the log has none", "passed -> refused", func(g *replay.Gate) { g.Policy.Countries.Deny = []string{"PT"} }, []string{strings.Replace(remembered, `,"country":"PT"`, "", 1)}},
		{"a private network is no country", "passed -> passed", func(g *replay.Gate) { g.Policy.Countries.Allow = []string{"PT"} }, []string{moved, strings.Replace(remembered, home, `"network":"10.1.2.0/24"`, 1)}},
		{"a network with a name is no foreign one", "passed -> passed", both(named("81.2.0.0/16"), func(g *replay.Gate) { g.Policy.Countries.Allow = []string{"ES"} }), []string{remembered}},
		{"a hash of a network is in no country", "passed -> ? the log does not say from where they came", func(g *replay.Gate) { g.Policy.Countries.Allow = []string{"PT"} }, []string{strings.Replace(remembered, home, `"network":"x1Y2z3A4"`, 1)}},
		{"a sensitive page asks still", "asked sensitive -> asked sensitive", ages(30 * time.Minute), []string{sensitive}},
		{"no page is sensitive any more", "asked sensitive -> passed", func(g *replay.Gate) { g.Policy.Risk.Bind = risk.BindNone }, []string{sensitive}},
		{"the rule of a sensitive page may allow an older code", "asked sensitive -> ? a sensitive page, whose rule may be another one now", both(ages(2*time.Hour), func(g *replay.Gate) { g.Policy.Risk.Bind = risk.BindNone }), []string{sensitive}},
		{"not under the same policy", "asked sensitive -> asked sensitive", ages(2 * time.Hour), []string{loaded, sensitive}},
		{"an app that wants a fresh code goes on wanting it", "asked sensitive -> asked sensitive", nil, []string{verified("sensitive"), decided(`"decision":"pass","factor":"code","session":"s1","since_s":60,` + home)}},
		{"a session that was asked by nothing of place", "refused -> ? nobody looked at the person's usual places when they were made; 'observe' has the gate look", nil, []string{decided(`"decision":"deny","factor":"session","session":"s1","since_s":60,` + home)}},
		{"where the log shows that the gate looked", "refused -> passed", nil, []string{moved, decided(`"decision":"deny","factor":"session","session":"s2","since_s":60,` + home)}},
		{"where the policy is the same", "refused -> passed", nil, []string{loaded, decided(`"decision":"deny","factor":"session","session":"s2","since_s":60,` + home)}},
		{"a place was no question without a database", "passed -> ? there was no database of places when they were made, as far as the log tells", nil, []string{strings.Replace(remembered, `,"country":"PT"`, "", 1)}},
		{"whoever wants to be asked each time is, under the same policy", "asked always -> asked always", nil, []string{loaded, verified("always"), strings.Replace(remembered, "browser", "code", 1)}},
		{"under another one nobody can tell", "asked always -> ? the person may have wished to be asked each time, or the gate did so", nil, []string{verified("always"), strings.Replace(remembered, "browser", "code", 1)}},
		{"a browser that another person used last", "asked new_browser -> asked new_browser", nil, []string{verified("new_browser"), strings.Replace(remembered, "browser", "code", 1)}},
		{"a program passes by its token", "passed -> passed", asking(risk.Always), []string{token}},
		{"unless its owner may not", "passed -> refused", func(g *replay.Gate) { allow(g, "*", "ana@example.com") }, []string{token}},
		{"everything is only observed", "asked travel -> passed", func(g *replay.Gate) { g.Policy.Risk.ObserveAll = true; allow(g, "ben@example.com") }, []string{moved}},

		{"of two lines about a request the last counts", "asked sensitive -> asked sensitive", ages(30 * time.Minute), []string{
			decided(`"request":"r1","decision":"pass","factor":"session","session":"s1","held":["new_network","sensitive"],"observed":["new_network"],"sensitive":true,"since_s":3600,` + home), stranger,
			strings.Replace(sensitive, `"decision"`, `"request":"r1","decision"`, 1),
		}},
		{"a session that its browser has just made is judged as the browser", "passed -> asked new_network", both(asking(risk.NewBrowser, risk.NewNetwork), func(g *replay.Gate) { g.Policy.Risk.Bind = risk.BindNone }), []string{
			decided(`"decision":"pass","factor":"session","session":"s1","held":["new_network"],"observed":["new_network"],"since_s":3600,` + home), `{"event":"renewed","session":"s1"}`,
		}},
		{"what it was asked by before, nobody can tell where its page asks", "asked sensitive -> ? nobody looked at the person's usual places when they were made; 'observe' has the gate look", both(asking(risk.NewBrowser, risk.NewNetwork)), []string{moved, strings.Replace(sensitive, "s1", "s2", 1), `{"event":"renewed","session":"s2"}`}},
		{"a place that is only observed binds no session", "passed -> asked travel", both(asking(risk.NewBrowser), func(g *replay.Gate) { g.Policy.Risk.Observe = risk.SetOf(risk.NewPlace) }), []string{decided(`"decision":"pass","factor":"browser","session":"s1","held":["travel","new_place","always"],"since_s":3600,` + home)}},
		{"a session that a browser may have made does not count where each sign-in is asked", "asked travel -> ? the browser may have made the session without a code, which the gate does not take now", both(asking(risk.Always), func(g *replay.Gate) { g.Policy.Risk.Bind = risk.BindNone }), []string{strings.Replace(moved, `"factor"`, `"device":"d1","factor"`, 1)}},
		{"one that a code made does", "asked travel -> passed", both(asking(risk.Always), func(g *replay.Gate) { g.Policy.Risk.Bind = risk.BindNone }), []string{moved}},
		{"whoever was refused may have a browser that is remembered", "refused -> ? nobody looked at the browser when they were made, since it did not matter", behind, []string{guest(`"decision":"deny","held":["new_browser","always"],"since_s":60,` + home)}},
		{"which does not matter where each sign-in is asked", "refused -> asked always", both(behind, asking(risk.Always)), []string{guest(`"decision":"deny","held":["new_browser","always"],"since_s":60,` + home)}},

		{"a guest passes where new browsers do", "asked new_browser -> passed", both(behind, asking(risk.NewPlace)), []string{guest(`"decision":"check","reason":"new_browser","held":["new_browser","new_network","always"],"since_s":86400,` + home)}},
		{"and is asked where they are", "passed -> asked new_browser", both(behind, asking(risk.NewBrowser)), []string{guest(`"decision":"pass","factor":"earlier_step","held":["new_browser","always"],` + home)}},
		{"or where they have not been", "passed -> asked new_network", both(behind, asking(risk.NewNetwork)), []string{guest(`"decision":"pass","factor":"earlier_step","held":["new_browser","new_network","always"],` + home)}},
		{"of which nothing is known where nobody looked", "passed -> ? nobody looked at the person's usual places when they were made; 'observe' has the gate look", both(behind, asking(risk.NewNetwork)), []string{guest(`"decision":"pass","factor":"earlier_step","held":["new_browser","always"],` + home)}},
		{"a guest has no fresh code", "asked sensitive -> asked sensitive", both(behind, asking(risk.Travel), ages(time.Hour)), []string{guest(`"decision":"check","reason":"sensitive","held":["new_browser","new_network","always","sensitive"],"sensitive":true,"since_s":60,` + home)}},
		{"a guest's remembered browser is asked by the network alone", "passed -> asked new_network", both(behind, asking(risk.NewNetwork)), []string{guest(`"decision":"pass","factor":"browser","session":"s1","held":["new_network","always"],"since_s":60,` + home)}},
		{"the operator's wish asks everybody", "asked operator -> asked operator", both(behind, asking(risk.Travel)), []string{guest(`"decision":"check","reason":"operator","held":["operator","always"],"since_s":60,` + home)}},
		{"another step names other people", "passed -> ? the person was named by another step than the gate goes by now", behind, []string{remembered}},

		{"a version before wrote less", "asked new_browser -> ? a version before wrote them, without what they went by", nil, []string{strings.Replace(decided(`"decision":"check","reason":"new_browser"`), `"domain":"example.com",`, "", 1)}},
		{"the gate is gone", "passed -> ? no gate of this configuration stands where they were made", func(g *replay.Gate) { g.ID, g.Origins = "x", []string{"https://x.example.com"} }, []string{remembered}},
		{"the gate has another matcher", "passed -> ? the gate has another matcher now, and the log does not say what was asked for", func(g *replay.Gate) { g.ID, g.Narrow = "x", true }, []string{remembered}},
		{"the gate has lost its matcher", "passed -> passed", func(g *replay.Gate) { g.ID = "x" }, []string{remembered}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			all, _ := run(t, gate(tt.change), tt.lines...)
			if len(all) == 0 {
				t.Fatal("no decision")
			}
			if got := outcome(all[len(all)-1]); got != tt.want {
				t.Errorf("%s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestPeopleAreFoundOnListsByTheirHash(t *testing.T) {
	keyless := func(g *replay.Gate) { g.Account = nil }
	for _, tt := range []struct {
		name, allowed string
		denied        []string
		change        func(*replay.Gate)
		want          string
	}{
		{"she is named", "ana@example.com", nil, nil, "passed -> passed"},
		{"somebody else is", "ben@example.com", nil, nil, "passed -> refused"},
		{"she is denied", "*@example.com", []string{"ana@example.com"}, nil, "passed -> refused"},
		{"somebody else is denied", "*@example.com", []string{"ben@example.com"}, nil, "passed -> passed"},
		{"her domain is", "*", []string{"*@example.com"}, nil, "passed -> refused"},
		{"without the secret, her domain is known", "*@example.com", nil, keyless, "passed -> passed"},
		{"without the secret, another letter is another person", "ben@example.com", nil, keyless, "passed -> refused"},
		{"without the secret, the same letter may be her", "alan@example.com", nil, keyless, "passed -> ? the lists name addresses of that domain, and without the secret nobody can tell whose the account is"},
		{"without the secret, whoever is named may pass by her domain too", "alan@example.com *@example.com", nil, keyless, "passed -> passed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := gate(tt.change)
			allow(g, tt.allowed, tt.denied...)
			all, _ := run(t, g, remembered)
			if got := outcome(all[0]); got != tt.want {
				t.Errorf("%s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestAnotherSecretIsSuspected(t *testing.T) {
	for want, listed := range map[int]string{0: "ana@example.com ben@example.com", 1: "ben@example.com"} {
		g := gate(nil)
		allow(g, listed)
		if _, report := run(t, g, remembered); len(report.Notes) != want {
			t.Errorf("%s: notes %q, want %d", listed, report.Notes, want)
		}
	}
}

// One check is one decision, though it leaves two lines; a code for something else is
// none.
func TestACodeThatAnswersACheckIsNotCountedTwice(t *testing.T) {
	entered := decided(`"decision":"pass","factor":"code","session":"s1","held":["travel","new_place"],"since_s":3600,` + home)
	_, report := run(t, gate(nil), moved, entered, entered)
	if report.Decisions != 2 || report.Covered != 1 || report.Before.Asked != 2 {
		t.Errorf("%d decisions, %d entries, %d asked", report.Decisions, report.Covered, report.Before.Asked)
	}
	at := func(request, line string) string {
		return strings.Replace(line, `"decision"`, `"request":"`+request+`","decision"`, 1)
	}
	if _, report := run(t, gate(nil), at("r1", moved), at("r2", moved), at("r1", remembered)); report.Decisions != 2 || report.Covered != 1 || report.Before.Passed != 1 {
		t.Errorf("of two requests: %d decisions, %d covered, %+v", report.Decisions, report.Covered, report.Before)
	}
	change := `{"ts":1795676419,"event":"verified","session":"s1","change":"add_token"}`
	if _, report := run(t, gate(nil), change, entered); report.Decisions != 0 || report.Covered != 1 {
		t.Errorf("of a change: %d decisions, %d entries", report.Decisions, report.Covered)
	}
}

func TestAReportCountsWhatChangesForWhom(t *testing.T) {
	other := strings.NewReplacer("of ana@", "of ben@", "a••@", "b••@", "1795676419.5", "1795680000")
	nobody := fmt.Sprintf(`{"ts":1795676419,"event":"decided","gate":%q,"decision":"check","reason":"new_browser"}`, gateID)
	lines := []string{
		remembered, other.Replace(remembered), other.Replace(remembered), moved, nobody, "", "a line of another log",
		`{"event":"code_sent"}`, `{"event":"decided"`, `{"event":"decided","account":"x","decision":"pass"}`, decided(`"decision":"maybe"`),
		strings.Replace(remembered, gateID, "gone@https://gone.example.com", 1),
	}
	_, report := run(t, gate(func(g *replay.Gate) {
		g.Policy.Risk.Ask, g.Policy.Risk.Bind = risk.SetOf(risk.NewBrowser, risk.NewNetwork), risk.BindNone
	}), lines...)
	from, to := time.Unix(1795676419, 500_000_000), time.Unix(1795680000, 0)
	want := &replay.Report{
		From: &from, To: &to, Lines: 12, Other: 3, Nobody: 1, Broken: 3, Decisions: 5, People: 2,
		Faults: []string{
			"audit.log, line 9: unexpected end of JSON input", "audit.log, line 10: there is no time, 'ts', in it",
			"audit.log, line 11: decision 'maybe' is none of pass, check and deny",
		},
		Before: replay.Outcomes{Passed: 3, Asked: 1}, Now: replay.Outcomes{Passed: 1, Asked: 3},
		Reasons: []replay.Count{{Reason: risk.NewNetwork, Now: 3}, {Reason: risk.Travel, Before: 1}},
		NewlyAsked: []replay.Change{
			{Account: "of ben@example.com", Address: "b••@example.com", Site: "app.example.com", Times: 2, Reason: risk.NewNetwork, Last: to},
			{Account: "of ana@example.com", Address: "a••@example.com", Site: "app.example.com", Times: 1, Reason: risk.NewNetwork, Last: from},
		},
		NoLongerAsked:   []replay.Change{{Account: "of ana@example.com", Address: "a••@example.com", Site: "app.example.com", Times: 1, Reason: risk.Travel, Last: from}},
		NewlyRefused:    []replay.Change{},
		NoLongerRefused: []replay.Change{},
		NotJudged:       []replay.Unjudged{{Why: "no gate of this configuration stands where they were made", Times: 1}},
		Notes:           []string{},
	}
	if diff := cmp.Diff(want, report); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}

func TestOnlyTheTimeAndTheSiteThatAreWantedCount(t *testing.T) {
	at := time.Unix(1795676419, 500_000_000)
	for _, tt := range []struct {
		name    string
		options replay.Options
		want    int
	}{
		{"everything", replay.Options{}, 1},
		{"from its own moment on", replay.Options{Since: at}, 1},
		{"from later on", replay.Options{Since: at.Add(1)}, 0},
		{"until its own moment", replay.Options{Until: at}, 0},
		{"until later", replay.Options{Until: at.Add(1)}, 1},
		{"the site", replay.Options{Site: "app.example.com"}, 1},
		{"another site", replay.Options{Site: "www.example.com"}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.options.Gates = []*replay.Gate{gate(nil)}
			x := replay.New(tt.options)
			if err := x.Read("audit.log", strings.NewReader(remembered)); err != nil {
				t.Fatal(err)
			}
			if got := x.Report().Decisions; got != tt.want {
				t.Errorf("%d decisions, want %d", got, tt.want)
			}
		})
	}
}

func TestTimesAreReadAsCaddyWritesThem(t *testing.T) {
	at := time.Date(2026, 11, 26, 8, 20, 19, 0, time.UTC)
	for _, text := range []string{
		"1795681219", "1795681219.0", "1.795681219e9", "1795681219000", "1795681219000000000", `"2026-11-26T08:20:19Z"`, `"2026-11-26T10:20:19+02:00"`,
		`"2026-11-26T08:20:19.000Z"`, `"2026-11-26T08:20:19.000+0000"`, `"2026/11/26 08:20:19.000"`, `"2026/11/26 08:20:19"`, `"26/Nov/2026:08:20:19 +0000"`,
	} {
		all, report := run(t, gate(nil), strings.Replace(remembered, "1795676419.5", text, 1))
		if len(all) != 1 || !all[0].At.Equal(at) {
			t.Errorf("%s: %v %v", text, all, report.Faults)
		}
	}
	for _, text := range []string{`"yesterday"`, "-1", "0", "null", "1e300", "[]"} {
		if _, report := run(t, gate(nil), strings.Replace(remembered, "1795676419.5", text, 1)); report.Broken != 1 {
			t.Errorf("%s is taken for a time", text)
		}
	}
}

func TestALogMayBeCompressedAndAnyLineTooLong(t *testing.T) {
	text := remembered + "\n" + strings.Repeat("x", 3<<20) + "\n" + remembered // without an end of line
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write([]byte(text)); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"as it is": text, "by gzip": packed.String()} {
		x := replay.New(replay.Options{Gates: []*replay.Gate{gate(nil)}})
		err := x.Read("log", strings.NewReader(content))
		report := x.Report()
		if err != nil || report.Decisions != 2 || report.Lines != 3 || !slices.Equal(report.Faults, []string{"log, line 2: longer than 1 MiB"}) {
			t.Errorf("%s: %v, %+v", name, err, report)
		}
	}
	x := replay.New(replay.Options{})
	if err := x.Read("log.gz", strings.NewReader(packed.String()[:packed.Len()-20])); err == nil || !strings.HasPrefix(err.Error(), "reading log.gz, line ") {
		t.Errorf("a file that was cut: %v", err)
	}
}

func TestAReportIsATable(t *testing.T) {
	hostile := strings.Replace(remembered, "a••@example.com", `a\u001b[31m\n••@example.com`, 1)
	_, report := run(t, gate(asking(risk.NewBrowser, risk.NewNetwork)), hostile, moved, `{"event":`)
	report.Notes = append(report.Notes, "A note.")
	var out strings.Builder
	if err := report.Text(&out); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(out.String(), "\x1b\r") {
		t.Errorf("raw control characters in %q", out.String())
	}
	for _, want := range []string{
		"2 decisions about 1 person", "before  now", "passed without a code  1", "new_network  0       1", "NEWLY ASKED", "A note.",
		"3 lines read.", "audit.log, line 3: unexpected end of JSON input",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}
