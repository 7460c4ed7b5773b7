// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// backupCodes is how many there are, or none, written 0 or off.
var backupCodes = value[*Settings]{
	takes: "<n>|off",
	hint: func([]string) string {
		return fmt.Sprintf("; write how many, %d to %d, or off", fewestBackupCodes, mostBackupCodes)
	},
	set: func(s *Settings, word, text string) error {
		if text == "off" {
			text = "0"
		}
		n, err := strconv.Atoi(text)
		switch {
		case err != nil && text == "on":
			return fmt.Errorf("'%s' needs a whole number, or off, got 'on'; leave it out for %d", word, usualBackupCodes)
		case err != nil:
			return fmt.Errorf("'%s' needs a whole number, or off, got '%s'", word, text)
		}
		s.BackupCodes = new(n)
		return nil
	},
}

// secondAddress says which second addresses people may have. It looks like a place
// for one, or for a switch.
var secondAddress = value[*Settings]{takes: strings.Join(secondAddresses, "|"), set: func(s *Settings, word, text string) error {
	s.SecondAddress = text
	if err := oneOf(word, text, secondAddresses); err != nil {
		return fmt.Errorf("%w; people add their own addresses on the account page", err)
	}
	return nil
}}

// days is a length of time that someDays lets pass. least is what to write instead
// of off, if anything is.
func days[T any](example, least string, field func(T) *caddy.Duration) value[T] {
	return value[T]{takes: "<duration>", hint: unitHint, set: func(to T, word, text string) error {
		if text == "off" {
			return fmt.Errorf("'%s' cannot be switched off; %s", word, least)
		}
		d, err := caddy.ParseDuration(text)
		if err != nil || d <= 0 {
			return fmt.Errorf("'%s' needs %s, such as %s, got '%s'", word, daysAllowed, example, text)
		}
		*field(to) = caddy.Duration(d)
		return nil
	}}
}

// leastAudit is for whoever wants to keep nothing.
const leastAudit = "keep 1d is the least"

// audit is a block that many a line looks like.
func audit() entry[*Settings] {
	e := block(func(s *Settings) *Audit { return &s.Audit }, 0, nil, auditSettings)
	read := e.read
	e.read = func(d *caddyfile.Dispenser, to *Settings) error {
		if args := argsOf(d); len(args) == 1 {
			if args[0] == "off" {
				return d.Errf("'audit' cannot be switched off; %s", leastAudit)
			}
			if _, err := caddy.ParseDuration(args[0]); err == nil {
				return d.Errf("'audit' takes no arguments, got 1; write audit { keep %s } over several lines", args[0])
			}
		}
		return read(d, to)
	}
	return e
}
