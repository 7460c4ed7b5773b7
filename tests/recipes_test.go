// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"crypto/rand"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// parts are the headings that each recipe has. What an app needs stands under a
// heading of its own.
var parts = []string{"What you get", "How to see that it works", "What does not work", "Tried"}

func recipeNames(t *testing.T) (names []string) {
	t.Helper()
	files, err := filepath.Glob("../docs/recipes/*.md")
	if err != nil || len(files) < 15 {
		t.Fatalf("finding recipes: %d, %v", len(files), err)
	}
	for _, file := range files {
		if name := strings.TrimSuffix(filepath.Base(file), ".md"); name != "README" {
			names = append(names, name)
		}
	}
	return names
}

func TestEveryRecipeSaysWhatWasTried(t *testing.T) {
	index := read(t, "../docs/recipes/README.md")
	for _, name := range recipeNames(t) {
		page := read(t, "../docs/recipes/"+name+".md")
		for _, part := range parts {
			if !strings.Contains(page, "\n## "+part+"\n") {
				t.Errorf("%s has no %q", name, part)
			}
		}
		if !strings.Contains(index, "("+name+".md)") {
			t.Errorf("the index does not name %s", name)
		}
	}
}

var (
	mailBlock = regexp.MustCompile(`(?ms)^(\t*)mail smtp .*? \{\n.*?^\t*\}\n`)
	siteLine  = regexp.MustCompile(`(?m)^(?:(https?)://)?([a-z0-9-]+(?:\.[a-z0-9-]+)+) \{$`)
	upstream  = regexp.MustCompile(`reverse_proxy localhost:\d+`)
	etcFile   = regexp.MustCompile(`/etc/caddy/[a-z0-9.-]+`)
)

// recipe is the n-th Caddyfile of a recipe, with the global option that all stand
// on, in a form in which it runs in a test.
func recipe(t *testing.T, c *harness.Caddy, name string, n int) string {
	t.Helper()
	blocks := fenced(read(t, "../docs/recipes/"+name+".md"), "caddyfile")
	if n >= len(blocks) {
		t.Fatalf("%s has %d Caddyfiles", name, len(blocks))
	}
	shared := optionsIn(fenced(read(t, "../docs/recipes/README.md"), "caddyfile")[0])
	options, body := "", blocks[n]
	if strings.HasPrefix(body, "{\n") {
		options = optionsIn(body)
		_, body, _ = strings.Cut(body, "\n}\n")
	}
	if !strings.Contains(options, "doorcode {") {
		options += "\n" + shared
	}
	keep(t, c.Folder, "people.csv", "ana@example.com,ana,Ana Lima,,\n")
	keep(t, c.Folder, "doorcode-secret", rand.Text()+rand.Text())
	keep(t, c.Folder, "clients-ca.pem", string(harness.NewAuthority(t).PEM))
	text := mailBlock.ReplaceAllString(options+"\n---\n"+body, "${1}mail file MAIL\n")
	text = siteLine.ReplaceAllStringFunc(text, func(line string) string {
		match := siteLine.FindStringSubmatch(line)
		if match[1] == "http" {
			return "http://" + match[2] + ":PORT {"
		}
		return "https://" + match[2] + ":PORT {"
	})
	text = strings.ReplaceAll(text, "-EMAIL", "-Email") // MAIL is the folder
	text = upstream.ReplaceAllString(text, "reverse_proxy APP")
	text = strings.ReplaceAll(text, "origins https://app.example.com", "origins https://app.example.com:PORT https://app.example.com")
	return etcFile.ReplaceAllStringFunc(text, func(path string) string { return "FOLDER/" + filepath.Base(path) })
}

func optionsIn(block string) string {
	options, _, _ := strings.Cut(strings.TrimPrefix(block, "{\n"), "\n}\n")
	return options
}

// TestEveryRecipeLoads: a whole Caddy takes each Caddyfile of the recipes. Two sites
// cannot share a port with and without TLS, which the recipes do not.
func TestEveryRecipeLoads(t *testing.T) {
	for _, name := range recipeNames(t) {
		for n := range fenced(read(t, "../docs/recipes/"+name+".md"), "caddyfile") {
			c := harness.Prepare(t)
			if err := c.TryLoad(t, recipe(t, c, name, n)); err != nil {
				t.Errorf("%s, number %d: %v", name, n+1, err)
			}
		}
	}
}

// A try is one request of a recipe.
type try struct {
	line  string // method and path
	field string // a further header field
	want  string // what answers: see outcome
}

