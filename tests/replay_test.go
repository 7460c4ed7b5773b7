// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge/keyring"
	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// replayed is a line of what replay prints for each decision.
type replayed struct {
	Account, Before, Reason, Now string
	NowReason                    string `json:"now_reason"`
	NotJudged                    string `json:"not_judged"`
}

// replay runs the command on a log, and returns each decision.
func replay(t *testing.T, log, config string) (all []replayed) {
	t.Helper()
	if raw, err := os.ReadFile(log); err == nil && !strings.Contains(string(raw), `"account"`) {
		return nil // nobody came whom anything is known of
	}
	out, err := rehearse(t, "replay", "--log", log, "--config", config, "--adapter", "caddyfile", "--each", "--json")
	if err != nil {
		t.Fatalf("replay: %v\n%s", err, out)
	}
	for line := range strings.Lines(out) {
		var one replayed
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		all = append(all, one)
	}
	return all
}

// accountOf is the hash that stands for an address in the log.
func accountOf(t *testing.T, email string) string {
	t.Helper()
	root, err := keyring.ParseSecret(rootSecret)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := keyring.New(root)
	if err != nil {
		t.Fatal(err)
	}
	sum := ring.MAC("person", []byte(email))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// goThrough sends the visitors to a server, each with their past; whoever is asked for a
// code enters it.
func goThrough(t *testing.T, c *harness.Caddy, g guess, visitors []visitor, cookies []string, entering bool) (verdicts []verdict) {
	t.Helper()
	for i, v := range visitors {
		verdicts = append(verdicts, really(t, c, g, v, cookies[i]))
		if entering && verdicts[i].Status == http.StatusUnauthorized && verdicts[i].Reason != "passkey" && g.admits(v.email) {
			enterAs(t, c, g, v, cookies[i])
		}
	}
	return verdicts
}

// enterAs opens the page once more and enters the code, where one does.
func enterAs(t *testing.T, c *harness.Caddy, g guess, v visitor, cookies string) {
	t.Helper()
	b := g.browser(t, c, v)
	base, err := url.Parse(b.Base)
	if err != nil {
		t.Fatal(err)
	}
	for pair := range strings.SplitSeq(cookies, "; ") {
		if name, value, ok := strings.Cut(pair, "="); ok {
			b.Jar.SetCookies(base, []*http.Cookie{{Name: name, Value: value, Path: "/"}})
		}
	}
	page := b.Open(t, v.path)
	switch {
	case strings.Contains(page.Body, `name="email"`):
		b.Submit(t, "email", url.Values{"email": {v.email}})
	case strings.Contains(page.Body, `name="code"`):
	case strings.Contains(page.Body, `resend"`): // where a passkey may do, nothing is mailed unasked
		b.Submit(t, "resend", nil)
	default: // nothing but a passkey does
		return
	}
	b.Post(t, "verify", url.Values{"code": {c.Mailbox.WaitCode(t, v.email, 1).Code(t)}}, harness.Navigation)
}

// TestReplaySaysWhatAnotherConfigurationDecides has people come to a server that records
// what it decides, and the same people, with the same past, to one with another policy.
// What replay makes of the record must be what the other one really decided; and under
// the same policy, what was recorded.
func TestReplaySaysWhatAnotherConfigurationDecides(t *testing.T) {
	judged, changed, unjudged := 0, 0, map[string]int{}
	for n := range 24 {
		r := rand.New(rand.NewPCG(31, uint64(n)))
		g := randomSite(r, false)
		other := g.again(r)
		visitors := make([]visitor, 6)
		for i := range visitors {
			visitors[i] = g.randomVisitor(r, i)
			visitors[i].copied = visitors[i].bound && r.IntN(3) == 0
		}
		t.Run(fmt.Sprint("configuration ", n), func(t *testing.T) {
			c := harness.Prepare(t)
			receive(t, c, g, g, visitors, true)
			log := filepath.Join(c.Folder, "audit.log")
			same, another := filepath.Join(c.Folder, "same"), filepath.Join(c.Folder, "another")
			for file, text := range map[string]string{same: g.text, another: other.text} {
				if err := os.WriteFile(file, []byte(c.Fill(t, text)), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			for _, d := range replay(t, log, same) {
				if d.Now != d.Before || d.NowReason != d.Reason {
					t.Errorf("under the same policy: %+v\n%s\n%s", d, g.text, read(t, log))
				}
			}
			d := harness.Prepare(t)
			real := receive(t, d, other, g, visitors, false)
			for _, one := range replay(t, log, another) {
				if slices.ContainsFunc(visitors, func(v visitor) bool { return accountOf(t, v.email) == one.Account && traceless(v, g, other) }) {
					continue
				}
				if one.NotJudged != "" {
					unjudged[one.NotJudged]++
					continue
				}
				judged++
				changed += b2i(one.Now != one.Before)
				wantBecame(t, one, other, visitors, real, func() string { return g.text + other.text + read(t, log) })
			}
		})
	}
	t.Logf("%d judged, %d of them changed, not judged: %v", judged, changed, unjudged)
	if judged < 40 || changed < 10 {
		t.Errorf("%d decisions were judged, and %d of them changed", judged, changed)
	}
}

// traceless reports whether a visitor's key makes a difference of which no log tells: keys
// count for nothing under one policy, or a browser that has none was one that nobody knew.
func traceless(v visitor, before, g guess) bool {
	return v.copied && (before.keys == "off" || g.keys == "off") || v.known && !v.bound && before.keys == "required"
}

// wantBecame fails unless what was replayed is what really became of the person.
func wantBecame(t *testing.T, one replayed, g guess, visitors []visitor, real []verdict, about func() string) {
	t.Helper()
	for i, v := range visitors {
		// Who may not pass leaves a line where anybody may, too.
		if real[i].Decision == "public" || accountOf(t, v.email) != one.Account {
			continue
		}
		want := became(g, v, real[i])
		// Whether the browser still had its old cookie no log tells, nor from when the
		// session was where its page asks anyway.
		exact := one.NowReason == real[i].Reason || real[i].Reason == "expired" || one.NowReason == "sensitive"
		exact = exact || v.copied // whether it was the session or the browser that proved nothing
		if one.Now != want || want == "asked" && !exact {
			t.Errorf("%+v really gets %v, replayed %+v\n%s", v, real[i], one, about())
		}
	}
}

// receive has visitors come to a server, with the past that they have by a policy.
func receive(t *testing.T, c *harness.Caddy, g, before guess, visitors []visitor, entering bool) []verdict {
	t.Helper()
	drawAtlas(t, c)
	past := openPast(t, c, before)
	cookies := make([]string, len(visitors))
	for i, v := range visitors {
		cookies[i] = past.live(t, v)
	}
	past.close(t)
	c.Load(t, auditing+g.text)
	return goThrough(t, c, g, visitors, cookies, entering)
}

// became is what a real decision means for a person. Whoever types an address that is on
// no list is asked for a code that never comes.
func became(g guess, v visitor, real verdict) string {
	switch {
	case real.Decision == "deny", real.Decision == "check" && !g.admits(v.email):
		return "refused"
	case real.Decision == "check":
		return "asked"
	default:
		return "passed"
	}
}
