// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages

import (
	"cmp"
	"html/template"
	"strconv"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/devices"
	"github.com/doorcode/caddy-doorcode/challenge/words"
)

// A StopKind is what the link of a mail can end.
type StopKind uint8

// The kinds.
const (
	StopCode    StopKind = iota // a code, before anybody has used it
	StopBrowser                 // a browser that signed in
	StopChange                  // a change of ways in, and the browser that made it
)

// StopDetails say who is about to be stopped, with the same words as the mail.
// What is empty is left out.
type StopDetails struct {
	// Browser is from a fixed vocabulary, such as "Firefox on Windows".
	Browser string
	Near    words.Spot
	// Network is the address, with the name of whom it belongs to.
	Network string
	// At is when it happened.
	At time.Time
	// Credit is what the source of Near wants to be printed beside it.
	Credit string
}

// Stop is screen [7] before anything is stopped. It posts nonce to Action: what
// only looks at a link presses no button.
type Stop struct {
	Action, Nonce string
	// Keep is the URL of the link that stops nothing; an empty one leaves it out.
	Keep  string
	About StopKind
	Asked StopDetails
	// Asker: a session asked for the code, which will end with its browser.
	Asker bool
	// Change is what was changed, by the name that the domain has for it, and Waits
	// whether that is still to come.
	Change string
	Waits  bool
	// Password: who asked had got past an earlier step.
	Password bool
}

func (Stop) kind() kind { return still }

func (p Stop) content(s scribe) content {
	heading, text, button := s.both("stop.heading", nil), s.html("stop.text", nil), s.text("stop.button", nil)
	if p.About == StopBrowser {
		heading, text, button = s.both("stop.heading_browser", nil), s.html("stop.text_browser", nil), s.text("stop.button_browser", nil)
	}
	if p.About == StopChange {
		named := words.Args{"change": s.changeNamed(p.Change)}
		heading, text, button = s.both("stop.heading_change", nil), s.html("stop.text_change", named), s.text("stop.button_change", nil)
		if p.Waits {
			heading, text, button = s.both("stop.heading_waiting", nil), s.html("stop.text_waiting", named), s.text("stop.button_waiting", nil)
		}
		text += " " + s.html("stop.guard_change", nil)
	}
	v := plainView{
		Text:    []template.HTML{text},
		Details: p.Asked.rows(s),
		Form:    &formView{Action: p.Action, Hidden: []Field{{"nonce", p.Nonce}}, Button: button},
	}
	if p.Asker {
		v.Text = append(v.Text, s.html("stop.asker", nil))
	}
	if p.Password {
		v.Text = append(v.Text, s.html("stop.password", nil))
	}
	if s.near(p.Asked.Near).text != "" && !p.Asked.Near.Private {
		v.Credit = p.Asked.Credit
	}
	if p.Keep != "" {
		v.Instead = &link{URL: p.Keep, Label: s.text("stop.keep", nil)}
	}
	return plain(heading, v)
}

// takenBack are the words for changes, by the names that the domain has for them.
var takenBack = map[string]string{
	"backup_codes": "stop.change_backup_codes", "add_app": "stop.change_add_app", "remove_app": "stop.change_remove_app",
	"set_second": "stop.change_set_second", "remove_second": "stop.change_remove_second", "add_token": "stop.change_add_token",
	"add_passkey": "stop.change_add_passkey", "remove_passkey": "stop.change_remove_passkey",
	"export": "stop.change_export", "erase": "stop.change_erase",
}

// changeNamed is a change in words.
func (s scribe) changeNamed(change string) string {
	return s.text(cmp.Or(takenBack[change], "stop.change_other"), nil)
}

func (d StopDetails) rows(s scribe) []detail {
	var rows []detail
	if d.Browser != "" {
		name := s.browser(d.Browser)
		if name == devices.Unknown {
			name = s.text("mail.unknown_browser", nil)
		}
		rows = append(rows, detail{s.text("mail.browser", nil), isolated(name).html})
	}
	if near := s.near(d.Near); d.Near.Private {
		rows = append(rows, detail{s.text("mail.place", nil), near.html})
	} else if near.text != "" {
		rows = append(rows, detail{s.text("mail.place", nil), s.both("mail.approximate", words.Args{"place": near}).html})
	}
	if d.Network != "" {
		rows = append(rows, detail{s.text("mail.network", nil), isolated(d.Network).html})
	}
	if !d.At.IsZero() {
		rows = append(rows, detail{s.text("mail.time", nil), s.date(d.At).html})
	}
	return rows
}

