// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// generous are limits that no test meets by itself; one of them is replaced.
func generous(one string) string {
	lines := []string{"send_address 900/1h", "send_ip 900/1h", "send_total 9000/1h", "try_address 900/1h", "try_ip 900/1h"}
	word, _, _ := strings.Cut(one, " ")
	for i, line := range lines {
		if strings.HasPrefix(line, word+" ") {
			lines[i] = one
		}
	}
	return "limits {\n" + strings.Join(lines, "\n") + "\n}"
}

// from is a browser in a network of its own.
func from(t testing.TB, c *harness.Caddy, n int) *harness.Browser {
	t.Helper()
	b := c.Browser(t)
	b.From = fmt.Sprintf("198.51.%d.7", n)
	return b
}

// wantWait fails unless a page refuses for now and says for how long.
func wantWait(t *testing.T, what string, page harness.Page) {
	t.Helper()
	if page.Status != http.StatusTooManyRequests || page.Header.Get("Retry-After") == "" {
		t.Errorf("%s: status = %d, Retry-After %q:\n%s", what, page.Status, page.Header.Get("Retry-After"), page.Text())
	}
}

var sameOrigin = http.Header{"Sec-Fetch-Site": {"same-origin"}}

// form is the form of the code page with a code in it, to be sent later, when
// the page has no such form any more.
func form(t testing.TB, b *harness.Browser, code string) url.Values {
	t.Helper()
	return url.Values{"flow": {b.Page().Hidden(t, "verify")}, "code": {code}}
}

// RL-01: guessing one code ends after five tries, also for the right one.
func TestRL01TheSixthTryFailsThoughItIsRight(t *testing.T) {
	c := harness.Start(t, site(generous("")))
	b := c.Browser(t)
	code := ask(t, c, b, "/", ana)
	right := form(t, b, code)
	for n := range 5 {
		wantStatus(t, "wrong", enter(t, b, notThis(code, n)), http.StatusUnauthorized)
	}
	page := b.Do(t, http.MethodPost, "/.doorcode/verify", right, sameOrigin)
	if setCookies(page)["doorcode"] != nil {
		t.Error("the right code made a session after five wrong ones")
	}
	wantStatus(t, "right, too late", b.Open(t, "/"), http.StatusUnauthorized)
	c.App.Untouched(t, 0)
}

// RL-02: a new code, browser or network does not begin the count anew; this is
// how the codes of large services were guessed.
func TestRL02FailuresCountOverCodesBrowsersAndNetworks(t *testing.T) {
	c := harness.Start(t, site(generous("try_address 15/1h")))
	wrong := 0
	for n := range 4 {
		b := from(t, c, n)
		code := ask(t, c, b, "/", ana)
		right := form(t, b, code)
		for range min(4, 15-wrong) {
			page := enter(t, b, notThis(code, wrong))
			if wrong++; wrong < 15 {
				wantStatus(t, fmt.Sprint("wrong try ", wrong), page, http.StatusUnauthorized)
			} else {
				wantWait(t, fmt.Sprint("wrong try ", wrong), page)
			}
		}
		if wrong == 15 {
			b.Do(t, http.MethodPost, "/.doorcode/verify", right, sameOrigin)
			wantWait(t, "after the right code", b.Open(t, "/"))
		}
	}
	b := from(t, c, 9)
	b.Open(t, "/")
	wantWait(t, "a new check", b.Submit(t, "email", url.Values{"email": {ana}}))
	c.App.Untouched(t, 0)
	c.Mailbox.Wait(t, ana, 5)
	if mails := c.Mailbox.Mails(t, ana); len(mails) != 5 {
		t.Errorf("%d mails, want 4 codes and one about the wrong ones", len(mails))
	}
}

