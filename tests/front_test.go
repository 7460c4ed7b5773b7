// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// caching is nginx as many have it: it keeps what it may of everything.
const caching = `daemon off;
pid FOLDER/nginx.pid;
error_log FOLDER/error.log;
USER
worker_processes 1;
events {}
http {
	access_log off;
	client_body_temp_path FOLDER/body;
	proxy_temp_path FOLDER/temp;
	fastcgi_temp_path FOLDER/fastcgi;
	uwsgi_temp_path FOLDER/uwsgi;
	scgi_temp_path FOLDER/scgi;
	proxy_cache_path FOLDER/cache keys_zone=all:1m;
	server {
		listen 127.0.0.1:FRONT;
		add_header X-Cache $upstream_cache_status always;
		location / {
			proxy_pass http://DOOR;
			proxy_set_header Host $http_host;
			proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
			proxy_cache all;
			proxy_cache_key $host$request_uri;
			proxy_cache_valid any 10m;
		}
	}
}
`

// behindNginx starts nginx in front of a gate. Its browsers go there.
func behindNginx(t *testing.T, lines ...string) (front *harness.Caddy, folder string) {
	t.Helper()
	if _, err := exec.LookPath("nginx"); err != nil {
		t.Fatal("nginx is missing: Debian package nginx-light")
	}
	c, port := harness.Prepare(t), harness.FreePort(t)
	c.Load(t, site(append(lines, "origins http://localhost:"+port)...))
	folder = t.TempDir()
	user := ""
	if os.Geteuid() == 0 {
		user = "user root;"
	}
	config := strings.NewReplacer("FOLDER", folder, "USER", user, "FRONT", port, "DOOR", c.Address()).Replace(caching)
	cmd := exec.Command("nginx", "-p", folder, "-e", filepath.Join(folder, "error.log"), "-c", keep(t, folder, "nginx.conf", config))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt) // it ends at once, with its workers
		_ = cmd.Wait()
	})
	harness.Eventually(t, "nginx", func() bool {
		conn, err := net.Dial("tcp", "127.0.0.1:"+port)
		return err == nil && conn.Close() == nil
	})
	copied := *c
	copied.Port = port
	return &copied, folder
}

// deceiving are paths that a cache takes for files, and some apps for the account page.
var deceiving = []string{
	"/account", "/account/x.css", "/account/x.js", "/account;x.css", "/account%3bx.css", "/account%2fx.css", "/account/..%2fx.css", "/static/..%2faccount", "/static/%2e%2e/account/x.png", "/account?x.css", "/account%3fx.css",
	"/account%23x.css", "/account%00.css", "/account%0a.css", "/account.css", "/account//x.css", "/static/../account", "/account%20.css", "/ACCOUNT/x.css", "/account/x.avif?v=1", "/account\\x.css", "/account%5cx.css",
}

// personal is an app that tells everybody who they are, at whatever address, and says
// nothing about caches.
func personal(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/public/shared":
		w.Header().Set("Cache-Control", "public, max-age=600")
	case strings.Contains(r.URL.RawQuery, "expires"):
		w.Header().Set("Expires", "Thu, 31 Dec 2099 23:59:59 GMT")
	case strings.Contains(r.URL.RawQuery, "modified"):
		w.Header().Set("Last-Modified", "Thu, 01 Jan 2015 00:00:00 GMT")
		w.Header().Set("Etag", `"x"`)
	}
	_, _ = fmt.Fprintf(w, "account of <%s>", r.Header.Get("Remote-Email"))
}

// CCH-02: a cache between the visitors and the gate never shows one what was for another,
// by whatever address somebody was led there, and keeps no page of ours.
func TestCCH02ACacheInFrontShowsNobodyAnothersPage(t *testing.T) {
	front, folder := behindNginx(t, "public /public/*")
	front.App.Answer(personal)
	first, second, stranger := front.Browser(t), front.Browser(t), front.Browser(t)
	first.SignIn(t, front, "/", ana, true)
	second.SignIn(t, front, "/", ben, true)
	for _, path := range append(deceiving, "/account?expires", "/account/x.css?expires", "/account?modified", "/public/account", "/public/x.css?expires", "/public/x.css?modified") {
		open := strings.HasPrefix(path, "/public/")
		for _, visit := range []struct {
			b   *harness.Browser
			who string
		}{{first, ana}, {first, ana}, {second, ben}, {stranger, ""}, {first, ana}} {
			page := visit.b.Fetch(t, path)
			kept := page.Header.Get("X-Cache") == "HIT"
			switch {
			case page.Status == http.StatusOK && kept && !strings.Contains(page.Body, "<>"), kept && !open:
				t.Errorf("%s for %q: out of the cache came %d %q", path, visit.who, page.Status, page.Body)
			case page.Status == http.StatusOK && !kept && page.Body != "account of <"+visit.who+">":
				t.Errorf("%s for %q: %q", path, visit.who, page.Body)
			case page.Status == http.StatusOK && visit.who == "" && !open:
				t.Errorf("%s let a stranger in", path)
			}
		}
	}
	stranger.Fetch(t, "/public/shared")
	if page := stranger.Fetch(t, "/public/shared"); page.Header.Get("X-Cache") != "HIT" {
		t.Errorf("the cache kept nothing of what it may, so this shows nothing: %v", page.Header)
	}
	ownPages(t, stranger)
	wantNothingKept(t, folder)
}

// ownPages looks at pages and answers of ours.
func ownPages(t *testing.T, b *harness.Browser) {
	t.Helper()
	for range 2 {
		for _, path := range []string{"/", "/x.css", "/.doorcode/begin", "/.doorcode/begin/x.css", "/.doorcode/session", "/.doorcode/signout", "/.doorcode/status", "/.doorcode/x.css", "/x/.doorcode/begin;x.css"} {
			for _, header := range []http.Header{harness.Navigation, harness.Scripted} {
				if page := b.Do(t, http.MethodGet, path, nil, header); page.Header.Get("X-Cache") == "HIT" {
					t.Errorf("%s comes out of the cache: %d", path, page.Status)
				}
			}
		}
	}
}

// wantNothingKept looks into the files of the cache.
func wantNothingKept(t *testing.T, folder string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(filepath.Join(folder, "cache"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		files++
		raw, err := os.ReadFile(path)
		for _, secret := range []string{ana, ben, "doorcode-flow", "Set-Cookie", "Email me a code"} {
			if strings.Contains(string(raw), secret) {
				t.Errorf("the cache holds %q:\n%.600s", secret, raw)
			}
		}
		return err
	})
	if err != nil || files == 0 {
		t.Errorf("%d files in the cache, %v", files, err)
	}
}

// HDR-07: behind a proxy that adds to X-Forwarded-For, what a visitor writes in front of
// it moves nobody, and escapes no limit.
func TestHDR07AForwardedAddressInFrontOfNginxEscapesNoLimit(t *testing.T) {
	front, _ := behindNginx(t, generous("send_ip 2/1h"))
	transport := &http.Transport{DialContext: (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}).DialContext}
	t.Cleanup(transport.CloseIdleConnections)
	refused := 0
	for n := range 4 {
		b := front.Browser(t).Over(transport)
		b.From = fmt.Sprintf("203.0.113.%d", n)
		b.Open(t, "/")
		page := b.Submit(t, "email", url.Values{"email": {fmt.Sprintf("p%d@example.com", n)}})
		if !strings.Contains(page.Text(), "on its way") {
			refused++
		}
	}
	if refused != 2 {
		t.Errorf("%d of 4 were refused, want 2", refused)
	}
}
