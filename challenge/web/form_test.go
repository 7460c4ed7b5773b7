// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

const flowName = sessionName + "-flow"

// A tab left open at the code of one address sends its form after another tab of
// the browser has gone on to another address. The code typed there was never
// mailed to that one, whose tries it would use up.
func TestAFormOfAnotherTabDoesNotSpendThisAddressesTries(t *testing.T) {
	for name, header := range map[string]http.Header{"by script": scripted, "scripts off": clicked} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			b := w.browser()
			code := b.ask("/x", ana)
			old := b.clone()
			b.submit("/change")
			b.submit("/email", "email", "bob@example.org").wants(t, http.StatusUnauthorized, "bob@example.org")
			old.jar = maps.Clone(b.jar)
			before := w.store.dump(t)
			for n := range 6 {
				a := old.post(header, "/verify", "code", wrongCode(code, n))
				if name == "by script" {
					a.wantsProblem(t, http.StatusConflict, "check-lost")
				} else if a.wants(t, http.StatusSeeOther); !strings.HasPrefix(a.Header.Get("Location"), origin+"/x/.doorcode/begin?probe=") {
					t.Errorf("led to %s", a.Header.Get("Location"))
				}
			}
			if !maps.Equal(before, w.store.dump(t)) {
				t.Error("the form of another tab changed the store")
			}
			b.jar = old.jar // as the browser has it now
			b.submit("/verify", "code", w.mailbox.last(t).Code.Reveal()).wants(t, http.StatusOK, "app")
		})
	}
}

// A hastyStore gives up on a request whose context has ended, and ends it as soon
// as a record is to be changed: the tab is closed right after the code was sent.
type hastyStore struct {
	challenge.Store
	leave context.CancelFunc
}

func (s *hastyStore) Update(ctx context.Context, key string, edit func([]byte, time.Time) ([]byte, time.Duration, error)) error {
	s.leave()
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.Store.Update(ctx, key, edit)
}

// What was counted is also kept: a code is not spent without the session that it
// is for, nor a try given back to whoever hangs up in time.
func TestHangingUpNeitherLosesASessionNorGivesATryBack(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	code := b.ask("/x", ana)
	hasty := &hastyStore{Store: w.store.Store}
	w.store.Store = hasty
	post := func(typed string) answer {
		target, form := b.form("/verify")
		form.Set("code", typed)
		ctx, cancel := context.WithCancel(t.Context())
		hasty.leave = cancel
		return b.send(b.request(http.MethodPost, target, form, clicked).WithContext(ctx))
	}
	post(wrongCode(code, 0)).wants(t, http.StatusSeeOther)
	b.open("/x").wants(t, http.StatusUnauthorized, "You have 4 tries left")
	twin := b.clone()
	post(code).wants(t, http.StatusSeeOther)
	b.open("/x").wants(t, http.StatusOK, "app")
	twin.submit("/verify", "code", code).wants(t, http.StatusUnauthorized, "This code has expired")
}

// A pipe is a listener for one connection, whose deadlines a synctest bubble moves.
type pipe struct {
	server chan net.Conn
	closed chan struct{}
}

func (p pipe) Accept() (net.Conn, error) {
	select {
	case c := <-p.server:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p pipe) Close() error { close(p.closed); return nil }

func (pipe) Addr() net.Addr { return &net.TCPAddr{} }

// DOS-02: a body that never ends would hold a connection for as long as the
// server lets it, which by Caddy's default is for ever.
func TestDOS02ABodyThatNeverEndsIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		listener := pipe{make(chan net.Conn), make(chan struct{})}
		server := &http.Server{Handler: w} //nolint:gosec // it has no limit of its own, as Caddy has none
		served := make(chan error)
		go func() { served <- server.Serve(listener) }()
		client, far := net.Pipe()
		listener.server <- far
		if err := client.SetDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		_, err := io.WriteString(client, "POST /.doorcode/verify HTTP/1.1\r\nHost: app.example.com\r\nOrigin: "+origin+"\r\nAccept: application/json\r\n"+
			"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\ncode=")
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.ReadResponse(bufio.NewReader(client), nil)
		if err != nil {
			t.Errorf("within a minute there is no answer: %v", err)
		} else if _ = response.Body.Close(); response.StatusCode != http.StatusBadRequest {
			t.Errorf("status %d", response.StatusCode)
		}
		_ = client.Close()
		_ = server.Close()
		<-served
	})
}

