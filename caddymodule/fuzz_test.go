// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule_test

import (
	"encoding/json"
	"strings"
	"testing"

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
	f.Fuzz(func(t *testing.T, lines string) {
		// Imports and variables read this machine, which is Caddy's part.
		if strings.Contains(lines, "import") || strings.Contains(lines, "{$") || len(lines) > 4096 {
			t.Skip("reads files or the environment")
		}
		for _, caddyfile := range []string{site(lines), global(lines), "app.example.com {\n\tdoorcode " + lines + "\n}\n"} {
			adapted, err := adapt(caddyfile)
			if err != nil || !strings.Contains(string(adapted), `"handler":"doorcode"`) {
				continue
			}
			raw := handlerIn(t, adapted)
			h := &caddymodule.Handler{}
			if err := strictly(raw, h); err != nil {
				t.Fatalf("reading %s: %v", raw, err)
			}
			if err := caddymodule.CheckHandler(h); err != nil {
				t.Fatalf("adapting let pass what check refuses: %v\n%s", err, caddyfile)
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
