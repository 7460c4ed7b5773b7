// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule_test

import (
	"encoding/json"
	"errors"
	"net"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/caddymodule"
)

// FuzzCaddyfile wants any block to be refused or to become a configuration
// that passes its own checks and survives JSON. It must never panic.
func FuzzCaddyfile(f *testing.F) {
	for _, tt := range accepted {
		f.Add(tt.lines)
	}
	for _, lines := range once {
		f.Add(lines + "\n" + lines)
	}
	f.Add("session {\nidle {\n}\n}")
	f.Add("cookie { insecure }")
	f.Add("public { path /x } public")
	f.Add("mail smtp \"\" {\nfrom `\n` }")
	f.Add("allow \"{\" }\n{")
	f.Add("} \n doorcode {")
	for _, tt := range miscounted {
		f.Add(tt.lines)
	}
	f.Add("sensitive /a 5m { path /b }\nsensitive * *")
	f.Add("sensitive { }\npage_status 200 {\n}")
	f.Add("networks ::ffff:0/96 ::ffff:0:0/96\ncountries not not")
	f.Add("geoip a {\n}\nlocation {\ndistance km\nspeed -9223372036854775809kmh\n}")
	f.Add("observe new_browser always\nchallenge never\nidentity ask")
	f.Add("storage redis redis://a redis://b {\nsentinel {\n}\ncluster\ntls {\n}\n}")
	f.Add("secret {env.X}\nstorage redis unix://{env.A}?db= {\ntls\n}")
	f.Fuzz(func(t *testing.T, lines string) {
		// Imports and variables read this machine, which is Caddy's part.
		if strings.Contains(lines, "import") || strings.Contains(lines, "{$") || len(lines) > 4096 {
			return
		}
		for _, text := range []string{site(lines), global(lines), "app.example.com {\n\tdoorcode " + lines + "\n}\n"} {
			adapted, err := adapt(text)
			if err != nil || !strings.Contains(string(adapted), `"handler":"doorcode"`) {
				continue
			}
			raw := handlerIn(t, adapted)
			h := &caddymodule.Handler{}
			if err := strictly(raw, h); err != nil {
				t.Fatalf("reading %s: %v", raw, err)
			}
			if err := caddymodule.CheckHandler(h); err != nil {
				t.Fatalf("adapting let pass what check refuses: %v\n%s", err, text)
			}
			if _, err := json.Marshal(h); err != nil {
				t.Fatalf("encoding: %v", err)
			}
		}
	})
}

// FuzzPlaceholder wants no identity from what a visitor writes.
func FuzzPlaceholder(f *testing.F) {
	for _, seed := range []string{"http.auth.user.id", "http.request.cookie.x", "HTTP.request.uri", "query.x", "header.X", "a}{b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		h := &caddymodule.Handler{Settings: caddymodule.Settings{Identity: &caddymodule.Identity{Source: "{" + name + "}"}}}
		if caddymodule.CheckHandler(h) != nil {
			return
		}
		lower := strings.ToLower(name)
		if strings.HasPrefix(lower, "http.request.") && !strings.HasPrefix(lower, "http.request.tls.client.") {
			t.Errorf("check lets %q pass", name)
		}
	})
}

// FuzzMatcher wants what is adapted to be accepted when it is loaded.
func FuzzMatcher(f *testing.F) {
	for _, seed := range []string{"group staff", "fresh 5m", "verified", "address *@example.com", "country PT", "{\ngroup a\nfresh 1h\n}", "group a {\nfresh 1s\n}", "{\n}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, definition string) {
		// Imports and variables read this machine, which is Caddy's part.
		if strings.Contains(definition, "import") || strings.Contains(definition, "{$") || len(definition) > 4096 {
			return
		}
		m := &caddymodule.Matcher{}
		if m.UnmarshalCaddyfile(caddyfile.NewTestDispenser("doorcode "+definition)) != nil {
			return
		}
		raw, err := json.Marshal(m)
		if err != nil {
			t.Fatalf("encoding: %v", err)
		}
		again := &caddymodule.Matcher{}
		if err := strictly(raw, again); err != nil {
			t.Fatalf("reading %s: %v", raw, err)
		}
		if err := again.Provision(caddy.Context{}); err != nil && string(raw) != "{}" {
			t.Fatalf("adapting let pass what loading refuses: %v\n%s", err, raw)
		}
	})
}

