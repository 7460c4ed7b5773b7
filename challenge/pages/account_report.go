// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages

import (
	"html/template"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/words"
)

// AccountReport asks before an entry is reported that the person did not make: screen
// [7] for who is signed in. It posts flow, action=report and id to the activity.
type AccountReport struct {
	Frame AccountFrame
	ID    string
	Asked StopDetails
	// Password: whoever it was had got past an earlier step.
	Password bool
}

// AccountReported is what follows.
type AccountReported struct {
	Frame AccountFrame
	// Blocked is how long the network cannot ask for codes for this person.
	Blocked time.Duration
	// Password is as in AccountReport, Passkey as in Stopped.
	Password, Passkey bool
	// Undo is where the button that lifts the block posts nonce and undo=1; an empty
	// one leaves it out.
	Undo, Nonce string
}

type reportView struct {
	Text    []template.HTML
	Details []detail
	Credit  string
	Form    *reportForm
	Links   []link
}

type reportForm struct {
	Action, Button string
	Hidden         []Field
	Grave          bool
	Keep           *link
}

func (AccountReport) kind() kind { return account }

func (p AccountReport) content(s scribe) content {
	at := p.Asked.At
	p.Asked.At = time.Time{} // it is told in the person's zone
	v := reportView{
		Text:    []template.HTML{s.html("activity.report_text", nil), s.html("activity.report_then", nil)},
		Details: append(p.Asked.rows(s), detail{s.text("mail.time", nil), p.Frame.exact(s, at).html}),
		Form: &reportForm{
			Action: p.Frame.own(), Button: s.text("activity.report_button", nil), Hidden: p.Frame.form("report", Field{"id", p.ID}), Grave: true,
			Keep: &link{URL: p.Frame.own(), Label: s.text("activity.report_keep", nil)},
		},
	}
	if p.Password {
		v.Text = append(v.Text, s.html("stop.password", nil))
	}
	if s.near(p.Asked.Near).text != "" && !p.Asked.Near.Private {
		v.Credit = p.Asked.Credit
	}
	return p.Frame.page(s, "account_report.html", s.both("activity.report_heading", nil), v)
}

func (AccountReported) kind() kind { return account }

func (p AccountReported) content(s scribe) content {
	text := s.html("stopped.browser", nil)
	if p.Blocked > 0 {
		text += " " + s.html("stopped.network", words.Args{"while": s.length(p.Blocked)})
	}
	v := reportView{
		Text: []template.HTML{text},
		Links: []link{
			{URL: p.Frame.Endpoints + "sessions", Label: s.text("activity.reported_browsers", nil)},
			{URL: p.Frame.own(), Label: s.text("activity.reported_back", nil)},
		},
	}
	if p.Password {
		v.Text = append(v.Text, s.html("stopped.password", nil))
	}
	v.Text = append(v.Text, s.leak(p.Passkey))
	if p.Undo != "" {
		v.Form = &reportForm{Action: p.Undo, Button: s.text("stopped.undo", nil), Hidden: []Field{{"nonce", p.Nonce}, {"undo", "1"}}}
	}
	return p.Frame.page(s, "account_report.html", s.both("stopped.heading", nil), v)
}