// RL-05: each of the three limits alone keeps strangers from flooding a mailbox,
// from using one network for many, and from spending the operator's mail.
func TestRL05EachLimitOfMailHoldsAlone(t *testing.T) {
	for name, tt := range map[string]struct {
		limit string
		most  int
		who   func(n int) (address string, network int)
	}{
		"of an address":    {"send_address 3/1h", 3, func(n int) (string, int) { return ana, n }},
		"of a network":     {"send_ip 3/1h", 3, func(n int) (string, int) { return fmt.Sprintf("p%d@example.com", n), 1 }},
		"of all strangers": {"send_total 6/1h", 3, func(n int) (string, int) { return fmt.Sprintf("p%d@example.com", n), n }},
	} {
		t.Run(name, func(t *testing.T) {
			c := harness.Start(t, site(generous(tt.limit)))
			for n := range tt.most + 2 {
				address, network := tt.who(n)
				b := from(t, c, network)
				b.Open(t, "/")
				page := b.Submit(t, "email", url.Values{"email": {address}})
				if n < tt.most {
					wantStatus(t, fmt.Sprint("mail ", n+1), page, http.StatusUnauthorized)
					c.Mailbox.Wait(t, address, 1)
					continue
				}
				wantWait(t, fmt.Sprint("mail ", n+1), page)
			}
			harness.Eventually(t, "the mails to arrive", func() bool { return len(c.Mailbox.All(t)) >= tt.most })
			if mails := c.Mailbox.All(t); len(mails) != tt.most {
				t.Errorf("%d mails went out, want %d", len(mails), tt.most)
			}
		})
	}
}

// RL-07, ruling 15: a stranger who uses up everything that an address has does
// not lock its owner out of a browser that is remembered.
func TestRL07AStrangerCannotLockOutARememberedBrowser(t *testing.T) {
	c := harness.Start(t, site(generous("try_address 8/1h")))
	owner := c.Browser(t)
	owner.SignIn(t, c, "/", ana, true)
	for n := range 3 {
		attacker := from(t, c, n)
		attacker.Open(t, "/")
		attacker.Submit(t, "email", url.Values{"email": {ana}})
		for try := range 4 {
			if attacker.Page().Status == http.StatusUnauthorized {
				enter(t, attacker, fmt.Sprintf("%06d", 100*n+try)) // right once in a million
			}
		}
	}
	elsewhere := from(t, c, 9)
	elsewhere.Open(t, "/")
	wantWait(t, "a browser that nobody knows", elsewhere.Submit(t, "email", url.Values{"email": {ana}}))

	wantStatus(t, "the owner, at once", owner.Open(t, "/"), http.StatusOK)
	owner.Drop(t, "doorcode")
	wantStatus(t, "the owner, renewed", owner.Open(t, "/"), http.StatusOK)
	owner.Open(t, "/.doorcode/signout")
	owner.Submit(t, "signout", nil)
	wantStatus(t, "the owner, by a code", enter(t, owner, ask(t, c, owner, "/", ana)), http.StatusOK)
}

// HDR-07: limits and logs go by the address that Caddy vouches for. Whoever could
// choose it would have as many networks as they like.
func TestHDR07AForgedClientAddressChangesNothing(t *testing.T) {
	b, c := (*harness.Browser)(nil), harness.Start(t, "\tservers {\n\t\tprotocols h1\n\t}\n---\n"+site(generous("send_ip 3/1h")))
	for n := range 5 {
		b = from(t, c, n)
		other := fmt.Sprintf("203.0.113.%d", n)
		b.Extra = http.Header{"X-Real-Ip": {other}, "Cf-Connecting-Ip": {other}, "True-Client-Ip": {other}, "X-Client-Ip": {other}, "Forwarded": {"for=" + other}}
		b.Open(t, "/")
		page := b.Submit(t, "email", url.Values{"email": {fmt.Sprintf("p%d@example.com", n)}})
		if n < 3 {
			wantStatus(t, "within the limit", page, http.StatusUnauthorized)
			continue
		}
		wantWait(t, "one connection, many claims", page)
	}
}

