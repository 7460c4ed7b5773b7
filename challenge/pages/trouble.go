// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages

import (
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/words"
)

// A Trouble is why the person sees the code page again.
type Trouble uint8

// The troubles of the code page.
const (
	NoTrouble     Trouble = iota
	CodeMissing           // nothing was entered
	WrongCode             // [2e], with TriesLeft
	LabelTyped            // [2e], Ref was entered
	WrongLength           // [2e], with Entered
	WrongAlphabet         // [2e], letters in a code of digits
	EarlierCode           // [2p]
	CodeExpired           // [2x]
	CodeLost              // [2x], by an interruption of ours
	CodeCancelled         // [2l], with Tries
	AddressLocked         // [2L], until RetryAt
	NetworkLocked         // [2L], until RetryAt
	AppLocked             // [2L] of the authenticator app alone, until RetryAt
	AddressMails          // [2t], until RetryAt
	NetworkMails          // [2t], until RetryAt
	AllMails              // [2t], the gate's budget for all, until RetryAt
	MailDown              // [2m], tried until Expires
)

// A Notice is what just happened, without anything being wrong.
type Notice uint8

// The notices of the code page.
const (
	NoNotice  Notice = iota
	SentAgain        // [2r], the same code
	SentNew          // [2r], a new code
	JustSent         // no second mail was sent: one is moments old
	TooEarly         // [2r], possible again after ResendIn

	PasskeyNotTaken   // the passkey was refused
	PasskeysUsedOften // too many were tried, until RetryAt
)

// ofPasskey tells the notices that are about no code.
func (n Notice) ofPasskey() bool { return n == PasskeyNotTaken || n == PasskeysUsedOften }

// inField tells the troubles with what was entered, which mark the field.
func (t Trouble) inField() bool { return t >= CodeMissing && t <= EarlierCode }

// sentence is what there is to say: about trouble first.
func (p Code) sentence(s scribe) message {
	p = p.withDefaults()
	if m := p.sentenceOfTrouble(s); m.text != "" {
		return m
	}
	return p.sentenceOfNotice(s)
}

func (p Code) sentenceOfTrouble(s scribe) message {
	if p.Way.typed() && p.Trouble.inField() {
		return p.sentenceOfWay(s)
	}
	ref := words.Args{"ref": isolated(p.Ref)}
	switch p.Trouble {
	case CodeMissing:
		return s.both("code.missing", nil)
	case WrongCode:
		ref["count"] = p.TriesLeft
		return s.both("code.wrong", ref)
	case LabelTyped, WrongLength, WrongAlphabet:
		return p.sentenceOfForm(s)
	case EarlierCode:
		return s.both("code.earlier", ref)
	case CodeExpired:
		return s.both("code.expired", nil)
	case CodeLost:
		return s.both("code.lost", nil)
	case CodeCancelled:
		return s.both("cancelled.text", words.Args{"count": p.Tries})
	default:
		return p.sentenceOfLimit(s)
	}
}

// sentenceOfForm is about text that cannot be a code.
func (p Code) sentenceOfForm(s scribe) message {
	length := words.Args{"count": p.Length}
	switch {
	case p.Trouble == WrongAlphabet && p.numeric():
		return s.both("code.only_numbers", nil)
	case p.Trouble == WrongAlphabet:
		return s.both("code.only_letters", nil)
	case p.Trouble == LabelTyped && p.numeric():
		return s.both("code.is_label_numbers", length)
	case p.Trouble == LabelTyped:
		return s.both("code.is_label_letters", length)
	}
	length["entered"] = p.Entered
	if p.numeric() {
		return s.both("code.length_numbers", length)
	}
	return s.both("code.length_letters", length)
}

// sentenceOfLimit is about what can be done only later.
func (p Code) sentenceOfLimit(s scribe) message {
	if p.shut() {
		return p.sentenceOfShut(s)
	}
	later := words.Args{"at": s.moment(at, p.Now, p.RetryAt)}
	switch p.Trouble {
	case AddressLocked:
		return s.both("locked.address", nil)
	case NetworkLocked:
		return s.both("locked.network", nil)
	case AppLocked:
		return s.both("way.app_locked", nil)
	case AddressMails:
		return s.both("limit.address_mails", later)
	case NetworkMails:
		return s.both("limit.network_mails", later)
	case AllMails:
		return s.both("limit.all_mails", later)
	case MailDown:
		return s.both("mail_down.text", words.Args{"until": s.moment(until, p.Now, p.Expires)})
	default:
		return message{}
	}
}

// sentenceOfShut is why no code is sent; until when is in the heading.
func (p Code) sentenceOfShut(s scribe) message {
	switch p.Trouble {
	case NetworkMails:
		return s.both("limit.network", nil)
	case AllMails:
		return s.both("limit.all", nil)
	default:
		return s.both("limit.address", nil)
	}
}

func (p Code) sentenceOfNotice(s scribe) message {
	ref := words.Args{"ref": isolated(p.Ref)}
	switch p.Notice {
	case SentAgain:
		return s.both("code.sent_again", ref)
	case SentNew:
		return s.both("code.sent_new", ref)
	case JustSent:
		return s.both("code.just_sent", nil)
	case TooEarly:
		return s.both("code.too_early", words.Args{"count": int((p.ResendIn + time.Second - 1) / time.Second)})
	case PasskeyNotTaken:
		return Passkey{Trouble: PasskeyRefused, Also: true}.sentence(s)
	case PasskeysUsedOften:
		return Passkey{Trouble: PasskeyOften, Now: p.Now, RetryAt: p.RetryAt}.sentence(s)
	default:
		return message{}
	}
}
