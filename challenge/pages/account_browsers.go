// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages

import (
	"html/template"
	"slices"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/devices"
	"github.com/doorcode/caddy-doorcode/challenge/words"
)

// An AccountBrowser is one that is signed in, or remembered, or both.
type AccountBrowser struct {
	ID   string // names it in forms
	Name string // given by the person; empty: none
	Kind string // such as "Firefox on Windows"; empty when unknown
	This bool   // it is looking at the page
	// Remembered: it need not enter a code. SignedIn: it has a session.
	Remembered, SignedIn bool
	// Bound: it has a key that never leaves its machine.
	Bound bool
	// Suspended: it is newer than a sign-in that was reported, and counts for
	// nothing at the moment.
	Suspended   bool
	First, Last time.Time // seen
	Near        words.Spot
	Network     string // empty when unknown
	Credit      string // what the source of Near wants to be printed
}

// AccountBrowsers lists a person's browsers. Its buttons ask before anything is done:
// they post action=ask, and do=rename, signout or forget with id, or do=everywhere.
type AccountBrowsers struct {
	Frame    AccountFrame
	Browsers []AccountBrowser
	// Renamed: one has just been. Ended is how many have just been signed out.
	Renamed bool
	Ended   int
}

type browsersView struct {
	About   template.HTML
	All     *actView
	URL     string
	Caption string
	Columns browserColumns
	Rows    []browserRow
	Credits []string
}

type browserColumns struct{ Browser, Last, First, Place, Network, Actions string }

type browserRow struct {
	Name, Kind, Badge, State string
	Bound                    string // what that means; empty where it is not
	Last, First              template.HTML
	Ago                      string
	Place                    template.HTML
	Network                  string
	Form                     []Field // of the row's buttons; none: it has none
	Actions                  []rowAction
}

// A rowAction is a button of a row, or a link where it has a URL. Aloud is the name
// of what it is for, so that ten are not all called the same.
type rowAction struct{ URL, Do, Label, Aloud string }

func (AccountBrowsers) kind() kind { return account }

func (p AccountBrowsers) content(s scribe) content {
	v := browsersView{
		About:   s.html("account.browsers_about", nil),
		Caption: s.text("account.browsers_caption", nil),
		URL:     p.Frame.own(),
		Columns: browserColumns{
			Browser: s.text("account.column_browser", nil), Last: s.text("account.column_last", nil), First: s.text("account.column_first", nil),
			Place: s.text("account.column_place", nil), Network: s.text("account.column_network", nil), Actions: s.text("account.column_actions", nil),
		},
	}
	others := 0
	for _, b := range p.Browsers {
		v.Rows = append(v.Rows, p.row(s, b))
		if !b.This {
			others++
		}
		if b.Credit != "" && !b.Near.Private && s.near(b.Near).text != "" && !slices.Contains(v.Credits, b.Credit) {
			v.Credits = append(v.Credits, b.Credit)
		}
	}
	if others > 0 {
		all := p.Frame.asks("everywhere", "", s.text("account.everywhere", nil))
		v.All = &all
	}
	c := p.Frame.page(s, "account_browsers.html", s.both("account.browsers_heading", nil), v)
	switch {
	case p.Renamed:
		c = c.notes(s.html("account.renamed", nil))
	case p.Ended > 0:
		c = c.notes(s.html("account.others_done", words.Args{"count": p.Ended}))
	}
	return c
}

func (p AccountBrowsers) row(s scribe, b AccountBrowser) browserRow {
	unknown := s.text("account.unknown", nil)
	row := browserRow{
		Name: b.Name, Kind: s.browser(b.Kind), State: b.state(s),
		Last: p.Frame.exact(s, b.Last).html, Ago: p.Frame.ago(s, b.Last), First: p.Frame.exact(s, b.First).html,
		Network: b.Network,
	}
	if row.Kind == "" || row.Kind == devices.Unknown {
		row.Kind = s.text("account.unknown_browser", nil)
	}
	if row.Name == "" {
		row.Name, row.Kind = row.Kind, ""
	}
	if b.This {
		row.Badge = s.text("account.this_browser", nil)
	}
	if b.Bound {
		row.Bound = s.text("account.state_bound", nil)
	}
	near := s.near(b.Near)
	switch {
	case near.text == "":
		row.Place = template.HTML(template.HTMLEscapeString(unknown))
	case b.Near.Private:
		row.Place = near.html
	default:
		row.Place = s.both("mail.approximate", words.Args{"place": near}).html
	}
	if row.Network == "" {
		row.Network = unknown
	}
	if !b.This || b.Remembered {
		row.Form = p.Frame.form("ask", Field{"id", b.ID})
	}
	row.Actions = p.actions(s, b, row.Name)
	return row
}

func (p AccountBrowsers) actions(s scribe, b AccountBrowser, name string) []rowAction {
	signOut := rowAction{Do: "signout", Label: s.text("account.sign_out", nil), Aloud: name}
	if b.This { // which has a page of its own for that
		signOut.URL = p.Frame.Endpoints + "signout"
	}
	if !b.Remembered { // a session alone keeps no name
		return []rowAction{signOut}
	}
	return []rowAction{
		{Do: "rename", Label: s.text("account.rename", nil), Aloud: name},
		signOut,
		{Do: "forget", Label: s.text("account.forget", nil), Aloud: name},
	}
}

func (b AccountBrowser) state(s scribe) string {
	switch {
	case b.Suspended:
		return s.text("account.state_suspended", nil)
	case b.Remembered && b.SignedIn:
		return s.text("account.state_both", nil)
	case b.Remembered:
		return s.text("account.state_remembered", nil)
	default:
		return s.text("account.state_signed_in", nil)
	}
}
