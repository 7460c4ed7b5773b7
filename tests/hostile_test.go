// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"bytes"
	"fmt"
	"io"
	"math/rand"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// loud is a site whose log is kept, to find panics and errors in.
const loud = "\tlog {\n\t\toutput file FOLDER/caddy.log\n\t\tlevel ERROR\n\t}\n---\n"

// noFault fails when the log tells of an error or a panic.
func noFault(t *testing.T, c *harness.Caddy) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(c.Folder, "caddy.log"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	if len(raw) > 0 {
		t.Errorf("the log tells of faults: %.2000s", raw)
	}
}

// endless is a body that goes on for as long as anybody reads.
type endless struct {
	sent atomic.Int64
	head string
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.head)
	e.head = e.head[n:]
	for i := n; i < len(p); i++ {
		p[i] = 'x'
	}
	e.sent.Add(int64(len(p)))
	return len(p), nil
}

// DOS-02: a body that never ends is answered after a few kilobytes, by our forms
// and by refusals alike: nothing is read that is not needed.
func TestDOS02EndlessBodiesAreAnswered(t *testing.T) {
	c := harness.Start(t, loud+site())
	for path, want := range map[string]int{"/.doorcode/verify": 413, "/.doorcode/email": 413, "/.doorcode/signout": 413, "/upload": 401, "/.doorcode/nothing": 404} {
		body := &endless{head: "flow=x&code="}
		r, err := http.NewRequest(http.MethodPost, c.URL(path), body)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		response, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		_ = response.Body.Close()
		if response.StatusCode != want || body.sent.Load() > 16<<20 {
			t.Errorf("%s: status %d, want %d, after %d bytes", path, response.StatusCode, want, body.sent.Load())
		}
	}
	c.App.Untouched(t, 0)
	noFault(t, c)
}

