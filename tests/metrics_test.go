// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"maps"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore/redistest"
	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// measures are the names and types of product and documentation.
var measures = map[string]string{
	"requests_total": "counter", "decision_seconds": "histogram", "checks_total": "counter", "codes_total": "counter", "passkeys_total": "counter", "time_to_verify_seconds": "histogram",
	"mail_total": "counter", "mail_seconds": "histogram", "mail_queue": "gauge", "limited_total": "counter", "lockouts_total": "counter", "reports_total": "counter",
	"sessions": "gauge", "devices": "gauge", "store_seconds": "histogram", "store_errors_total": "counter", "geoip_build_timestamp_seconds": "gauge",
	"geoip_lookups_total": "counter", "key_age_seconds": "gauge", "streams_cut_total": "counter", "build_info": "gauge",
}

// scraped is what Caddy shows of itself.
func scraped(t *testing.T, c *harness.Caddy) string {
	t.Helper()
	page := c.Browser(t).Do(t, http.MethodGet, "http://metrics.localhost:"+c.Port+"/", nil)
	wantStatus(t, "metrics", page, http.StatusOK)
	return page.Body
}

// measured are our metrics as Caddy shows them, by name and labels.
func measured(t *testing.T, c *harness.Caddy) map[string]float64 {
	t.Helper()
	found := map[string]float64{}
	for line := range strings.Lines(scraped(t, c)) {
		line = strings.TrimSpace(line)
		at := strings.LastIndexByte(line, ' ')
		if !strings.HasPrefix(line, "caddy_doorcode_") || at < 0 {
			continue
		}
		value, err := strconv.ParseFloat(line[at+1:], 64)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		found[line[:at]] = value
	}
	return found
}

const metricsSite = "http://metrics.localhost:PORT {\n\tmetrics\n}\n"

// Acceptance 101, 110: the numbers go on over reloads, and those of a configuration are
// those of the present one.
func TestMetricsGoOnOverReloads(t *testing.T) {
	c := charted(t, site(databases, "observe new_place travel")+metricsSite)
	c.App.Answer(streaming)
	before := measured(t, c)
	b := atHome(t, c, lisbon, true)
	c.Reload(t)
	b.From = tokyo
	wantStatus(t, "in a place that is only observed", b.Open(t, "/x"), http.StatusOK)
	b.From = lisbon
	ask(t, c, browserIn(t, c, milan), "/", ana)
	press(t, c, stopLink(t, c.Mailbox.WaitCode(t, ana, 2)))
	streams := openStreams(t, c, b)
	b.Open(t, "/.doorcode/signout")
	wantStatus(t, "sign-out", b.Submit(t, "signout", nil), http.StatusOK)
	each(streams, func(s *stream) { s.wantCut(t) })
	for range 20 {
		c.Reload(t)
	}

	after := measured(t, c)
	for series, want := range map[string]float64{
		`checks_total{reason="new_browser",result="asked"}`:  2,
		`checks_total{reason="new_browser",result="passed"}`: 1,
		`checks_total{reason="new_place",result="observed"}`: 1,
		`codes_total{result="right"}`:                        1,
		`mail_total{result="sent",transport="file"}`:         2,
		`streams_cut_total`:                                  2,
		`reports_total`:                                      1,
		`devices`:                                            1,
		`time_to_verify_seconds_count`:                       1,
	} {
		series = "caddy_doorcode_" + series
		if _, shown := after[series]; !shown || after[series]-before[series] != want {
			t.Errorf("%s grew by %v, want %v", series, after[series]-before[series], want)
		}
	}
	for _, db := range []string{"GeoLite2-City", "GeoLite2-ASN", "GeoIP2-Anonymous-IP"} {
		if built := after[`caddy_doorcode_geoip_build_timestamp_seconds{db="`+db+`"}`]; built < 1e9 {
			t.Errorf("%s was built at %v: %v", db, built, after)
		}
	}
	c.Load(t, logged+site()+metricsSite)
	for series := range measured(t, c) {
		if strings.Contains(series, "geoip_build") {
			t.Errorf("%s is shown although there is no database any more", series)
		}
	}
}

