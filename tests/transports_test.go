// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// postmarkAt is a line of a service on this machine.
func postmarkAt(t *testing.T, api *harness.MailAPI) string {
	t.Helper()
	t.Setenv("DOORCODE_TEST_TOKEN", "tok-5f0c2d9e41")
	return "mail postmark {\ntoken {env.DOORCODE_TEST_TOKEN}\nfrom \"Example <login@example.com>\"\nurl " + api.URL + "\n}"
}

// sentBy is a site whose mail takes these ways.
func sentBy(ways ...string) string {
	return logged + strings.Replace(site(), "mail file MAIL", strings.Join(ways, "\n"), 1)
}

// logText is all that a Caddy has logged.
func logText(t *testing.T, c *harness.Caddy) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(c.Folder, "caddy.log"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// askFor asks for a code, and returns the page.
func askFor(t *testing.T, b *harness.Browser, address string) harness.Page {
	t.Helper()
	b.Open(t, "/")
	return b.Submit(t, "email", url.Values{"email": {address}})
}

func TestSignInThroughAMailAPI(t *testing.T) {
	api := harness.NewMailAPI(t)
	c := harness.Start(t, sentBy(postmarkAt(t, api)))
	b := c.Browser(t)
	askFor(t, b, ana)
	mail := api.Wait(t, 1)
	if mail.To != ana || mail.From != `"Example" <login@example.com>` || mail.Header.Get("X-Postmark-Server-Token") != "tok-5f0c2d9e41" || mail.HtmlBody == "" {
		t.Errorf("the service got %+v", mail)
	}
	wantStatus(t, "after the code", enter(t, b, mail.Code(t)), http.StatusOK)
	askFor(t, c.Browser(t), eve)
	askFor(t, c.Browser(t), ben)
	if second := api.Wait(t, 2); second.To != ben {
		t.Errorf("after an unknown address the service was asked to mail %s", second.To)
	}
	for line := range strings.Lines(logText(t, c)) {
		if strings.Contains(line, "tok-5f0c2d9e41") {
			t.Errorf("the token is in the log: %s", line)
		}
	}
}

// Each kind of answer of a service, as people at the door meet it. A refused mailbox is
// not told to whoever typed the address.
func TestEachAnswerOfAMailAPIAtTheDoor(t *testing.T) {
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		want   int
	}{
		"it refuses the token": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }, http.StatusServiceUnavailable},
		"it is overloaded":     {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) }, http.StatusServiceUnavailable},
		"it fails":             {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, http.StatusServiceUnavailable},
		"it breaks off":        {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, http.StatusServiceUnavailable},
		"it refuses the mailbox": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusUnprocessableEntity)
			fmt.Fprint(w, `{"ErrorCode":406,"Message":"inactive recipient"}`)
		}, http.StatusUnauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			api := harness.NewMailAPI(t)
			api.Answer(tt.answer)
			c := harness.Start(t, sentBy(postmarkAt(t, api)))
			b := c.Browser(t)
			askFor(t, b, ana)
			askFor(t, c.Browser(t), ben) // one mailbox alone may be to blame
			api.Wait(t, 2)
			harness.Eventually(t, "the page to tell", func() bool { return b.Open(t, "/").Status == tt.want })
			harness.Eventually(t, "the log to tell", func() bool { return strings.Contains(logText(t, c), `"reply":"`) })
		})
	}
}

// The service is asked when the mail server fails, whatever it fails at.
func TestF03TheServiceTakesOverFromAMailServer(t *testing.T) {
	dying := newDyingRelay(t)
	gone := "127.0.0.1:" + harness.FreePort(t)
	for name, address := range map[string]string{"it is gone": gone, "it dies in mid-stream": dying.address} {
		t.Run(name, func(t *testing.T) {
			api := harness.NewMailAPI(t)
			first := "mail smtp " + address + " {\nfrom login@example.com\ntls off\n}"
			c := harness.Start(t, sentBy(first, postmarkAt(t, api)))
			b := c.Browser(t)
			askFor(t, b, ana)
			code := api.Wait(t, 1).Code(t)
			wantStatus(t, "after the code", enter(t, b, code), http.StatusOK)
			for _, taken := range dying.codes() {
				if name == "it dies in mid-stream" && taken != code {
					t.Errorf("ML-10: the mail server had got another code than the service")
				}
			}
		})
	}
	if len(dying.codes()) == 0 {
		t.Error("no mail reached the mail server that dies")
	}
}

// A dyingRelay takes the whole mail and is gone before it answers.
type dyingRelay struct {
	address string
	got     atomic.Pointer[[]string]
}

func newDyingRelay(t *testing.T) *dyingRelay {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	r := &dyingRelay{address: listener.Addr().String()}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			r.serve(conn)
		}
	}()
	return r
}

func (r *dyingRelay) serve(conn net.Conn) {
	defer conn.Close() //nolint:errcheck // that is the point
	fmt.Fprint(conn, "220 relay.example\r\n")
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		switch word, _, _ := strings.Cut(strings.ToUpper(lines.Text()), " "); word {
		case "DATA":
			fmt.Fprint(conn, "354 go on\r\n")
			for lines.Scan() && lines.Text() != "." {
				if code, found := strings.CutPrefix(lines.Text(), "@localhost #"); found {
					r.keep(code)
				}
			}
			return
		case "EHLO":
			fmt.Fprint(conn, "250 relay.example\r\n")
		default:
			fmt.Fprint(conn, "250 ok\r\n")
		}
	}
}

func (r *dyingRelay) keep(code string) {
	all := append(r.codes(), code)
	r.got.Store(&all)
}

func (r *dyingRelay) codes() []string {
	if all := r.got.Load(); all != nil {
		return *all
	}
	return nil
}
