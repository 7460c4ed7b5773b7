// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages

import (
	"html/template"
	"strings"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/devices"
	"github.com/doorcode/caddy-doorcode/challenge/words"
)

// An AccountChange is a change that waits until it takes effect.
type AccountChange uint8

// The changes.
const (
	ChangeOther AccountChange = iota
	ChangeBackupCodes
	ChangeAddApp
	ChangeRemoveApp
	ChangeSetSecond
	ChangeRemoveSecond
	ChangeAddPasskey
	ChangeRemovePasskey
	ChangeAddToken
	ChangeExport
	ChangeErase
)

// AccountWaiting is a change that takes effect later. ID names it in forms.
type AccountWaiting struct {
	ID   string
	What AccountChange
	Due  time.Time
}

// AccountOverview is the first account page: whose it is, what has to be known
// now, and what there is.
type AccountOverview struct {
	Frame AccountFrame
	// Browser is what this browser is called; empty when unknown. Since and Until
	// are those of its session.
	Browser      string
	Since, Until time.Time
	// Remembered: this browser is remembered.
	Remembered bool
	// Browsers is how many are known, this one among them; Codes how many backup
	// codes are left of those that were made at Made, zero if none were.
	Browsers, Codes int
	Made            time.Time
	App, Second     bool
	// CodesHeld, AppHeld and SecondHeld: it is there, and does not work, since it is
	// newer than what was reported.
	CodesHeld, AppHeld, SecondHeld bool
	Passkeys, Tokens               int
	// May: this browser may change something. Where it may not, it is not urged to.
	May bool
	// Urge: there is no way in but the mail. MailboxHere: that mail may itself be
	// behind a check.
	Urge, MailboxHere bool
	Waiting           []AccountWaiting
	// Guarded is until when only what is older than a reported sign-in counts.
	Guarded time.Time
	// Cancelled: a change that waited has just been taken back.
	Cancelled bool
}

type overviewView struct {
	Lead    template.HTML
	Details []detail
	SignOut link
	Forget  *actView
	Boxes   []box
	Cards   []card
	Title   string
}

// A box is something that a person has to know now, and what they can do about it.
type box struct {
	Heading string
	Text    template.HTML
	Link    *link
	Act     *actView
	Strong  bool
}

// A card leads to a page and says in one line how things stand there.
type card struct{ URL, Label, State string }

func (AccountOverview) kind() kind { return account }

func (p AccountOverview) content(s scribe) content {
	v := overviewView{
		Lead:    s.both("account.signed_in_as", words.Args{"address": isolated(p.Frame.Address)}).html,
		SignOut: link{URL: p.Frame.Endpoints + "signout", Label: s.text("account.sign_out", nil)},
		Boxes:   p.boxes(s), Cards: p.cards(s), Title: s.text("account.cards", nil),
	}
	name := s.browser(p.Browser)
	if name == "" || name == devices.Unknown {
		name = s.text("account.unknown_browser", nil)
	}
	v.Details = []detail{{s.text("account.this_browser", nil), isolated(name).html}}
	if !p.Since.IsZero() {
		v.Details = append(v.Details, detail{s.text("account.since", nil), p.Frame.exact(s, p.Since).html})
	}
	if !p.Until.IsZero() {
		v.Details = append(v.Details, detail{s.text("account.until", nil), p.Frame.exact(s, p.Until).html})
	}
	if p.Remembered {
		forget := p.Frame.asks("forget", "", s.text("account.forget_this", nil))
		v.Forget = &forget
	}
	c := p.Frame.page(s, "account_overview.html", s.both("account.heading", nil), v)
	if p.Cancelled {
		return c.notes(s.html("account.cancelled", nil))
	}
	return c
}

// boxes are in the order of their weight.
func (p AccountOverview) boxes(s scribe) []box {
	var boxes []box
	if !p.Guarded.IsZero() {
		key := "account.guarded_text"
		if p.May {
			key = "account.guarded_text_before"
		}
		boxes = append(boxes, box{
			Heading: s.text("account.guarded", nil), Strong: true,
			Text: s.both(key, words.Args{"time": p.Frame.exact(s, p.Guarded)}).html,
		})
	}
	for _, w := range p.Waiting {
		cancel := p.Frame.cancels(w.ID, s.text("account.cancel_change", nil))
		boxes = append(boxes, box{
			Heading: s.text("account.waiting", nil),
			Text:    s.both(w.What.key(), words.Args{"time": p.Frame.exact(s, w.Due)}).html,
			Act:     &cancel,
		})
	}
	return append(boxes, p.urges(s)...)
}

