// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/doorcode/caddy-doorcode/challenge"
)

const defaultAttempts = 5

// defaults are what a gate has where nothing is said. What is missing here has
// no default: nobody may pass, no mail is sent, the site's host is its name.
func defaults() Settings {
	return Settings{
		Access:    Access{Plus: new(true), Reveal: new(false)},
		Identity:  &Identity{Source: askVisitor},
		Checks:    Checks{Challenge: usualReasons, AppShell: "release"},
		Preflight: "deny",
		Session:   Session{Lifetime: hours(12), Idle: new(caddy.Duration(0)), Max: 100, Cache: challenge.DefaultCache, DeviceBound: "auto"},
		Remember:  Remember{Idle: hours(30 * 24), Most: hours(180 * 24), Choice: "ask", Max: 20},
		Code: Code{
			Length: 6, Alphabet: "digits", TTL: minutes(10), Attempts: defaultAttempts,
			Resend:  Resend{Wait: caddy.Duration(30 * time.Second), Max: 3},
			Subject: new(true), Send: "auto",
		},
		Limits: Limits{
			SendAddress: []Rate{"6/1h", "20/24h"},
			SendIP:      []Rate{"60/1h"},
			SendTotal:   []Rate{"200/1h", "400/24h"},
			TryAddress:  []Rate{"15/1h", "30/24h", "100/30d"},
			TryIP:       []Rate{"60/1h"},
			Lockout:     minutes(15),
		},
		Ways: Ways{
			BackupCodes: new(usualBackupCodes), Authenticator: new(true), SecondAddress: "allowed", Tokens: new(false), Passkeys: new(false), ProveMailbox: hours(60 * 24),
		},
		Handover:   Handover{CopyHeaders: sameNames(handoverFields), Assertion: "Doorcode-Assertion"},
		Pages:      Pages{Theme: "auto", Language: "auto"},
		StorageRaw: json.RawMessage(`{"backend":"embedded"}`), OnStoreFailure: "deny",
		GeoIP:    GeoIP{Refresh: minutes(5)},
		Location: Location{Distance: 500, Speed: 900},
		Cookie:   Cookie{Name: "doorcode", SameSite: "lax", Insecure: new(false)},
		Keys:     Keys{Algorithm: "ES256", Rotate: new(hours(30 * 24))},
		Audit:    Audit{Keep: hours(90 * 24), IP: "prefix"},
	}
}

// withDefaults fills in what is not set.
func (s Settings) withDefaults() Settings {
	s = merged(defaults(), s)
	if s.Session.Bind == "" {
		s.Session.Bind = "none"
		if len(s.GeoIP.Files) > 0 && slices.ContainsFunc(s.Challenge, aboutPlaces) {
			s.Session.Bind = "place"
		}
	}
	return s
}

func hours(n int) caddy.Duration   { return caddy.Duration(n) * caddy.Duration(time.Hour) }
func minutes(n int) caddy.Duration { return caddy.Duration(n) * caddy.Duration(time.Minute) }

func sameNames(fields []string) map[string]string {
	names := make(map[string]string, len(fields))
	for _, field := range fields {
		names[field] = field
	}
	return names
}

// requireMail refuses a gate that could send no code.
func requireMail(s Settings) error {
	if len(s.MailRaw) > 0 {
		return nil
	}
	return errors.New("no mail transport: add 'mail smtp <host>:<port> { ... }' to the doorcode directive or to the global doorcode option; to try it without a mail server, use 'mail demo' on a localhost site")
}

// warnings say what is allowed and yet seldom right, for the log.
func warnings(s Settings) []string {
	var found []string
	if s.everyone() {
		found = append(found, "'allow *' lets in everyone who can receive mail")
	}
	for _, entry := range s.Allow {
		if domain, ok := strings.CutPrefix(entry, "*@"); ok && freeMail[strings.ToLower(domain)] {
			found = append(found, fmt.Sprintf("'%s' lets in everyone, because anybody can have an address there", entry))
		}
	}
	if ttl := time.Duration(s.Code.TTL); ttl > 10*time.Minute {
		found = append(found, fmt.Sprintf("codes work for %s; OWASP ASVS 6.5.5 allows 10m", brief(ttl)))
	}
	if slices.Contains(s.Observe, "all") {
		found = append(found, "'observe all' asks for no code and refuses nobody: every visitor reaches the app, as if there were no gate")
	}
	if s.SecondAddress == "any" {
		found = append(found, fmt.Sprintf("'second_address any' lets people in by a mailbox that is not on your list, for %s after the last code to the one that is; "+
			"'second_address allowed' takes only those that may pass themselves", brief(time.Duration(s.ProveMailbox))))
	}
	if s.Secret.literal() {
		found = append(found, "'secret' is written in the configuration, where the admin API shows it; use {env.X} or {file.…}")
	}
	return found
}

var freeMail = map[string]bool{
	"gmail.com": true, "googlemail.com": true, "outlook.com": true, "hotmail.com": true, "live.com": true,
	"yahoo.com": true, "icloud.com": true, "proton.me": true, "protonmail.com": true, "gmx.de": true,
	"gmx.net": true, "web.de": true, "mail.ru": true, "aol.com": true, "qq.com": true, "163.com": true,
}
