// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"sync"
	"testing"
)

// A MailAPI is a managed mail service on this machine.
type MailAPI struct {
	URL string

	server *httptest.Server
	mu     sync.Mutex // guards below
	answer http.HandlerFunc
	mails  []APIMail
}

// An APIMail is one request to such a service, whose JSON is named as Postmark does.
type APIMail struct {
	Header                                              http.Header
	From, To, ReplyTo, Subject, TextBody, HtmlBody, Tag string //nolint:revive // named as the service does
}

// NewMailAPI starts a service that takes each mail; it ends with the test.
func NewMailAPI(t testing.TB) *MailAPI {
	t.Helper()
	a := &MailAPI{}
	a.server = httptest.NewServer(http.HandlerFunc(a.serve))
	a.URL = a.server.URL + "/email"
	t.Cleanup(a.server.Close)
	return a
}

func (a *MailAPI) serve(w http.ResponseWriter, r *http.Request) {
	m := APIMail{Header: r.Header}
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	a.mu.Lock()
	a.mails = append(a.mails, m)
	answer := a.answer
	a.mu.Unlock()
	if answer != nil {
		answer(w, r)
	}
}

// Answer makes the service answer in another way; nil takes each mail again.
func (a *MailAPI) Answer(answer http.HandlerFunc) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.answer = answer
}

// Mails are all that were offered, in order.
func (a *MailAPI) Mails() []APIMail {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.mails)
}

// Wait returns the n-th mail that was offered, counted from one.
func (a *MailAPI) Wait(t testing.TB, n int) APIMail {
	t.Helper()
	Eventually(t, "a mail at the service", func() bool { return len(a.Mails()) >= n })
	return a.Mails()[n-1]
}

var codeInText = regexp.MustCompile(`(?m)^@\S+ #(\S+)$`)

// Code is the code of a mail.
func (m APIMail) Code(t testing.TB) string {
	t.Helper()
	found := codeInText.FindStringSubmatch(m.TextBody)
	if found == nil {
		t.Fatalf("no code in %q", m.TextBody)
	}
	return found[1]
}
