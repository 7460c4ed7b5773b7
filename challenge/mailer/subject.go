// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer

import (
	"errors"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// ErrSubject means a notice about something that no mail is written for.
var ErrSubject = errors.New("no mail for this subject")

// A form is what the mails of one subject say, in keys of the catalogue.
type form struct {
	what     string   // the mail, for operators
	inLine   string   // subject with the code, unless the style hides it; empty: never
	subjects []string // without the code, the best first
	lead     string
	before   []string // sentences between the lead and the facts
	until    string   // one more, after the first, where there is an end to tell
	reasons  string   // what the keys of reasons for a code begin with
	heading  string   // of the facts
	after    []string // sentences between the facts and the link
	link     string   // what the link is called; empty: the mail has none
	linked   string   // sentence before a link, if any
	unlinked string   // sentence instead of a link, if any
	sentTo   string
}

var forms = map[challenge.Subject]form{
	challenge.SignInCode: {
		what:     "mail with a code to sign in with",
		inLine:   "mail.subject",
		subjects: []string{"mail.subject_without_code", "mail.subject_without_app"},
		lead:     "mail.lead",
		before:   []string{"mail.where", "mail.spelled", "mail.life"},
		reasons:  "mail.reason_",
		heading:  "mail.asked",
		after:    []string{"mail.not_you"},
		link:     "mail.stop",
		sentTo:   "mail.sent_to",
	},
	// Whoever reads the notification on a locked phone must not be able to open
	// a protected page.
	challenge.ConfirmCode: {
		what:     "mail with a code that confirms",
		subjects: []string{"mail.confirm_subject", "mail.confirm_subject_without_app"},
		lead:     "mail.confirm_lead",
		before:   []string{"mail.confirm_where", "mail.spelled", "mail.life"},
		reasons:  "mail.reason_",
		heading:  "mail.asked",
		after:    []string{"mail.confirm_not_you"},
		link:     "mail.stop",
		sentTo:   "mail.confirm_sent_to",
	},
	challenge.NewSignIn: {
		what:     "mail about a new sign-in",
		subjects: []string{"mail.new_subject", "mail.new_subject_without_app"},
		lead:     "mail.new_lead",
		before:   []string{"mail.new_where"},
		heading:  "mail.new_from",
		after:    []string{"mail.new_was_you"},
		link:     "mail.new_not_me",
		linked:   "mail.new_sign_out",
		unlinked: "mail.new_tell",
		sentTo:   "mail.new_sent_to",
	},
	challenge.WrongCodes: {
		what:     "mail about wrong codes",
		subjects: []string{"mail.wrong_subject", "mail.wrong_subject_without_app"},
		lead:     "mail.wrong_lead",
		before:   []string{"mail.wrong_where", "mail.wrong_remembered"},
		until:    "mail.wrong_until",
		heading:  "mail.wrong_last",
		after:    []string{"mail.wrong_not_you"},
		sentTo:   "mail.wrong_sent_to",
	},
	challenge.ChangeCode: {
		what:     "mail with a code for a change",
		subjects: []string{"mail.change_subject", "mail.change_subject_without_app"},
		lead:     "mail.change_lead",
		before:   []string{"mail.confirm_where", "mail.spelled", "mail.life"},
		reasons:  "mail.change_reason_",
		heading:  "mail.asked",
		after:    []string{"mail.change_not_you"},
		link:     "mail.change_stop",
		linked:   "mail.change_stops",
		unlinked: "mail.change_sign_out",
		sentTo:   "mail.change_sent_to",
	},
	challenge.BackupCodeUsed: {
		what:     "mail about a backup code",
		subjects: []string{"mail.backup_subject", "mail.backup_subject_without_app"},
		lead:     "mail.backup_lead",
		before:   []string{"mail.new_where", "mail.backup_left"},
		heading:  "mail.new_from",
		after:    []string{"mail.backup_was_you"},
		link:     "mail.new_not_me",
		linked:   "mail.new_sign_out",
		unlinked: "mail.new_tell",
		sentTo:   "mail.backup_sent_to",
	},
	challenge.WaysChanged: {
		what:     "mail about a change",
		subjects: []string{"mail.changed_subject", "mail.changed_subject_without_app"},
		lead:     "mail.changed_lead",
		before:   []string{"mail.changed_where"},
		heading:  "mail.changed_from",
		after:    []string{"mail.new_was_you"},
		link:     "mail.new_not_me",
		linked:   "mail.changed_ends",
		unlinked: "mail.changed_sign_out",
		sentTo:   "mail.changed_sent_to",
	},
	challenge.CookiesCopied: {
		what:     "mail about copied cookies",
		subjects: []string{"mail.copied_subject", "mail.copied_subject_without_app"},
		lead:     "mail.copied_lead",
		before:   []string{"mail.changed_where", "mail.copied_refused"},
		heading:  "mail.copied_from",
		after:    []string{"mail.copied_was_you", "mail.copied_not_you"},
		sentTo:   "mail.copied_sent_to",
	},
	challenge.CodeReadOut: {
		what:     "mail about a code to read out",
		subjects: []string{"mail.read_subject", "mail.read_subject_without_app"},
		lead:     "mail.read_lead",
		before:   []string{"mail.read_where"},
		until:    "mail.read_until",
		heading:  "mail.asked",
		after:    []string{"mail.read_was_you"},
		link:     "mail.read_stop",
		linked:   "mail.read_stops",
		unlinked: "mail.read_tell",
		sentTo:   "mail.read_sent_to",
	},
	challenge.TestMail: {
		what:     "test mail",
		subjects: []string{"mail.test_subject", "mail.test_subject_without_app"},
		lead:     "mail.test_lead",
		before:   []string{"mail.test_where"},
		heading:  "mail.test_from",
		after:    []string{"mail.test_not_you"},
		sentTo:   "mail.test_sent_to",
	},
}
