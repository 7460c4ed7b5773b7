// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer_test

import (
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/mailer"
)

var (
	urls  = regexp.MustCompile(`(?i)(?:https?|ftp|mailto|javascript|data):[^\s"'<>]*`)
	hrefs = regexp.MustCompile(`(?i)(?:href|src|action)\s*=\s*"([^"]*)"`)
)

func TestML06TheOnlyLinkStops(t *testing.T) {
	for name, subject := range subjects {
		for _, given := range []string{stop, ""} {
			l := located(subject)
			l.Notice.Stop = given
			m := render(t, l)
			want := 0
			if given != "" && subject != challenge.WrongCodes && subject != challenge.TestMail {
				want = 1
			}
			links := hrefs.FindAllStringSubmatch(m.HTML, -1)
			if len(links) != want || want == 1 && links[0][1] != stop || strings.Count(m.HTML, "<a ") != want {
				t.Errorf("%s with %q links to %q", name, given, links)
			}
			if found := urls.FindAllString(m.Text, -1); len(found) != want || want == 1 && found[0] != stop {
				t.Errorf("%s with %q: the text has %q", name, given, found)
			}
			if regexp.MustCompile(`(?i)<(?:img|link|script|iframe|object|form|input|button)\b|url\(|@import`).MatchString(m.HTML) {
				t.Errorf("%s fetches something:\n%s", name, m.HTML)
			}
			if want == 0 && (strings.Contains(m.Text, "Stop this") || strings.Contains(m.HTML, "wasn")) {
				t.Errorf("%s offers a link that is not there:\n%s", name, m.Text)
			}
		}
	}
}

// ML-04: a link leads to the site of the configuration, or there is none.
func TestML04TheLinkLeadsToTheSiteOrNowhere(t *testing.T) {
	for link, want := range map[string]bool{
		stop: true,
		"https://app.example.com/admin/.doorcode/no/Yk3nT0":       true,
		"https://APP.example.com/.doorcode/no/Yk3nT0":             true,
		"https://app.example.com:8443/.doorcode/no/Yk3nT0":        true,
		"http://app.example.com/.doorcode/no/Yk3nT0":              true,
		"https://evil.example/.doorcode/no/Yk3nT0":                false,
		"https://app.example.com.evil.example/no/Yk3nT0":          false,
		"https://app.example.com@evil.example/no/Yk3nT0":          false,
		"https://evil.example@app.example.com/no/Yk3nT0":          false,
		`https://app.example.com\@evil.example/no/Yk3nT0`:         false,
		"//app.example.com/no/Yk3nT0":                             false,
		"/.doorcode/no/Yk3nT0":                                    false,
		"javascript:alert(1)//app.example.com/":                   false,
		"data:text/html,app.example.com":                          false,
		"https://app.example.com/no/Yk3nT0\r\nBcc: x@x.example":   false,
		"https://app.example.com/no/Yk3nT0 https://evil.example":  false,
		"https://app.example.com/no/\"><script>alert(1)</script>": false,
		"https://app.example.com/no/\u202e0TnK3Y":                 false,
		"https://app.example.com/no/" + strings.Repeat("x", 500):  false,
	} {
		l := located(challenge.NewSignIn)
		l.Notice.Stop = link
		m := render(t, l)
		if got := strings.Contains(m.Text, link) && strings.Contains(m.HTML, `href="`+link+`"`); got != want {
			t.Errorf("link to %q: %v, want %v", link, got, want)
		}
		if !want && (strings.Contains(m.HTML, "href") || strings.Contains(m.Text, "evil") || strings.Contains(m.Text, "://")) {
			t.Errorf("something of %q is left:\n%s", link, m.Text)
		}
		if !want && !strings.Contains(m.Text, "Tell the people who run Example.") {
			t.Errorf("without %q nothing is left to do:\n%s", link, m.Text)
		}
	}
}

func TestTheSiteOfALinkMayBeAnAddress(t *testing.T) {
	for host, link := range map[string]string{
		"[::1]:8443":     "https://[::1]:8443/.doorcode/no/Yk3nT0",
		"[::1]":          "http://[::1]/.doorcode/no/Yk3nT0",
		"localhost:8080": "http://localhost:8080/.doorcode/no/Yk3nT0",
		"127.0.0.1":      "http://127.0.0.1/.doorcode/no/Yk3nT0",
	} {
		l := located(challenge.SignInCode)
		l.Notice.Host, l.Notice.Stop, l.Notice.IP = host, link, netip.IPv6Loopback()
		if m := render(t, l); !strings.Contains(m.Text, "Stop this sign-in: "+link+"\n") {
			t.Errorf("at %s the text lacks %s:\n%s", host, link, m.Text)
		}
	}
}

// LOG-02: whoever reads the log must not be able to end other people's sign-ins.
func TestLOG02TheLinkIsInNoReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		quotes := &mailer.DeliveryError{
			Step: "handing over mail", Mailbox: true, Permanent: true,
			Reply: "554 spam: <" + stop + ">, also " + strings.ToUpper(stop[:45]) + "=\r\n" + stop[45:],
		}
		outbox, l := post(t, mailer.OutboxOptions{}, &relay{fails: always(quotes)})
		n := fresh()
		n.Subject, n.Stop = challenge.NewSignIn, stop
		send(t, outbox, n)
		time.Sleep(time.Minute)
		reports := l.all()
		if len(reports) != 1 || !strings.Contains(reports[0].Reason, "/no/[link]") || !strings.Contains(reports[0].Reason, "554 spam") {
			t.Fatalf("reports are %+v", reports)
		}
		if strings.Contains(strings.ToLower(reports[0].Reason), "yk3") {
			t.Errorf("reason tells the link: %s", reports[0].Reason)
		}
	})
}
