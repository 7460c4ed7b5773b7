// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// measured are our metrics as Caddy shows them, by name and labels.
func measured(t *testing.T, c *harness.Caddy) map[string]float64 {
	t.Helper()
	page := c.Browser(t).Do(t, http.MethodGet, "http://metrics.localhost:"+c.Port+"/", nil)
	wantStatus(t, "metrics", page, http.StatusOK)
	found := map[string]float64{}
	for line := range strings.Lines(page.Body) {
		series, number, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok || !strings.HasPrefix(series, "caddy_doorcode_") {
			continue
		}
		value, err := strconv.ParseFloat(number, 64)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		found[series] = value
	}
	for _, name := range []string{"checks_total", "reports_total", "streams_cut_total", "geoip_build_timestamp_seconds"} {
		if !strings.Contains(page.Body, "# HELP caddy_doorcode_"+name+" ") {
			t.Errorf("%s has no help", name)
		}
	}
	return found
}

// telling is what no label may hold: an address, an IP, a path.
var telling = regexp.MustCompile(`@|[0-9]+\.[0-9]+\.|::|/|example`)

// Acceptance 110, as far as things are counted: the numbers go on over reloads,
// and name nobody.
func TestMetricsGoOnOverReloads(t *testing.T) {
	c := charted(t, site(databases, "observe new_place travel")+"http://metrics.localhost:PORT {\n\tmetrics\n}\n")
	c.App.Answer(streaming)
	before := measured(t, c)
	b := atHome(t, c, lisbon, true)
	c.Reload(t)
	b.From = tokyo
	wantStatus(t, "in a place that is only observed", b.Open(t, "/x"), http.StatusOK)
	b.From = lisbon
	ask(t, c, browserIn(t, c, milan), "/", ana)
	press(t, c, stopLink(t, c.Mailbox.WaitCode(t, ana, 2)))
	c.Reload(t)
	streams := openStreams(t, c, b)
	b.Open(t, "/.doorcode/signout")
	wantStatus(t, "sign-out", b.Submit(t, "signout", nil), http.StatusOK)
	each(streams, func(s *stream) { s.wantCut(t) })
	c.Reload(t)

	after := measured(t, c)
	for series, want := range map[string]float64{
		`caddy_doorcode_checks_total{reason="new_browser",result="asked"}`:  2,
		`caddy_doorcode_checks_total{reason="new_browser",result="passed"}`: 1,
		`caddy_doorcode_checks_total{reason="new_place",result="observed"}`: 1,
		`caddy_doorcode_streams_cut_total`:                                  2,
		`caddy_doorcode_reports_total`:                                      1,
	} {
		if _, shown := after[series]; !shown || after[series]-before[series] != want {
			t.Errorf("%s grew by %v, want %v: %v", series, after[series]-before[series], want, after)
		}
	}
	for _, db := range []string{"GeoLite2-City", "GeoLite2-ASN", "GeoIP2-Anonymous-IP"} {
		if built := after[`caddy_doorcode_geoip_build_timestamp_seconds{db="`+db+`"}`]; built < 1e9 {
			t.Errorf("%s was built at %v: %v", db, built, after)
		}
	}
	for series := range after {
		if telling.MatchString(series) {
			t.Errorf("%s tells something of somebody", series)
		}
	}
}
