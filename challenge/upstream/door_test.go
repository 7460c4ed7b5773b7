// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package upstream_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge/upstream"
)

const (
	sessionCookie = "__Host-Http-doorcode"
	deviceCookie  = "__Host-Http-doorcode-device"
	flowCookie    = "__Host-Http-doorcode-flow"
)

var (
	cookies  = []string{sessionCookie, deviceCookie, flowCookie}
	identity = []string{"Remote-User", "Remote-Email", "Remote-Name", "Remote-Groups", "Doorcode-Assertion"}
)

// alice has no groups: that field must be absent, not the visitor's.
func alice(t *testing.T) *upstream.Headers {
	t.Helper()
	headers, err := upstream.BuildHeaders([]upstream.Field{
		{Name: "Remote-User", Value: "alice"},
		{Name: "Remote-Email", Value: "alice@example.com"},
		{Name: "Remote-Name", Value: "Alice"},
		{Name: "Remote-Groups", Value: ""},
		{Name: "Doorcode-Assertion", Value: "signed"},
	})
	if err != nil {
		t.Fatalf("building headers: %v", err)
	}
	return headers
}

// door stands in for the gate: it admits everybody as alice.
func door(t *testing.T, app http.Handler) *httptest.Server {
	t.Helper()
	cleaner := upstream.NewCleaner(upstream.CleanerOptions{Names: identity, StripGateways: true})
	jar := upstream.NewJar(cookies...)
	answers := upstream.NewAnswers(upstream.AnswersOptions{Cookies: cookies})
	headers := alice(t)
	return serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cleaner.Clean(r, new(upstream.Met))
		jar.Remove(r.Header)
		headers.Set(r.Header, nil)
		g := answers.Guard(w, r, true)
		app.ServeHTTP(g, r)
		g.Done()
	}))
}

func serve(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server
}

// proxied puts a reverse proxy between the door and an app on its own server.
func proxied(t *testing.T, app http.Handler) *httptest.Server {
	t.Helper()
	target, err := url.Parse(serve(t, app).URL)
	if err != nil {
		t.Fatal(err)
	}
	return door(t, &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }})
}

// send writes a request as it is and returns the answer.
func send(t *testing.T, server *httptest.Server, request string) *http.Response {
	t.Helper()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("reading the answer to %.80q: %v", request, err)
	}
	return response
}

// cgi is an app behind CGI: it makes one variable of all spellings of a field. It
// keeps what it was sent.
type cgi struct {
	variables map[string][]string
	header    http.Header
	announced http.Header // trailers, before the body was read
	trailer   http.Header
}

func (c *cgi) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.announced = r.Trailer.Clone()
	_, _ = io.Copy(io.Discard, r.Body)
	c.header, c.trailer = r.Header.Clone(), r.Trailer.Clone()
	c.variables = map[string][]string{}
	for name, values := range r.Header {
		variable := strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
				return r
			}
			return '_'
		}, name)
		variable = strings.ToUpper(variable)
		c.variables[variable] = append(c.variables[variable], values...)
	}
}

// checkAlice reports what the app took for the identity, if it was not alice's.
func checkAlice(t *testing.T, app *cgi) {
	t.Helper()
	for variable, want := range map[string][]string{
		"REMOTE_USER":        {"alice"},
		"REMOTE_EMAIL":       {"alice@example.com"},
		"REMOTE_NAME":        {"Alice"},
		"REMOTE_GROUPS":      nil,
		"DOORCODE_ASSERTION": {"signed"},
	} {
		if got := app.variables[variable]; !slices.Equal(got, want) {
			t.Errorf("the app got %s = %q, want %q", variable, got, want)
		}
	}
}