// FuzzRedisURL wants nothing of a URL that is refused in the error, and of one
// that is accepted an address that can be dialled.
func FuzzRedisURL(f *testing.F) {
	for _, seed := range []string{
		"redis://localhost:6379/0", "rediss://u:p@[fd00::1]/65535", "unix:///run/redis.sock?db=1", "redis://:p%40ss@h", "redis://a:0/1",
		"redis:a", "redis://", "unix://h/x", "redis://h/1/2", "redis://h?x=1", "redis://h#", "unix:///a?db=-1", "redis://h:1:2", "redis://%zz@h",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		address, _, _, database, err := caddymodule.ParseRedisURL(text)
		if err != nil {
			if len(text) > 20 && strings.Contains(err.Error(), text) {
				t.Errorf("ParseRedisURL = %v, which quotes the URL", err)
			}
			return
		}
		host, port, split := net.SplitHostPort(address)
		if !strings.HasPrefix(address, "/") && (split != nil || host == "" || port == "") || database < 0 {
			t.Errorf("ParseRedisURL(%q) = address %q, database %d", text, address, database)
		}
	})
}

// FuzzOrder reads what the admin endpoint is asked. Whatever comes, it is one
// object that is understood whole, or nothing.
func FuzzOrder(f *testing.F) {
	for _, seed := range []string{
		"", "{}", `{"site":"a"}`, `{"address":"ana@example.com","site":""}`, `{"address":"a@b.c","for":"15m","why":"lost phone"}`,
		`{"stie":"a"}`, `{}{}`, `[]`, `null`, "\x00",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		said, written, err := caddymodule.ReadOrder(strings.NewReader(body))
		if err != nil {
			if strings.Join(said, "") != "" {
				t.Errorf("%q is refused, and yet says %q", body, said)
			}
			return
		}
		again, _, err := caddymodule.ReadOrder(strings.NewReader(string(written)))
		if diff := cmp.Diff(said, again); err != nil || diff != "" {
			t.Errorf("%q was read and written as %s, %v (-first +second):\n%s", body, written, err, diff)
		}
	})
}

// FuzzLetting wants whatever is let in to be an address, for a bounded time, for a
// reason that is one line.
func FuzzLetting(f *testing.F) {
	f.Add("ana@example.com", "15m", "lost her phone")
	f.Add("ana", "", "why")
	f.Add("ana@example.com", "2h", strings.Repeat("é", 200))
	f.Add("ana@example.com", "-1m", "a\nb\x00c")
	f.Fuzz(func(t *testing.T, address, lasts, why string) {
		to, d, reason, err := caddymodule.ReadLetting(address, lasts, why)
		if err != nil {
			return
		}
		if to == "" || d < time.Minute || d > time.Hour {
			t.Errorf("let in %q for %v", to, d)
		}
		if n := utf8.RuneCountInString(reason); n < 3 || n > 200 || strings.ContainsAny(reason, "\r\n\x00") || strings.TrimSpace(reason) != reason {
			t.Errorf("reason %q", reason)
		}
	})
}

// FuzzExplainFault reads what something at the admin address has answered. There
// is always a sentence for it.
func FuzzExplainFault(f *testing.F) {
	for _, seed := range []string{
		"", "performing request: refused", "caddy responded with error: HTTP 404: 404 page not found\n",
		`caddy responded with error: HTTP 409: {"error":"do this"}`, "caddy responded with error: HTTP 500", "caddy responded with error: HTTP 200: {}",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if err := caddymodule.ExplainFault("localhost:2019", errors.New(text)); err == nil || err.Error() == "" && text != "" {
			t.Errorf("%q is explained by %v", text, err)
		}
	})
}

// FuzzProxy wants a Caddyfile that says no more than the flags: one site with two
// directives, as caddy fmt writes it, without the password.
func FuzzProxy(f *testing.F) {
	f.Add("app.example.com", ":8080", "*@example.com", "smtp://login@example.com:hunter2-hunter2@smtp.example.com")
	f.Add("localhost", "https://app", "*", "demo")
	f.Add("a,b", "h:1", "a@b.example", "smtps://u%20@h?from=x <a@b.example>")
	f.Add("a\n{", "x;y:1", "a@b.example", "postmark:?from=\"a\" <a@b.example>")
	f.Fuzz(func(t *testing.T, from, to, allow, mail string) {
		text, given, err := caddymodule.ProxyCaddyfile(from, to, allow, mail)
		if err != nil {
			return
		}
		if len(given) > 7 && strings.Contains(text, given) {
			t.Errorf("the password is in\n%s", text)
		}
		blocks, err := caddyfile.Parse("Caddyfile", []byte(text))
		if err != nil || len(blocks) != 1 || len(blocks[0].Segments) != 2 {
			t.Fatalf("%d sites, %v, in\n%s", len(blocks), err, text)
		}
		if formatted := string(caddyfile.Format([]byte(text))); formatted != text {
			t.Errorf("caddy fmt makes of\n%s\nthis\n%s", text, formatted)
		}
	})
}
