// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"encoding/json"
	"fmt"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
)

func init() {
	httpcaddyfile.RegisterGlobalOption("doorcode", parseOption)
}

// sharedSettings are the words that a site and the global option both take.
var sharedSettings = table[*Settings]{
	"allow":            list(addTo(func(s *Settings) *[]string { return &s.Allow })).as("<address|*@domain|*|group:name...>"),
	"deny":             list(addTo(func(s *Settings) *[]string { return &s.Deny })).as("<address|*@domain...>"),
	"allow_file":       line(1, text(func(s *Settings) *string { return &s.AllowFile })).as("<path>"),
	"group":            group,
	"people_file":      line(1, text(func(s *Settings) *string { return &s.PeopleFile })).as("<path>"),
	"plus":             flag(func(s *Settings) **bool { return &s.Plus }),
	"reveal":           flag(func(s *Settings) **bool { return &s.Reveal }),
	"countries":        countries,
	"identity":         block(freshIdentity, 1, []value[*Identity]{text(func(i *Identity) *string { return &i.Source })}, identitySettings).as("ask|<placeholder>", "identity.source"),
	"challenge":        reasons(func(s *Settings) *[]string { return &s.Challenge }).as("<reason...>"),
	"observe":          reasons(func(s *Settings) *[]string { return &s.Observe }).as("<reason...>|all"),
	"app_shell":        line(1, choice(func(s *Settings) *string { return &s.AppShell }, "release", "keep")),
	"networks":         networks,
	"preflight":        line(1, choice(func(s *Settings) *string { return &s.Preflight }, "deny", "pass")),
	"session":          block(func(s *Settings) *Session { return &s.Session }, 0, sessionArgs, sessionSettings).as("[<lifetime>]", "session.lifetime"),
	"remember":         block(func(s *Settings) *Remember { return &s.Remember }, 0, rememberArgs, rememberSettings).as("[<idle> [<most>]]", "remember.idle", "remember.most"),
	"code":             block(func(s *Settings) *Code { return &s.Code }, 0, nil, codeSettings),
	"limits":           block(func(s *Settings) *Limits { return &s.Limits }, 0, nil, limitsSettings),
	"backup_codes":     line(1, backupCodes),
	"authenticator":    flag(func(s *Settings) **bool { return &s.Authenticator }),
	"second_address":   line(1, secondAddress),
	"passkeys":         flag(func(s *Settings) **bool { return &s.Passkeys }),
	"accept":           reasons(func(s *Settings) *[]string { return &s.Accept }).as("code|passkey..."),
	"tokens":           flag(func(s *Settings) **bool { return &s.Tokens }),
	"prove_mailbox":    line(1, days("60d", "1d is the least", func(s *Settings) *caddy.Duration { return &s.ProveMailbox })),
	"copy_headers":     list(copyHeader).as("<field[>New-Name]...>"),
	"assertion":        line(1, text(func(s *Settings) *string { return &s.Assertion })).as("<field>|off"),
	"pages":            block(func(s *Settings) *Pages { return &s.Pages }, 0, nil, pagesSettings),
	"origins":          list(addTo(func(s *Settings) *[]string { return &s.Origins })).as("<url...>"),
	"endpoints":        line(1, text(func(s *Settings) *string { return &s.Endpoints })).as("<prefix>"),
	"single_sign_on":   line(1, text(func(s *Settings) *string { return &s.SingleSignOn })).as("<domain>"),
	"mail":             mailTransport,
	"storage":          storage,
	"on_store_failure": line(1, choice(func(s *Settings) *string { return &s.OnStoreFailure }, "deny", "allow_known_browsers")),
	"secret":           line(1, live(func(s *Settings) *Secret { return &s.Secret })).as("<secret>"),
	"geoip":            geoIP,
	"location":         block(func(s *Settings) *Location { return &s.Location }, 0, nil, locationSettings),
	"cookie":           block(func(s *Settings) *Cookie { return &s.Cookie }, 0, nil, cookieSettings),
	"keys":             block(func(s *Settings) *Keys { return &s.Keys }, 0, nil, keysSettings),
	"audit":            audit(),
}

var identitySettings = table[*Identity]{
	"from":     line(1, choice(func(i *Identity) *string { return &i.From }, "forward_auth")),
	"email":    line(1, text(func(i *Identity) *string { return &i.Email })).as("<placeholder>"),
	"groups":   line(1, text(func(i *Identity) *string { return &i.Groups })).as("<placeholder>"),
	"domain":   line(1, text(func(i *Identity) *string { return &i.Domain })).as("<domain>"),
	"map":      mapUser,
	"map_file": line(1, text(func(i *Identity) *string { return &i.MapFile })).as("<path>"),
}

