// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages

import (
	"html/template"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/words"
)

// A Stage is how far the mail with a code came.
type Stage uint8

// The stages. Of the zero value there is nothing to tell.
const (
	StageUnknown  Stage = iota
	StageAccepted       // the person's mail provider has it
	StageDelayed        // [2d], that asks to try again later
	StageRefused        // [2m], it refuses the mailbox
	StageGivenUp        // it was tried for long enough
)

// A Delivery is how far the mail came, and when it came there.
type Delivery struct {
	Stage Stage
	At    time.Time
}

// IsKnown reports whether there is anything to tell of this mail by itself, as of one that
// was handed over before the mail service stopped to answer.
func (d *Delivery) IsKnown() bool { return d != nil && d.Stage != StageUnknown }

// delivery is the sentence about the mail. {when} is put in its place by the script.
func (p Code) delivery(s scribe, when message) message {
	switch p.stage() {
	case StageAccepted:
		return s.both("delivery.accepted", words.Args{"when": when})
	case StageDelayed:
		return s.both("delivery.delayed", nil)
	case StageRefused:
		return s.both("delivery.refused", words.Args{"address": p.address(s)})
	case StageGivenUp:
		return s.both("delivery.given_up", nil)
	default:
		return message{}
	}
}

func (p Code) stage() Stage {
	if p.Delivery == nil {
		return StageUnknown
	}
	return p.Delivery.Stage
}

// refused reports that the page is about a mailbox that takes no mail, and that
// nothing was entered which it would have to speak of first.
func (p Code) refused() bool { return p.Trouble == NoTrouble && p.stage() == StageRefused }

// mailView is the line about the mail. It is there where somebody may be told of it,
// so that the script can write into it.
type mailView struct{ Text template.HTML }

func (p Code) mailLine(s scribe) *mailView {
	if p.Delivery == nil || p.Ref == "" {
		return nil
	}
	return &mailView{p.delivery(s, s.past(p.Now, p.Delivery.At)).html}
}

// past tells a point in time that is over, as moment does one that is to come.
func (s scribe) past(now, then time.Time) message {
	text := s.text("time.ago_now", nil)
	if minutes := int(now.Sub(then) / time.Minute); minutes > 0 {
		text = s.text("time.ago", words.Args{"count": minutes})
	}
	return s.clock(at, then, then.Sub(now), text)
}

// Delivered is what there is to say of the mail of a page, as plain text for a JSON
// answer: that none goes out with MailDown, else how far it came. It is "" where there is
// nothing to say, and has {time} in the place of a time of day.
func (r *Renderer) Delivered(lex *words.Lexicon, page Code) string {
	s := r.scribe(lex)
	if page.Trouble == MailDown {
		return s.both("mail_down.text", words.Args{"until": s.text("time.until", words.Args{"time": "{time}"})}).text
	}
	when := s.text("time.at", words.Args{"time": "{time}"})
	return page.withDefaults().delivery(s, message{text: when}).text
}
