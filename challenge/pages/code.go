// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages

import (
	"html/template"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/words"
)

// Remember says whether the browser may be remembered.
type Remember uint8

// The choices. The zero value asks.
const (
	RememberAsk    Remember = iota // a box, not ticked
	RememberAlways                 // nothing to choose
	RememberNever                  // nothing to choose
)

// Code is screen [2], which asks for the code, and all that can come of it:
// [2e] [2p] [2x] [2l] [2L] [2r] [2t] [2m]. With Confirm it is screen [2s], and by
// its Way [3] or [5].
//
// Its forms post to Endpoints + "verify", or "backup" for WayBackup (code, remember,
// flow, held), "way" (way: mail, backup, app, second, or other for the list),
// "resend" and "change" (flow, held).
type Code struct {
	// Endpoints and Flow are as in Email.
	Endpoints, Flow string
	// Address is where the code went. It is shown as the person typed it, but
	// only its first letter and domain where Known is set.
	Address string
	// Known: an earlier step told the identity. The person cannot change it.
	Known bool
	// Way is what the page asks for, Offers what else it lets the person choose,
	// where that would be accepted.
	Way    Way
	Offers WayOffers
	// Passkeys: one may be used in place of any code.
	Passkeys bool
	// Ref is the label that stands in the mail too. Where it is empty there is
	// no code under way, and the page does not speak of one.
	Ref string
	// Length is how many characters a mailed code has. Zero: 6.
	Length int
	// Alphabet is what they are from. Empty: the digits. Codes of any other
	// alphabet are said to have letters.
	Alphabet string
	// Typed fills the field with the code that was refused.
	Typed string

	Trouble Trouble
	Notice  Notice
	// Delivery is how far the mail came. Nil: the visitor may not be told, as it
	// would say whether an address that they typed is known.
	Delivery *Delivery
	// TriesLeft and Tries belong to WrongCode and CodeCancelled; Entered is how
	// many characters WrongLength found.
	TriesLeft, Tries, Entered int
	// Mails is how often this code was mailed. Where that is as often as
	// allowed, MailsUsedUp takes the button away.
	Mails       int
	MailsUsedUp bool

	// Dead: no code that could be entered is right before another one is sent. Where none
	// is sent before RetryAt, the page has no field.
	Dead bool

	// Recovers: MailDown ends when the mail service answers again, as the mail waits for it.
	Recovers bool

	// Now, Expires and RetryAt make the times in sentences. Expires is the end
	// of the code, for MailDown the end of trying to mail it.
	Now, Expires, RetryAt time.Time
	// ResendIn is how long the mail cannot be asked for again.
	ResendIn time.Duration

	Remember Remember
	// Days is how long a browser is remembered.
	Days int
	// Ticked keeps the box as the person left it.
	Ticked bool
	// Often: codes are entered here often. Only said where Known is set.
	Often bool

	// Confirm asks somebody who is signed in. The address is Known then, the
	// browser is not to be remembered, and a link leads back to GoBack, a URL;
	// an empty one is "/". The lead speaks of a fresh code where Reason is
	// ReasonSensitive.
	Confirm bool
	GoBack  string
	// For is what somebody who is signed in is asked for a code for. The way back is
	// then a form that posts to Endpoints + "change".
	For Purpose

	Reason Reason
	// Near is where the visit seems to come from, told along with Reason.
	Near words.Spot
	// Credit is what the source of Near wants to be printed beside it.
	Credit string
	// FormNotSent, Held, AnswersPost, SignedOut and ByOperator are as in Email.
	FormNotSent, AnswersPost, SignedOut, ByOperator bool

	Held string
	// Replaced: a code was entered for a change that another one has replaced.
	Replaced bool
}

// codeView is what code.html sees. Nil and empty parts are left out.
type codeView struct {
	check
	Error               template.HTML // about what was entered
	Alert, Status, Lead template.HTML
	Refused             bool            // the status is that a passkey was
	Text                []template.HTML // instead of the lead
	First               *button         // a resend button before the field
	Field               *fieldView
	Mail                *mailView
	Resend              *resendView
	Choices             []other // of the list of ways
	Others              []other // below everything else
	Back                *link
	Why                 *whyView
	StatusURL           string
	ExpiresIn           int  // seconds; 0 where the script need not care
	Down                bool // no mail goes out, which may end
}

// A button with About has the focus, and is described by the element of that id.
type button struct{ Label, Busy, About string }