var (
	sessionArgs     = []value[*Session]{duration(func(s *Session) *caddy.Duration { return &s.Lifetime })}
	sessionSettings = table[*Session]{
		"idle":  line(1, durationOrOff(func(s *Session) **caddy.Duration { return &s.Idle })),
		"max":   line(1, count(func(s *Session) *int { return &s.Max })),
		"cache": line(1, countWithin("sessions", leastCache, mostCache, func(s *Session) *int { return &s.Cache })),
		"bind":  line(1, choice(func(s *Session) *string { return &s.Bind }, "none", "network", "place")),

		"device_bound": line(1, choice(func(s *Session) *string { return &s.DeviceBound }, "auto", "off", "required")),
	}
)

var (
	rememberArgs = []value[*Remember]{
		duration(func(r *Remember) *caddy.Duration { return &r.Idle }),
		duration(func(r *Remember) *caddy.Duration { return &r.Most }),
	}
	rememberSettings = table[*Remember]{
		"choice": line(1, choice(func(r *Remember) *string { return &r.Choice }, "ask", "always", "never")),
		"max":    line(1, count(func(r *Remember) *int { return &r.Max })),
	}
)

var codeSettings = table[*Code]{
	"length":   line(1, count(func(c *Code) *int { return &c.Length })),
	"alphabet": line(1, choice(func(c *Code) *string { return &c.Alphabet }, "digits", "letters")),
	"ttl":      line(1, duration(func(c *Code) *caddy.Duration { return &c.TTL })),
	"attempts": line(1, count(func(c *Code) *int { return &c.Attempts })),
	"resend": line(1,
		duration(func(c *Code) *caddy.Duration { return &c.Resend.Wait }),
		count(func(c *Code) *int { return &c.Resend.Max })).as("<wait> [<max>]", "resend.wait", "resend.max"),
	"subject": flag(func(c *Code) **bool { return &c.Subject }),
	"send":    line(1, choice(func(c *Code) *string { return &c.Send }, "auto", "button")),
}

var limitsSettings = table[*Limits]{
	"send_address": rates(func(l *Limits) *[]Rate { return &l.SendAddress }),
	"send_ip":      rates(func(l *Limits) *[]Rate { return &l.SendIP }),
	"send_total":   rates(func(l *Limits) *[]Rate { return &l.SendTotal }),
	"try_address":  rates(func(l *Limits) *[]Rate { return &l.TryAddress }),
	"try_ip":       rates(func(l *Limits) *[]Rate { return &l.TryIP }),
	"lockout":      line(1, duration(func(l *Limits) *caddy.Duration { return &l.Lockout })),
}

var geoIPSettings = table[*GeoIP]{
	"refresh": line(1, duration(func(g *GeoIP) *caddy.Duration { return &g.Refresh })),
}

var locationSettings = table[*Location]{
	"distance": line(1, measure("km", "kilometres", "500km", func(l *Location) *int { return &l.Distance })),
	"speed":    line(1, measure("kmh", "kilometres an hour", "900kmh", func(l *Location) *int { return &l.Speed })),
}

var cookieSettings = table[*Cookie]{
	"name":      line(1, text(func(c *Cookie) *string { return &c.Name })).as("<name>"),
	"same_site": line(1, choice(func(c *Cookie) *string { return &c.SameSite }, "lax", "strict")),
	"insecure":  flag(func(c *Cookie) **bool { return &c.Insecure }),
}

var keysSettings = table[*Keys]{
	"algorithm": line(1, choice(func(k *Keys) *string { return &k.Algorithm }, "ES256", "EdDSA", "HS256")),
	"rotate":    line(1, durationOrOff(func(k *Keys) **caddy.Duration { return &k.Rotate })),
}

var auditSettings = table[*Audit]{
	"keep": line(1, days("90d", leastAudit, func(a *Audit) *caddy.Duration { return &a.Keep })),
	"ip":   line(1, choice(func(a *Audit) *string { return &a.IP }, "full", "prefix", "hash")),
}

// parseOption reads the global option, which holds the settings of all sites:
//
//	doorcode {
//		<setting> <value...> # as in the directive, but for those with matchers
//	}
func parseOption(d *caddyfile.Dispenser, existing any) (any, error) {
	d.Next()
	if existing != nil {
		return nil, d.Errf("'doorcode' is already set in the global options; write one block")
	}
	if args := d.RemainingArgs(); len(args) > 0 {
		return nil, d.Errf("'doorcode' takes no arguments in the global options, got %d; addresses belong in an 'allow' line of its block", len(args))
	}
	app := &App{}
	if _, err := sharedSettings.readBlock(d, "doorcode", &app.Settings); err != nil {
		return nil, err
	}
	encoded, err := json.Marshal(app)
	if err != nil {
		return nil, d.WrapErr(fmt.Errorf("encoding global option: %w", err))
	}
	return httpcaddyfile.App{Name: "doorcode", Value: encoded}, nil
}
