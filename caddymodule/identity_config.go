// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// askVisitor is the source of an identity that the visitor types.
const askVisitor = "ask"

// Identity says where the identity comes from. A site's replaces the app's as
// a whole, because its parts belong to one earlier step.
type Identity struct {
	// The placeholder with the user whom an earlier step in Caddy signed in,
	// such as `{http.auth.user.id}`, or `ask` for an address that the visitor
	// types. Default: ask.
	Source string `json:"source,omitempty"`

	// The step that sets the request headers which the placeholders name. Only
	// `forward_auth` is known. Default: none, and request headers are refused,
	// because they are the visitor's own word.
	From string `json:"from,omitempty"`

	// The placeholder with the user's address. Default: the address is the user
	// itself, or comes from `map`, `map_file` or `domain`.
	Email string `json:"email,omitempty"`

	// The placeholder with the user's groups, kept for the app. Default: none.
	Groups string `json:"groups,omitempty"`

	// The domain that makes an address of a user: `user@domain`. Default: none.
	Domain string `json:"domain,omitempty"`

	// The address of each user by name. Default: none.
	Map map[string]string `json:"map,omitempty"`

	// A file with a user and an address on each line, read again when it
	// changes. Default: none.
	MapFile string `json:"map_file,omitempty"`
}

// asks reports whether the visitor types an address.
func (i *Identity) asks() bool { return i == nil || i.Source == "" || i.Source == askVisitor }

// check refuses single values; a block may still be incomplete.
func (i *Identity) check() error {
	if i == nil {
		return nil
	}
	if !i.asks() {
		if err := checkPlaceholder("identity", i.Source); err != nil {
			return err
		}
	}
	if i.From != "" && i.From != "forward_auth" {
		return oneOf("from", i.From, []string{"forward_auth"})
	}
	for _, p := range []struct{ word, text string }{{"email", i.Email}, {"groups", i.Groups}} {
		if p.text == "" {
			continue
		}
		if err := checkPlaceholder(p.word, p.text); err != nil {
			return err
		}
	}
	if i.Domain != "" && !isDomain(i.Domain) {
		return fmt.Errorf("'domain' takes a domain such as example.com, got '%s'", i.Domain)
	}
	return i.checkMap()
}

func (i *Identity) checkMap() error {
	for _, user := range slices.Sorted(maps.Keys(i.Map)) {
		if address := i.Map[user]; !isAddress(address) {
			return fmt.Errorf("'map' takes a user and an address, such as alice alice@example.com, got '%s'", address)
		}
	}
	return nil
}

// complete refuses what only the whole block shows.
func (i *Identity) complete() error {
	if i == nil {
		return nil
	}
	if i.asks() {
		if i.From+i.Email+i.Groups+i.Domain+i.MapFile != "" || len(i.Map) > 0 {
			return errors.New("'identity ask' takes no block: the visitor types the address")
		}
		return nil
	}
	for _, text := range []string{i.Source, i.Email, i.Groups} {
		if i.From == "" && isHeader(text) {
			return errors.New("a request header is the visitor's own word unless an earlier step sets it; write 'from forward_auth' if forward_auth copies it")
		}
	}
	return nil
}

// Parts of a request that an earlier step does not set, and why each proves
// nothing. Request headers are judged apart, client certificates are proof.
var unproven = []struct{ prefix, why string }{
	{"http.auth.candidate.", "is whom somebody claims to be, not whom a step signed in"},
	{"http.request.cookie.", "is the visitor's own word, and so is every cookie"},
	{"cookie.", "is the visitor's own word, and so is every cookie"},
	{"http.request.uri", "is the visitor's own word, and so is everything in an address"},
	{"http.request.orig_uri", "is the visitor's own word, and so is everything in an address"},
	{"query", "is the visitor's own word, and so is everything in an address"},
	{"http.regexp.", "is a part of the visitor's own words"},
	{"re.", "is a part of the visitor's own words"},
	{"http.matchers.", "is a part of the visitor's own words"},
	{"http.request.", "says what is asked for, not who asks"},
	{"env.", "is the same for every visitor"},
	{"file.", "is the same for every visitor"},
	{"system.", "is the same for every visitor"},
	{"time.", "is the same for every visitor"},
}

// checkPlaceholder refuses placeholders that no earlier step can vouch for.
func checkPlaceholder(word, text string) error {
	name, ok := strings.CutPrefix(text, "{")
	name, closed := strings.CutSuffix(name, "}")
	if !ok || !closed || name == "" || strings.ContainsAny(name, "{} ") {
		choices := "a placeholder"
		if word == "identity" {
			choices = "'ask' or a placeholder"
		}
		return fmt.Errorf("'%s' takes %s such as {http.auth.user.id}, got '%s'", word, choices, text)
	}
	if isHeader(text) || strings.HasPrefix(name, "http.request.tls.client.") {
		return nil
	}
	// Placeholder names are matched as Caddy matches them, but for letter case:
	// nothing gets through by writing it differently.
	for _, u := range unproven {
		if strings.HasPrefix(strings.ToLower(name), u.prefix) {
			return fmt.Errorf("'%s' cannot use %s: it %s; use what an earlier step sets, such as {http.auth.user.id}", word, text, u.why)
		}
	}
	return nil
}

// isHeader knows both spellings, because Caddy leaves shorthands alone in the
// global options.
func isHeader(placeholder string) bool {
	lower := strings.ToLower(placeholder)
	return strings.HasPrefix(lower, "{http.request.header.") || strings.HasPrefix(lower, "{header.")
}
