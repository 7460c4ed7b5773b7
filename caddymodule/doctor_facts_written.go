// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/doorcode/caddy-doorcode/caddymodule/doctor"
)

// written is a configuration as it stands in the file, for what shows there alone or
// must be looked at where it does not load.
type written struct {
	Admin struct {
		Disabled bool   `json:"disabled"`
		Listen   string `json:"listen"`
	} `json:"admin"`
	Apps struct {
		HTTP struct {
			Servers map[string]struct {
				TrustedProxies json.RawMessage `json:"trusted_proxies"`
			} `json:"servers"`
		} `json:"http"`
	} `json:"apps"`

	whole any
}

func readWritten(raw []byte) *written {
	w := new(written)
	// What cannot be read is said when it is loaded.
	_ = json.Unmarshal(raw, w)
	_ = json.Unmarshal(raw, &w.whole)
	return w
}

func (w *written) fill(f *doctor.Facts) {
	f.Admin = doctor.Admin{Off: w.Admin.Disabled, Listen: w.Admin.Listen}
	if f.Admin.Listen == "" {
		f.Admin.Listen = caddy.DefaultAdminListen // which CADDY_ADMIN in the environment changes
	}
	seen, languages := map[string]bool{}, languagesIn(w.whole)
	visitObjects(w.whole, false, func(object map[string]any, ours bool) {
		if !ours {
			f.Clocks = append(f.Clocks, authorityIn(object)...)
			return
		}
		for _, p := range plainIn(object) {
			if !seen[p.Subject+p.Setting] {
				seen[p.Subject+p.Setting] = true
				f.Plain = append(f.Plain, p)
			}
		}
		for _, t := range textsIn(object, languages) {
			if !seen[t.Subject] {
				seen[t.Subject] = true
				f.Texts = append(f.Texts, t)
			}
		}
	})
}

// hasOwnAuthority reports whether Caddy's own authority signs certificates.
func (w *written) hasOwnAuthority() (own bool) {
	visitObjects(w.whole, false, func(object map[string]any, ours bool) {
		own = own || !ours && object["module"] == "internal"
	})
	return own
}

// trusting are the servers that trust some proxies, by name.
func (w *written) trusting() map[string]bool {
	trusting := map[string]bool{}
	for name, server := range w.Apps.HTTP.Servers {
		trusting[name] = len(server.TrustedProxies) > 0
	}
	return trusting
}

// visitObjects shows every object of a configuration, in the order of names, and
// says whether it belongs to Doorcode.
func visitObjects(value any, ours bool, show func(object map[string]any, ours bool)) {
	switch v := value.(type) {
	case []any:
		for _, element := range v {
			visitObjects(element, ours, show)
		}
	case map[string]any:
		ours = ours || v["handler"] == "doorcode"
		show(v, ours)
		for _, name := range slices.Sorted(maps.Keys(v)) {
			visitObjects(v[name], ours || name == "doorcode", show)
		}
	}
}

// secretWords are settings whose value is a secret.
var secretWords = []string{"secret", "password", "token", "api_key", "apikey"}

// plainIn finds the secrets that stand in an object itself.
func plainIn(object map[string]any) (found []doctor.Plain) {
	subject := labelOf(object)
	for _, word := range secretWords {
		if text, ok := object[word].(string); ok && Secret(text).literal() {
			found = append(found, doctor.Plain{Subject: subject, Setting: word})
		}
	}
	if urls, ok := object["urls"].([]any); ok && slices.ContainsFunc(urls, holdsPassword) {
		found = append(found, doctor.Plain{Subject: subject, Setting: "password"})
	}
	if fields, ok := object["request_header"].(map[string]any); ok {
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			if text, ok := fields[name].(string); ok && Secret(text).literal() && carriesSecret(name) {
				found = append(found, doctor.Plain{Subject: subject, Setting: "header " + name})
			}
		}
	}
	return found
}

// holdsPassword reports whether a URL of a storage has a password in it.
func holdsPassword(value any) bool {
	text, _ := value.(string)
	_, rest, _ := strings.Cut(text, "://")
	at := strings.LastIndexByte(rest, '@')
	if at < 0 {
		return false
	}
	_, password, _ := strings.Cut(rest[:at], ":")
	return Secret(password).literal()
}

// carriesSecret reports whether a field of a request is there to prove who asks.
func carriesSecret(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc([]string{"auth", "token", "key", "secret"}, func(part string) bool { return strings.Contains(name, part) })
}

// labelOf says what an object of a configuration is about.
func labelOf(object map[string]any) string {
	if transport, ok := object["transport"].(string); ok {
		address, _ := object["address"].(string)
		return strings.TrimSpace("mail " + transport + " " + address)
	}
	if backend, ok := object["backend"].(string); ok {
		return "storage " + backend
	}
	return "doorcode"
}

// authorityIn finds the authorities that certificates come from: their clocks are
// right, or nobody would get certificates.
func authorityIn(object map[string]any) (urls []string) {
	text, _ := object["ca"].(string)
	if u, err := url.Parse(text); err == nil && object["module"] == "acme" && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" {
		urls = append(urls, text)
	}
	return urls
}

// textsIn looks at the texts, templates and styles that an object says are an
// operator's own.
func textsIn(object map[string]any, languages []string) (found []doctor.Texts) {
	if folder, ok := object["templates"].(string); ok && folder != "" && !strings.Contains(folder, "{") {
		_, mails := object["transport"]
		_, err := os.ReadDir(folder)
		switch {
		case err != nil:
			found = append(found, doctor.Texts{Subject: folder, Fault: err})
		case mails:
			found = append(found, doctor.MailTexts(folder, os.DirFS(folder), languages))
		default:
			found = append(found, doctor.PageTexts(folder, os.DirFS(folder), languages))
		}
	}
	if file, ok := object["css"].(string); ok && file != "" && !strings.Contains(file, "{") {
		css, err := os.ReadFile(file)
		t := doctor.StyleTexts(file, string(css))
		t.Fault = errors.Join(err, t.Fault)
		found = append(found, t)
	}
	return found
}

// languagesIn are those that a configuration limits pages to; none means all.
func languagesIn(whole any) (tags []string) {
	visitObjects(whole, false, func(object map[string]any, ours bool) {
		list, _ := object["languages"].([]any)
		for _, value := range list {
			if tag, ok := value.(string); ok && ours && !slices.Contains(tags, tag) {
				tags = append(tags, tag)
			}
		}
	})
	return tags
}
