// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/geo"
	"github.com/doorcode/caddy-doorcode/geo/geotest"
	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// Addresses of visitors, by where the databases of tests say that they are.
const (
	lisbon     = "81.2.69.10"
	lisbonCafe = "81.2.70.10" // of another network
	porto      = "81.2.71.10"
	madrid     = "2.125.160.10" // just beyond 500 km from Lisbon, radii deducted: near, but another country
	tokyo      = "89.160.20.10"
	tokyo6     = "2001:218::10"
	milan      = "5.35.1.10"
	milanCafe  = "5.35.3.10"
	palermo    = "5.35.2.10"
	palermo6   = "2a02:d500::10"
	vpn        = "175.16.199.10"
	unlisted   = "1.128.0.10"
	private    = "10.1.2.3"
	cgnat      = "100.64.1.2"
	tailscale  = "100.101.102.103"
)

var atlas = map[string]geo.Place{
	"81.2.69.0/24":   portugal("Lisbon", 38.72, -9.14, 64_500),
	"81.2.70.0/24":   portugal("Lisbon", 38.72, -9.14, 64_501),
	"81.2.71.0/24":   portugal("Porto", 41.15, -8.61, 64_502),
	"2.125.160.0/24": spot("ES", "Madrid", "Europe/Madrid", 40.42, -3.70, 64_503),
	"89.160.20.0/24": spot("JP", "Tokyo", "Asia/Tokyo", 35.69, 139.69, 64_504),
	"2001:218::/32":  spot("JP", "Tokyo", "Asia/Tokyo", 35.69, 139.69, 64_504),
	"5.35.1.0/24":    spot("IT", "Milan", "Europe/Rome", 45.46, 9.19, 64_505),
	"5.35.3.0/24":    spot("IT", "Milan", "Europe/Rome", 45.46, 9.19, 64_508),
	"5.35.2.0/24":    spot("IT", "Palermo", "Europe/Rome", 38.12, 13.36, 64_506),
	"2a02:d500::/32": spot("IT", "Palermo", "Europe/Rome", 38.12, 13.36, 64_505),
	"175.16.199.0/24": {
		Country: "PT", City: "Lisbon", TimeZone: "Europe/Lisbon", Located: true, Point: geo.Point{Latitude: 38.72, Longitude: -9.14}, Radius: 20,
		ASN: 64_507, Network: "Example VPN", Anonymous: true, Hosting: true,
	},
}

func portugal(city string, north, east float64, network uint32) geo.Place {
	return spot("PT", city, "Europe/Lisbon", north, east, network)
}

func spot(country, city, zone string, north, east float64, network uint32) geo.Place {
	return geo.Place{
		Country: country, City: city, TimeZone: zone, Located: true, Point: geo.Point{Latitude: north, Longitude: east}, Radius: 20,
		ASN: network, Network: "Example Telecom",
	}
}

// databases are the lines of a gate that knows where visitors are.
const databases = "geoip FOLDER/city.mmdb FOLDER/asn.mmdb FOLDER/anonymous.mmdb"

// logged has the server write its log, as JSON, into a file.
const logged = "\tlog {\n\t\toutput file FOLDER/caddy.log\n\t\tformat json\n\t\tlevel DEBUG\n\t}\n---\n"

// drawAtlas writes the databases into the folder of a server.
func drawAtlas(t testing.TB, c *harness.Caddy) {
	t.Helper()
	anonymous := map[string]geo.Place{}
	for network, place := range atlas {
		if place.Anonymous {
			anonymous[network] = place
		}
	}
	geotest.City(t, c.Folder, "city.mmdb", atlas)
	geotest.ASN(t, c.Folder, "asn.mmdb", atlas)
	geotest.Anonymous(t, c.Folder, "anonymous.mmdb", anonymous)
}

// located is a site that knows where its visitors are, with further lines in
// its block.
func located(t testing.TB, lines ...string) *harness.Caddy {
	t.Helper()
	return charted(t, site(append([]string{databases}, lines...)...))
}

// charted runs a site beside the databases, with a log.
func charted(t testing.TB, site string) *harness.Caddy {
	t.Helper()
	c := harness.Prepare(t)
	drawAtlas(t, c)
	c.Load(t, logged+site)
	return c
}

