// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// whereabouts are where the visitors come from; palermo is the office.
var whereabouts = []string{lisbon, porto, madrid, tokyo, tokyo6, milan, palermo, vpn, unlisted, private}

const office = "5.35.2.0/24"

// guess is a configuration that was put together at random.
type guess struct {
	text    string
	earlier bool
	places  bool // there is a database of places
	office  bool // the office has a name
	secure  bool // it speaks https, where browsers have keys

	narrow, second bool
	idle           string   // of remembered browsers
	age            string   // of codes for sensitive pages
	listed         []string // who may pass; empty: everybody of the domain
	denied         string
	only           bool   // nothing but a passkey opens it
	keys           string // device_bound
}

// randomSite makes a configuration. With two, there may be two gates.
func randomSite(r *rand.Rand, two bool) guess {
	g := guess{
		earlier: r.IntN(3) == 0, places: r.IntN(4) > 0, office: r.IntN(4) > 0, secure: r.IntN(2) == 0, narrow: r.IntN(4) == 0, second: two && r.IntN(5) == 0,
		idle: []string{"30d", "10d"}[r.IntN(2)], age: []string{"10m", "2h"}[r.IntN(2)],
	}
	g.draw(r)
	return g
}

// again is another policy for the same site. Which pages are sensitive no log tells, nor
// where a code was fresh.
func (g guess) again(r *rand.Rand) guess {
	if r.IntN(3) == 0 {
		g.age = "2h"
	}
	if g.places { // what was recorded without any tells nothing of them
		g.places = r.IntN(4) > 0
	}
	g.draw(r)
	return g
}

// draw puts a policy together.
func (g *guess) draw(r *rand.Rand) {
	some := func(words ...string) string {
		words = slices.DeleteFunc(words, func(string) bool { return r.IntN(2) == 0 })
		return strings.Join(words, " ")
	}
	g.denied, g.listed, g.only = fmt.Sprintf("v%d@example.com", r.IntN(6)), nil, false
	if r.IntN(4) == 0 {
		g.listed = []string{"v0@example.com", "v1@example.com", "v2@example.com"}
	}
	lines := []string{
		"secret " + rootSecret, "deny " + g.denied, "sensitive /own/*", "public /open/*", "answer 503 /api/*",
		"remember " + g.idle,
	}
	add := func(likely bool, line string) {
		if likely {
			lines = append(lines, line)
		}
	}
	add(g.office, "networks office "+office)
	add(true, "sensitive /admin/* "+g.age)
	places := []string{"new_network"}
	if g.places {
		places = append(places, "new_place", "travel")
		add(true, databases)
		add(r.IntN(4) == 0, []string{"countries PT ES JP", "countries not JP"}[r.IntN(2)])
	}
	proof := []string{"new_browser", "new_browser", "always", "new_browser always"}[r.IntN(4)]
	observe := some(places...)
	if g.earlier {
		add(true, "identity {http.auth.user.id}")
		if proof = some("new_browser", "always"); r.IntN(4) == 0 {
			observe += " new_browser"
		}
	}
	if asked := strings.TrimSpace(proof + " " + some(places...)); asked != "" {
		add(true, "challenge "+asked)
	} else {
		add(true, "challenge never")
	}
	if r.IntN(6) == 0 {
		observe = "all"
	}
	add(observe != "", "observe "+strings.TrimSpace(observe))
	lines = append(lines, g.proofs(r, proof != "" && !strings.Contains(observe, "new_browser"))...)
	g.text = g.site(lines)
}