// outcome says in a word what became of a request: the app answered, or the door.
func outcome(page harness.Page, reached bool) string {
	kind, _, _ := strings.Cut(page.Header.Get("Content-Type"), ";")
	switch {
	case reached:
		return "app"
	case kind == "application/problem+json":
		kind = "problem"
	case kind == "text/html":
		kind = "page"
	}
	return strings.TrimSpace(http.StatusText(page.Status) + " " + kind)
}

const browses = "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\nAccept: text/html"

// TestRecipes makes the requests that each recipe is about.
func TestRecipes(t *testing.T) {
	for _, tt := range []struct {
		name string
		n    int // which Caddyfile
		host string
		try  []try
	}{
		{"webhooks", 0, "app.example.com", []try{
			{"POST /hooks/stripe", "", "app"},
			{"GET /hooks/stripe", "", "Unauthorized problem"},
			{"POST /hooks/..%2fadmin", "", "Unauthorized problem"},
			{"GET /healthz", "Remote-User: ana", "app"},
			{"GET /api/x", "Accept: text/html", "Unauthorized problem"},
			{"GET /admin", "", "Unauthorized problem"},
			{"GET /admin", browses, "Unauthorized page"},
		}},
		{"step-up", 1, "shop.example.com", []try{
			{"GET /", "", "app"},
			{"GET /admin/x", "", "Unauthorized problem"},
			{"GET //admin/x", browses, "Bad Request page"},
			{"GET /wp-login.php;v=1", "", "Unauthorized problem"},
		}},
		{"nextcloud", 0, "cloud.example.com", []try{
			{"PROPFIND /remote.php/dav/files/ana/", "Authorization: Basic YW5hOng=", "app"},
			{"GET /ocs/v2.php/cloud/user", "", "app"},
			{"GET /status.php", "", "app"},
			{"POST /index.php/login/v2", "", "app"},
			{"GET /index.php/login/v2", browses, "Unauthorized page"},
			{"GET /index.php", browses, "Unauthorized page"},
			{"GET /index.php/login/v2/flow", browses, "Unauthorized page"},
			{"GET /apps/files/", browses, "Unauthorized page"},
			{"GET /remote.php/..%2fsettings/admin", "", "Unauthorized problem"},
		}},
		{"nextcloud", 1, "cloud.example.com", []try{
			{"PROPFIND /remote.php/dav/files/ana/", "", "Service Unavailable"},
			{"GET /apps/files/", browses, "Unauthorized page"},
		}},
		{"home-assistant", 0, "home.example.com", []try{
			{"GET /auth/authorize", browses, "OK page"},
			{"GET /lovelace/0", browses, "OK page"},
			{"GET /history", browses, "Unauthorized page"},
			{"POST /api/webhook/secret", "", "app"},
			{"POST /auth/token", "", "app"},
			{"GET /api/", "", "Unauthorized problem"},
		}},
		{"grafana", 0, "grafana.example.com", []try{
			{"GET /api/health", "Remote-Email: ana@example.com", "app"},
			{"GET /", "Remote-Email: alice@example.com", "Unauthorized problem"},
			{"GET /api/search", "Authorization: Bearer glsa_x", "Unauthorized problem"},
		}},
		{"gitea", 0, "git.example.com", []try{
			{"GET /", "X-WEBAUTH-USER: ana", "Unauthorized problem"},
			{"GET /ana/notes.git/info/refs?service=git-upload-pack", "User-Agent: git/2.39", "Unauthorized text/plain"},
			{"GET /api/healthz", "X-WEBAUTH-USER: ana", "app"},
		}},
		{"miniflux", 0, "feeds.example.com", []try{
			{"GET /v1/me", "X-Auth-Token: x", "Unauthorized problem"},
			{"GET /unread", "Remote-User: ana@example.com", "Unauthorized problem"},
			{"GET /healthcheck", "", "app"},
		}},
		{"miniflux", 1, "feeds.example.com", []try{
			{"GET /v1/me", "X-Auth-Token: x", "app"},
			{"POST /fever/?api", "", "app"},
			{"POST /accounts/ClientLogin", "", "app"},
			{"GET /unread", browses, "Unauthorized page"},
		}},
		{"jellyfin", 0, "films.example.com", []try{
			{"GET /System/Info/Public", "", "app"},
			{"GET /Users", "Authorization: MediaBrowser Token=x", "Unauthorized problem"},
			{"GET /Users", "Doorcode-Token: dct_" + strings.Repeat("a", 72), "Unauthorized problem"},
		}},
		{"radicale", 0, "dav.example.com", []try{
			{"PROPFIND /ana@example.com/", "", "Unauthorized problem"},
			{"GET /", "X_Remote_User: ana", "Unauthorized problem"},
		}},
		{"node-red", 0, "flows.example.com", []try{
			{"GET /flows", "", "Unauthorized problem"},
			{"GET /hooks/x", "", "app"},
			{"GET /hooks/../flows", "", "Unauthorized problem"},
		}},
		{"programs", 1, "app.example.com", []try{
			{"REPORT /dav/x", "", "Service Unavailable"},
			{"GET /notes.git/info/refs", "User-Agent: git/2.39", "Forbidden text/plain"},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := harness.Prepare(t)
			c.Load(t, recipe(t, c, tt.name, tt.n))
			c.SecureBrowser(t, tt.host)
			for _, request := range tt.try {
				wantOutcome(t, c, tt.host, request)
			}
		})
	}
}

