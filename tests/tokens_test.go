// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

var shownToken = regexp.MustCompile(`\bdct_[a-z2-7]{72}\b`)

// makeToken makes an access token as a person does. fields may say more of it.
func makeToken(t testing.TB, c *harness.Caddy, b *harness.Browser, address string, fields url.Values) string {
	t.Helper()
	wantStatus(t, "the page of tokens", b.Open(t, "/.doorcode/tokens"), http.StatusOK)
	asked := url.Values{"action": {"start"}, "name": {"Laptop"}, "path": {"/"}, "reads": {""}, "days": {"30"}}
	for name, values := range fields {
		asked[name] = values
	}
	before := len(c.Mailbox.Codes(t, address))
	b.Submit(t, "tokens", asked)
	code := c.Mailbox.WaitCode(t, address, before+1).Code(t)
	wantStatus(t, "the code for a token", enter(t, b, code), http.StatusOK)
	page := b.Submit(t, "tokens", nil)
	token := shownToken.FindString(page.Body)
	if page.Status != http.StatusOK || token == "" {
		t.Fatalf("no token; status %d:\n%s", page.Status, page.Text())
	}
	return token
}

// revoke ends the newest token.
func revoke(t testing.TB, b *harness.Browser) {
	t.Helper()
	b.Open(t, "/.doorcode/tokens")
	wantText(t, "the question", b.Press(t, "Revoke", nil), "Revoke Laptop?")
	wantStatus(t, "revoking", b.Press(t, "Revoke", nil), http.StatusOK)
}

// carrying is a program that sends a header field and nothing of a browser.
func carrying(t testing.TB, c *harness.Caddy, name, value string) *harness.Browser {
	t.Helper()
	b := c.Browser(t)
	b.Agent, b.Extra = "curl/8.9.0", http.Header{name: {value}}
	return b
}

func basicOf(name, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+password))
}

// runProgram runs a program in a folder of its own, and returns what it says. It gets no
// terminal to ask at.
func runProgram(t testing.TB, folder, program string, arguments ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	command := exec.CommandContext(ctx, program, arguments...)
	command.Dir = folder
	command.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + folder, "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0", "LC_ALL=C",
		"GIT_AUTHOR_NAME=Ana", "GIT_AUTHOR_EMAIL=" + ana, "GIT_COMMITTER_NAME=Ana", "GIT_COMMITTER_EMAIL=" + ana,
	}
	said, err := command.CombinedOutput()
	return string(said), err
}

// mustRun is runProgram for what has to come off.
func mustRun(t testing.TB, folder, program string, arguments ...string) string {
	t.Helper()
	said, err := runProgram(t, folder, program, arguments...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", program, strings.Join(arguments, " "), err, said)
	}
	return said
}

// gitServer serves the repository notes.git as whoever the gate names, and keeps what
// it is sent.
func gitServer(t testing.TB, app *harness.App) {
	t.Helper()
	root := t.TempDir()
	mustRun(t, root, "git", "init", "--bare", "-q", "-b", "main", filepath.Join(root, "notes.git"))
	backend := filepath.Join(strings.TrimSpace(mustRun(t, root, "git", "--exec-path")), "git-http-backend")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/notes.git") {
			return // a page for people
		}
		if r.Header.Get("Authorization") != "" || r.Header.Get("Doorcode-Token") != "" || r.Header.Get("Remote-Email") != ana {
			http.Error(w, "the app sees a token, or nobody", http.StatusTeapot)
			return
		}
		(&cgi.Handler{Path: backend, Env: []string{"GIT_PROJECT_ROOT=" + root, "GIT_HTTP_EXPORT_ALL=1", "REMOTE_USER=" + r.Header.Get("Remote-User")}}).ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	app.Address = strings.TrimPrefix(server.URL, "http://")
}

