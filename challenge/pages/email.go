// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages

import (
	"html/template"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/words"
)

// An EmailTrouble is why the person sees the address form again.
type EmailTrouble uint8

// The troubles of the address form. The zero value is none.
const (
	EmailMissing      EmailTrouble = iota + 1 // nothing was entered
	EmailMalformed                            // what was entered is no address
	EmailSuggestion                           // Email.Better is likely meant
	EmailNotOnList                            // only where the operator reveals who is
	EmailNetworkMails                         // too many mails for this network until RetryAt
	EmailPasskey                              // the passkey was refused; nothing is wrong with the address
	EmailPasskeyOften                         // too many passkeys were tried until RetryAt
)

// Email is screen [1], which asks for the address.
//
// Its form posts email, flow and held to Endpoints + "email". The two buttons of
// a suggestion post the better address, or the typed one with keep=1.
type Email struct {
	// Endpoints is the relative URL below which the own endpoints are, with its
	// last slash: "./reports/.doorcode/".
	Endpoints string
	// Flow is the sealed value of the hidden field flow.
	Flow string
	// Address fills the field: what was typed, or was used last.
	Address string
	Trouble EmailTrouble
	// Better is the suggested address.
	Better string
	// Now and RetryAt make the times in sentences.
	Now, RetryAt time.Time
	// FormNotSent tells that the page answers a form which the app never got.
	FormNotSent bool
	// Held is a sealed form that the app never got, which every form of the page
	// posts along in the hidden field held. The page says that it can be sent,
	// in place of FormNotSent, and is always one that AnswersPost.
	Held string
	// AnswersPost: the page answers a POST. It never reloads then, and listens
	// to nothing: a reload would send that POST again.
	AnswersPost bool
	// SignedOut is [11]: the person was signed out from another browser. ByOperator:
	// an administrator did it.
	SignedOut, ByOperator bool
	// Unproved: the browser did not prove the key that it has.
	Unproved bool
	// Passkeys: one may be used in place of an address. OnlyPasskeys: whoever has none will
	// have to add one.
	Passkeys, OnlyPasskeys bool
}

// emailView is what email.html sees.
type emailView struct {
	check
	Address, Better          string
	Error, Suggestion        template.HTML
	Alert                    template.HTML // not about the field
	Label, Hint, Button      string
	Busy, UseBetter, KeepOwn string
	Unable                   template.HTML // that no passkey can be used, for browsers without scripts
}

// check is what both forms have in common.
type check struct {
	Endpoints, Flow, Held string
	Notices               []template.HTML
	AnswersPost           bool
	ErrorTitle            string // of which the script makes the title
}

// notes says what happened before the person came to the page.
func (c *check) notes(s scribe, elsewhere, byOperator bool, fate template.HTML) {
	switch {
	case byOperator:
		c.Notices = append(c.Notices, s.html("door.ended_by_operator", nil))
	case elsewhere:
		c.Notices = append(c.Notices, s.html("door.elsewhere", nil))
	}
	if fate != "" {
		c.Notices = append(c.Notices, fate)
	}
}

func newCheck(endpoints, flow, held string, answersPost bool) check {
	return check{Endpoints: endpoints, Flow: flow, Held: held, AnswersPost: answersPost || held != ""}
}

func (p Email) kind() kind {
	if p.Passkeys {
		return askingKey
	}
	return asking
}

func (p Email) content(s scribe) content {
	c := content{template: "email.html", heading: s.both("email.heading", nil)}
	v := emailView{
		check:   newCheck(p.Endpoints, p.Flow, p.Held, p.AnswersPost),
		Address: p.Address, Better: p.Better,
		Label: s.text("email.label", nil), Hint: s.text("email.hint", nil),
		Button: s.text("email.button", nil), Busy: s.text("email.busy", nil),
		UseBetter: s.text("email.use", nil), KeepOwn: s.text("email.keep", nil),
	}
	v.notes(s, p.SignedOut, p.ByOperator, s.fate(p.Held != "", p.FormNotSent))
	if p.Unproved {
		v.Notices = append(v.Notices, s.html("reason.unproved", nil))
	}
	switch {
	case p.OnlyPasskeys:
		v.Hint, v.Unable = s.text("passkey.soon", nil), s.html("passkey.unable", nil) // a code is not enough here
		c.keyed = s.needsPasskey(p.Endpoints)
	case p.Passkeys:
		c.keyed = s.usesPasskey(p.Endpoints)
	}
	switch p.Trouble {
	case EmailSuggestion:
		v.Suggestion = p.sentence(s).html
	case EmailPasskey, EmailPasskeyOften:
		v.Alert = p.sentence(s).html
	default:
		v.Error = p.sentence(s).html
	}
	c.failed = v.Error != ""
	v.ErrorTitle = s.errorTitle(c.failed)
	c.data = v
	return c
}

func (p Email) sentence(s scribe) message {
	switch p.Trouble {
	case EmailMissing:
		return s.both("email.missing", nil)
	case EmailMalformed:
		return s.both("email.malformed", nil)
	case EmailSuggestion:
		return s.both("email.suggestion", words.Args{"address": isolated(p.Better)})
	case EmailNotOnList:
		return s.both("email.not_on_list", words.Args{"address": isolated(p.Address)})
	case EmailNetworkMails:
		return s.both("limit.network_mails", words.Args{"at": s.moment(at, p.Now, p.RetryAt)})
	case EmailPasskey:
		return Passkey{Trouble: PasskeyRefused, Also: true}.sentence(s)
	case EmailPasskeyOften:
		return Passkey{Trouble: PasskeyOften, Now: p.Now, RetryAt: p.RetryAt}.sentence(s)
	default:
		return message{}
	}
}
