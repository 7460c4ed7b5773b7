// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// F-06: on a reload Caddy does not wait for the requests of the configuration
// before, and ends everything that belonged to it. Nothing that people are in
// the middle of may notice.
func TestF06AHundredReloadsUnderLoad(t *testing.T) {
	configs := []string{site("pages {\n\t\t\tname One\n\t\t}"), site("pages {\n\t\t\tname Two\n\t\t}", "session 6h")}
	c := harness.Start(t, configs[0])
	waiting, guessing := c.Browser(t), c.Browser(t)
	code := ask(t, c, waiting, "/", ana)
	wrong := ask(t, c, guessing, "/", ben)
	for n := range 3 {
		enter(t, guessing, notThis(wrong, n))
	}
	goroutines := ourGoroutines()
	load := startLoad(t, c)
	for n := range 100 {
		before := load.answered()
		c.Load(t, configs[n%2])
		harness.Eventually(t, "answers after a reload", func() bool { return load.answered() > before })
	}
	load.stop(t)

	wantStatus(t, "the code that was on its way", enter(t, waiting, code), http.StatusOK)
	wantStatus(t, "the fourth wrong try", enter(t, guessing, notThis(wrong, 3)), http.StatusUnauthorized)
	enter(t, guessing, notThis(wrong, 4))
	if page := guessing.Open(t, "/"); !strings.Contains(page.Text(), "no longer works") {
		t.Errorf("the count of wrong tries began anew:\n%s", page.Text())
	}
	harness.Eventually(t, fmt.Sprintf("goroutines to end: %d before", goroutines), func() bool {
		return ourGoroutines() <= goroutines
	})
}

// ourGoroutines counts those that run or wait in the gate; Caddy has some of its
// own that end when they like.
func ourGoroutines() (n int) { return goroutinesIn("/challenge", "/caddymodule") }

// goroutinesIn are those in whose stack any of some texts stands.
func goroutinesIn(texts ...string) (n int) {
	buffer := make([]byte, 4<<20)
	length := runtime.Stack(buffer, true)
	for length == len(buffer) { // it was cut off
		buffer = make([]byte, 2*len(buffer))
		length = runtime.Stack(buffer, true)
	}
	buffer = buffer[:length]
	for stack := range strings.SplitSeq(string(buffer), "\n\n") {
		if slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(stack, text) }) {
			n++
		}
	}
	return n
}

// load are people who keep asking.
type load struct {
	halt   chan struct{}
	all    sync.WaitGroup
	mu     sync.Mutex
	served int
	failed []string
}

// startLoad begins requests with a session, without one and to an endpoint,
// until it is stopped. Caddy itself closes young connections when it reloads,
// with the gate or without; a browser sends such a request again.
func startLoad(t *testing.T, c *harness.Caddy) *load {
	t.Helper()
	l := &load{halt: make(chan struct{})}
	session := cookies(t, signedIn(t, c, "load@example.com"))
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for _, one := range []struct {
		path, cookie string
		want         int
	}{{"/x", session, 200}, {"/x", session, 200}, {"/x", "", 401}, {"/.doorcode/jwks.json", "", 200}} {
		l.all.Go(func() {
			for !l.halted() {
				r, err := http.NewRequest(http.MethodGet, c.URL(one.path), nil)
				if err != nil {
					return
				}
				r.Header.Set("Cookie", one.cookie)
				response, err := client.Do(r)
				if err != nil {
					continue
				}
				_ = response.Body.Close()
				l.count(response.StatusCode, one.want, one.path)
			}
		})
	}
	return l
}

func (l *load) answered() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.served
}

func (l *load) halted() bool {
	select {
	case <-l.halt:
		return true
	default:
		return false
	}
}

func (l *load) count(got, want int, path string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.served++
	if got != want {
		l.failed = append(l.failed, fmt.Sprintf("%s: status %d, want %d", path, got, want))
	}
}

func (l *load) stop(t *testing.T) {
	t.Helper()
	close(l.halt)
	l.all.Wait()
	if l.served < 100 || len(l.failed) > 0 {
		t.Errorf("of %d requests %d failed: %.5q", l.served, len(l.failed), l.failed)
	}
}

// A reload that is refused changes nothing: neither who may pass, nor where mail
// goes, nor what pages say.
func TestF21AConfigurationThatIsRefusedChangesNothing(t *testing.T) {
	c := harness.Prepare(t)
	file := filepath.Join(c.Folder, "secret")
	keep := func(secret string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(secret), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	keep(rootSecret)
	secret := "secret {file." + file + "}"
	c.Load(t, site(secret))
	b := signedIn(t, c, ana)
	waiting := c.Browser(t)
	code := ask(t, c, waiting, "/", ben)
	for name, bad := range map[string]string{
		"unknown setting":       site(secret, "alow x@example.com"),
		"bad list":              site(secret, "allow_file /nonexistent/people"),
		"no mail":               strings.Replace(site(secret), "mail file MAIL", "", 1),
		"storage in the way":    strings.Replace(site(secret), "FOLDER/doorcode.db", "/dev/null/doorcode.db", 1),
		"port that is taken":    site(secret) + "http://localhost:" + mustPort(t, c.App.Address) + " {\n\trespond x\n}\n",
		"mail folder, then bad": strings.Replace(site(secret), "mail file MAIL", "mail file FOLDER/elsewhere", 1) + "http://other.example:" + mustPort(t, c.App.Address) + " {\n\trespond x\n}\n",
		"insecure":              strings.Replace(site(secret, insecure), "http://localhost", "https://localhost", 1),
		"files in the open":     strings.Replace(site(secret), "reverse_proxy APP", "file_server {\n\t\troot FOLDER\n\t}", 1),
	} {
		if err := c.TryLoad(t, bad); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	for name, garbage := range map[string]string{"garbage": "\x00\x01garbage", "empty": "", "short": "short"} {
		keep(garbage)
		if err := c.TryLoad(t, site(secret)); err == nil {
			t.Errorf("%s secret: accepted", name)
		}
	}
	wantStatus(t, "a session", b.Fetch(t, "/"), http.StatusOK)
	wantStatus(t, "a code on its way", enter(t, waiting, code), http.StatusOK)
	next := c.Browser(t)
	wantStatus(t, "a new code", enter(t, next, ask(t, c, next, "/", ana)), http.StatusOK)
}

// Another secret is how an operator ends everything at once: sessions,
// remembered browsers and codes of before are worth nothing.
func TestAnotherSecretEndsEverything(t *testing.T) {
	c := harness.Start(t, site("secret "+rootSecret))
	b, waiting := c.Browser(t), c.Browser(t)
	b.SignIn(t, c, "/", ana, true)
	ask(t, c, waiting, "/", ben)
	reached := len(c.App.Seen())
	c.Load(t, site("secret "+strings.ToLower(rootSecret)))
	wantStatus(t, "a session and a remembered browser", b.Fetch(t, "/"), http.StatusUnauthorized)
	wantStatus(t, "a code on its way", waiting.Open(t, "/"), http.StatusUnauthorized)
	c.App.Untouched(t, reached)
	b.Open(t, "/") // drops the cookies of before
	signedIn(t, c, ana)
}

func mustPort(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse("http://" + address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Port()
}
