// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// withErrorGate is a site with further lines whose routes for errors have a gate
// of their own, behind a step that a test can hold up.
func withErrorGate(step string, lines ...string) string {
	return "http://localhost:PORT {\n" + strings.Join(lines, "\n") + `
	handle_errors {
		forward_auth ` + step + ` {
			uri /check
		}
` + gate("*@example.com") + `
		respond "sorry"
	}
	reverse_proxy /down 127.0.0.1:1
	reverse_proxy /admin/down 127.0.0.1:1
	reverse_proxy APP
}
`
}

// errorGates are sites on which nobody needs a code for /down, until it fails.
var errorGates = map[string][]string{
	"one line before":  {gate("/admin/* *@example.com")},
	"two lines before": {gate("/admin/* *@example.com"), gate("/staff/* *@example.com")},
}

// A step is a sign-in server that lets everybody by, once it is done waiting.
type step struct {
	address string
	mu      sync.Mutex // guards below
	wait    func(gone <-chan struct{})
}

func newStep(t *testing.T) *step {
	t.Helper()
	s := new(step)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.wait != nil {
			s.wait(r.Context().Done())
		}
	}))
	t.Cleanup(server.Close)
	s.address = strings.TrimPrefix(server.URL, "http://")
	return s
}

func (s *step) waits(wait func(gone <-chan struct{})) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wait = wait
}

// A gate wraps the answer that passes it in a writer from a pool, and tells the
// gates behind it of that writer, since it alone can set our cookies. The routes
// for errors run after the writer has gone back into the pool. A gate there gave
// its cookies to it nevertheless: by then it was another visitor's, who was
// signed in as the person whose page had failed. Now a gate that is done takes
// its writer back from all that it told.
func TestNoAnswerCarriesTheCookiesOfAnotherVisitor(t *testing.T) {
	const rounds, strangers = 10, 20
	for name, lines := range errorGates {
		t.Run(name, func(t *testing.T) {
			auth := newStep(t)
			c := harness.Start(t, withErrorGate(auth.address, lines...))
			b := c.Browser(t)
			b.SignIn(t, c, "/admin/x", ana, true)
			for round := range rounds {
				arrived, release := make(chan struct{}, strangers), make(chan struct{})
				c.App.Answer(func(_ http.ResponseWriter, r *http.Request) {
					arrived <- struct{}{}
					select {
					case <-release:
					case <-r.Context().Done():
					}
				})
				var all sync.WaitGroup
				auth.waits(func(gone <-chan struct{}) { // between the failure and the gate of the error route
					for range strangers {
						all.Go(func() { wantNoCookies(t, c.Browser(t).Fetch(t, "/slow")) })
					}
					for range strangers {
						select {
						case <-arrived:
						case <-gone:
							return
						}
					}
				})
				b.Drop(t, "doorcode")
				page := b.Fetch(t, "/down")
				close(release)
				all.Wait()
				set := setCookies(page)
				if page.Body != "sorry" || set["doorcode"] == nil || set["doorcode-device"] == nil {
					t.Fatalf("round %d: the renewed browser got status %d, %q, and %v", round, page.Status, page.Body, set)
				}
			}
		})
	}
}

func wantNoCookies(t *testing.T, page harness.Page) {
	t.Helper()
	if set := page.Header["Set-Cookie"]; page.Status != http.StatusOK || len(set) > 0 {
		t.Errorf("a stranger got status %d and %q", page.Status, set)
	}
}

