// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package upstream_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/challenge/upstream"
)

// TestHDR01ForgedFieldsNeverReachTheApp: whoever has no groups must not bring some
// along; deleting comes before setting and does not depend on it.
func TestHDR01ForgedFieldsNeverReachTheApp(t *testing.T) {
	app := new(cgi)
	server := proxied(t, app)
	for _, value := range []string{"mallory", ""} {
		var lines strings.Builder
		for _, name := range identity {
			fmt.Fprintf(&lines, "%s: %s\r\n%s: %s\r\n", name, value, name, value)
		}
		send(t, server, "GET / HTTP/1.1\r\nHost: a\r\nDoorcode-Anything: x\r\n"+lines.String()+"\r\n")
		checkAlice(t, app)
		if got, found := app.header["Doorcode-Anything"]; found {
			t.Errorf("a field of the gate's namespace reached the app: %q", got)
		}
	}
}

func TestHDR01FieldsOfOtherGatewaysNeverReachTheApp(t *testing.T) {
	asks := upstream.NewCleaner(upstream.CleanerOptions{StripGateways: true})
	follows := upstream.NewCleaner(upstream.CleanerOptions{Names: identity})
	for _, name := range upstream.Gateways {
		name = strings.Replace(name, "*", "Anything", 1)
		if left := clean(asks, name); left {
			t.Errorf("%s reaches the app of a gate that asks", name)
		}
		if left := clean(follows, name); !left && !slices.Contains(identity, name) {
			t.Errorf("%s, which an earlier step may set, is removed", name)
		}
	}
	for _, name := range []string{"Remote-User", "X-Forwarded-Email", "X-Authentik-Jwt", "Tailscale-User-Login", "CF-Access-Jwt-Assertion"} {
		if clean(asks, name) {
			t.Errorf("%s reaches the app of a gate that asks", name)
		}
	}
	for _, name := range []string{"Accept", "Authorization", "X-Forwarded-For", "X-Auth-Token", "X-Requested-With", "Remote", "Doorcode", "Origin"} {
		if !clean(asks, name) {
			t.Errorf("%s is removed", name)
		}
	}
}

// clean reports whether a field survives.
func clean(c *upstream.Cleaner, name string) bool {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header = http.Header{http.CanonicalHeaderKey(name): {"x"}}
	c.Clean(r, new(upstream.Met))
	return len(r.Header) == 1
}

// spellings returns name with every choice of separators, in four cases.
func spellings(name, separators string) []string {
	all := []string{""}
	for _, c := range name {
		choice := string(c)
		if c == '-' {
			choice = separators
		}
		var longer []string
		for _, start := range all {
			for _, c := range choice {
				longer = append(longer, start+string(c))
			}
		}
		all = longer
	}
	for _, s := range slices.Clone(all) {
		odd := strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' && r%2 == 0 {
				return r - 'a' + 'A'
			}
			return r
		}, strings.ToLower(s))
		all = append(all, strings.ToLower(s), strings.ToUpper(s), odd)
	}
	return all
}

// TestHDR02EverySpellingIsOneField: CGI, FastCGI, WSGI and PHP make one variable of
// Remote-User, remote_user and Remote.User, some of Remote!User too.
func TestHDR02EverySpellingIsOneField(t *testing.T) {
	app := new(cgi)
	server := proxied(t, app)
	for _, name := range append([]string{"X-HTTP-Method-Override"}, identity...) {
		var lines strings.Builder
		for _, spelling := range append(spellings(name, "-_."), spellings(name, "!#$%&'*+^`|~")...) {
			lines.WriteString(spelling + ": mallory\r\n")
		}
		if got := send(t, server, "GET / HTTP/1.1\r\nHost: a\r\n"+lines.String()+"\r\n"); got.StatusCode != http.StatusOK {
			t.Fatalf("%s: the app was not reached: %s", name, got.Status)
		}
		checkAlice(t, app)
		if got := app.variables["X_HTTP_METHOD_OVERRIDE"]; got != nil {
			t.Errorf("an override reached the app: %q", got)
		}
	}
}

// TestHDR02MalformedFieldsAreRefusedOrRemoved: blanks before the colon, folded
// lines and NUL. It does not matter which of server and gate does it.
func TestHDR02MalformedFieldsAreRefusedOrRemoved(t *testing.T) {
	for _, line := range []string{
		"Remote-User : mallory", "Remote-User\t: mallory", "Remote-User:\r\n mallory", "Remote-User: a\r\n\tmallory",
		"X: y\r\n Remote-User: mallory", "Remote-User\x00: mallory", "Remote-User:mallory", "remote_User:\tmallory",
	} {
		app := new(cgi)
		response := send(t, proxied(t, app), "GET / HTTP/1.1\r\nHost: a\r\n"+line+"\r\n\r\n")
		if response.StatusCode == http.StatusBadRequest && app.variables == nil {
			continue
		}
		checkAlice(t, app)
	}
	c := upstream.NewCleaner(upstream.CleanerOptions{Names: identity})
	for _, key := range []string{"Remote-User ", " Remote-User", "Remote-User\t", "remote user", "\x00Remote-User"} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header = http.Header{key: {"mallory"}}
		if c.Clean(r, new(upstream.Met)); len(r.Header) != 0 {
			t.Errorf("the key %q stays", key)
		}
	}
}

