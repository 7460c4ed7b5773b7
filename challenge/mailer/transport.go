// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Package mailer writes the mails that carry codes, or tell what happened, and
// gets them out.
//
// A [challenge.Notice] goes into an [Outbox], which answers at once. A worker
// renders it as the gate's [Style] says and hands it to the gate's [Transport]:
// [SMTP], [HTTP] for the API of a mail service, a [Folder] of files, or the [Inbox] of
// a demonstration. What fails
// for a time is tried again until the code ends, or nobody would want to read it; a
// transport that fails again and again is left alone while there is another. Notices
// without a code may wait in a [Spool], and outlive the process there.
//
// A mail carries secrets. Nothing here prints, logs or returns it in an error:
// [Message] shows only its identifier, and what a mail server answers is
// cleaned before it reaches a [Report].
package mailer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strings"
	"time"
)

// A Transport hands mails over. Deliver returns nil once somebody else has
// taken responsibility for the mail, obeys ctx, and is safe for concurrent use.
// An error that is no [DeliveryError] counts as a transport that is failing for
// a time.
type Transport interface {
	Deliver(ctx context.Context, m Message) error
}

// A Prober is a Transport that can go as far as a delivery goes for every
// mailbox alike. The outbox probes for mails that must never leave, so that the
// health of the transport is learned from any address, known or not.
type Prober interface {
	Probe(ctx context.Context, m Message) error
}

// idler is a transport that keeps connections.
type idler interface {
	CloseIdleConnections()
}

// A Message is one rendered mail. It prints as its identifier.
type Message struct {
	ID      string    // of the Message-ID field, without angle brackets
	From    string    // envelope sender, bare address
	To      string    // envelope recipient, bare address
	Date    time.Time // UTC
	Subject string    // decoded
	Text    string    // the text part, decoded, lines ended by LF
	HTML    string    // the HTML part, decoded; empty if there is none
	Raw     []byte    // the whole mail as it is handed over, RFC 5322, CRLF

	// What Raw says as well, for a transport that writes the mail itself.
	FromName string            // decoded; empty: none
	ReplyTo  string            // bare address; empty: none
	Headers  map[string]string // fields beside those of an ordinary mail, by name

	code string // for cleaning answers that quote the mail
	stop string // likewise: the end of its link
	flaw error  // why it is not as its style says; nil: it is
}

// String hides the mail.
func (m Message) String() string { return "[mail " + m.ID + "]" }

// Format hides the mail from every verb of fmt.
func (m Message) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, m.String()) }

// LogValue hides the mail from structured logs.
func (m Message) LogValue() slog.Value { return slog.StringValue(m.String()) }

// MarshalText hides the mail from encoders.
func (m Message) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// A DeliveryError says how a delivery ended. Its text is fit for a log: one
// line, cut, without secrets of the transport; it may name the mailbox.
type DeliveryError struct {
	// Step is what was being done, such as "naming recipient".
	Step string
	// Mailbox says that this mail or its recipient was refused by a transport
	// that works. Only without it does the failure speak of the transport.
	Mailbox bool
	// Permanent says that a later try would fare no better.
	Permanent bool
	// Late says that the failure came after all that a probe looks at. Anybody says
	// that it would have met each mailbox all the same: what may be the fault of one
	// mailbox counts against the transport only once it has met another one, too.
	Late, Anybody bool
	// Elsewhere says that another transport may take what this one refused: it is over
	// its quota, or its policy does not like the mail.
	Elsewhere bool
	// Reply is what the other side answered, if it did.
	Reply string

	err error
}

// Error is the step and the reply, or the cause where there was no reply.
func (e *DeliveryError) Error() string {
	if e.Reply != "" {
		return e.Step + ": " + e.Reply
	}
	return e.Step + ": " + plain(fmt.Sprint(e.err), maxReply)
}

// Unwrap returns the cause, or nil.
func (e *DeliveryError) Unwrap() error { return e.err }

// aboutMailbox says whether err blames the mail and not the transport.
func aboutMailbox(err error) bool {
	var failure *DeliveryError
	return errors.As(err, &failure) && failure.Mailbox
}

// isFinal says whether no other transport is to be asked: the mailbox is to blame, for
// all of them.
func isFinal(err error) bool {
	var failure *DeliveryError
	return errors.As(err, &failure) && failure.Mailbox && !failure.Elsewhere
}

// isSuspect says whether err may be the fault of a mailbox, though it blames none.
func isSuspect(err error) bool {
	var failure *DeliveryError
	return errors.As(err, &failure) && failure.Late && !failure.Anybody && !failure.Mailbox
}

// maxReply bounds what is kept of an answer of another machine, in characters.
const maxReply = 300

// conceal removes the secrets of a mail from what another machine says of it:
// its code and the end of its link. Empty ones hide nothing.
func conceal(s, code, stop string) string {
	return hide(hide(s, code, "[code]"), stop, "[link]")
}

// hide finds a secret in any case and also spaced out.
func hide(s, secret, name string) string {
	if secret == "" {
		return s
	}
	characters := strings.Split(secret, "")
	for i, c := range characters {
		characters[i] = regexp.QuoteMeta(c)
	}
	loose := regexp.MustCompile("(?i)" + strings.Join(characters, `[\s_=+.-]*`))
	return loose.ReplaceAllLiteralString(s, name)
}

// plain makes s one line of at most limit characters that no reader, header or
// log can take for more: without control characters, direction overrides and
// broken UTF-8, with single spaces.
func plain(s string, limit int) string {
	// Cut first: what somebody sent may be megabytes.
	s = s[:min(len(s), 16*limit)]
	s = strings.Map(visible, strings.ToValidUTF8(s, ""))
	s = strings.Join(strings.Fields(s), " ")
	runes := []rune(s)
	if len(runes) > limit {
		return strings.TrimSpace(string(runes[:limit-1])) + "…"
	}
	return s
}
