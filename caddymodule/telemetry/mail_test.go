// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package telemetry_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/doorcode/caddy-doorcode/caddymodule/telemetry"
	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/mailer"
)

func TestWhatBecomesOfMailsIsLogged(t *testing.T) {
	names := telemetry.Names{Person: func(challenge.Email) string { return "kV3" }}
	for _, tt := range []struct {
		name string
		keep challenge.AuditIP
		r    mailer.Report
		want map[string]any
	}{
		{
			"a mail that goes out", challenge.AuditPrefix,
			mailer.Report{Outcome: mailer.Sent, Gate: "g", Mailbox: "ana@example.com", Ref: "7KQ", MessageID: "1@example.com", Route: "smtp a:25", Try: 2, Took: time.Second},
			map[string]any{"event": "mail_sent", "address": "ana@example.com", "message_id": "1@example.com", "transport": "smtp a:25", "try": int64(2), "took": time.Second, "reply": ""},
		},
		{
			"one that goes another way", challenge.AuditPrefix,
			mailer.Report{Outcome: mailer.Sent, Gate: "g", Mailbox: "ana@example.com", Ref: "7KQ", MessageID: "1@example.com", Route: "smtp b:25", Passed: []string{"smtp a:25", "postmark"}, Try: 1, Reason: "535 wrong password; HTTP 500"},
			map[string]any{"event": "mail_sent", "address": "ana@example.com", "message_id": "1@example.com", "transport": "smtp b:25", "passed": "smtp a:25, postmark", "try": int64(1), "took": time.Duration(0), "reply": "535 wrong password; HTTP 500"},
		},
		{
			"one that another process goes on with", challenge.AuditPrefix,
			mailer.Report{Outcome: mailer.Kept, Gate: "g", Mailbox: "ana@example.com", Ref: "7KQ", Try: 1, Reason: "450 later"},
			map[string]any{"event": "mail_kept", "address": "ana@example.com", "message_id": "", "try": int64(1), "took": time.Duration(0), "reply": "450 later"},
		},
		{
			"a storage that does not answer for what others left, of whom nobody is named", challenge.AuditHash,
			mailer.Report{Outcome: mailer.Unkept, Gate: "g", Ref: "7KQ", Reason: "store is away"},
			map[string]any{"event": "mail_unkept", "level": "warn", "message_id": "", "try": int64(0), "took": time.Duration(0), "reply": "store is away"},
		},
		{
			"one that is tried again", challenge.AuditFull,
			mailer.Report{Outcome: mailer.Deferred, Gate: "g", Mailbox: "ana@example.com", Ref: "7KQ", Try: 1, Wait: time.Minute, Reason: "450 later"},
			map[string]any{"event": "mail_deferred", "level": "warn", "address": "ana@example.com", "message_id": "", "try": int64(1), "took": time.Duration(0), "wait": time.Minute, "reply": "450 later"},
		},
		{
			"a mailbox that is not there, of somebody who is not named", challenge.AuditHash,
			mailer.Report{Outcome: mailer.Bounced, Gate: "g", Mailbox: "ana@example.com", Ref: "7KQ", Try: 1, Reason: "550 no such user [mailbox]"},
			map[string]any{"event": "mail_bounced", "level": "error", "account": "kV3", "message_id": "", "try": int64(1), "took": time.Duration(0), "reply": "550 no such user [mailbox]"},
		},
		{
			"a decoy", challenge.AuditPrefix,
			mailer.Report{Outcome: mailer.Withheld, Gate: "g", Mailbox: "ana@example.com", Ref: "7KQ"},
			map[string]any{"event": "mail_withheld", "level": "debug", "address": "ana@example.com", "message_id": "", "try": int64(0), "took": time.Duration(0), "reply": ""},
		},
	} {
		core, seen := observer.New(zapcore.DebugLevel)
		telemetry.MailReporter(zap.New(core).Named("doorcode"), tt.keep, names)(tt.r)
		tt.want["gate"], tt.want["ref"] = "g", "7KQ"
		if tt.want["wait"] == nil {
			tt.want["wait"] = time.Duration(0)
		}
		if diff := cmp.Diff([]map[string]any{tt.want}, fieldsIn(seen)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
		if name := seen.All()[0].LoggerName; name != "doorcode.mail" {
			t.Errorf("%s is on the logger %s", tt.name, name)
		}
	}
}

func TestAFailingTransportIsLoggedWhenThatChanges(t *testing.T) {
	core, seen := observer.New(zapcore.DebugLevel)
	telemetry.MailHealth(zap.New(core), nil, "smtp a:25", true, "535 wrong password")
	telemetry.MailHealth(zap.New(core), nil, "smtp a:25", false, "")
	want := []map[string]any{
		{"event": "transport_failed", "transport": "smtp a:25", "reply": "535 wrong password", "level": "error"},
		{"event": "transport_recovered", "transport": "smtp a:25"},
	}
	if diff := cmp.Diff(want, fieldsIn(seen)); diff != "" {
		t.Errorf("logged (-want +got):\n%s", diff)
	}
}
