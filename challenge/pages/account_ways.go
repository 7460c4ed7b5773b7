// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages

import (
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/words"
)

// A WayState is what a person has of a way in.
type WayState struct {
	// Made is since when; zero: not at all.
	Made time.Time
	// Used is zero where it never was, and where nobody knows.
	Used time.Time
	// Suspended: it does not work, since it is newer than what was reported.
	Suspended bool
	// Waiting is when a new one takes its place, and Leaving when it goes; zero:
	// nothing changes.
	Waiting, Leaving time.Time
	// WaitingID and LeavingID name those changes.
	WaitingID, LeavingID string
}

// A SecondTrouble is what is wrong with a second address that was typed.
type SecondTrouble uint8

// The troubles. The zero value is none.
const (
	NoSecondTrouble  SecondTrouble = iota
	SecondMissing                  // nothing was typed
	SecondMalformed                // that is no address
	SecondIsFirst                  // it is the one that the person signs in with
	SecondIsSame                   // it is the second one already
	SecondMayBeMeant               // Better is likelier
)

// AccountWays is the account page of the ways in beside backup codes. Its forms
// post action=start and change, which is add_app, remove_app, set_second (with
// email, and keep=1 to insist on it) or remove_second.
type AccountWays struct {
	Frame AccountFrame
	// HasApp and HasSecond say what the gate offers.
	HasApp, HasSecond bool
	App, Second       WayState
	// Address is the second address; empty: there is none.
	Address string
	// May: this browser may change something.
	May bool
	// Listed: a second address must be on the list as well.
	Listed bool
	// Typed fills the field, for Trouble. Better is the address that may be meant.
	Typed, Better string
	Trouble       SecondTrouble
}

type waysView struct {
	About       template.HTML
	App, Second *wayPart // nil: the gate does not offer it
}

// wayPart is one way in.
type wayPart struct {
	Heading    string
	About      template.HTML
	State      []template.HTML
	Waiting    []waitingView
	Suggestion *suggestionView
	URL        string
	Form       []Field
	Field      *wayField
	Button     string
	Second     bool // there is one already, so that this is not the main thing
	Remove     *actView
}

type waitingView struct {
	Text   template.HTML
	Cancel actView
}

type suggestionView struct {
	Text     template.HTML
	Use, Own actView
}

func (AccountWays) kind() kind { return account }

func (p AccountWays) content(s scribe) content {
	v := waysView{About: s.html("account_ways.about", nil)}
	if p.HasApp {
		v.App = p.app(s)
	}
	if p.HasSecond {
		v.Second = p.second(s)
	}
	c := p.Frame.page(s, "account_ways.html", s.both("account_ways.heading", nil), v)
	c.failed = v.Second != nil && v.Second.Field.Error != ""
	return c
}

func (p AccountWays) app(s scribe) *wayPart {
	part := &wayPart{
		Heading: s.text("account_ways.app", nil), About: s.html("account_ways.app_about", nil),
		URL: p.Frame.own(), Form: p.Frame.form("start", Field{"change", "add_app"}), Button: s.text("account_ways.app_add", nil),
		Waiting: p.waiting(s, p.App, "account_ways.app_waiting", "account_ways.app_leaving"),
	}
	if p.App.Made.IsZero() {
		part.State = []template.HTML{s.html("account_ways.app_none", nil)}
		return part
	}
	set := s.both("account_ways.set_up", words.Args{"date": p.Frame.exact(s, p.App.Made)}).html
	used := s.html("account_ways.unused", nil)
	if !p.App.Used.IsZero() {
		used = s.both("account_ways.used", words.Args{"date": p.Frame.exact(s, p.App.Used), "ago": p.Frame.ago(s, p.App.Used)}).html
	}
	part.State = append([]template.HTML{set + " " + used}, p.suspended(s, p.App, "account_ways.app_suspended", "account_ways.app_again")...)
	part.Button, part.Second = s.text("account_ways.app_replace", nil), true
	part.Remove = p.remove("remove_app", s.text("account_ways.app_remove", nil))
	return part
}

func (p AccountWays) second(s scribe) *wayPart {
	part := &wayPart{
		Heading: s.text("account_ways.second", nil), About: s.html("account_ways.second_about", nil),
		URL: p.Frame.own(), Form: p.Frame.form("start", Field{"change", "set_second"}), Button: s.text("account_ways.second_add", nil),
		Waiting:    p.waiting(s, p.Second, "account_ways.second_waiting", "account_ways.second_leaving"),
		Suggestion: p.suggestion(s),
		Field: &wayField{
			Label: s.text("account_ways.second_label", nil), Hint: s.text("account_ways.second_hint", nil), Name: "email", Mail: true,
			Typed: p.Typed, Error: p.trouble(s),
		},
	}
	if p.Listed {
		part.Field.Hint += " " + s.text("account_ways.second_listed", nil)
	}
	if p.Address == "" {
		part.State = []template.HTML{s.html("account_ways.second_none", nil)}
		return part
	}
	args := words.Args{"address": isolated(p.Address), "date": p.Frame.exact(s, p.Second.Made)}
	part.State = append([]template.HTML{s.both("account_ways.second_is", args).html}, p.suspended(s, p.Second, "account_ways.second_suspended", "account_ways.second_anew")...)
	part.Field.Label, part.Button, part.Second = s.text("account_ways.second_new", nil), s.text("account_ways.second_replace", nil), true
	part.Remove = p.remove("remove_second", s.text("account_ways.second_remove", nil))
	return part
}