// date is a time as mails write it.
func (s scribe) date(t time.Time) message {
	t = t.UTC()
	return s.both("mail.moment", words.Args{
		"day":   t.Day(),
		"month": s.text("mail.month_"+strconv.Itoa(int(t.Month())), nil),
		"clock": t.Format("15:04"),
	})
}

// Stopped is screen [7] afterwards.
type Stopped struct {
	About StopKind
	// Blocked is how long the network cannot ask for codes for this person.
	// Where it is zero, the page does not speak of the network.
	Blocked time.Duration
	// Asker: the code was to confirm a session, which has ended with its browser.
	Asker bool
	// Waits: a change will not happen, rather than being taken back.
	Waits bool
	// Password is as in Stop.
	Password bool
	// Passkey: the entry was by one, which does not work any more.
	Passkey bool
	// Undo is where the button that undoes it posts nonce and undo=1; an empty
	// one leaves the button out.
	Undo, Nonce string
}

func (Stopped) kind() kind { return still }

func (p Stopped) content(s scribe) content {
	text := s.html("stopped.code", nil)
	if p.About == StopBrowser {
		text = s.html("stopped.browser", nil)
	}
	if p.About == StopChange {
		return plain(s.both("stopped.heading", nil), plainView{Text: p.changeBack(s)})
	}
	if p.Asker {
		text += " " + s.html("stopped.asker", nil)
	}
	if p.Blocked > 0 {
		text += " " + s.html("stopped.network", words.Args{"while": s.length(p.Blocked)})
	}
	v := plainView{Text: []template.HTML{text}}
	if p.Password {
		v.Text = append(v.Text, s.html("stopped.password", nil))
	}
	if p.About == StopBrowser {
		v.Text = append(v.Text, s.leak(p.Passkey))
	}
	if p.Undo != "" {
		v.Form = &formView{
			Action: p.Undo, Hidden: []Field{{"nonce", p.Nonce}, {"undo", "1"}},
			Button: s.text("stopped.undo", nil), Second: true,
		}
	}
	return plain(s.both("stopped.heading", nil), v)
}

// leak says what has to be closed, so that whoever came in does not come in again: what
// they had the code from, or the passkey.
func (s scribe) leak(passkey bool) template.HTML {
	if passkey {
		return s.html("stopped.passkey", nil)
	}
	return s.html("stopped.mailbox", nil)
}

// changeBack says what became of a change.
func (p Stopped) changeBack(s scribe) []template.HTML {
	first := "stopped.change"
	if p.Waits {
		first = "stopped.waiting"
	}
	return []template.HTML{s.html(first, nil) + " " + s.html("stopped.guard_change", nil), s.html("stopped.account_change", nil), s.html("stopped.mailbox_change", nil)}
}

// length tells how long something is going to last, in whole hours where they
// say it all, else in minutes.
func (s scribe) length(d time.Duration) string {
	minutes := int((d + time.Minute - 1) / time.Minute)
	if minutes%60 == 0 {
		return s.text("time.for_hours", words.Args{"count": minutes / 60})
	}
	return s.text("time.for", words.Args{"count": minutes})
}

// Restored is what follows the button that undoes a stop: the network may ask
// again, what was ended stays ended. Home is the URL of the app; an empty one
// leaves the link out.
type Restored struct {
	About StopKind
	Home  string
}

func (Restored) kind() kind { return still }

func (p Restored) content(s scribe) content {
	rest := s.html("restored.code", nil)
	if p.About == StopBrowser {
		rest = s.html("restored.browser", nil)
	}
	return plain(s.both("restored.heading", nil), plainView{
		Text:  []template.HTML{s.html("restored.network", nil) + " " + rest},
		Links: s.home(p.Home),
	})
}

// StopOver answers a link that was used or is too old. Home is the URL of the
// app; an empty one leaves the link out.
type StopOver struct{ Home string }

func (StopOver) kind() kind { return still }

func (p StopOver) content(s scribe) content {
	return plain(s.both("stop_over.heading", nil), plainView{
		Text:  []template.HTML{s.html("stop_over.text", nil)},
		Links: s.home(p.Home),
	})
}
