// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages

import (
	"html/template"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/words"
)

// AccountConfirm asks before something is changed: one button, and a way back. It
// posts flow, action and Hidden to the page of the frame.
type AccountConfirm struct {
	Frame AccountFrame
	// Question names the messages: with _heading, _text and _button behind it, and
	// with _label where there is a field. They may speak of {name}, {count} and
	// {time}. One with _cancel is for questions to which "Cancel" could mean either.
	Question string
	// Name is what it is about, such as the name of a browser.
	Name  string
	Count int
	At    time.Time
	// Action is what the button does, as the form's field of that name.
	Action string
	Hidden []Field
	// Entry is a field to fill in; nil: there is none.
	Entry *AccountEntry
	// Grave: what the button does cannot be taken back.
	Grave bool
	// Coded: a code was entered for it, so that the page itself would ask again.
	Coded bool
}

// An AccountEntry is the one field of a confirm page.
type AccountEntry struct {
	Name, Value string
	// Most is how many characters it takes.
	Most int
}

type confirmView struct {
	Text           template.HTML
	Action, Button string
	Hidden         []Field
	Label          string
	Entry          *AccountEntry
	Grave          bool
	Cancel         link
}

func (AccountConfirm) kind() kind { return account }

func (p AccountConfirm) content(s scribe) content {
	args := words.Args{"name": isolated(p.Name), "count": p.Count, "time": p.Frame.exact(s, p.At)}
	v := confirmView{
		Text:   s.both(p.Question+"_text", args).html,
		Action: p.Frame.own(), Button: s.text(p.Question+"_button", nil),
		Hidden: p.Frame.form(p.Action, p.Hidden...), Entry: p.Entry, Grave: p.Grave,
		Cancel: link{URL: p.Frame.own(), Label: s.text("account.cancel", nil)},
	}
	if own := p.Question + "_cancel"; s.lex.Has(own) {
		v.Cancel.Label = s.text(own, nil)
	}
	if p.Coded {
		v.Cancel.URL = p.Frame.stays()
	}
	if p.Entry != nil {
		v.Label = s.text(p.Question+"_label", nil)
	}
	return p.Frame.page(s, "account_confirm.html", s.both(p.Question+"_heading", args), v)
}

// An AccountFault is why an account page does not show or do what it was asked.
type AccountFault uint8

// The faults, with the status that they are sent with.
const (
	AccountGone        AccountFault = iota // 404: what it was about is not there any more
	AccountSuspended                       // 403: this browser may change nothing at the moment
	AccountFull                            // 409: there are as many as there may be
	AccountBrowserGone                     // 404: the browser is not on the list any more
)

// AccountTrouble says why an account page did nothing, and leads back to it.
type AccountTrouble struct {
	Frame AccountFrame
	Why   AccountFault
	// Until is when AccountSuspended is over; zero: it is of a session that an
	// operator let in. Since is when the browser was new.
	Since, Until time.Time
}

func (AccountTrouble) kind() kind { return account }

func (p AccountTrouble) content(s scribe) content {
	heading, text := s.both("account.gone", nil), s.html("account.gone_text", nil)
	switch {
	case p.Why == AccountBrowserGone:
		heading = s.both("account.gone_browser", nil)
	case p.Why == AccountFull:
		heading, text = s.both("account.full", nil), s.html("account.full_text", nil)
	case p.Why == AccountSuspended && p.Until.IsZero():
		heading, text = s.both("account.suspended", nil), s.html("account.suspended_text", nil)
	case p.Why == AccountSuspended:
		heading = s.both("account.suspended", nil)
		text = s.both("account.suspended_until", words.Args{"time": p.Frame.exact(s, p.Until), "since": p.Frame.exact(s, p.Since)}).html
	}
	return p.Frame.page(s, "account_confirm.html", heading, confirmView{
		Text: text, Cancel: link{URL: p.Frame.own(), Label: s.text("account.back", nil)},
	})
}

// NotVisited answers whatever asks for an account page and is no browser that goes
// to it. Where an app's script stood between, its button goes there without one: it
// posts action=open to Action.
type NotVisited struct{ Action string }

func (NotVisited) kind() kind { return still }

func (p NotVisited) content(s scribe) content {
	return plain(s.both("account.not_visited", nil), plainView{
		Text: []template.HTML{s.html("account.not_visited_text", nil)},
		Form: &formView{Action: p.Action, Hidden: []Field{{"action", "open"}}, Button: s.text("account.not_visited_button", nil)},
	})
}