func (p AccountWays) remove(change, label string) *actView {
	return &actView{URL: p.Frame.own(), Label: label, Form: p.Frame.form("start", Field{"change", change}), Second: true}
}

func (p AccountWays) suspended(s scribe, w WayState, key, instead string) []template.HTML {
	if !w.Suspended {
		return nil
	}
	return []template.HTML{s.onHold(key, instead, p.May)}
}

// waiting tells of what is going to change.
func (p AccountWays) waiting(s scribe, w WayState, waits, leaves string) []waitingView {
	var views []waitingView
	add := func(key, id string, due time.Time) {
		if !due.IsZero() {
			views = append(views, waitingView{
				Text:   s.both(key, words.Args{"date": p.Frame.exact(s, due)}).html,
				Cancel: p.Frame.cancels(id, s.text("account_ways.waiting_link", nil)).plain(),
			})
		}
	}
	add(waits, w.WaitingID, w.Waiting)
	add(leaves, w.LeavingID, w.Leaving)
	return views
}

func (p AccountWays) trouble(s scribe) template.HTML {
	switch p.Trouble {
	case SecondMissing:
		return s.html("account_ways.second_missing", nil)
	case SecondMalformed:
		return s.html("email.malformed", nil)
	case SecondIsFirst:
		return s.html("account_ways.second_same", nil)
	case SecondIsSame:
		return s.html("account_ways.second_again", nil)
	default:
		return ""
	}
}

func (p AccountWays) suggestion(s scribe) *suggestionView {
	if p.Trouble != SecondMayBeMeant {
		return nil
	}
	form := p.Frame.form("start", Field{"change", "set_second"})
	return &suggestionView{
		Text: s.both("email.suggestion", words.Args{"address": isolated(p.Better)}).html,
		Use:  actView{URL: p.Frame.own(), Label: s.text("email.use", nil), Form: append(form[:len(form):len(form)], Field{"email", p.Better}), Second: true},
		Own: actView{
			URL: p.Frame.own(), Label: s.text("email.keep", nil), Second: true,
			Form: append(form[:len(form):len(form)], Field{"email", p.Typed}, Field{"keep", "1"}),
		},
	}
}

// An AppTrouble is what is wrong with the code by which an app is set up.
type AppTrouble uint8

// The troubles. The zero value is none.
const (
	NoAppTrouble AppTrouble = iota
	AppCodeMissing
	AppCodeWrong
)

// AccountApp shows the secret of an authenticator app, and asks for a code that is
// made of it. Printing it shows nothing. It posts action=confirm, change=add_app,
// offer and code.
type AccountApp struct {
	Frame AccountFrame
	// Key is to be typed, and PNG a picture of it.
	Key string
	PNG []byte
	// Offer is the same secret for the form.
	Offer   string
	Trouble AppTrouble
	// Again: an app is set up already, which this one takes the place of.
	Again bool
}

type appView struct {
	wayView
	Scan, Picture, Type, Enter string
	Key                        string
	Image                      template.URL
}

func (AccountApp) kind() kind { return account }

// Format hides the key from every verb.
func (AccountApp) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[authenticator app]") }

func (p AccountApp) content(s scribe) content {
	v := appView{
		wayView: wayView{
			URL: p.Frame.own(), Form: p.Frame.form("confirm", Field{"change", "add_app"}, Field{"offer", p.Offer}),
			Field: &wayField{
				Label: s.text("account_ways.offer_label", nil), Hint: s.text("account_ways.offer_hint", nil), Name: "code", Numbers: true,
			},
			Button: s.text("account_ways.offer_button", nil),
			Cancel: link{URL: p.Frame.stays(), Label: s.text("account_ways.keep", nil)},
		},
		Scan: s.text("account_ways.offer_scan", nil), Picture: s.text("account_ways.offer_picture", nil),
		Type: s.text("account_ways.offer_key", nil), Enter: s.text("account_ways.offer_enter", nil), Key: p.Key,
		Image: template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(p.PNG)),
	}
	if p.Again {
		v.Text = []template.HTML{s.html("account_ways.offer_old", nil)}
	}
	switch p.Trouble {
	case AppCodeMissing:
		v.Field.Error = s.html("account_ways.offer_missing", nil)
	case AppCodeWrong:
		v.Field.Error = s.html("account_ways.offer_wrong", nil)
	}
	c := p.Frame.page(s, "account_app.html", s.both("account_ways.offer_heading", nil), v)
	c.failed = p.Trouble != NoAppTrouble
	return c
}