// HDR-07: behind a proxy that is trusted, a chain of addresses counts from its
// trusted end: what the visitor wrote before it does not.
func TestHDR07OnlyTheTrustedEndOfAChainCounts(t *testing.T) {
	c := harness.Start(t, site(generous("send_ip 3/1h")))
	for n := range 5 {
		b := c.Browser(t)
		b.From = fmt.Sprintf("203.0.113.%d, 198.51.100.7", n)
		b.Open(t, "/")
		page := b.Submit(t, "email", url.Values{"email": {fmt.Sprintf("p%d@example.com", n)}})
		if n >= 3 {
			wantWait(t, "one visitor, many claims", page)
		}
	}
}

// volatile is what differs between any two pages: sealed values, letters, times.
var volatile = regexp.MustCompile(`name="flow" value="[^"]*"|datetime="[^"]*"|data-(in|expires|wait)="[^"]*"|<bdi>[A-Z0-9]{3}</bdi>|in \d+ (minutes|seconds)`)

func comparable(page harness.Page, address string) string {
	header := page.Header.Clone()
	for _, name := range []string{"Date", "Set-Cookie", "Retry-After", "Content-Length"} {
		header.Del(name)
	}
	body := volatile.ReplaceAllString(strings.ReplaceAll(page.Body, address, "ADDRESS"), "")
	return fmt.Sprint(page.Status, header, body)
}

// RL-12, ruling 16: at every step, a refusal included, an address that may pass
// and one that may not give the same bytes.
func TestRL12KnownAndUnknownAddressesLookTheSame(t *testing.T) {
	c := harness.Start(t, site(generous("try_address 9/1h")))
	steps := func(network int, address string) (seen []string) {
		b := from(t, c, network)
		note := func(page harness.Page) { seen = append(seen, comparable(page, address)) }
		note(b.Open(t, "/"))
		note(b.Submit(t, "email", url.Values{"email": {address}}))
		for n := range 4 {
			note(enter(t, b, fmt.Sprintf("00%d000", n)))
		}
		note(b.Submit(t, "resend", nil))
		note(enter(t, b, "12"))
		note(enter(t, b, "000009"))
		note(b.Submit(t, "resend", nil))
		for n := range 5 {
			note(b.Do(t, http.MethodPost, "/.doorcode/verify", form(t, b, fmt.Sprintf("10%d000", n)), sameOrigin))
		}
		note(b.Open(t, "/"))
		return seen
	}
	known, unknown := steps(1, "somebody@example.com"), steps(2, "somebody@elsewhere.example")
	for n := range known {
		if known[n] != unknown[n] {
			t.Errorf("step %d differs:\n%s\n\n%s", n, known[n], unknown[n])
		}
	}
	if last := known[len(known)-1]; !strings.HasPrefix(last, "429") {
		t.Errorf("the last step is no refusal, so this test shows less than it says: %s", last)
	}
}

// OTC-04: of any number of right answers at once exactly one makes a session.
func TestOTC04OneOfTwoHundredRightAnswersAtOnceWins(t *testing.T) {
	c := harness.Start(t, site(generous("")))
	for range 3 {
		b := c.Browser(t)
		code := ask(t, c, b, "/", ana)
		right, line := form(t, b, code), cookies(t, b)
		var all sync.WaitGroup
		var mu sync.Mutex
		sessions := 0
		for range 200 {
			all.Go(func() {
				twin := c.Browser(t)
				twin.Extra = http.Header{"Cookie": {line}}
				page := twin.Do(t, http.MethodPost, "/.doorcode/verify", right, sameOrigin)
				if cookie := setCookies(page)["doorcode"]; cookie != nil && cookie.Value != "" {
					mu.Lock()
					defer mu.Unlock()
					sessions++
				}
			})
		}
		all.Wait()
		if sessions != 1 {
			t.Errorf("%d sessions for one code, want 1", sessions)
		}
	}
}
