// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages

import (
	"html/template"

	"github.com/doorcode/caddy-doorcode/challenge/words"
)

// A Way is how the person shows who they are, which the code page asks for.
type Way uint8

// The ways. The zero value is the code that is mailed to the person's address.
const (
	WayMail   Way = iota
	WayBackup     // [3], a backup code
	WayApp        // [5], the code that an authenticator app shows
	WaySecond     // [5], a code that is mailed to the second address
	WayChoice     // [5], the list of them
)

// typed reports a way by which nothing is mailed.
func (w Way) typed() bool { return w == WayBackup || w == WayApp }

// WayOffers are the ways that a gate offers beside the mailed code. They are the
// same for every address, or a page would tell whose has what.
type WayOffers struct{ Backup, App, Second bool }

// A Purpose is what somebody who is signed in is asked for a code for.
type Purpose uint8

// The purposes. The zero value is none: the code signs in, or confirms the session.
const (
	PurposeNone         Purpose = iota
	PurposeBackupCodes          // to make new backup codes
	PurposeTest                 // to test one
	PurposeApp                  // to set up an authenticator app
	PurposeNoApp                // to remove it
	PurposeSecond               // to add a second address
	PurposeProof                // to prove that one; it is shown, as the person has just typed it
	PurposeNoSecond             // to remove it
	PurposePasskey              // to make a passkey
	PurposeNoPasskey            // to remove one
	PurposeToken                // to make an access token
	PurposeExport               // to download what is kept
	PurposeErase                // to have it erased
	PurposeSomethingNew         // anything else
)

// key is that of the first half of a sentence, such as "To make new backup codes".
func (p Purpose) key() string {
	switch p {
	case PurposeBackupCodes:
		return "for.backup_codes"
	case PurposeTest:
		return "for.test"
	case PurposeApp:
		return "for.app"
	case PurposeNoApp:
		return "for.no_app"
	case PurposeSecond:
		return "for.second"
	case PurposeProof:
		return "for.proof"
	case PurposeNoSecond:
		return "for.no_second"
	case PurposePasskey:
		return "for.passkey"
	case PurposeNoPasskey:
		return "for.no_passkey"
	case PurposeToken:
		return "for.token"
	case PurposeExport:
		return "for.export"
	case PurposeErase:
		return "for.erase"
	default:
		return "for.something"
	}
}

const (
	// backupLength and backupAlphabet are of what the script takes for a whole code:
	// digits and letters but U. The server reads O as 0, I and L as 1.
	backupLength   = 16
	backupAlphabet = digits + "ABCDEFGHIJKLMNOPQRSTVWXYZ"
	appLength      = 6
)

// An other is a button that looks like a link, and leaves the way that the page is
// about. Without Way it is a form of another endpoint.
type other struct{ Label, To, Way string }

// heading is what the page asks for, where a code can be entered.
func (p Code) heading(s scribe) message {
	switch {
	case p.Way == WayBackup:
		return s.both("way.backup_heading", nil)
	case p.Way == WayApp:
		return s.both("way.app_heading", nil)
	case p.Way == WayChoice:
		return s.both("way.choice_heading", nil)
	case p.Way == WaySecond, p.For == PurposeProof:
		return s.both("way.second_heading", nil)
	case p.Confirm:
		return s.both("confirm.heading", nil)
	default:
		return s.both("code.heading", nil)
	}
}

// atWay are the defaults of a way for which nothing is mailed.
func (p Code) atWay() Code {
	p.Length, p.Alphabet, p.Ref = appLength, digits, ""
	if !p.Notice.ofPasskey() {
		p.Notice = NoNotice
	}
	if p.Way == WayBackup {
		p.Length, p.Alphabet = backupLength, backupAlphabet
	}
	switch p.Trouble {
	case LabelTyped, EarlierCode:
		p.Trouble = WrongCode // there is no mail to tell of
	case CodeExpired, CodeLost, CodeCancelled, MailDown, AddressMails, NetworkMails, AllMails:
		p.Trouble = NoTrouble // and none of these concerns the way
	case AppLocked:
		if p.Way != WayApp {
			p.Trouble = NoTrouble
		}
	}
	return p
}

