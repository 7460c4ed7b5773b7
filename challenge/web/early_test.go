// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"crypto/tls"
	"maps"
	"net/http"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/web"
)

// F-23: what came in early data can be sent again by whoever saw it. To read with a
// session goes through; whatever would turn a secret, send mail or begin a check is
// asked to come again after the handshake.
func TestF23EarlyDataChangesNothing(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	code := b.ask("/x", ana)
	b.submit("/verify", "code", code, "remember", "on").wants(t, http.StatusOK)
	renewing := b.clone()
	delete(renewing.jar, "__Host-Http-doorcode")
	before, mails := w.store.dump(t), len(w.mailbox.all())
	for _, word := range []string{"1", "0", "1, 1", "x"} { // RFC 8470, section 5.1
		early := with(clicked, "Early-Data", word)
		b.do(http.MethodGet, "/x", nil, early).wants(t, http.StatusOK, "app")
		b.do(http.MethodHead, "/x", nil, early).wants(t, http.StatusOK)
		b.do(http.MethodDelete, "/x", nil, early).wants(t, http.StatusTooEarly)
		for _, visitor := range []*browser{renewing.clone(), w.browser()} {
			for _, path := range []string{"/x", "/.doorcode/begin", "/.doorcode/session", "/.doorcode/"} {
				a := visitor.do(http.MethodGet, path, nil, early)
				if a.wants(t, http.StatusTooEarly); len(a.Cookies()) > 0 {
					t.Errorf("%s, %q: %d cookies", path, word, len(a.Cookies()))
				}
			}
		}
		w.browser().do(http.MethodGet, "/.doorcode/jwks.json", nil, early).wants(t, http.StatusOK)
	}
	if after := w.store.dump(t); !maps.Equal(before, after) || len(w.mailbox.all()) != mails {
		t.Error("early data changed something")
	}
	renewing.open("/x").wants(t, http.StatusOK, "app")
}

// F-23: nor is a mail sent to whom an earlier step names, nor the time noted that keeps
// a sensitive page open.
func TestF23EarlyDataSendsNoMail(t *testing.T) {
	w := newWorld(t)
	w.earlier(anaByPassword())
	named := w.arrive
	w.arrive = func(in *web.Arrival, r *http.Request) {
		named(in, r)
		in.Page = challenge.Page{MaxAge: challenge.LongestAge}
		r.TLS = &tls.ConnectionState{}
	}
	w.browser().do(http.MethodGet, "/x", nil, clicked).wants(t, http.StatusTooEarly)
	if got := len(w.mailbox.all()); got != 0 {
		t.Errorf("%d mails", got)
	}
}
