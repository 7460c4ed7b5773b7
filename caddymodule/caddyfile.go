// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"encoding/json"
	"fmt"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
)

func init() {
	httpcaddyfile.RegisterDirective("doorcode", parseDirective)
	// After forward_auth, whatever signs people in has run, and nothing that
	// answers a request has.
	httpcaddyfile.RegisterDirectiveOrder("doorcode", httpcaddyfile.After, "forward_auth")
}

// A site is one directive while it is read.
type site struct {
	helper  httpcaddyfile.Helper
	handler *Handler
	words   tokens
}

func (s *site) check() error { return s.handler.check() }

// directiveSettings are all words of the directive.
var directiveSettings = func() table[*site] {
	t := lift(sharedSettings, func(s *site) *Settings { return &s.handler.Settings })
	for word, e := range t {
		read := e.read
		e.read = func(d *caddyfile.Dispenser, s *site) error {
			s.words[word] = d.Token()
			return read(d, s)
		}
		t[word] = e
	}
	t["public"] = publicRule
	t["answer"] = answerRule
	t["sensitive"] = sensitivePages
	t["page_status"] = pageStatusRule
	return t
}()

// parseDirective reads the directive of a site:
//
//	doorcode [<matcher>] [<addresses...>] {
//		allow            <address|*@domain|*|group:name...>
//		deny             <address|*@domain...>
//		allow_file       <path>
//		group            <name> <address|*@domain...>
//		people_file      <path>
//		plus             [on|off]
//		countries        [not] <iso-code...>
//		reveal           [on|off]
//		identity ask|<placeholder> {
//			from     forward_auth
//			email    <placeholder>
//			groups   <placeholder>
//			domain   <domain>
//			map      <user> <address>
//			map_file <path>
//		}
//		challenge        <reason...>
//		observe          <reason...>|all
//		sensitive        <matcher...> [<max_age>]
//		public           <matcher...>
//		answer           json|401|403|503 <matcher...>
//		page_status      200|401|403 <matcher...>
//		preflight        deny|pass
//		app_shell        release|keep
//		networks         <name> <cidr...>
//		session [<lifetime>] {
//			idle         <duration>|off
//			max          <n>
//			cache        <n>
//			bind         none|network|place
//			device_bound auto|off|required
//		}
//		remember [<idle> [<most>]] {
//			choice ask|always|never
//			max    <n>
//		}
//		code {
//			length   <n>
//			alphabet digits|letters
//			ttl      <duration>
//			attempts <n>
//			resend   <wait> [<max>]
//			subject  [on|off]
//			send     auto|button
//		}
//		limits {
//			send_address <rate...>
//			send_ip      <rate...>
//			send_total   <rate...>
//			try_address  <rate...>
//			try_ip       <rate...>
//			lockout      <duration>
//		}
//		backup_codes     <n>|off
//		authenticator    [on|off]
//		second_address   allowed|any|off
//		passkeys         [on|off]
//		accept           code|passkey...
//		tokens           [on|off]
//		prove_mailbox    <duration>
//		copy_headers     <field[>New-Name]...>
//		assertion        <field>|off
//		pages {
//			name         <text>
//			logo         <file>
//			accent       <rgb-hex|name>
//			theme        auto|light|dark
//			language     auto|<tag>
//			languages    <tag...>
//			support      <mailto:|https:>
//			privacy      <url>
//			imprint      <url>
//			announcement <text>
//			templates    <folder>
//			css          <file>
//		}
//		origins          <url...>
//		endpoints        <prefix>
//		single_sign_on   <domain>
//		mail <transport> [<args...>] { ... }
//		storage <backend> [<args...>] { ... }
//		on_store_failure deny|allow_known_browsers
//		secret           <secret>
//		geoip <mmdb-file...> {
//			refresh <duration>
//		}
//		location {
//			distance <n>km
//			speed    <n>kmh
//		}
//		cookie {
//			name      <name>
//			same_site lax|strict
//			insecure  [on|off]
//		}
//		keys {
//			algorithm ES256|EdDSA|HS256
//			rotate    <duration>|off
//		}
//		audit {
//			keep <duration>
//			ip   full|prefix|hash
//		}
//	}
//
// The reasons are new_browser, new_place, new_network, travel and always; challenge
// also takes never. In place of matchers, public, answer, sensitive and page_status
// take a block of them.
//
// The directive's matcher is kept in the handler and not in the route, because
// the handler also judges other spellings of a path by it.
func parseDirective(h httpcaddyfile.Helper) ([]httpcaddyfile.ConfigValue, error) {
	h.Next()
	start := h.Token()
	s := &site{helper: h, handler: &Handler{}, words: tokens{}}
	match, err := ownMatcher(h)
	if err != nil {
		return nil, err
	}
	s.handler.MatchRaw = match
	h.Next() // reading the matcher went back to the start
	for h.NextArg() {
		if err := checkAllowed("doorcode", h.Val()); err != nil {
			return nil, h.WrapErr(err)
		}
		s.handler.Allow = append(s.handler.Allow, h.Val())
	}
	if _, err := directiveSettings.readBlock(h.Dispenser, "doorcode", s); err != nil {
		return nil, err
	}
	if err := s.fit(start); err != nil {
		return nil, err
	}
	return h.NewRoute(nil, s.handler), nil
}

// fit checks the site together with the global option, so that an error has a
// line: that of the setting, or of the directive where the option has it.
func (s *site) fit(start caddyfile.Token) error {
	var app App
	if option, ok := s.helper.Option("doorcode").(httpcaddyfile.App); ok {
		if err := json.Unmarshal(option.Value, &app); err != nil {
			return at(start).WrapErr(fmt.Errorf("reading global option: %w", err))
		}
	}
	if err := requireFit(merged(app.Settings, s.handler.Settings)); err != nil {
		return s.words.of(err, start)
	}
	return nil
}
