// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

const (
	rootSecret   = "c3VwZXJzZWNyZXRzdXBlcnNlY3JldHN1cGVyc2VjcmV0"
	smtpPassword = "rosebud-rosebud-rosebud"
)

// secretive is a site that writes everything down at DEBUG, with secrets from the
// environment and from a file, with Caddy's admin API, and with the configuration
// saved for the next start.
const secretive = `	admin 127.0.0.1:ADMIN
	persist_config on
	debug
	log {
		output file FOLDER/caddy.log
		level DEBUG
		format json
	}
	doorcode {
		secret {env.DOORCODE_TESTS_SECRET}
		mail smtp RELAY {
			from login@example.com
			username login@example.com
			password {file.FOLDER/password}
		}
		storage embedded FOLDER/doorcode.db
	}
---
http://localhost:PORT {
	log {
		output file FOLDER/access.log
	}
	doorcode *@example.com {
		remember {
			choice always
		}
	}
	reverse_proxy APP
}
`

// startSecretive runs it with a relay that asks for the password.
func startSecretive(t *testing.T) (c *harness.Caddy, relay *harness.Relay, admin, config string) {
	t.Helper()
	t.Setenv("DOORCODE_TESTS_SECRET", rootSecret)
	c, relay = harness.Prepare(t), harness.NewRelay(t)
	relay.Login("login@example.com", smtpPassword)
	relay.Up(t)
	if err := os.WriteFile(filepath.Join(c.Folder, "password"), []byte(smtpPassword+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	port := harness.FreePort(t)
	config = strings.NewReplacer("ADMIN", port, "RELAY", relay.Address).Replace(secretive)
	c.Load(t, config)
	return c, relay, "http://127.0.0.1:" + port, config
}

// OTC-11, LOG-02: whoever reads the logs, the support's copies of them included,
// could use a code or a cookie before the person does. At DEBUG, over everything
// that a visitor meets, none of it is there.
func TestOTC11NoLogAndNoHeaderHoldsASecret(t *testing.T) {
	c, relay, _, config := startSecretive(t)
	held := map[string]string{"root secret": rootSecret, "password of the relay": smtpPassword}
	var headers strings.Builder
	note := func(b *harness.Browser, page harness.Page) harness.Page {
		for name, value := range b.Cookies(t) {
			held["cookie "+name+fmt.Sprint(len(held))] = value
		}
		shown := page.Header.Clone()
		shown.Del("Set-Cookie")
		fmt.Fprintln(&headers, page.Status, shown)
		return page
	}
	b := c.Browser(t)
	note(b, b.Open(t, "/x?q=1"))
	held["form"] = b.Page().Hidden(t, "email")
	note(b, b.Post(t, "email", url.Values{"email": {ana}}, nil))
	code := relay.Wait(t, ana, 1).Code(t)
	held["code"] = code
	note(b, b.Open(t, "/x"))
	note(b, b.AJAX(t, "verify", url.Values{"code": {notThis(code, 1)}}))
	held["wrong code"] = notThis(code, 1)
	note(b, b.Post(t, "verify", url.Values{"code": {code}}, nil))
	note(b, b.Open(t, "/x"))
	wantStatus(t, "after the code", b.Page(), http.StatusOK)
	note(b, b.Do(t, http.MethodPost, "/.doorcode/verify", url.Values{"code": {code}}, sameOrigin))
	note(b, b.Fetch(t, "/.doorcode/session"))
	b.Drop(t, "doorcode")
	note(b, b.Open(t, "/renewed"))
	note(b, b.Open(t, "/.doorcode/signout"))
	note(b, b.Submit(t, "signout", nil))
	c.Load(t, config) // and a reload

	logs := read(t, filepath.Join(c.Folder, "caddy.log")) + read(t, filepath.Join(c.Folder, "access.log"))
	for _, event := range []string{`"code_sent"`, `"wrong_code"`, `"verified"`, `"renewed"`, `"signed_out"`, `"mail sent"`, "upstream roundtrip", ana, "/renewed"} {
		if !strings.Contains(logs, event) {
			t.Errorf("the logs hold no %s, so this test shows less than it says", event)
		}
	}
	for what, secret := range held {
		for where, text := range map[string]string{"logs": logs, "headers": headers.String()} {
			if at := strings.Index(text, secret); secret != "" && at >= 0 {
				t.Errorf("the %s hold the %s: …%s…", where, what, text[max(0, at-200):min(len(text), at+100)])
			}
		}
	}
}

// OPS-01: neither the adapted configuration, nor what the admin API shows, nor
// what Caddy saves for its next start holds a secret.
func TestOPS01NoConfigurationHoldsASecret(t *testing.T) {
	if err := os.Remove(caddy.ConfigAutosavePath); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err) // one of an earlier test would be read for this one's
	}
	c, _, admin, config := startSecretive(t)
	adapted, err := harness.Adapt(c.Fill(t, config))
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]string{"adapted configuration": string(adapted), "saved configuration": read(t, caddy.ConfigAutosavePath)}
	for _, path := range []string{"/config/", "/config/apps/doorcode", "/adapt", "/metrics", "/debug/vars", "/reverse_proxy/upstreams"} {
		shown["admin API "+path] = fetch(t, admin+path)
	}
	for where, text := range shown {
		for _, secret := range []string{rootSecret, smtpPassword} {
			if strings.Contains(text, secret) {
				t.Errorf("the %s holds a secret", where)
			}
		}
	}
	for _, where := range []string{"admin API /config/", "saved configuration"} {
		if !strings.Contains(shown[where], "{env.DOORCODE_TESTS_SECRET}") {
			t.Errorf("the %s does not show the configuration, so this test shows nothing", where)
		}
	}
}

// OPS-01: an error about a secret names the setting and not the value.
func TestOPS01ErrorsDoNotQuoteSecrets(t *testing.T) {
	c := harness.Start(t, site())
	t.Setenv("DOORCODE_TESTS_SECRET", "too-short-secret")
	t.Setenv("DOORCODE_TESTS_EMPTY", "")
	for name, line := range map[string]string{
		"short":          "secret {env.DOORCODE_TESTS_SECRET}",
		"short literal":  "secret too-short-secret",
		"empty":          "secret {env.DOORCODE_TESTS_EMPTY}",
		"missing":        "secret {env.DOORCODE_TESTS_MISSING}",
		"no such file":   "secret {file./nonexistent/secret}",
		"clear password": "mail smtp relay.example:25 {\nusername x\npassword too-short-secret\nfrom x@example.com\ntls off\n}",
	} {
		err := c.TryLoad(t, strings.Replace(site(line), "mail file MAIL", "", map[bool]int{true: 1}[name == "clear password"]))
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		if strings.Contains(err.Error(), "too-short-secret") {
			t.Errorf("%s: the error quotes the secret: %v", name, err)
		}
	}
	wantStatus(t, "the configuration before", c.Browser(t).Open(t, "/"), http.StatusUnauthorized)
}

func read(t *testing.T, file string) string {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func fetch(t *testing.T, address string) string {
	t.Helper()
	response, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close() //nolint:errcheck // read to its end
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