// DOS-02: 10 MB that are announced, and forms that are not what they say.
func TestDOS02BodiesThatAreNoFormsAreRefused(t *testing.T) {
	c := harness.Start(t, loud+site())
	b := c.Browser(t)
	code := ask(t, c, b, "/", ana)
	good := form(t, b, code).Encode()
	for name, tt := range map[string]struct {
		media, body string
		want        int
	}{
		"10 MB":             {"application/x-www-form-urlencoded", good + "&x=" + strings.Repeat("y", 10<<20), 413},
		"just too much":     {"application/x-www-form-urlencoded", good + "&x=" + strings.Repeat("y", 8<<10), 413},
		"many fields":       {"application/x-www-form-urlencoded", good + strings.Repeat("&a", 5000), 413},
		"multipart":         {"multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=code\r\n\r\n" + code + "\r\n--x--\r\n", 400},
		"JSON":              {"application/json", `{"code":"` + code + `"}`, 400},
		"plain":             {"text/plain", good, 400},
		"no type":           {"", good, 400},
		"broken type":       {"application/x-www-form-urlencoded; ;;=", good, 400},
		"broken escape":     {"application/x-www-form-urlencoded", good + "&x=%zz", 400},
		"semicolons":        {"application/x-www-form-urlencoded", good + ";a=b", 400},
		"compressed":        {"application/x-www-form-urlencoded", "\x1f\x8b\x08\x00\x00", 303},
		"nothing":           {"application/x-www-form-urlencoded", "", 303},
		"another's form":    {"application/x-www-form-urlencoded", "flow=" + strings.Repeat("A", 300) + "&code=" + code, 303},
		"a field of a page": {"application/x-www-form-urlencoded", "flow=%00%ff%fe&code=" + code, 303},
	} {
		r, err := http.NewRequest(http.MethodPost, c.URL("/.doorcode/verify"), strings.NewReader(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header = http.Header{"Content-Type": {tt.media}, "Sec-Fetch-Site": {"same-origin"}, "Accept": {"text/html"}}
		page := b.Send(t, r)
		wantStatus(t, name, page, tt.want)
		if setCookies(page)["doorcode"] != nil {
			t.Errorf("%s: made a session", name)
		}
	}
	noFault(t, c)
	b.Open(t, "/")
	wantStatus(t, "the code still works", enter(t, b, code), http.StatusOK)
}

// ML-02, RL-06: what is no address is refused in words, costs nothing, and never
// reaches the mail; nor does what is typed as a code.
func TestML02OddAddressesAndCodes(t *testing.T) {
	c := harness.Start(t, loud+site())
	for _, typed := range []string{
		strings.Repeat("a", 1000) + "@example.com", "a@" + strings.Repeat("b", 1000) + ".example.com", strings.Repeat("@", 1000), "ana", "@example.com", "ana@",
		"ana@example.com\r\nBcc: eve@elsewhere.example", "ana@example.com,eve@elsewhere.example", "eve@elsewhere.example <ana@example.com>", "\"ana@x\"@example.com",
		"ana@evil.example@example.com", "ana@example.com@evil.example", "ana@example.com.", "ana@@example.com", "an a@example.com", "ana@exa mple.com", "\xff\xfe@example.com",
		"ana\x00@example.com", "аna@example.com", "ana@[127.0.0.1]", "ana@localhost", "<script>@example.com", "ana(c)@example.com", "ana@example..com", ".ana@example.com",
	} {
		b := c.Browser(t)
		b.Open(t, "/")
		page := b.Submit(t, "email", url.Values{"email": {typed}})
		wantStatus(t, fmt.Sprintf("%.40q", typed), page, http.StatusUnauthorized)
		if strings.Contains(page.Text(), "on its way") {
			t.Errorf("%.40q was taken for an address", typed)
		}
	}
	if mails := c.Mailbox.All(t); len(mails) != 0 {
		t.Errorf("%d mails went out: %+v", len(mails), mails[0].Header)
	}
	b := c.Browser(t)
	code := ask(t, c, b, "/", ana)
	for _, typed := range []string{strings.Repeat("1", 1000), "\xff\xff\xff", "\x00", strings.Repeat("é", 500), "' OR 1=1 --", "{env.HOME}", "-1", "1e6", "<b>", "１２３"} {
		wantStatus(t, fmt.Sprintf("%.20q", typed), enter(t, b, typed), http.StatusUnauthorized)
	}
	wantStatus(t, "the code, in full-width digits", enter(t, b, strings.Map(func(r rune) rune { return r - '0' + '０' }, code)), http.StatusOK)
	noFault(t, c)
}

// CK-06, PTH-01: whatever bytes come, the answer is one of the gate's or of the
// server's; nothing gets past, nothing panics.
func TestPTH01RandomRequestsReachNothing(t *testing.T) {
	c := harness.Start(t, loud+site("public /public/*", "answer json /api/*"))
	random := rand.New(rand.NewSource(2)) //nolint:gosec // the same requests every time
	pieces := []string{
		"/", "//", "/.", "/..", "%2e", "%2f", "%00", "%", ";", "\\", "?", "#", "public", ".doorcode", "verify", "email", "begin", "api", "admin", "é", "\xff", ":", "@", "*", "%ef%bc%8f", " ",
	}
	fields := []string{
		"Cookie: doorcode=%s", "Accept: %s", "Origin: %s", "Referer: %s", "User-Agent: %s", "Accept-Language: %s", "Sec-Fetch-Site: %s", "Sec-Fetch-Mode: %s", "Content-Type: %s",
		"X-Forwarded-For: %s", "X-Forwarded-Proto: %s", "Upgrade: %s", "Trailer: %s", "Authorization: %s", "Hx-Current-Url: %s", "Host: %s", "Cookie: doorcode-flow=%s; doorcode-device=%s",
	}
	methods := []string{"GET", "POST", "HEAD", "OPTIONS", "PUT", "CONNECT", "FOO"}
	pipeline := c.Pipeline(t)
	for range 3000 {
		var target, value strings.Builder
		target.WriteString("/")
		for range random.Intn(6) {
			target.WriteString(pieces[random.Intn(len(pieces))])
		}
		for range random.Intn(40) {
			value.WriteByte(byte(0x20 + random.Intn(0xdf)))
		}
		lines := []string{methods[random.Intn(len(methods))] + " " + target.String() + " HTTP/1.1", "Host: HOST", "Content-Length: 0"}
		for range random.Intn(3) {
			lines = append(lines, strings.ReplaceAll(fields[random.Intn(len(fields))], "%s", value.String()))
		}
		status := pipeline.Send(lines...)
		if status == http.StatusInternalServerError || status == http.StatusSwitchingProtocols {
			t.Fatalf("status %d for %q", status, lines)
		}
	}
	for _, seen := range c.App.Seen() {
		if !strings.HasPrefix(strings.ToLower(seen.URI), "/public/") || seen.Header.Get("Remote-User") != "" {
			t.Errorf("the app got %+v", seen)
		}
	}
	noFault(t, c)
}

// Header fields of any size and kind are answered; what they say is no way in.
func TestOddHeadersAreAnswered(t *testing.T) {
	c := harness.Start(t, loud+site())
	b := c.Browser(t)
	code := ask(t, c, b, "/", ana)
	for name, header := range map[string]http.Header{
		"long agent":       {"User-Agent": {strings.Repeat("Mozilla ", 2000)}},
		"broken agent":     {"User-Agent": {"\xff\xfe<script>alert(1)</script>"}},
		"many languages":   {"Accept-Language": {strings.Repeat("en-GB;q=0.5,", 1000)}},
		"odd languages":    {"Accept-Language": {"*,x-,-,en-\xff,;q=,q=1;en"}},
		"many accepts":     {"Accept": {strings.Repeat("text/html;q=0.1,", 1000)}},
		"odd accept":       {"Accept": {"text/html;q=NaN,*/*;q=Inf,;;;,"}},
		"thousand cookies": {"Cookie": {strings.Repeat("a=b; ", 1000)}},
		"thousand of ours": {"Cookie": {strings.Repeat("doorcode=x; ", 1000)}},
		"huge cookie":      {"Cookie": {"doorcode=" + strings.Repeat("a.", 50_000)}},
		"odd forwarded":    {"X-Forwarded-For": {"::1%eth0, [::1]:80, 999.1.1.1, \xff"}},
		"odd proto":        {"X-Forwarded-Proto": {"https, gopher,,"}},
		"many fields":      manyFields(500),
	} {
		stranger := c.Browser(t)
		stranger.From = ""
		stranger.Extra = header
		if page := stranger.Open(t, "/x"); page.Status != http.StatusUnauthorized && page.Status != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("%s: status %d", name, page.Status)
		}
	}
	c.App.Untouched(t, 0)
	noFault(t, c)
	wantStatus(t, "the code still works", enter(t, b, code), http.StatusOK)
}

func manyFields(n int) http.Header {
	h := http.Header{}
	for i := range n {
		h.Set(fmt.Sprintf("X-Field-%d", i), "x")
	}
	return h
}

// WEB-04: nothing that a visitor writes becomes part of a page.
func TestWEB04NothingTypedBecomesMarkup(t *testing.T) {
	c := harness.Start(t, loud+site("reveal"))
	const attack = `"><img src=x onerror=alert(1)><svg/onload=alert(2)>'` + "`{{.}}${7*7}"
	b := c.Browser(t)
	b.Agent = attack
	b.Extra = http.Header{"Accept-Language": {attack}, "Referer": {b.Base + "/" + attack}, "X-Forwarded-Host": {attack}}
	var pages bytes.Buffer
	note := func(page harness.Page) { _, _ = io.WriteString(&pages, page.Body) }
	note(b.Open(t, "/"+url.PathEscape(attack)+"?q="+url.QueryEscape(attack)))
	note(b.Submit(t, "email", url.Values{"email": {attack}}))
	note(b.Submit(t, "email", url.Values{"email": {"<img/src=x>@example.com"}}))
	b2 := c.Browser(t)
	b2.Agent = attack
	code := ask(t, c, b2, "/"+url.PathEscape(attack), "o'&{{.}}|b@example.com")
	note(b2.Page())
	note(b2.Submit(t, "verify", url.Values{"code": {attack}}))
	note(enter(t, b2, code))
	note(b2.Open(t, "/.doorcode/signout"))
	for _, markup := range []string{"<img", "<svg", "'><", "&{{"} {
		if strings.Contains(pages.String(), markup) {
			t.Errorf("a page holds %s:\n%s", markup, pages.String())
		}
	}
	mail := c.Mailbox.All(t)[0]
	if strings.Contains(mail.HTML, "<img") || strings.Contains(mail.HTML, "<svg") {
		t.Errorf("the mail holds what was typed:\n%s", mail.HTML)
	}
	noFault(t, c)
}