// RD-01: where a form leads is judged again when it comes back, whatever was
// sealed into it, by a version with other rules for one.
func TestRD01AScriptIsNotLedToAnotherOriginByASealedTarget(t *testing.T) {
	w := newWorld(t, roomy)
	sealed := func(b *browser, back string) url.Values {
		flow, err := w.gate.OpenFlow(b.jar[flowName], &challenge.Visit{Now: w.clock.now()})
		if err != nil {
			t.Fatal(err)
		}
		plain, err := json.Marshal(map[string]any{"f": flow.Key(), "b": back, "m": w.clock.now().Unix()})
		if err != nil {
			t.Fatal(err)
		}
		return url.Values{"flow": {w.gate.SealForm(plain, origin)}}
	}
	for _, back := range []string{"//evil.example", "https://evil.example/", `/\evil.example`, "/x\r\nSet-Cookie: a=b"} {
		b := w.browser()
		code := b.ask("/x", ana)
		for _, typed := range []string{"12", code} {
			form := sealed(b, back)
			form.Set("code", typed)
			a := b.do(http.MethodPost, "/.doorcode/verify", form, scripted)
			var s said
			if err := json.Unmarshal([]byte(a.body), &s); err != nil {
				t.Fatal(err)
			}
			if s.OK != (typed == code) || s.To != "/" {
				t.Errorf("%q: status %d, to %q", back, a.StatusCode, s.To)
			}
		}
	}
}

// Without scripts the page is loaded anew after each press, and would forget the
// box that was ticked beside a code that was mistyped.
func TestTheBoxStaysAsThePersonLeftIt(t *testing.T) {
	ticked := func(a answer) bool {
		t.Helper()
		if !strings.Contains(a.body, `id="remember"`) {
			t.Fatalf("no box on the page:\n%s", a.text())
		}
		return strings.Contains(a.body, ` aria-describedby="shared" checked>`)
	}
	wants := func(what string, got, want bool) {
		t.Helper()
		if got != want {
			t.Errorf("%s: ticked %v, want %v", what, got, want)
		}
	}
	w := newWorld(t, roomy)
	b := w.browser()
	code := b.ask("/x", ana)
	wants("a new browser", ticked(b.page), false)
	for _, typed := range []string{wrongCode(code, 0), "12", ""} {
		wants("ticked", ticked(b.submit("/verify", "code", typed, "remember", "1")), true)
		wants("loaded again", ticked(b.open("/x")), true)
		wants("not ticked", ticked(b.submit("/verify", "code", typed)), false)
	}
	b.submit("/verify", "code", "12", "remember", "1")
	w.clock.advance(31 * time.Second)
	wants("ticked, another mail", ticked(b.submit("/resend")), true)
	w.clock.advance(31 * time.Second) // the button for another mail is of the form that has the box
	wants("ticked no more when another mail was asked for", ticked(b.submit("/resend", "code", "")), false)
	b.submit("/verify", "code", code, "remember", "1").wants(t, http.StatusOK, "app")

	b.open("/.doorcode/signout")
	b.submit("/signout")
	code = b.ask("/x", ana)
	wants("a remembered browser", ticked(b.page), true)
	wants("ticked no more", ticked(b.submit("/verify", "code", wrongCode(code, 0))), false)
	w.clock.advance(31 * time.Second)
	wants("ticked no more, another mail", ticked(b.submit("/resend")), false)
}