// urges are about backup codes that there should be. A browser that may not make any is
// not asked to.
func (p AccountOverview) urges(s scribe) (boxes []box) {
	if !p.Frame.Tabs.BackupCodes || !p.May {
		return nil
	}
	toCodes := link{URL: p.Frame.Endpoints + "backup-codes", Label: s.text("account.make_codes", nil), First: true}
	switch {
	case p.Urge && p.MailboxHere:
		_, domain, _ := strings.Cut(p.Frame.Address, "@")
		text := s.both("account.urge_mailbox", words.Args{"domain": isolated(domain)}).html
		boxes = append(boxes, box{Heading: s.text("account.urge", nil), Text: text, Link: &toCodes, Strong: true})
	case p.Urge:
		boxes = append(boxes, box{Heading: s.text("account.urge", nil), Text: s.html("account.urge_text", nil), Link: &toCodes})
	case !p.Made.IsZero() && !p.CodesHeld && p.Codes <= fewCodes:
		text := s.html("account.low_text", words.Args{"count": p.Codes})
		boxes = append(boxes, box{Heading: s.text("account.low", nil), Text: text, Link: &toCodes})
	}
	return boxes
}

func (p AccountOverview) cards(s scribe) []card {
	of := func(name, label, state string) card {
		return card{URL: p.Frame.Endpoints + name, Label: s.text(label, nil), State: state}
	}
	cards := []card{of("sessions", "account.browsers", s.text("account.browsers_state", words.Args{"count": p.Browsers}))}
	if p.Frame.Tabs.BackupCodes {
		state := s.text("account.codes_none", nil)
		switch {
		case p.CodesHeld:
			state = s.text("account.codes_held", nil)
		case !p.Made.IsZero():
			state = s.text("account.codes_state", words.Args{"count": p.Codes})
		}
		cards = append(cards, of("backup-codes", "account.backup_codes", state))
	}
	if p.Frame.Tabs.Passkeys {
		state := s.text("account.passkeys_none", nil)
		if p.Passkeys > 0 {
			state = s.text("account.passkeys_state", words.Args{"count": p.Passkeys})
		}
		cards = append(cards, of("passkeys", "account.passkeys", state))
	}
	if p.Frame.Tabs.Ways {
		cards = append(cards, of("ways", "account.ways", p.waysState(s)))
	}
	cards = append(cards, of("activity", "account.activity", s.text("account.activity_state", nil)))
	if p.Frame.Tabs.Tokens {
		cards = append(cards, of("tokens", "account.tokens", s.text("account.tokens_state", words.Args{"count": p.Tokens})))
	}
	return append(cards, of("settings", "account.settings", s.text("account.settings_state", nil)))
}

// waysState says which ways there are beside backup codes, and which of them do not
// work.
func (p AccountOverview) waysState(s scribe) string {
	type has struct{ app, appHeld, second, secondHeld bool }
	key := map[has]string{
		{true, false, true, false}:   "account.ways_both",
		{true, true, true, true}:     "account.ways_held",
		{true, false, true, true}:    "account.ways_app_but_second_held",
		{true, true, true, false}:    "account.ways_second_but_app_held",
		{true, false, false, false}:  "account.ways_app",
		{true, true, false, false}:   "account.ways_app_held",
		{false, false, true, false}:  "account.ways_second",
		{false, false, true, true}:   "account.ways_second_held",
		{false, false, false, false}: "account.ways_none",
	}[has{p.App, p.App && p.AppHeld, p.Second, p.Second && p.SecondHeld}]
	return s.text(key, nil)
}

func (c AccountChange) key() string {
	switch c {
	case ChangeBackupCodes:
		return "account.waits_codes"
	case ChangeAddApp:
		return "account.waits_app"
	case ChangeRemoveApp:
		return "account.waits_no_app"
	case ChangeSetSecond:
		return "account.waits_second"
	case ChangeRemoveSecond:
		return "account.waits_no_second"
	case ChangeAddPasskey:
		return "account.waits_passkey"
	case ChangeRemovePasskey:
		return "account.waits_no_passkey"
	case ChangeAddToken:
		return "account.waits_token"
	case ChangeExport:
		return "account.waits_export"
	case ChangeErase:
		return "account.waits_erase"
	default:
		return "account.waits_other"
	}
}