func wantOutcome(t *testing.T, c *harness.Caddy, host string, request try) {
	t.Helper()
	before := len(c.App.Seen())
	lines := []string{request.line + " HTTP/1.1", "Host: " + host + ":" + c.Port, "Connection: close", "User-Agent: test"}
	if request.field != "" {
		if strings.HasPrefix(request.field, "User-Agent") {
			lines = lines[:len(lines)-1]
		}
		lines = append(lines, request.field)
	}
	page := c.RawTLS(t, host, append(lines, "Content-Length: 0", "", "")...)
	reached := len(c.App.Seen()) > before
	if got := outcome(page, reached); got != request.want {
		t.Errorf("%s, %s: %s, want %s", request.line, request.field, got, request.want)
	}
	if reached {
		for field := range c.App.Last(t).Header {
			if slices.Contains([]string{"Remote-User", "Remote-Email", "X-Webauth-User"}, field) {
				t.Errorf("%s: a visitor's %s reached the app", request.line, field)
			}
		}
	}
}

// A tunnel on the same machine speaks http, and says who comes and by what. What
// others say of it counts for nothing.
func TestRecipesATunnelSaysWhereVisitorsAre(t *testing.T) {
	c := harness.Prepare(t)
	c.Load(t, strings.TrimSuffix(logged, "---\n")+recipe(t, c, "behind-a-proxy", 1))
	ask := func(fields ...string) harness.Page {
		lines := append([]string{"GET / HTTP/1.1", "Host: app.example.com", "Connection: close", browses}, fields...)
		return c.Raw(t, append(lines, "", "")...)
	}
	wantStatus(t, "without the scheme", ask("Cf-Connecting-Ip: 203.0.113.7"), http.StatusBadRequest)
	page := ask("X-Forwarded-Proto: https", "Cf-Connecting-Ip: 203.0.113.7", "X-Forwarded-For: 198.51.100.9")
	wantStatus(t, "by the tunnel", page, http.StatusUnauthorized)
	if line := events(t, c, "decided")[0]; line["network"] != "203.0.113.0/24" {
		t.Errorf("the visitor is taken to be in %v", line["network"])
	}
}

// TestRecipesJellyfinByAToken: a client that can send one header field gets in, and
// its own Authorization reaches the app.
func TestRecipesJellyfinByAToken(t *testing.T) {
	c := harness.Prepare(t)
	c.Load(t, recipe(t, c, "jellyfin", 0))
	b := c.SecureBrowser(t, "films.example.com")
	b.SignIn(t, c, "/", ana, false)
	token := makeToken(t, c, b, ana, nil)
	page := c.RawTLS(t, "films.example.com", "GET /Users HTTP/1.1", "Host: films.example.com:"+c.Port, "Connection: close", "User-Agent: test",
		"Doorcode-Token: "+token, "Authorization: MediaBrowser Token=x", "", "")
	wantStatus(t, "with a token", page, http.StatusOK)
	if seen := c.App.Last(t).Header; seen.Get("Authorization") != "MediaBrowser Token=x" || seen.Get("Doorcode-Token") != "" || seen.Get("Remote-Email") != ana {
		t.Errorf("the app saw %v", seen)
	}
}

// TestRecipesGitea: Gitea is told the user of the people file under its own names.
func TestRecipesGitea(t *testing.T) {
	c := harness.Prepare(t)
	c.Load(t, recipe(t, c, "gitea", 0))
	b := c.SecureBrowser(t, "git.example.com")
	b.SignIn(t, c, "/", ana, false)
	want := http.Header{"X-Webauth-User": {"ana"}, "X-Webauth-Email": {ana}, "X-Webauth-Fullname": {"Ana Lima"}}
	for field, values := range want {
		if got := c.App.Last(t).Header.Values(field); !slices.Equal(got, values) {
			t.Errorf("%s = %q, want %q", field, got, values)
		}
	}
}
