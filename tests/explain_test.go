// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// explained is what explain prints as JSON, as far as tests look at it.
type explained struct {
	Decision, Reason, Page string
	Status                 int
	Gates                  []struct {
		Scope, Decision, Reason string
		Observed                []string
		Person                  struct{ Rule string }
		Votes                   []struct {
			Reason, Effect, Why string
			Says                bool
		}
	}
}

// explain runs the command in this process.
func explain(t *testing.T, args ...string) (out string, err error) {
	t.Helper()
	cmd := &cobra.Command{Use: "doorcode"}
	caddycmd.Commands()["doorcode"].CobraFunc(cmd)
	var b bytes.Buffer
	cmd.SetOut(&b)
	cmd.SetErr(&b)
	cmd.SetArgs(append([]string{"explain"}, args...))
	err = cmd.ExecuteContext(t.Context())
	return b.String(), err
}

// whereabouts are where the visitors come from; palermo is the office.
var whereabouts = []string{lisbon, porto, madrid, tokyo, tokyo6, milan, palermo, vpn, unlisted, private}

const office = "5.35.2.0/24"

// guess is a configuration that was put together at random.
type guess struct {
	text    string
	earlier bool
	places  bool
}

func randomSite(r *rand.Rand) guess {
	g := guess{earlier: r.IntN(3) == 0, places: r.IntN(4) > 0}
	some := func(words ...string) string {
		words = slices.DeleteFunc(words, func(string) bool { return r.IntN(2) == 0 })
		return strings.Join(words, " ")
	}
	lines := []string{
		"secret " + rootSecret, "deny v3@example.com", "sensitive /admin/* 10m", "sensitive /own/*", "public /open/*",
		"answer 503 /api/*", "networks office " + office,
	}
	add := func(likely bool, line string) {
		if likely {
			lines = append(lines, line)
		}
	}
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
	add(r.IntN(2) == 0, "session {\n\t\t\tbind "+[]string{"none", "network", "place"}[r.IntN(2+b2i(g.places))]+"\n\t\t}")
	g.text = g.site(lines, r.IntN(4) == 0, r.IntN(5) == 0)
	return g
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// site writes the Caddyfile: perhaps with a matcher, perhaps with a second gate.
func (g guess) site(lines []string, narrow, second bool) string {
	arguments, first, more := "*@example.com", "", ""
	if narrow {
		arguments = "/admin/* *@example.com"
	}
	if g.earlier {
		first = basicAuth("v0@example.com", "v1@example.com", "v2@example.com", "v3@example.com")
	} else if second {
		more = gate("/admin/* v0@example.com v1@example.com", "secret "+rootSecret) + "\n"
	}
	return "http://localhost:PORT {\n\tlog {\n\t\toutput file FOLDER/access.log\n\t}\n" +
		"\tlog_append decision {http.doorcode.decision}\n\tlog_append reason {http.doorcode.reason}\n" +
		first + gate(arguments, lines...) + "\n" + more + "\treverse_proxy APP\n}\n"
}

// visitor is somebody with a past, and what they ask for.
type visitor struct {
	email, ip, path string
	usual           []string
	known, session  bool
	last            time.Duration
}

func randomVisitor(r *rand.Rand, n int) visitor {
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
	if v.session {
		return append(args, "--session", v.last.String())
	}
	return append(args, "--last", v.last.String())
}

// verdict is what both are compared by.
type verdict struct {
	Decision, Reason string
	Status           int
}

// TestGEO08ExplainSaysWhatARealRequestGets compares explain with a whole Caddy, to
// which the same people come with the same past: cookies and records that were
// made before it started.
func TestGEO08ExplainSaysWhatARealRequestGets(t *testing.T) {
	seen := map[verdict]int{}
	for n := range 12 {
		r := rand.New(rand.NewPCG(20, uint64(n)))
		t.Run(fmt.Sprint("configuration ", n), func(t *testing.T) {
			g, c := randomSite(r), harness.Prepare(t)
			drawAtlas(t, c)
			config := filepath.Join(c.Folder, "Caddyfile")
			if err := os.WriteFile(config, []byte(c.Fill(t, g.text)), 0o600); err != nil {
				t.Fatal(err)
			}
			visitors, cookies := make([]visitor, 4), make([]string, 4)
			past := openPast(t, c, g)
			for i := range visitors {
				visitors[i] = randomVisitor(r, i)
				cookies[i] = past.live(t, visitors[i])
			}
			past.close(t)
			c.Load(t, g.text)
			for i, v := range visitors {
				want := really(t, c, g, v, cookies[i])
				out, _ := explain(t, append(v.arguments(), "--config", config, "--adapter", "caddyfile")...)
				var e explained
				if err := json.Unmarshal([]byte(out), &e); err != nil {
					t.Fatalf("explain %q: %v\n%s", v.arguments(), err, out)
				}
				seen[want]++
				if got := (verdict{e.Decision, e.Reason, e.Status}); got != want {
					t.Errorf("explain (-real +explained):\n%s%q\n%s\n%s", cmp.Diff(want, got), v.arguments(), g.text, out)
				}
			}
		})
	}
	t.Logf("verdicts: %v", seen)
	if len(seen) < 8 {
		t.Errorf("only %d kinds of verdicts were tried: %v", len(seen), seen)
	}
}

// really sends the request and reads what the log says of it. Where the app
// answers, there is no status to compare.
func really(t *testing.T, c *harness.Caddy, g guess, v visitor, cookies string) verdict {
	t.Helper()
	file := filepath.Join(c.Folder, "access.log")
	lines := func() []string {
		raw, _ := os.ReadFile(file) // there is none before the first request
		return slices.DeleteFunc(strings.Split(string(raw), "\n"), func(line string) bool { return line == "" })
	}
	before := len(lines())
	b := c.Browser(t)
	if b.From = v.ip; g.earlier {
		as(t, b, v.email)
	}
	header := http.Header{"Accept": {"text/html"}, "Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"document"}, "Sec-Fetch-Site": {"same-origin"}}
	if cookies != "" {
		header.Set("Cookie", cookies)
	}
	reached := len(c.App.Seen())
	page := b.Do(t, http.MethodGet, v.path, nil, header)
	harness.Eventually(t, "a line in the log", func() bool { return len(lines()) > before })
	var logged struct{ Decision, Reason string }
	if err := json.Unmarshal([]byte(lines()[before]), &logged); err != nil {
		t.Fatal(err)
	}
	said := verdict{logged.Decision, logged.Reason, page.Status}
	if len(c.App.Seen()) > reached {
		said.Status = 0
	}
	return said
}
