// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"context"
	"net/netip"
	"strings"
	"time"
	"unicode"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// A discretion is how much a line tells of people and networks.
type discretion struct {
	keep  challenge.AuditIP
	names Names
}

func (d discretion) hides() bool { return d.keep == challenge.AuditHash }

// network is that of an address, as much as may be kept of it.
func (d discretion) network(ip netip.Addr) string {
	switch {
	case !ip.IsValid():
		return ""
	case !d.hides():
		return challenge.Surroundings(ip).String()
	case d.names.Network == nil:
		return ""
	default:
		return d.names.Network(challenge.Surroundings(ip))
	}
}

// ip is an address, as much as may be kept of it.
func (d discretion) ip(ip netip.Addr) string {
	if ip.IsValid() && d.keep == challenge.AuditFull {
		return ip.Unmap().WithZone("").String()
	}
	return d.network(ip)
}

// address is a mail address, where it may be kept.
func (d discretion) address(e challenge.Email) string {
	if d.hides() {
		return ""
	}
	return string(e)
}

// account stands for a person, where the address does not or where the domain said so.
func (d discretion) account(e *challenge.Event) string {
	if e.Account == "" && d.hides() {
		return d.person(e.Address)
	}
	return e.Account
}

func (d discretion) person(e challenge.Email) string {
	if e == "" || d.names.Person == nil {
		return ""
	}
	return d.names.Person(e)
}

// user is what an earlier step calls the person. Some call people by their addresses.
func (d discretion) user(user string, masked bool) string {
	switch {
	case d.hides():
		return d.person(challenge.Email(user))
	case masked && strings.Contains(user, "@"):
		return challenge.Email(user).Masked()
	default:
		return user
	}
}

// fieldsOf are the fields that an event has.
func fieldsOf(ctx context.Context, e *challenge.Event, d discretion) []zap.Field {
	fields := []zap.Field{written("gate", e.Gate)}
	decided := e.Name == challenge.Decided
	if decided {
		fields = append(fields, decision(ctx, e, d)...)
	} else {
		fields = append(fields, written("address", d.address(e.Address)), written("account", d.account(e)), written("ip", d.ip(e.IP)),
			written("reason", string(e.Reason)))
	}
	for _, f := range [...]struct{ key, value string }{
		{"source", e.Source},
		{"user", d.user(e.User, decided)},
		{"rule", e.Rule},
		{"ref", e.Ref},
		{"session", e.Session},
		{"limit", string(e.Limit)},
		{"way", string(e.Way)},
		{"change", string(e.Change)},
		{"called", e.Called},
		{"result", string(e.Result)},
		{"due", instant(e.Due)},
		{"until", instant(e.Until)},
		{"by", author(e)},
		{"why", e.Why},
	} {
		fields = append(fields, written(f.key, f.value))
	}
	return append(fields, numbers(e)...)
}

// numbers are the fields of an event that are no text.
func numbers(e *challenge.Event) (fields []zap.Field) {
	if e.Tries > 0 {
		fields = append(fields, zap.Int("tries_left", e.Tries))
	}
	if e.Name == challenge.Verified {
		if e.Way == challenge.ByBackup {
			fields = append(fields, zap.Int("codes_left", e.Left))
		}
		if e.Waited > 0 {
			fields = append(fields, zap.Int64("waited_s", wholeSeconds(e.Waited)))
		}
		if e.Fresh {
			fields = append(fields, zap.Bool("new_browser", true))
		}
	}
	if e.Again {
		fields = append(fields, zap.Bool("again", true))
	}
	if e.Err != nil {
		fields = append(fields, text("error", CauseOf(e.Err)))
	}
	return fields
}

func wholeSeconds(d time.Duration) int64 { return int64(d.Round(time.Second) / time.Second) }

// author is who did what a person can do, too, where it was not the person. The
// admin endpoint knows no names.
func author(e *challenge.Event) string {
	switch e.Name {
	case challenge.LetInMade, challenge.UnlockedAddress, challenge.Revoked, challenge.PasskeyTaken:
		return "operator"
	case challenge.DataExported, challenge.DataErased, challenge.Unguarded:
		if e.Gate == "" && e.Address != "" { // what people ask for is done by name only at a gate
			return "operator"
		}
	}
	return ""
}

// instant is a time in the log; empty where there is none.
func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// CauseOf is the text of an error. That checks are unavailable, which the domain
// says in front of most faults of a store, is the name of the event.
func CauseOf(err error) string {
	return strings.TrimPrefix(err.Error(), challenge.ErrUnavailable.Error()+": ")
}

// written leaves out what is empty.
func written(key, value string) zap.Field {
	if value == "" {
		return zap.Skip()
	}
	return text(key, value)
}

// text is a field that moves no terminal and begins no line: JSON escapes only a part
// of what does.
func text(key, value string) zap.Field { return zap.String(key, still(value)) }

func still(value string) string {
	if strings.IndexFunc(value, moves) < 0 {
		return value
	}
	return strings.Map(func(r rune) rune {
		if moves(r) {
			return unicode.ReplacementChar
		}
		return r
	}, value)
}

// moves reports control characters, those of C1 and the ends of lines and paragraphs
// among them, and what turns the direction of writing.
func moves(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp, unicode.Bidi_Control)
}

// requestID is the id that Caddy's access log has for the request too.
func requestID(ctx context.Context) string {
	repl, ok := ctx.Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if !ok {
		return ""
	}
	id, _ := repl.GetString("http.request.uuid")
	return id
}
