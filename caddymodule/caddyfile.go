// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
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
}

func (s *site) check() error { return s.handler.check() }

// directiveSettings are all words of the directive.
var directiveSettings = func() table[*site] {
	t := lift(sharedSettings, func(s *site) *Settings { return &s.handler.Settings })
	t["public"] = publicRule
	t["answer"] = answerRule
	return t
}()

// parseDirective reads the directive of a site:
//
//	doorcode [<matcher>] [<addresses...>] {
//		allow          <address|*@domain|*|group:name...>
//		deny           <address|*@domain...>
//		allow_file     <path>
//		group          <name> <address|*@domain...>
//		people_file    <path>
//		plus           [on|off]
//		reveal         [on|off]
//		identity       ask
//		identity       <placeholder> {
//			from     forward_auth
//			email    <placeholder>
//			groups   <placeholder>
//			domain   <domain>
//			map      <user> <address>
//			map_file <path>
//		}
//		public         <matcher...>
//		answer         json|401|403|503 <matcher...>
//		preflight      deny|pass
//		session        [<lifetime>] {
//			idle <duration>|off
//			max  <n>
//		}
//		remember       [<idle> [<most>]] {
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
//		copy_headers   <field[>New-Name]...>
//		assertion      <field>|off
//		pages {
//			name    <text>
//			logo    <file>
//			accent  <rgb-hex|name>
//			theme   auto|light|dark
//			support <mailto:|https:>
//			privacy <url>
//		}
//		origins        <url...>
//		endpoints      <prefix>
//		single_sign_on <domain>
//		mail           <transport> [<args...>] {
//			from      <mailbox>
//			reply_to  <mailbox>
//			header    <field> <value>
//			text_only [on|off]
//			username  <name>
//			password  <secret>
//			tls       required|opportunistic|implicit|off
//			timeout   <duration>
//		}
//		storage        embedded [<path>] {
//			grace <duration>|off
//		}
//		secret         <value>
//		cookie {
//			name      <name>
//			same_site lax|strict
//			insecure  [on|off]
//		}
//		keys {
//			algorithm ES256|EdDSA|HS256
//		}
//	}
//
// The directive's matcher is kept in the handler and not in the route, because
// the handler also judges other spellings of a path by it.
func parseDirective(h httpcaddyfile.Helper) ([]httpcaddyfile.ConfigValue, error) {
	h.Next()
	s := &site{helper: h, handler: &Handler{}}
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
	return h.NewRoute(nil, s.handler), nil
}
