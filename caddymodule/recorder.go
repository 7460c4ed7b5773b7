// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"context"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/mailer"
)

// A recorder writes what happens at a gate to the log.
type recorder struct{ logger *zap.Logger }

// levels of events that are not information.
var levels = map[challenge.EventName]zapcore.Level{
	challenge.CodeFailed: zapcore.ErrorLevel, challenge.StoreFailed: zapcore.ErrorLevel,
	challenge.Limited: zapcore.WarnLevel, challenge.Locked: zapcore.WarnLevel, challenge.DeviceReplayed: zapcore.WarnLevel, challenge.KeysReplaced: zapcore.WarnLevel,
}

// Record logs one event, with the fields that it has.
func (l recorder) Record(_ context.Context, e challenge.Event) {
	level, ok := levels[e.Name]
	if !ok {
		level = zapcore.InfoLevel
	}
	entry := l.logger.Check(level, string(e.Name))
	if entry == nil {
		return
	}
	fields := []zap.Field{zap.String("event", string(e.Name)), zap.String("gate", e.Gate)}
	for _, f := range []struct{ key, value string }{
		{"address", string(e.Address)},
		{"source", e.Source},
		{"user", e.User},
		{"rule", e.Rule},
		{"ref", e.Ref},
		{"session", e.Session},
		{"limit", string(e.Limit)},
	} {
		if f.value != "" {
			fields = append(fields, zap.String(f.key, f.value))
		}
	}
	if e.IP.IsValid() {
		fields = append(fields, zap.String("ip", e.IP.String()))
	}
	if e.Tries > 0 {
		fields = append(fields, zap.Int("tries_left", e.Tries))
	}
	if !e.Until.IsZero() {
		fields = append(fields, zap.String("until", e.Until.UTC().Format(time.RFC3339)))
	}
	if e.Err != nil {
		fields = append(fields, zap.Error(e.Err))
	}
	entry.Write(fields...)
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
