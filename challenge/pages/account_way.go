// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages

import (
	"html/template"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/words"
)

// wayView is what account_way.html sees: sentences and one form.
type wayView struct {
	Text   []template.HTML
	URL    string
	Form   []Field
	Field  *wayField
	Button string
	Cancel link
	GoOn   *link // comes first
}

// wayField is a field that is typed into. Of its kinds a phone shows different
// keys for each.
type wayField struct {
	Label, Hint, Typed, Name string
	Numbers, Capitals, Mail  bool
	Error                    template.HTML
}

// actView is one form that consists of a button. Aloud is what its label leaves to
// the eye: what of many it is for.
type actView struct {
	URL, Label    string
	Aloud         template.HTML
	Form          []Field
	Second, Grave bool
	Plain         bool // it looks like a link
}

// plain is the button as it stands among text.
func (a actView) plain() actView {
	a.Second, a.Plain = false, true
	return a
}

// cancels is a button that asks whether to cancel a change that waits.
func (f AccountFrame) cancels(id, label string) actView {
	f.Current = "" // the overview does that for all pages
	return f.asks("cancel", id, label)
}

// A WayChange is what happened to a way in.
type WayChange uint8

// The changes.
const (
	AppAdded       WayChange = iota // an authenticator app was set up
	AppRemoved                      //
	SecondSet                       // a second address was proved
	SecondRemoved                   //
	PasskeyAdded                    // a passkey was made
	PasskeyRemoved                  //
)

// AccountWayChanged says that a way in was changed, or when it will be.
type AccountWayChanged struct {
	Frame  AccountFrame
	Change WayChange
	// Address is the second address that it is about, Name what the passkey is called.
	Address, Name string
	// Due is when it takes effect; zero: it has.
	Due time.Time
	// GoOn is the URL of what the new passkey opens, for whoever was sent here to add one;
	// empty for others.
	GoOn string
}

func (AccountWayChanged) kind() kind { return account }

func (p AccountWayChanged) content(s scribe) content {
	heading, text, back := "account_ways.app_added_heading", "account_ways.app_added", "account_ways.back"
	switch p.Change {
	case AppRemoved:
		heading, text = "account_ways.app_removed_heading", "account_ways.app_removed"
	case SecondSet:
		heading, text = "account_ways.second_set_heading", "account_ways.second_set"
	case SecondRemoved:
		heading, text = "account_ways.second_removed_heading", "account_ways.second_removed"
	case PasskeyAdded:
		heading, text, back = "account_passkeys.added_heading", "account_passkeys.added", "account_passkeys.back"
	case PasskeyRemoved:
		heading, text, back = "account_passkeys.removed_heading", "account_passkeys.removed", "account_passkeys.back"
	}
	if !p.Due.IsZero() {
		heading, text = "account_ways.due_heading", "account_ways.due"
	}
	args := words.Args{"address": isolated(p.Address), "name": isolated(p.Name), "date": p.Frame.exact(s, p.Due)}
	v := wayView{Text: []template.HTML{s.both(text, args).html}, Cancel: link{URL: p.Frame.own(), Label: s.text(back, nil), First: true}}
	if p.GoOn != "" && p.Due.IsZero() {
		v.Text = []template.HTML{s.html("account_passkeys.go_on_text", nil)}
		v.GoOn, v.Cancel.First = &link{URL: p.GoOn, Label: s.text("account_passkeys.go_on", nil)}, false
	}
	return p.Frame.page(s, "account_way.html", s.both(heading, nil), v)
}

// AccountSentOften says when a code can be sent to a second address again.
type AccountSentOften struct {
	Frame   AccountFrame
	RetryAt time.Time
}

func (AccountSentOften) kind() kind { return account }

func (p AccountSentOften) content(s scribe) content {
	c := p.Frame.page(s, "account_way.html", s.both("account_ways.often_heading", nil), wayView{
		Cancel: link{URL: p.Frame.own(), Label: s.text("account_ways.back", nil), First: true},
	})
	return c.alerts(s.both("account_ways.often", words.Args{"at": s.moment(at, p.Frame.Now, p.RetryAt)}).html)
}
