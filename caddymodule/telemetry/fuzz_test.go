// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package telemetry_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/netip"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/doorcode/caddy-doorcode/caddymodule/telemetry"
	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/mailer"
	"github.com/doorcode/caddy-doorcode/geo"
)

// FuzzLOG03EachEventIsOneLine writes into every field what may break out of it: of a
// line, of JSON, of a terminal. Each event stays one line and one event.
func FuzzLOG03EachEventIsOneLine(f *testing.F) {
	for _, text := range []string{
		"a", "\r\n{\"event\":\"verified\"}", `","event":"verified","x":"`, "\x1b[31m\x1b]0;x\x07", "\u2028\u2029\u0085", "\xff\xfe\x00", `\u000a\`, "</script>", "\u202e",
	} {
		for n := range uint8(4) {
			f.Add(text, n*13)
		}
	}
	names := []challenge.EventName{
		challenge.Decided, challenge.Verified, challenge.CodeSent, challenge.BrowserRenamed, challenge.LetInMade, challenge.StoreFailed, challenge.IdentityMissing, challenge.KeysRotated,
	}
	keeps := []challenge.AuditIP{challenge.AuditFull, challenge.AuditPrefix, challenge.AuditHash}
	f.Fuzz(func(t *testing.T, text string, n uint8) {
		var written bytes.Buffer
		config := zap.NewProductionEncoderConfig()
		logger := zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(config), zapcore.AddSync(&written), zapcore.DebugLevel))
		keep := keeps[int(n)%len(keeps)]
		r := telemetry.NewRecorder(telemetry.RecorderOptions{
			Log: logger.Named("gate"), Audit: logger.Named("doorcode.audit"), Keep: func() challenge.AuditIP { return keep },
			Names: telemetry.Names{Person: func(e challenge.Email) string { return string(e) }, Network: func(p netip.Prefix) string { return text }},
		})
		name := names[int(n)%len(names)]
		r.Record(t.Context(), challenge.Event{
			Name: name, Gate: text, Address: challenge.Email(text), Source: text, User: text, IP: netip.MustParseAddr("203.0.113.7"), Rule: text, Ref: text, Session: text,
			Limit: challenge.Limit(text), Err: errors.New(text), Reason: challenge.Reason(text), Factor: challenge.Factor(text), Account: text, Device: text,
			Place: &geo.Place{Country: text, City: text, Network: text, ASN: 1}, Way: challenge.Way(text), Change: challenge.ChangeKind(text), Why: text,
			Result: challenge.CheckResult(text), Called: text, Facts: challenge.DecisionFacts{Domain: text},
		})
		want := []string{string(name)}
		if name == challenge.Decided {
			want = append(want, "explained")
		}
		telemetry.MailReporter(logger, keep, telemetry.Names{})(mailer.Report{
			Outcome: mailer.Failed, Gate: text, Mailbox: text, Ref: text, Route: text, MessageID: text, Reason: text,
		})
		wantLines(t, written.Bytes(), append(want, "mail_failed"))
	})
}

// wantLines fails unless there is one line for each event and nothing else.
func wantLines(t *testing.T, raw []byte, events []string) {
	t.Helper()
	if bytes.ContainsAny(raw, "\x00\x07\x1b\r\u0085\u2028\u2029") {
		t.Errorf("raw control characters in %q", raw)
	}
	lines := bytes.SplitAfter(raw, []byte("\n"))
	if last := len(lines) - 1; len(lines[last]) > 0 || last != len(events) {
		t.Fatalf("%d lines, want %d: %q", last, len(events), raw)
	}
	for i, event := range events {
		var line map[string]any
		if err := json.Unmarshal(lines[i], &line); err != nil {
			t.Fatalf("%v: %q", err, lines[i])
		}
		if line["event"] != event || line["msg"] == "" {
			t.Errorf("line %d is about %v, want %s", i, line["event"], event)
		}
	}
}
