// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer

import (
	"cmp"
	"regexp"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// An Outcome is what became of a mail.
type Outcome string

// The outcomes. Deferred, Kept and Unkept are not the end of a mail.
const (
	Sent     Outcome = "sent"     // a transport took it
	Withheld Outcome = "withheld" // a decoy ran its course
	Deferred Outcome = "deferred" // it is tried again
	Bounced  Outcome = "bounced"  // a transport refused it for good for what it is, as one to a mailbox that is not there
	Failed   Outcome = "failed"   // every transport refused it for good, or its time is over
	Kept     Outcome = "kept"     // another process goes on with it from the spool, as when the outbox closed first
	Lost     Outcome = "lost"     // the outbox closed first
	Unkept   Outcome = "unkept"   // the spool did not answer for it: a crash now would lose it, or send it twice
)

// A Report tells what became of a mail, for the log of the operator. It never
// contains the code or the link, and Reason does not name the mailbox.
type Report struct {
	Outcome   Outcome
	Time      time.Time
	Gate      string
	Route     string   // name of the transport that was called last; empty before the first try
	Passed    []string // names of those that were called before it in the same try, and did not take it
	Subject   challenge.Subject
	Mailbox   string
	Ref       string
	MessageID string        // without angle brackets; empty before the first try
	Try       int           // tries so far
	Took      time.Duration // of the call of Route
	Wait      time.Duration // until the next try; zero unless deferred
	// Reason is one line: why it was not sent, or not by the first way, or not as its
	// style says; empty if all is well.
	Reason string

	flaw   error // of a mail that is not as its style says
	before error // what Passed answered, where the end does not say it
}

// about completes r with what it is about.
func (r Report) about(j *job, outcome Outcome, err error) Report {
	n := j.notice
	r.Outcome, r.Time, r.Try = outcome, time.Now(), j.tries
	r.Reason = safeReason(both(r.before, cmp.Or(err, r.flaw)), n)
	r.Gate, r.Subject, r.Mailbox, r.Ref = n.Gate, n.Subject, n.Mailbox, n.Ref
	r.flaw, r.before = nil, nil
	return r
}

// tell writes down what became of a job, and reports it.
func (o *Outbox) tell(j *job, outcome Outcome, r Report, err error) {
	r = r.about(j, outcome, err)
	if outcome != Unkept {
		o.book.enter(j, r, aboutMailbox(err))
	}
	o.options.Report(r)
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