type fieldView struct {
	To                           string // where its form goes, below the endpoints
	Label, Hint, Typed, Alphabet string
	Length                       int
	Numeric                      bool
	Saved                        bool // what is typed was written down, and is no code of this hour
	Main, Focus                  bool // it is what the page is about; it has the focus
	Button                       button
	Remember                     *rememberView
}

type rememberView struct {
	Label, Hint, Often string
	Ticked             bool
}

type resendView struct {
	Question, Address, Spam template.HTML
	Change                  string
	Again, In, Now, New     string
	Busy, Expired           string
	Seconds                 int
	UsedUp                  template.HTML
}

func (p Code) kind() kind {
	if p.usesPasskey() {
		return codingKey
	}
	return coding
}

func (p Code) content(s scribe) content {
	p = p.withDefaults()
	c := content{template: "code.html", heading: p.heading(s), failed: p.Trouble.inField() || p.isOver()}
	v := codeView{check: newCheck(p.Endpoints, p.Flow, p.Held, p.AnswersPost)}
	switch {
	case p.locked():
		c.heading = s.both("locked.heading", words.Args{"at": s.moment(at, p.Now, p.RetryAt)})
		v.Text = p.lockedText(s)
	case p.Way == WayChoice:
		p.fillChoice(s, &v)
	case p.Trouble == AppLocked, p.shut():
		c.heading = s.both("locked.heading", words.Args{"at": s.moment(at, p.Now, p.RetryAt)})
		v.Text = []template.HTML{p.sentence(s).html}
	case p.Way.typed():
		p.fillWay(s, &v)
	case p.Trouble == CodeCancelled:
		c.heading = s.both("cancelled.heading", nil)
		v.Text = []template.HTML{p.sentence(s).html}
		v.First = p.newCode(s)
	case p.Trouble == MailDown:
		c.heading = s.both("mail_down.heading", nil)
		p.fillDown(s, &v)
	case p.refused():
		c.heading = s.both("mail_down.heading", nil)
		v.Text = []template.HTML{p.delivery(s, message{}).html}
		v.First = &button{Label: s.text("mail_down.again", nil), Busy: s.text("email.busy", nil)}
		v.Field = p.field(s)
	default:
		p.fill(s, &v)
	}
	if v.Field != nil {
		v.Field.Main, v.Field.Focus = v.First == nil, !p.isOver()
	}
	p.surround(s, &v)
	if p.usesPasskey() {
		c.keyed = p.key(s, &v)
	}
	v.ErrorTitle = s.errorTitle(c.failed)
	c.data = v
	return c
}

func (p Code) withDefaults() Code {
	if p.Length == 0 {
		p.Length = 6
	}
	if p.Alphabet == "" {
		p.Alphabet = digits
	}
	if p.Confirm {
		// A session proves an address, and may be in a stranger's hands.
		p.Known, p.Remember = true, RememberNever
		if p.GoBack == "" {
			p.GoBack = "/"
		}
	}
	if p.Way.typed() || p.Way == WayChoice {
		return p.atWay()
	}
	return p
}

// locked reports that nothing that could be entered is accepted, whatever the way.
func (p Code) locked() bool { return p.Trouble == AddressLocked || p.Trouble == NetworkLocked }

// shut reports that no code can be entered, and that none is sent before RetryAt.
func (p Code) shut() bool {
	return p.Dead && (p.Trouble == AddressMails || p.Trouble == NetworkMails || p.Trouble == AllMails)
}

// fill makes the page while a code can be entered.
func (p Code) fill(s scribe, v *codeView) {
	v.Field = p.field(s)
	v.Status = p.sentenceOfNotice(s).html
	v.StatusURL = p.Endpoints + "status"
	if p.Trouble.inField() {
		v.Error = p.sentenceOfTrouble(s).html
	} else {
		v.Alert = p.sentenceOfTrouble(s).html
	}
	if p.isOver() {
		v.First = p.newCode(s)
		v.First.About = "trouble"
		return
	}
	if p.Ref != "" {
		v.Lead = p.lead(s)
		v.ExpiresIn = max(int(p.Expires.Sub(p.Now)/time.Second), 0)
		v.Mail = p.mailLine(s)
	}
	if v.Alert == "" {
		v.Resend = p.resend(s)
	}
}

