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
	"strings"
	"testing"

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
	return rehearse(t, append([]string{"explain"}, args...)...)
}

// rehearse runs a command of ours in this process.
func rehearse(t *testing.T, args ...string) (out string, err error) {
	t.Helper()
	cmd := &cobra.Command{Use: "doorcode"}
	caddycmd.Commands()["doorcode"].CobraFunc(cmd)
	var b bytes.Buffer
	cmd.SetOut(&b)
	cmd.SetErr(&b)
	cmd.SetArgs(args)
	err = cmd.ExecuteContext(t.Context())
	return b.String(), err
}

// verdict is what both are compared by.
type verdict struct {
	Decision, Reason string
	Status           int
}

// TestGEO08ExplainSaysWhatARealRequestGets compares explain, and check, with a whole
// Caddy, to which the same people come with the same past: cookies and records that
// were made before it started (acceptance 108).
func TestGEO08ExplainSaysWhatARealRequestGets(t *testing.T) {
	seen := map[verdict]int{}
	for n := range 16 {
		r := rand.New(rand.NewPCG(20, uint64(n)))
		t.Run(fmt.Sprint("configuration ", n), func(t *testing.T) {
			g, c := randomSite(r, true), harness.Prepare(t)
			drawAtlas(t, c)
			config := filepath.Join(c.Folder, "Caddyfile")
			if err := os.WriteFile(config, []byte(c.Fill(t, g.text)), 0o600); err != nil {
				t.Fatal(err)
			}
			visitors, cookies := make([]visitor, 4), make([]string, 4)
			past := openPast(t, c, g)
			for i := range visitors {
				visitors[i] = g.randomVisitor(r, i)
				cookies[i] = past.live(t, visitors[i])
			}
			past.close(t)
			c.Load(t, g.text)
			real := make([]verdict, len(visitors))
			for i, v := range visitors {
				want := really(t, c, g, v, cookies[i])
				out, _ := explain(t, append(v.arguments(), "--config", config, "--adapter", "caddyfile")...)
				var e explained
				if err := json.Unmarshal([]byte(out), &e); err != nil {
					t.Fatalf("explain %q: %v\n%s", v.arguments(), err, out)
				}
				seen[want]++
				real[i] = want
				if got := (verdict{e.Decision, e.Reason, e.Status}); got != want {
					t.Errorf("explain (-real +explained):\n%s%q\n%s\n%s", cmp.Diff(want, got), v.arguments(), g.text, out)
				}
			}
			wantChecked(t, config, visitors, real)
		})
	}
	t.Logf("verdicts: %v", seen)
	if len(seen) < 8 {
		t.Errorf("only %d kinds of verdicts were tried: %v", len(seen), seen)
	}
}

// browser is that of a visitor, without cookies.
func (g *guess) browser(t *testing.T, c *harness.Caddy, v visitor) *harness.Browser {
	t.Helper()
	b := c.Browser(t)
	if g.secure {
		b = c.SecureBrowser(t, "localhost")
	}
	if b.From = v.ip; g.earlier {
		as(t, b, v.email)
	}
	return b
}

// really sends the request and reads what the log says of it. Where the app
// answers, there is no status to compare.
func really(t *testing.T, c *harness.Caddy, g guess, v visitor, cookies string) verdict {
	t.Helper()
	file := filepath.Join(c.Folder, "access.log")
	lines := func() []string { // whole ones
		raw, _ := os.ReadFile(file) // there is none before the first request
		all := strings.Split(string(raw), "\n")
		return all[:len(all)-1]
	}
	before := len(lines())
	b := g.browser(t, c, v)
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
