// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"strings"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/mailer"
)

// MailReporter writes what becomes of mails to the log, with as much of addresses as
// is kept.
func MailReporter(logger *zap.Logger, keep challenge.AuditIP, names Names) func(mailer.Report) {
	logger = logger.Named("mail")
	d := discretion{keep, names}
	return func(r mailer.Report) {
		level := zapcore.InfoLevel
		switch r.Outcome {
		case mailer.Failed, mailer.Lost, mailer.Bounced:
			level = zapcore.ErrorLevel
		case mailer.Deferred, mailer.Unkept:
			level = zapcore.WarnLevel
		case mailer.Withheld:
			level = zapcore.DebugLevel
		}
		entry := logger.Check(level, "mail "+string(r.Outcome))
		if entry == nil {
			return
		}
		whose := written("address", d.address(challenge.Email(r.Mailbox)))
		if d.hides() && r.Mailbox != "" {
			whose = written("account", d.person(challenge.Email(r.Mailbox)))
		}
		fields := []zap.Field{
			zap.String("event", "mail_"+string(r.Outcome)), text("gate", r.Gate), whose, text("ref", r.Ref), written("transport", r.Route),
			text("message_id", r.MessageID), zap.Int("try", r.Try), zap.Duration("took", r.Took),
			zap.Duration("wait", r.Wait), text("reply", r.Reason),
		}
		if len(r.Passed) > 0 {
			fields = append(fields, text("passed", strings.Join(r.Passed, ", ")))
		}
		entry.Write(fields...)
	}
}

// MailHealth tells of a transport that begins to fail, or that is well again, to log
// and subscribers. The name of the transport is that of mailer.Route, and the reason
// that of its last failure.
func MailHealth(logger *zap.Logger, emitter *Emitter, transport string, failing bool, reason string) {
	logger = logger.Named("mail")
	name, data := EventMailRecovered, func() map[string]any { return map[string]any{"transport": transport} }
	if failing {
		name, data = EventMailFailed, func() map[string]any { return map[string]any{"transport": transport, "reply": reason} }
		logger.Error("mail cannot be handed over; it goes another way where there is one", zap.String("event", "transport_failed"), text("transport", transport), text("reply", reason))
	} else {
		logger.Info("mail can be handed over again", zap.String("event", "transport_recovered"), text("transport", transport))
	}
	emitter.Emit(name, data)
}

// CountMail counts a report. A mail that went another way was put off by each of those
// that were tried before.
func CountMail(r mailer.Report) {
	result, counts := mailResults[r.Outcome]
	if !counts {
		return
	}
	for _, passed := range r.Passed {
		mailTotal.WithLabelValues(TransportLabel(passed), mailResults[mailer.Deferred]).Inc()
	}
	transport := TransportLabel(r.Route)
	mailTotal.WithLabelValues(transport, result).Inc()
	if r.Took > 0 {
		mailSeconds.WithLabelValues(transport).Observe(r.Took.Seconds())
	}
}

// mailResults are the outcomes of mails that somebody is waiting for. A mail that was
// lost has failed; one that was kept is counted where another process ends it.
var mailResults = map[mailer.Outcome]string{
	mailer.Sent: "sent", mailer.Deferred: "deferred", mailer.Failed: "failed", mailer.Lost: "failed", mailer.Bounced: "bounced",
}

// ExpectMail makes the series of a transport, by its name: an alert that divides by
// one which is missing never fires.
func ExpectMail(transport string) {
	label := TransportLabel(transport)
	for _, result := range mailResults {
		mailTotal.WithLabelValues(label, result)
	}
	mailSeconds.WithLabelValues(label)
}

// TransportLabel is the kind of a transport, the first word of its name. Where it is
// may be an address or a path, which no label holds.
func TransportLabel(name string) string {
	kind, _, _ := strings.Cut(name, " ")
	if kind == "" || strings.ContainsAny(kind, "/@.:") {
		return "other"
	}
	return kind
}