// browserIn is a browser without cookies, somewhere.
func browserIn(t testing.TB, c *harness.Caddy, address string) *harness.Browser {
	t.Helper()
	b := c.Browser(t)
	b.From = address
	return b
}

// atHome is a browser that has a session, made somewhere.
func atHome(t testing.TB, c *harness.Caddy, address string, remember bool) *harness.Browser {
	t.Helper()
	b := browserIn(t, c, address)
	b.SignIn(t, c, "/", ana, remember)
	return b
}

// renewed is a browser whose session a remembered browser has made: it is let in
// without a code, and its last code never counts as fresh.
func renewed(t testing.TB, c *harness.Caddy, address string) *harness.Browser {
	t.Helper()
	b := atHome(t, c, address, true)
	b.Drop(t, "doorcode")
	wantStatus(t, "renewed", b.Open(t, "/"), http.StatusOK)
	return b
}

// confirm opens a path that asks for a code of somebody who is known, and enters
// the one that is mailed.
func confirm(t testing.TB, c *harness.Caddy, b *harness.Browser, path string) harness.Page {
	t.Helper()
	before := len(c.Mailbox.Codes(t, ana))
	wantStatus(t, "before the code", b.Open(t, path), http.StatusUnauthorized)
	return enter(t, b, c.Mailbox.WaitCode(t, ana, before+1).Code(t))
}

// wantCheck fails unless a page asks for a code, for one of these reasons.
func wantCheck(t testing.TB, what string, page harness.Page, reasons ...string) {
	t.Helper()
	wantStatus(t, what, page, http.StatusUnauthorized)
	got := page.Header.Get("Doorcode-Reason")
	for _, reason := range reasons {
		if got == reason {
			return
		}
	}
	t.Errorf("%s: the reason is %q, want one of %q", what, got, reasons)
}

// wantText fails unless a page says all of these; "!" in front wants it not to.
func wantText(t testing.TB, what string, page harness.Page, texts ...string) {
	t.Helper()
	wantWords(t, what, page.Text(), texts...)
}

func wantWords(t testing.TB, what, said string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		unwanted, not := strings.CutPrefix(text, "!")
		if not && strings.Contains(said, unwanted) {
			t.Errorf("%s says %q:\n%s", what, unwanted, said)
		}
		if !not && !strings.Contains(said, text) {
			t.Errorf("%s does not say %q:\n%s", what, text, said)
		}
	}
}

// shake sends a WebSocket handshake as a browser does, with its cookies and from
// where it is.
func shake(t testing.TB, c *harness.Caddy, b *harness.Browser) harness.Page {
	t.Helper()
	return shakeWith(t, c, b)
}

// shakeWith does so with further lines.
func shakeWith(t testing.TB, c *harness.Caddy, b *harness.Browser, lines ...string) harness.Page {
	t.Helper()
	return c.Raw(t, handshakeOf(t, b, "/socket", lines...)...)
}

func handshakeOf(t testing.TB, b *harness.Browser, path string, lines ...string) []string {
	t.Helper()
	request := append([]string{
		"GET " + path + " HTTP/1.1", "Host: HOST", "Origin: " + b.Base, "Cookie: " + cookies(t, b), "X-Forwarded-For: " + b.From,
	}, handshake...)
	return append(append(request, lines...), "", "")
}

// An event is a line of the log.
type event map[string]any

// events are the lines of the log that are about an event, the oldest first.
func events(t testing.TB, c *harness.Caddy, name string) (found []event) {
	t.Helper()
	for _, e := range logOf(t, filepath.Join(c.Folder, "caddy.log")) {
		if e["event"] == name {
			found = append(found, e)
		}
	}
	return found
}

// logOf reads a log, each line of which must be JSON.
func logOf(t testing.TB, file string) (lines []event) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		var e event
		if !strings.HasSuffix(line, "\n") {
			continue // it is being written
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Errorf("a line of the log is no JSON: %v\n%q", err, line)
		}
		lines = append(lines, e)
	}
	return lines
}