// The same writer used to swallow the flow cookie of a check that began in the
// routes for errors, so that its form led nowhere. Now the check is carried
// through, and what the gate before has renewed is not lost on the way either.
func TestAGateInTheRoutesForErrorsChecks(t *testing.T) {
	for name, lines := range errorGates {
		t.Run(name, func(t *testing.T) {
			c := harness.Start(t, withErrorGate(newStep(t).address, lines...))
			b := c.Browser(t)
			page := b.Open(t, "/down")
			wantStatus(t, "the check", page, http.StatusUnauthorized)
			if setCookies(page)["doorcode-flow"] == nil {
				t.Errorf("the check set %q", page.Header["Set-Cookie"])
			}
			b.Submit(t, "email", url.Values{"email": {ana}})
			code := c.Mailbox.Wait(t, ana, 1).Code(t)
			if page := b.Submit(t, "verify", url.Values{"code": {code}, "remember": {"on"}}); page.Status != http.StatusBadGateway || page.Body != "sorry" {
				t.Errorf("after the code: status %d, %q", page.Status, page.Body)
			}
			for range 3 {
				b.Drop(t, "doorcode")
				page = b.Fetch(t, "/admin/down")
				if set := setCookies(page); page.Body != "sorry" || set["doorcode"] == nil || set["doorcode-device"] == nil {
					t.Errorf("renewed before the failure: status %d, %q, %v", page.Status, page.Body, set)
				}
			}
			c.App.Untouched(t, 0)
		})
	}
}

// PTH-06: a site that guards one method used to let strangers by who wrote it in
// lower case, or asked for it in a form, as frameworks allow: they could delete
// what others could only read. See the rules' own test for all ways.
func TestPTH06NoWayToAskForAMethodGetsPastItsGate(t *testing.T) {
	c := harness.Start(t, "http://localhost:PORT {\n\t@d method DELETE\n"+gate("@d *@example.com")+"\n\treverse_proxy APP\n}\n")
	send := func(start, media string) harness.Page {
		body := map[bool]string{true: "", false: "_method=DELETE"}[media == ""]
		lines := []string{start + " HTTP/1.1", "Host: HOST", "Connection: close", "Content-Length: " + strconv.Itoa(len(body))}
		if media != "" {
			lines = append(lines, "Content-Type: "+media)
		}
		return c.Raw(t, append(lines, "", body)...)
	}
	for start, media := range map[string]string{
		"DELETE /x": "", "delete /x": "", "Delete /x": "", "POST /x?_METHOD=delete": "", "POST /x?.method=DELETE": "", "POST /x?%20_method=DELETE": "",
		"POST /x?_method%00=DELETE": "", "POST /form": "application/x-www-form-urlencoded", "POST /parts": "multipart/form-data; boundary=x",
		"POST /comma": "application/x-www-form-urlencoded, x",
	} {
		wantStatus(t, start, send(start, media), http.StatusUnauthorized)
	}
	c.App.Untouched(t, 0)
	wantStatus(t, "a link", send("GET /x", ""), http.StatusOK)
	wantStatus(t, "a script's request", send("POST /x", "text/plain"), http.StatusOK)
}

// Of two lines the first met every endpoint whose browser had no check under way.
// A first line behind a password knows nobody elsewhere: it said "You're signed
// out" to people who were not, so that the next person at the computer was in.
// Now an endpoint is answered by the line that guards its page, whatever check
// the browser has begun at another one.
func TestRuling4SignOutIsForTheLineThatGuardsThePage(t *testing.T) {
	c := harness.Start(t, "http://localhost:PORT {\n"+strings.Replace(basicAuth("alice"), "basic_auth", "basic_auth /private/*", 1)+
		gate("/private/*", "identity {http.auth.user.id} {\nmap alice ana@example.com\n}")+"\n"+gate("/other/* *@example.com")+"\n\treverse_proxy APP\n}\n")
	for name, begin := range map[string]func(*harness.Browser){
		"no check under way":    func(*harness.Browser) {},
		"a check of the other":  func(b *harness.Browser) { as(t, b, "alice").Open(t, "/private/x") },
		"a cookie that is none": func(b *harness.Browser) { b.Extra = http.Header{"Cookie": {"doorcode-flow=x; " + cookies(t, b)}} },
	} {
		t.Run(name, func(t *testing.T) {
			b := c.Browser(t)
			b.SignIn(t, c, "/other/x", ben, false)
			begin(b)
			wantStatus(t, "who is signed in", b.Fetch(t, "/other/.doorcode/session"), http.StatusOK)
			wantStatus(t, "the page", b.Open(t, "/other/.doorcode/signout"), http.StatusOK)
			wantStatus(t, "sign-out", b.Submit(t, "signout", nil), http.StatusOK)
			b.Extra = nil
			wantStatus(t, "after it", b.Fetch(t, "/other/x"), http.StatusUnauthorized)
		})
	}
}