// proofs draws what a code, a passkey and a browser's key are worth. Nothing but a passkey
// opens a site only where everybody is asked.
func (g *guess) proofs(r *rand.Rand, asks bool) (lines []string) {
	if r.IntN(2) == 0 {
		lines = append(lines, "passkeys on")
		if g.only = asks && r.IntN(2) == 0; g.only {
			lines = append(lines, "accept passkey")
		}
	}
	session := ""
	if r.IntN(2) == 0 {
		session += "\n\t\t\tbind " + []string{"none", "network", "place"}[r.IntN(2+b2i(g.places))]
	}
	if g.keys = []string{"auto", "off", "required"}[r.IntN(2+b2i(g.secure))]; g.keys != "auto" {
		session += "\n\t\t\tdevice_bound " + g.keys
	}
	if session != "" {
		lines = append(lines, "session {"+session+"\n\t\t}")
	}
	return lines
}

func (g *guess) scheme() string {
	if g.secure {
		return "https"
	}
	return "http"
}

// admits reports whether the lists let somebody pass.
func (g guess) admits(email string) bool {
	return email != g.denied && (len(g.listed) == 0 || slices.Contains(g.listed, email))
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// site writes the Caddyfile: perhaps with a matcher, perhaps with a second gate.
func (g *guess) site(lines []string) string {
	arguments, first, more := "*@example.com", "", ""
	if len(g.listed) > 0 {
		arguments = strings.Join(g.listed, " ")
	}
	if g.narrow {
		arguments = "/admin/* " + arguments
	}
	if g.earlier {
		first = basicAuth("v0@example.com", "v1@example.com", "v2@example.com", "v3@example.com", "v4@example.com", "v5@example.com")
	} else if g.second {
		more = gate("/admin/* v0@example.com v1@example.com", "secret "+rootSecret) + "\n"
	}
	if g.secure { // not one that Caddy manages: it reads its TLS app, while that starts, when one is there at once
		first = "\ttls FOLDER/site.crt FOLDER/site.key\n" + first
	}
	return g.scheme() + "://localhost:PORT {\n\tlog {\n\t\toutput file FOLDER/access.log\n\t}\n" +
		"\tlog_append decision {http.doorcode.decision}\n\tlog_append reason {http.doorcode.reason}\n" +
		first + gate(arguments, lines...) + "\n" + more + "\treverse_proxy APP\n}\n"
}

// visitor is somebody with a past, and what they ask for.
type visitor struct {
	email, ip, path string
	usual           []string
	known, session  bool
	last            time.Duration
	passkey, bound  bool // the last proof was a passkey; the browser has a key, and proves it
	copied          bool // it has a key, and brings no proof
}

func (g *guess) randomVisitor(r *rand.Rand, n int) visitor {
	v := visitor{
		email: fmt.Sprintf("v%d@example.com", n), ip: whereabouts[r.IntN(len(whereabouts))], known: r.IntN(2) == 0, session: r.IntN(2) == 0,
		path: []string{"/", "/x", "/admin/x", "/admin;v=1/x", "/own/x", "/open/x", "/open/..%2fx", "/api/x"}[r.IntN(8)],
		last: []time.Duration{2 * time.Minute, 20 * time.Minute, 3 * time.Hour, 20 * 24 * time.Hour}[r.IntN(4)],
	}
	for range r.IntN(3) {
		v.usual = append(v.usual, whereabouts[r.IntN(len(whereabouts))])
	}
	if r.IntN(2) == 0 {
		v.usual = append(v.usual, v.ip)
	}
	if v.known || v.session {
		v.passkey, v.bound = r.IntN(3) == 0, g.secure && r.IntN(2) == 0
	}
	return v
}

// arguments are the visitor as explain is told of them.
func (v visitor) arguments() []string {
	args := []string{"--host", "localhost", "--email", v.email, "--ip", v.ip, "--path", v.path, "--json"}
	for _, ip := range v.usual {
		args = append(args, "--usual", ip)
	}
	if v.known {
		args = append(args, "--known-browser")
	}
	if v.passkey {
		args = append(args, "--passkey")
	}
	if v.bound {
		args = append(args, "--bound")
	}
	if v.session {
		return append(args, "--session", v.last.String())
	}
	return append(args, "--last", v.last.String())
}
