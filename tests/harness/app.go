// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// An App is a protected app. It keeps the requests that reach it and echoes
// them as JSON.
type App struct {
	Address string // host:port

	mu     sync.Mutex // guards below
	seen   []Seen
	answer http.HandlerFunc
}

// Seen is one request that the app received.
type Seen struct {
	Method, Host, URI string
	Header            http.Header
	Trailer           http.Header
	Body              string
}

// NewApp starts an app that ends with the test.
func NewApp(t testing.TB) *App {
	t.Helper()
	a := &App{}
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	a.Address = strings.TrimPrefix(server.URL, "http://")
	return a
}

// Answer replaces what the app says.
func (a *App) Answer(h http.HandlerFunc) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.answer = h
}

// ServeHTTP keeps and echoes a request.
func (a *App) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return
	}
	s := Seen{Method: r.Method, Host: r.Host, URI: r.RequestURI, Header: r.Header.Clone(), Trailer: r.Trailer.Clone(), Body: string(body)}
	a.mu.Lock()
	a.seen = append(a.seen, s)
	answer := a.answer
	a.mu.Unlock()
	if answer != nil {
		answer(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(s)
}

// Seen are the requests that reached the app so far.
func (a *App) Seen() []Seen {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]Seen(nil), a.seen...)
}

// Last is the newest request that reached the app.
func (a *App) Last(t testing.TB) Seen {
	t.Helper()
	seen := a.Seen()
	if len(seen) == 0 {
		t.Fatal("no request reached the app")
	}
	return seen[len(seen)-1]
}

// Untouched fails when anything reached the app since n requests had.
func (a *App) Untouched(t testing.TB, n int) {
	t.Helper()
	if seen := a.Seen(); len(seen) != n {
		t.Errorf("%d requests reached the app, want %d; the last: %+v", len(seen), n, seen[len(seen)-1])
	}
}

// trusting accepts Caddy's own test certificates, on loopback only.
var trusting = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // tests

func dialTo(d *net.Dialer, address string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		return d.DialContext(ctx, network, address)
	}
}