// Two parts of a site, each in a handle block with a doorcode line that has no
// matcher, looked like one gate: its codes were mailed by whichever was read
// last, and were good for the part that was read first. Now the second has a
// name of its own.
func TestTwoHandleBlocksAreTwoGates(t *testing.T) {
	part := func(name, who string) string {
		block := strings.Replace(gate(who), "mail file MAIL", "mail file MAIL/"+name, 1)
		return "\thandle /" + name + "/* {\n" + block + "\n\treverse_proxy APP\n\t}\n"
	}
	c := harness.Start(t, "http://localhost:PORT {\n"+part("a", ana)+part("b", ben)+"}\n")
	at := func(name string) *harness.Caddy {
		view := *c
		view.Mailbox = &harness.Mailbox{Folder: filepath.Join(c.Mailbox.Folder, name)}
		return &view
	}
	for n := range 2 {
		first, second := c.Browser(t), c.Browser(t)
		ofAna, ofBen := ask(t, at("a"), first, "/a/x", ana), ask(t, at("b"), second, "/b/x", ben)
		wantStatus(t, "ben in his part", enter(t, second, ofBen), http.StatusOK)
		wantStatus(t, "ana in hers", enter(t, first, ofAna), http.StatusOK)
		reached := len(c.App.Seen())
		wantStatus(t, "ben in the part of ana", second.Fetch(t, "/a/x"), http.StatusForbidden)
		wantStatus(t, "ana in the part of ben", first.Fetch(t, "/b/x"), http.StatusForbidden)
		c.App.Untouched(t, reached)
		want := 2*n + 1 // a code each time, and a mail that tells of the second browser
		at("a").Mailbox.Wait(t, ana, want)
		at("b").Mailbox.Wait(t, ben, want)
		if a, b := at("a").Mailbox.All(t), at("b").Mailbox.All(t); len(a) != want || len(b) != want {
			t.Errorf("%d mails went the way of ana's part and %d the way of ben's, want %d each", len(a), len(b), want)
		}
		c.Reload(t)
	}
}

// Ruling 9: behind a proxy that is trusted to add to a list of addresses, Caddy
// takes the first of them unless it is told to be strict. That one the visitor
// writes, so each request came from a network of its own, and no limit of a
// network held. Now the last one counts, which the proxy saw, and the log tells
// the operator what to set.
func TestRuling9TheBeginningOfAForwardedListIsNobodysNetwork(t *testing.T) {
	for name, chain := range map[string]string{
		"an address":              "9.%d.3.4, 203.0.113.77",
		"an address with a port":  "9.%d.3.4:80, 203.0.113.77:4711",
		"in another spelling":     "2001:DB8:%d::1, 203.0.113.77",
		"behind what Caddy skips": "unknown, 9.%d.3.4, 203.0.113.77",
		"behind nothing":          ", 9.%d.3.4,203.0.113.77",
		"with a zone":             "fe80:%d::1%%eth0, 203.0.113.77",
	} {
		t.Run(name, func(t *testing.T) {
			c := harness.Start(t, "\tservers {\n\t\ttrusted_proxies static 127.0.0.1/32\n\t}\n\tlog {\n\t\toutput file FOLDER/caddy.log\n\t}\n---\n"+site(generous("")))
			for n := range 4 {
				b := c.Browser(t)
				b.From = fmt.Sprintf(chain, n+1)
				b.Open(t, "/")
				page := b.Submit(t, "email", url.Values{"email": {ana}})
				if n < 3 {
					wantStatus(t, fmt.Sprint("start ", n+1), page, http.StatusUnauthorized)
					continue
				}
				wantWait(t, fmt.Sprint("start ", n+1), page)
			}
			if warned := strings.Count(read(t, filepath.Join(c.Folder, "caddy.log")), "trusted_proxies_strict"); warned != 1 {
				t.Errorf("the log warns %d times, want once", warned)
			}
		})
	}
}