// fillDown makes the page while no mail goes out. Its script shows the page anew once
// that is over. What "Try again" comes to is told in the place of the sentence.
func (p Code) fillDown(s scribe, v *codeView) {
	v.Status = p.sentence(s).html
	v.First = &button{Label: s.text("mail_down.again", nil), Busy: s.text("email.busy", nil)}
	v.Field = p.field(s)
	if p.Recovers {
		v.StatusURL, v.Down = p.Endpoints+"status", true
	}
}

// surround adds what stands on every form of the page.
func (p Code) surround(s scribe, v *codeView) {
	canSend := p.Held != "" && !p.locked() && p.Trouble != AppLocked && !p.shut()
	v.check.notes(s, p.SignedOut, p.ByOperator, s.fate(canSend, p.FormNotSent || p.Held != ""))
	if p.Replaced {
		v.Notices = append(v.Notices, s.html("account.replaced", nil))
	}
	v.Others = p.others(s)
	if p.Confirm && p.For == PurposeNone {
		v.Back = &link{URL: p.GoBack, Label: s.text("confirm.back", nil)}
	}
	if v.Field != nil {
		v.Why = p.why(s)
	}
}

// isOver reports that no code can be entered before another one is sent. What there
// is to do is the button then, and not the field.
func (p Code) isOver() bool { return p.Trouble == CodeExpired || p.Trouble == CodeLost }

func (p Code) newCode(s scribe) *button {
	return &button{Label: s.text("code.new", nil), Busy: s.text("email.busy", nil)}
}

const digits = "0123456789"

func (p Code) numeric() bool { return p.Alphabet == digits }

// address is the mailbox as this visitor may see it.
func (p Code) address(s scribe) message {
	if p.Known && p.For != PurposeProof {
		return s.masked(p.Address)
	}
	return isolated(p.Address)
}

func (p Code) lead(s scribe) template.HTML {
	key := "code.maybe_letters"
	switch {
	case p.Way == WaySecond && p.numeric():
		key = "way.second_numbers"
	case p.Way == WaySecond:
		key = "way.second_letters"
	case p.Known && p.numeric():
		key = "code.sent_numbers"
	case p.Known:
		key = "code.sent_letters"
	case p.numeric():
		key = "code.maybe_numbers"
	}
	if p.Confirm && p.Way == WayMail && p.Reason == ReasonSensitive {
		key = "confirm.sent"
	}
	args := words.Args{"address": p.address(s), "digits": p.Length}
	sent := s.both(key, args).html
	switch {
	case p.For != PurposeNone && p.Way == WaySecond:
		sent = p.purpose(s, "for.second_mail", nil)
	case p.For != PurposeNone:
		sent = p.purpose(s, "for.mail", args)
	}
	look := s.both("code.look", words.Args{"ref": isolated(p.Ref), "until": s.moment(until, p.Now, p.Expires)})
	return sent + " " + look.html
}

func (p Code) field(s scribe) *fieldView {
	f := &fieldView{
		To: "verify", Label: s.text("code.label", nil), Hint: s.text("code.hint", nil),
		Typed: p.Typed, Alphabet: p.Alphabet, Length: p.Length, Numeric: p.numeric(),
		Button: button{Label: s.text("code.button", nil), Busy: s.text("code.busy", nil)},
	}
	if p.Remember == RememberAsk {
		f.Remember = &rememberView{
			Label:  s.text("code.remember", words.Args{"count": p.Days}),
			Hint:   s.text("code.shared", nil),
			Ticked: p.Ticked,
		}
		if p.Known && p.Often {
			f.Remember.Often = s.text("code.often", nil)
		}
	}
	return f
}

func (p Code) resend(s scribe) *resendView {
	if p.MailsUsedUp {
		return &resendView{UsedUp: s.both("code.enough_mails", words.Args{"count": p.Mails}).html}
	}
	r := &resendView{
		Question: s.html("code.no_email", nil), Spam: s.html("code.spam", nil),
		Again: s.text("code.again", nil), New: s.text("code.new", nil),
		In:      s.text("code.again_in", words.Args{"seconds": "{seconds}"}),
		Now:     s.text("code.again_now", nil),
		Busy:    s.text("email.busy", nil),
		Expired: s.text("code.expired", nil),
		Seconds: int((p.ResendIn + time.Second - 1) / time.Second),
	}
	if !p.Known && p.Way == WayMail {
		r.Address = s.both("code.check_address", words.Args{"address": isolated(p.Address)}).html
		r.Change = s.text("code.change", nil)
	}
	return r
}
