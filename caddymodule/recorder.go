// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"context"
	"net/netip"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/mailer"
)

// A recorder writes what happens at a gate to the log, and counts it.
type recorder struct{ logger *zap.Logger }

// levels of events that are not information.
var levels = map[challenge.EventName]zapcore.Level{
	challenge.CodeFailed: zapcore.ErrorLevel, challenge.StoreFailed: zapcore.ErrorLevel, challenge.NoticeFailed: zapcore.ErrorLevel,
	challenge.Limited: zapcore.WarnLevel, challenge.Locked: zapcore.WarnLevel, challenge.DeviceReplayed: zapcore.WarnLevel,
	challenge.KeysReplaced: zapcore.WarnLevel, challenge.Reported: zapcore.WarnLevel, challenge.Guarded: zapcore.WarnLevel,
	challenge.ActivityLost: zapcore.WarnLevel, challenge.StoreAway: zapcore.ErrorLevel, challenge.StoreRestarted: zapcore.WarnLevel, challenge.StoreRestored: zapcore.WarnLevel,
}

// levelOf is how loud an event is. Strangers can cause any number of decisions
// about nobody.
func levelOf(e challenge.Event) zapcore.Level {
	if e.Name == challenge.Decided && e.Account == "" && e.Observed == 0 {
		return zapcore.DebugLevel
	}
	return levels[e.Name] // zero is information
}

// Record counts one event and logs it, with the fields that it has.
func (l recorder) Record(ctx context.Context, e challenge.Event) {
	tally(e)
	entry := l.logger.Check(levelOf(e), string(e.Name))
	if entry == nil {
		return
	}
	fields := []zap.Field{zap.String("event", string(e.Name)), written("gate", e.Gate)}
	if e.Name == challenge.Decided {
		if strings.Contains(e.User, "@") { // some steps call people by their addresses
			e.User = challenge.Email(e.User).Masked()
		}
		fields = append(fields, decision(ctx, e)...)
	} else {
		fields = append(fields, written("address", string(e.Address)), address("ip", e.IP))
	}
	for _, f := range []struct{ key, value string }{
		{"account", unlessDecided(e)},
		{"source", e.Source},
		{"user", e.User},
		{"rule", e.Rule},
		{"ref", e.Ref},
		{"session", e.Session},
		{"limit", string(e.Limit)},
		{"way", string(e.Way)},
		{"change", string(e.Change)},
		{"due", instant(e.Due)},
		{"until", instant(e.Until)},
		{"by", author(e)},
		{"why", e.Why},
	} {
		fields = append(fields, written(f.key, f.value))
	}
	if e.Tries > 0 {
		fields = append(fields, zap.Int("tries_left", e.Tries))
	}
	if e.Way == challenge.ByBackup && e.Name == challenge.Verified {
		fields = append(fields, zap.Int("codes_left", e.Left))
	}
	if e.Err != nil {
		fields = append(fields, zap.String("error", causeOf(e.Err)))
	}
	entry.Write(fields...)
}

// author is who did what a person can do, too, where it was not the person. The
// admin endpoint knows no names.
func author(e challenge.Event) string {
	switch e.Name {
	case challenge.LetInMade, challenge.UnlockedAddress:
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

// causeOf is the text of an error. That checks are unavailable, which the domain
// says in front of most faults of a store, is the name of the event.
func causeOf(err error) string {
	return strings.TrimPrefix(err.Error(), challenge.ErrUnavailable.Error()+": ")
}

// unlessDecided is the account of an event; a decision has it already.
func unlessDecided(e challenge.Event) string {
	if e.Name == challenge.Decided {
		return ""
	}
	return e.Account
}

// written leaves out what is empty.
func written(key, value string) zap.Field {
	if value == "" {
		return zap.Skip()
	}
	return zap.String(key, value)
}

func address(key string, ip netip.Addr) zap.Field {
	if !ip.IsValid() {
		return zap.Skip()
	}
	return zap.String(key, ip.String())
}

var decisions = map[challenge.Decision]string{
	challenge.Pass: "pass", challenge.Check: "check", challenge.Deny: "deny", challenge.Unavailable: "unavailable",
}

// decision is what a decision was made by. It names nobody in clear: whoever
// reads many of these need not know who each of them was.
func decision(ctx context.Context, e challenge.Event) []zap.Field {
	fields := []zap.Field{
		zap.String("decision", decisions[e.Decision]), written("reason", string(e.Reason)), written("factor", string(e.Factor)),
		written("account", e.Account), written("address", e.Address.Masked()), written("device", e.Device),
		written("request", requestID(ctx)), zap.Duration("took", e.Took),
	}
	if e.IP.IsValid() {
		fields = append(fields, zap.String("network", challenge.Surroundings(e.IP).String()))
	}
	if e.Barred {
		fields = append(fields, zap.Bool("barred", true))
	}
	for _, r := range e.Observed.Reasons() {
		fields = append(fields, zap.Bool("observed_"+string(r), true))
	}
	if p := e.Place; p != nil {
		fields = append(fields, written("country", p.Country))
		if p.ASN != 0 {
			fields = append(fields, zap.Uint32("asn", p.ASN))
		}
	}
	return fields
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

// reporter writes what becomes of mails to the log.
func reporter(logger *zap.Logger) func(mailer.Report) {
	logger = logger.Named("mail")
	return func(r mailer.Report) {
		level := zapcore.InfoLevel
		switch r.Outcome {
		case mailer.Failed, mailer.Lost:
			level = zapcore.ErrorLevel
		case mailer.Deferred:
			level = zapcore.WarnLevel
		case mailer.Withheld:
			level = zapcore.DebugLevel
		}
		if entry := logger.Check(level, "mail "+string(r.Outcome)); entry != nil {
			entry.Write(
				zap.String("event", "mail_"+string(r.Outcome)), zap.String("gate", r.Gate), zap.String("address", r.Mailbox), zap.String("ref", r.Ref),
				zap.String("message_id", r.MessageID), zap.Int("try", r.Try), zap.Duration("took", r.Took),
				zap.Duration("wait", r.Wait), zap.String("reply", r.Reason),
			)
		}
	}
}