// Acceptance of access tokens: a real git clones, pushes and pulls through the door,
// asked for name and password by the door as by any server, and can no more once the
// token is revoked.
func TestRuling44GitWorksThroughTheDoor(t *testing.T) {
	c := harness.Prepare(t)
	gitServer(t, c.App)
	c.Load(t, site("tokens on", generous("")))
	b := signedIn(t, c, ana)
	all := makeToken(t, c, b, ana, url.Values{"path": {"/notes.git"}})
	reads := makeToken(t, c, b, ana, url.Values{"path": {"/notes.git"}, "reads": {"1"}})
	// git asks a helper as it would ask its person; the helper hands out a token.
	with := func(token string) string {
		return `credential.helper=!f() { test "$1" = get && printf 'username=` + ana + `\npassword=` + token + `\n'; }; f`
	}
	folder, repository := t.TempDir(), c.URL("/notes.git")
	mustRun(t, folder, "git", "-c", with(all), "clone", "-q", repository, "mine")
	mine := filepath.Join(folder, "mine")
	if err := os.WriteFile(filepath.Join(mine, "note.txt"), []byte("tea\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	mustRun(t, mine, "git", "add", "note.txt")
	mustRun(t, mine, "git", "commit", "-q", "-m", "Tea")
	if said, err := runProgram(t, mine, "git", "-c", with(reads), "push", "-q", "origin", "HEAD:main"); err == nil {
		t.Errorf("a token that only reads has pushed:\n%s", said)
	}
	mustRun(t, mine, "git", "-c", with(all), "push", "-q", "origin", "HEAD:main")
	mustRun(t, folder, "git", "-c", with(reads), "clone", "-q", "-b", "main", repository, "copy")
	if note, err := os.ReadFile(filepath.Join(folder, "copy", "note.txt")); err != nil || string(note) != "tea\n" {
		t.Errorf("the copy has %q, %v", note, err)
	}
	mustRun(t, folder, "git", "-c", "http.extraHeader=Doorcode-Token: "+reads, "clone", "-q", "-b", "main", repository, "by-header")

	if said, err := runProgram(t, folder, "git", "clone", "-q", repository, "none"); err == nil || !strings.Contains(said, "could not read Username") {
		t.Errorf("without a token: %v\n%s", err, said)
	}
	revoke(t, b)
	said, err := runProgram(t, folder, "git", "-c", with(reads), "clone", "-q", repository, "gone")
	if err == nil || !strings.Contains(said, "Authentication failed") {
		t.Errorf("with a token that was revoked: %v\n%s", err, said)
	}
	mustRun(t, mine, "git", "-c", with(all), "fetch", "-q")
}

func TestRuling44CurlWorksThroughTheDoor(t *testing.T) {
	c := harness.Start(t, site("tokens on", "sensitive /admin/*", generous("")))
	token := makeToken(t, c, signedIn(t, c, ana), ana, nil)
	folder := t.TempDir()
	status := func(arguments ...string) string {
		return mustRun(t, folder, "curl", append([]string{"-s", "-o", "answer", "-w", "%{http_code}", "-A", "curl"}, arguments...)...)
	}
	reached := len(c.App.Seen())
	for name, got := range map[string]string{
		"no token":         status(c.URL("/x")),
		"a made-up token":  status("-u", ana+":dct_"+strings.Repeat("a", 72), c.URL("/x")),
		"one in a query":   status(c.URL("/x?token=" + token)),
		"one as a cookie":  status("-b", "doorcode="+token, c.URL("/x")),
		"two of them":      status("-u", ana+":"+token, "-H", "Doorcode-Token: dct_x", c.URL("/x")),
		"one as a session": status("-u", ana+":"+token, c.URL("/.doorcode/session")),
	} {
		if got != "401" {
			t.Errorf("%s: %s, want 401", name, got)
		}
	}
	if got := status("-u", ana+":"+token, c.URL("/admin/x")); got != "403" {
		t.Errorf("a sensitive page: %s, want 403", got)
	}
	c.App.Untouched(t, reached)
	for name, arguments := range map[string][]string{
		"a password":        {"-u", ana + ":" + token},
		"a bearer token":    {"-H", "Authorization: Bearer " + token},
		"the gate's header": {"-H", "Doorcode-Token: " + token},
	} {
		if got := status(append(arguments, "-X", "PUT", "-d", "a=b", c.URL("/x"))...); got != "200" {
			t.Errorf("%s: %s, want 200", name, got)
		}
		seen := c.App.Last(t).Header
		if seen.Get("Authorization") != "" || seen.Get("Doorcode-Token") != "" || seen.Get("Remote-Email") != ana || seen.Get("Doorcode-Assertion") == "" {
			t.Errorf("%s: the app saw %v", name, seen)
		}
	}
	if got := status("-u", "app:secret", "-H", "Doorcode-Token: "+token, c.URL("/x")); got != "200" {
		t.Errorf("beside the app's own password: %s, want 200", got)
	}
	if seen := c.App.Last(t).Header.Get("Authorization"); seen != basicOf("app", "secret") {
		t.Errorf("the app saw %q of its own password", seen)
	}
}

// PTH: the path of a token holds whatever an app makes of the request, also where
// Caddy rewrites it before the door.
func TestPTH03NoSpellingLeadsATokenOutOfItsPath(t *testing.T) {
	c := harness.Start(t, site("tokens on", generous("")))
	p := carrying(t, c, "Doorcode-Token", makeToken(t, c, signedIn(t, c, ana), ana, url.Values{"path": {"/repo"}, "reads": {"1"}}))
	wantStatus(t, "inside", p.Do(t, http.MethodGet, "/repo/x", nil), http.StatusOK)
	reached := len(c.App.Seen())
	for _, path := range []string{
		"/admin", "/repo/../admin", "/repo/..%2fadmin", "/repo/%2e%2e/admin", "/repo/..;/admin", "/repo%2f..%2fadmin", "/repo/..%5cadmin",
		"/repo/%252e%252e%252fadmin", "/repository", "/REPO/x", "//repo/x", "/./repo/x", "/admin/repo", "/repo/x?_method=DELETE", "/repo/x?%5fmethod=PUT",
	} {
		if page := p.Do(t, http.MethodGet, path, nil); page.Status != http.StatusForbidden {
			t.Errorf("GET %s: %d, want 403", path, page.Status)
		}
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "MKCOL", "get"} {
		if page := p.Do(t, method, "/repo/x", nil); page.Status != http.StatusForbidden {
			t.Errorf("%s: %d, want 403", method, page.Status)
		}
	}
	overridden := carrying(t, c, "Doorcode-Token", p.Extra.Get("Doorcode-Token"))
	overridden.Extra.Set("X-HTTP-Method-Override", "DELETE")
	c.App.Untouched(t, reached)
	wantStatus(t, "a field that is removed", overridden.Do(t, http.MethodGet, "/repo/x", nil), http.StatusOK)
	if seen := c.App.Last(t).Header; seen.Get("X-HTTP-Method-Override") != "" {
		t.Errorf("the app saw %v", seen)
	}
}

// Ruling 4: each gate of a site judges the token, and the app sees it from none.
func TestRuling4EveryGateOfASiteJudgesAToken(t *testing.T) {
	first, second := gate("*@example.com", "tokens on", generous("")), gate("/team/* "+ana, "tokens on", generous(""))
	c := harness.Start(t, "http://localhost:PORT {\n"+first+"\n"+second+"\n\treverse_proxy APP\n}\n")
	hers := makeToken(t, c, signedIn(t, c, ana), ana, nil)
	his := makeToken(t, c, signedIn(t, c, ben), ben, nil)
	for _, field := range []string{"Doorcode-Token", "Authorization"} {
		value := func(token string) string {
			if field == "Authorization" {
				return basicOf("x", token)
			}
			return token
		}
		wantStatus(t, "hers", carrying(t, c, field, value(hers)).Do(t, http.MethodGet, "/team/x", nil), http.StatusOK)
		if seen := c.App.Last(t).Header; seen.Get("Authorization") != "" || seen.Get("Doorcode-Token") != "" || seen.Get("Remote-Email") != ana {
			t.Errorf("%s: the app saw %v", field, seen)
		}
		wantStatus(t, "his, where he may pass", carrying(t, c, field, value(his)).Do(t, http.MethodGet, "/x", nil), http.StatusOK)
		wantStatus(t, "his, where he may not", carrying(t, c, field, value(his)).Do(t, http.MethodGet, "/team/x", nil), http.StatusForbidden)
	}
}

// Acceptance 120 for tokens: revoked at one machine, a token is over at the others
// within their two looks a second, and so is what it has open.
func TestRuling44ARevokedTokenIsOverAtEveryMachine(t *testing.T) {
	t.Parallel()
	f, first, second, _ := pair(t, generous(""), "tokens on")
	f.App.Answer(streaming)
	b := signedIn(t, first.Caddy, ana)
	token := makeToken(t, first.Caddy, b, ana, nil)
	p := carrying(t, second.Caddy, "Doorcode-Token", token)
	wantStatus(t, "at the other machine", p.Do(t, http.MethodGet, "/", nil), http.StatusOK)
	open := openByToken(t, second.Caddy, token)
	revoke(t, b)
	wantStatus(t, "at once where it was revoked", carrying(t, first.Caddy, "Doorcode-Token", token).Do(t, http.MethodGet, "/", nil), http.StatusUnauthorized)
	open.wantCut(t)
	harness.Eventually(t, "the token to end at the other", func() bool { return p.Do(t, http.MethodGet, "/", nil).Status == http.StatusUnauthorized })
	wantStatus(t, "the session that revoked it", b.Fetch(t, "/"), http.StatusOK)
}

// openByToken opens a WebSocket by a token.
func openByToken(t *testing.T, c *harness.Caddy, token string) *stream {
	t.Helper()
	page, conn, reader := c.Upgrade(t,
		"GET /socket HTTP/1.1", "Host: localhost:"+c.Port, "Connection: Upgrade", "Upgrade: websocket",
		"Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Doorcode-Token: "+token, "", "")
	wantStatus(t, "handshake", page, http.StatusSwitchingProtocols)
	s := &stream{kind: "WebSocket", conn: conn, reader: reader}
	s.wantOpen(t)
	t.Cleanup(s.end)
	return s
}

func TestATokenSurvivesAReloadAndEndsWithIt(t *testing.T) {
	c := harness.Start(t, site("tokens on", generous("")))
	token := makeToken(t, c, signedIn(t, c, ana), ana, nil)
	c.Reload(t)
	wantStatus(t, "after a reload", carrying(t, c, "Doorcode-Token", token).Do(t, http.MethodGet, "/", nil), http.StatusOK)
	c.Load(t, site("tokens off", generous("")))
	wantStatus(t, "once tokens are off", carrying(t, c, "Doorcode-Token", token).Do(t, http.MethodGet, "/", nil), http.StatusUnauthorized)
}