// Acceptance 110: after a whole flow all names are there, with help, and no label holds
// an address, an IP or a path.
func TestEveryMetricIsShownAndTellsOfNobody(t *testing.T) {
	relay := harness.NewRelay(t)
	relay.Up(t)
	c := charted(t, relayed(relay, databases, "public /public/*", "tokens on", generous("try_address 5/1h"))+metricsSite)
	before := measured(t, c)
	b := browserIn(t, c, lisbon)
	b.Open(t, "/")
	b.Submit(t, "email", url.Values{"email": {ana}})
	code := relay.Wait(t, ana, 1).Code(t)
	guesser := browserIn(t, c, madrid)
	guesser.Open(t, "/")
	guesser.Submit(t, "email", url.Values{"email": {ben}})
	guessed := relay.Wait(t, ben, 1).Code(t)
	for n := range 5 {
		enter(t, guesser, notThis(guessed, n))
		guesser.Do(t, http.MethodGet, "/x?mail="+ana, nil, http.Header{"User-Agent": {ana}, "X-Forwarded-For": {tokyo}})
	}
	wantStatus(t, "after the code", enter(t, b, code), http.StatusOK)
	for range 10 {
		b.Fetch(t, "/api/people/ana@example.com")
	}
	b.Fetch(t, "/public/x")

	page := scraped(t, c)
	for name, kind := range measures {
		name = "caddy_doorcode_" + name
		if !strings.Contains(page, "\n# HELP "+name+" ") || !strings.Contains(page, "\n# TYPE "+name+" "+kind+"\n") || !regexp.MustCompile(`(?m)^`+name+`(_bucket)?[ {]`).MatchString(page) {
			t.Errorf("%s is missing, or no %s, or has no help", name, kind)
		}
	}
	for _, match := range regexp.MustCompile(`(?m)^# TYPE caddy_doorcode_([a-z_]+)`).FindAllStringSubmatch(page, -1) {
		if measures[match[1]] == "" {
			t.Errorf("%s is measured and named nowhere", match[1])
		}
	}
	after := measured(t, c)
	for series, want := range map[string]float64{
		`requests_total{decision="pass",kind="api"}`: 10, `requests_total{decision="public",kind="api"}`: 1, `requests_total{decision="check",kind="other"}`: 5,
		`codes_total{result="right"}`: 1, `codes_total{result="wrong"}`: 4, `lockouts_total`: 1, `mail_total{result="sent",transport="smtp"}`: 2,
	} {
		series = "caddy_doorcode_" + series
		if got := after[series] - before[series]; got < want {
			t.Errorf("%s grew by %v, want %v", series, got, want)
		}
	}
	for series := range after {
		if telling.MatchString(series) && !strings.Contains(series, "build_info") {
			t.Errorf("%s tells something of somebody", series)
		}
	}
}

// LOG-04: faults and attacks have events and measures of their own.
func TestLOG04FaultsAndAttacksAreToldAndCounted(t *testing.T) {
	server, relay := redistest.Start(t), harness.NewRelay(t)
	c := harness.Prepare(t)
	c.Load(t, logged+strings.Replace(relayed(relay, "secret a-root-secret-of-32-bytes-or-more-0123456789"), "storage embedded FOLDER/doorcode.db", "storage redis redis://"+server.Addr, 1)+metricsSite)
	before := measured(t, c)
	grew := func(series string) float64 { return measured(t, c)[series] - before[series] }
	wantTrouble := func(what, name, series string) {
		t.Helper()
		harness.Eventually(t, what, func() bool { return len(events(t, c, name)) > 0 && grew("caddy_doorcode_"+series) > 0 })
	}
	b := c.Browser(t)
	b.Open(t, "/")
	b.Submit(t, "email", url.Values{"email": {ana}})
	wantTrouble("a relay that is down", "mail_deferred", `mail_total{result="deferred",transport="smtp"}`)
	relay.Up(t)
	code := relay.Wait(t, ana, 1).Code(t)
	enter(t, b, notThis(code, 1))
	wantTrouble("a guess", "wrong_code", `codes_total{result="wrong"}`)
	wantStatus(t, "after the code", enter(t, b, code), http.StatusOK)
	server.Kill()
	stranger := c.Browser(t)
	stranger.Open(t, "/")
	wantTrouble("a store that is away", "store_away", `store_errors_total{op="get"}`)
	if took := grew(`caddy_doorcode_store_seconds_count{backend="redis",op="update"}`); took < 2 {
		t.Errorf("%v updates were measured", took)
	}
}

// telling is what no label may hold: an address, an IP, a path.
var telling = regexp.MustCompile(`@|[0-9]+\.[0-9]+\.|::|/|example|localhost`)

// The documentation names each metric, and no other.
func TestTheMetricsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "\n## Metrics\n")
	table, _, _ = strings.Cut(table, "\n## ")
	named := map[string]bool{}
	for _, match := range regexp.MustCompile("`caddy_doorcode_([a-z_]+)").FindAllStringSubmatch(table, -1) {
		named[match[1]] = true
	}
	if got, want := slices.Sorted(maps.Keys(named)), slices.Sorted(maps.Keys(measures)); !slices.Equal(got, want) {
		t.Errorf("the documentation names %q, want %q", got, want)
	}
}
