// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer

import (
	"regexp"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// An Outcome is what became of a mail.
type Outcome string

// The outcomes. Only Deferred is not the end of a mail.
const (
	Sent     Outcome = "sent"     // a transport took it
	Withheld Outcome = "withheld" // a decoy ran its course
	Deferred Outcome = "deferred" // it is tried again
	Failed   Outcome = "failed"   // it was refused for good, or its time is over
	Lost     Outcome = "lost"     // the outbox closed first
)

// A Report tells what became of a mail, for the log of the operator. It never
// contains the code or the link, and Reason does not name the mailbox.
type Report struct {
	Outcome   Outcome
	Gate      string
	Mailbox   string
	Ref       string
	MessageID string        // without angle brackets; empty before the first try
	Try       int           // tries so far
	Took      time.Duration // of the last try
	Wait      time.Duration // until the next try; zero unless deferred
	Reason    string        // one line, why it was not sent; empty if it was
}

// about completes r with what it is about.
func (r Report) about(j *job, outcome Outcome, err error) Report {
	n := j.notice
	r.Outcome, r.Try, r.Reason = outcome, j.tries, safeReason(err, n)
	r.Gate, r.Mailbox, r.Ref = n.Gate, n.Mailbox, n.Ref
	return r
}

// safeReason makes err fit for a log: what a mail server answers may quote the
// mail, and with it the code or the link.
func safeReason(err error, n challenge.Notice) string {
	if err == nil {
		return ""
	}
	reason := conceal(plain(err.Error(), 4*maxReply), n.Code.Reveal(), secretOf(n.Stop))
	if n.Mailbox != "" {
		mailbox := regexp.MustCompile("(?i)" + regexp.QuoteMeta(n.Mailbox))
		reason = mailbox.ReplaceAllLiteralString(reason, "[mailbox]")
	}
	return plain(reason, maxReply)
}