// fillWay makes the page of a way for which nothing is mailed.
func (p Code) fillWay(s scribe, v *codeView) {
	v.Field = p.field(s)
	v.Field.Label, v.Field.Hint = s.text("code.label", nil), s.text("way.app_hint", nil)
	if p.Way == WayBackup {
		v.Field.To, v.Field.Saved = "backup", true
		v.Field.Label, v.Field.Hint = s.text("way.backup_label", nil), s.text("way.backup_hint", nil)
	}
	v.StatusURL = p.Endpoints + "status"
	v.Lead = p.purpose(s, "for.way", nil)
	v.Error = p.sentenceOfTrouble(s).html
}

// fillChoice makes the list of ways.
func (p Code) fillChoice(s scribe, v *codeView) {
	v.Text = []template.HTML{s.html("way.choice_text", nil)}
	if lead := p.purpose(s, "for.way", nil); lead != "" {
		v.Text = append([]template.HTML{lead}, v.Text...)
	}
	v.StatusURL = p.Endpoints + "status"
	for _, c := range []struct {
		offered    bool
		key, value string
	}{
		{p.Offers.Backup, "way.backup", "backup"},
		{p.Offers.App, "way.app", "app"},
		{p.Offers.Second, "way.second", "second"},
	} {
		if c.offered {
			v.Choices = append(v.Choices, other{Label: s.text(c.key, nil), Way: c.value})
		}
	}
}

// purpose is a sentence about what the code is for; empty where it is for nothing
// in particular. It is one in two halves, so that a language has one of each.
func (p Code) purpose(s scribe, key string, args words.Args) template.HTML {
	if p.For == PurposeNone {
		return ""
	}
	if args == nil {
		args = words.Args{}
	}
	args["to"] = s.text(p.For.key(), nil)
	return s.both(key, args).html
}

// sentenceOfWay is about what was entered where nothing was mailed.
func (p Code) sentenceOfWay(s scribe) message {
	backup := p.Way == WayBackup
	switch {
	case p.Trouble == CodeMissing && backup:
		return s.both("way.backup_missing", nil)
	case p.Trouble == CodeMissing:
		return s.both("way.app_missing", nil)
	case p.Trouble == WrongCode && backup:
		return s.both("way.backup_wrong", nil)
	case p.Trouble == WrongCode:
		return s.both("way.app_wrong", nil)
	case backup:
		return s.both("way.backup_form", words.Args{"count": p.Length})
	default:
		return p.sentenceOfForm(s)
	}
}

// others are the ways out of a page: to another way, and to another address.
func (p Code) others(s scribe) (list []other) {
	way := func(key, value string) { list = append(list, other{s.text(key, nil), "way", value}) }
	if p.Way != WayMail && !p.locked() {
		way(p.mailed(), "mail")
	}
	switch o := p.elsewhere(); {
	case o.Backup:
		way("way.backup", "backup")
		if o.App || o.Second {
			way("way.other", "other")
		}
	case o.App && o.Second:
		way("way.other", "other")
	case o.App:
		way("way.app", "app")
	case o.Second:
		way("way.second", "second")
	}
	switch {
	case p.For != PurposeNone:
		list = append(list, other{Label: s.text("confirm.back", nil), To: "change"})
	case !p.Known:
		list = append(list, other{Label: s.text("code.different", nil), To: "change"})
	}
	return list
}

// elsewhere are the ways to which a page leads. Where nothing is accepted it leads to
// none, and the list has buttons of its own.
func (p Code) elsewhere() WayOffers {
	o := p.Offers
	switch {
	case p.locked(), p.Way == WayChoice:
		return WayOffers{}
	case p.Way == WayBackup:
		o.Backup = false
	case p.Way == WayApp:
		o.App = false
	case p.Way == WaySecond:
		o.Second = false
	}
	return o
}

// mailed is the key of the way back to the usual mail.
func (p Code) mailed() string {
	if p.Way == WaySecond {
		return "way.mail_first"
	}
	return "way.mail"
}