// TestHDR03ConnectionCannotNameOurFields: before, "Connection: Remote-User" made
// the proxy remove what the gate had set, and an app that takes a missing field for
// its default user was entered as that user.
func TestHDR03ConnectionCannotNameOurFields(t *testing.T) {
	app := new(cgi)
	server := proxied(t, app)
	for _, lines := range []string{
		"Connection: Remote-User", "Connection: close, remote-user", "Connection: keep-alive\r\nConnection: Remote-Email, Remote-Name",
		"connection: REMOTE-USER,Remote-Email,Remote-Name,Doorcode-Assertion", "Connection: close\r\nConnection: Doorcode-Assertion",
		"Connection: Upgrade, Remote-User\r\nUpgrade: websocket", "Proxy-Connection: Remote-User", "Connection:\tRemote-User\t",
	} {
		send(t, server, "GET / HTTP/1.1\r\nHost: a\r\n"+lines+"\r\n\r\n")
		checkAlice(t, app)
	}
}

func TestHDR03OnlyKnownConnectionOptionsPass(t *testing.T) {
	c := upstream.NewCleaner(upstream.CleanerOptions{})
	for _, tt := range []struct {
		name       string
		have, want http.Header
	}{
		{"nothing", http.Header{}, http.Header{}},
		{"known options stay as written", header("Connection", "Keep-Alive, TE"), header("Connection", "Keep-Alive, TE")},
		{"several lines stay as written", header("Connection", "close", "te"), header("Connection", "close", "te")},
		{"an unknown option goes", header("Connection", "x-a, close, cookie"), header("Connection", "close")},
		{"an unknown option goes though a known one follows", header("Connection", "x-a, close"), header("Connection", "close")},
		{"a proxy's own option list goes", header("Proxy-Connection", "Remote-User"), http.Header{}},
		{"unknown options on a second line go", header("Connection", "TE", "x-a"), header("Connection", "TE")},
		{"nothing is left of unknown options", header("Connection", "x-a", ""), http.Header{}},
		{"a Kelvin sign is no k", header("Connection", "\u212aeep-alive"), http.Header{}},
		{"a websocket passes", upgrade("keep-alive, Upgrade", "websocket"), upgrade("keep-alive, Upgrade", "websocket")},
		{"a websocket passes in capitals", upgrade("upgrade", "WebSocket"), upgrade("upgrade", "WebSocket")},
		{"a websocket without its option is none", upgrade("close", "websocket"), header("Connection", "close")},
		{"an option without its protocol goes", header("Connection", "Upgrade"), http.Header{}},
		{"h2c opens a raw tunnel", upgrade("Upgrade, HTTP2-Settings", "h2c"), http.Header{}},
		{"a second protocol spoils the first", upgrade("Upgrade", "websocket, h2c"), http.Header{}},
		{"a second line spoils the first", upgrade("Upgrade", "websocket", "h2c"), http.Header{}},
		{"a version is another protocol", upgrade("close, Upgrade", "websocket/13"), header("Connection", "close")},
		{"a look-alike is another protocol", upgrade("Upgrade", "web\u017focket"), http.Header{}},
		{"settings of h2c go alone as well", header("Http2-Settings", "AAMAAABk"), http.Header{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Header = tt.have
			c.Clean(r, new(upstream.Met))
			if diff := cmp.Diff(tt.want, r.Header); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func header(name string, lines ...string) http.Header { return http.Header{name: lines} }

func upgrade(connection string, protocols ...string) http.Header {
	return http.Header{"Connection": {connection}, "Upgrade": protocols}
}

// TestHDR03ExtendedConnectOpensWebsocketsOnly is the same rule for HTTP/2.
func TestHDR03ExtendedConnectOpensWebsocketsOnly(t *testing.T) {
	c := upstream.NewCleaner(upstream.CleanerOptions{})
	for protocol, stays := range map[string]bool{"websocket": true, "connect-udp": false, "connect-ip": false, "": false} {
		r := httptest.NewRequest(http.MethodConnect, "/", nil)
		r.Header[":protocol"] = []string{protocol}
		c.Clean(r, new(upstream.Met))
		if _, found := r.Header[":protocol"]; found != stays {
			t.Errorf(":protocol %q passes: %v, want %v", protocol, found, stays)
		}
	}
}

// TestHDR04TrailersCannotAddOurFields: before, a trailer that nobody announced
// reached apps that merge trailers into the header.
func TestHDR04TrailersCannotAddOurFields(t *testing.T) {
	app := new(cgi)
	server := door(t, app)
	for _, announced := range []string{"", "Trailer: X-Sum\r\n", "Trailer: X-Sum, Remote-User\r\n", "Trailer: remote_user\r\nTrailer: X-Sum\r\n"} {
		send(t, server, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"+announced+"\r\n"+
			"3\r\nabc\r\n0\r\nX-Sum: 7\r\nRemote-User: mallory\r\nremote_groups: admins\r\nDoorcode-X: y\r\nX-Original-URL: /\r\n\r\n")
		checkAlice(t, app)
		if diff := cmp.Diff(http.Header{"X-Sum": {"7"}}, app.trailer); diff != "" {
			t.Errorf("announced %q: trailers (-want +got):\n%s", announced, diff)
		}
		for name := range app.announced {
			if name != "X-Sum" {
				t.Errorf("announced %q: the app is told of %s", announced, name)
			}
		}
	}
}

// TestHDR04TrailersThatArriveOnClose: a handler that stops reading leaves the rest
// to Close, which net/http runs before the next request.
func TestHDR04TrailersThatArriveOnClose(t *testing.T) {
	var trailer http.Header
	server := door(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_ = r.Body.Close()
		trailer = r.Trailer.Clone()
	}))
	send(t, server, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 7\r\nRemote-User: mallory\r\n\r\n")
	if diff := cmp.Diff(http.Header{"X-Sum": {"7"}}, trailer); diff != "" {
		t.Errorf("trailers (-want +got):\n%s", diff)
	}
}

// TestHDR04AnnouncementsAreCleaned: without chunks, net/http leaves the Trailer
// field where it was.
func TestHDR04AnnouncementsAreCleaned(t *testing.T) {
	c := upstream.NewCleaner(upstream.CleanerOptions{Names: identity})
	for _, tt := range []struct{ have, want http.Header }{
		{header("Trailer", "X-Sum,X-B"), header("Trailer", "X-Sum,X-B")},
		{header("Trailer", "X-Sum, remote_user", "Remote-Name , X-B"), header("Trailer", "X-Sum, X-B")},
		{header("Trailer", "Remote-User"), http.Header{}},
	} {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("x"))
		r.Header = tt.have
		c.Clean(r, new(upstream.Met))
		if diff := cmp.Diff(tt.want, r.Header); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestBodiesOfKnownLengthAreLeftAlone(t *testing.T) {
	c := upstream.NewCleaner(upstream.CleanerOptions{})
	body := io.NopCloser(strings.NewReader("x"))
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	r.Body, r.ContentLength = body, 1
	if c.Clean(r, new(upstream.Met)); r.Body != body {
		t.Error("a body of known length is wrapped")
	}
	r.Body, r.ContentLength = nil, -1
	if c.Clean(r, new(upstream.Met)); r.Body != nil {
		t.Error("no body became one")
	}
}

// TestPTH06OverridesNeverReachTheApp: frameworks let these fields replace the URL
// or method that the gate has judged.
func TestPTH06OverridesNeverReachTheApp(t *testing.T) {
	app := new(cgi)
	send(t, proxied(t, app), "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nX-Original-URL: /admin\r\nx_rewrite_url: /admin\r\n"+
		"X-HTTP-Method-Override: DELETE\r\nX-Http-Method: DELETE\r\nX.Method.Override: DELETE\r\nX-Forwarded-Uri: /stays\r\n\r\n")
	for _, variable := range []string{"X_ORIGINAL_URL", "X_REWRITE_URL", "X_HTTP_METHOD_OVERRIDE", "X_HTTP_METHOD", "X_METHOD_OVERRIDE"} {
		if got := app.variables[variable]; got != nil {
			t.Errorf("%s = %q reached the app", variable, got)
		}
	}
	if app.header.Get("X-Forwarded-Uri") == "" {
		t.Error("a field that overrides nothing is removed")
	}
}

// TestHDR04TrailersOverHTTP2: announced trailers of ours are unknown to the server
// once the announcement is gone; spellings are the same as in HTTP/1.
func TestHDR04TrailersOverHTTP2(t *testing.T) {
	app := new(cgi)
	server := httptest.NewUnstartedServer(door(t, app).Config.Handler)
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	r, err := http.NewRequest(http.MethodPost, server.URL, io.NopCloser(strings.NewReader("abc")))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{"remote_user": {"mallory"}, "Remote.Groups": {"admins"}, "Cookie": {"a=1", sessionCookie + "=x", "b=2"}}
	r.Trailer = http.Header{"Remote-User": {"mallory"}, "Remote_groups": {"admins"}, "X-Sum": {"7"}}
	response, err := server.Client().Do(r)
	if err != nil || response.ProtoMajor != 2 {
		t.Fatalf("answer %v, %v", response, err)
	}
	_ = response.Body.Close()
	checkAlice(t, app)
	if diff := cmp.Diff(http.Header{"X-Sum": {"7"}}, app.trailer); diff != "" {
		t.Errorf("trailers (-want +got):\n%s", diff)
	}
	if got := app.header["Cookie"]; !slices.Equal(got, []string{"a=1; b=2"}) {
		t.Errorf("cookies %q", got)
	}
}
