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

// An AccountDeed is one thing that happened, or the same thing several times.
type AccountDeed struct {
	ID string // names it in forms
	At time.Time
	// Kind is what happened, Way by which way in, Change what was changed, in the
	// words of the domain, such as "entered", "backup" and "add_app".
	Kind, Way, Change string
	Times             int
	Browser           string // such as "Firefox on Windows"; empty where none did it
	Near              words.Spot
	Network           string // empty when unknown
	Credit            string // what the source of Near wants to be printed
	Name              string // the person's own for what it is about
	// Problem: it did not go well. Reportable: the person may say that it was not
	// them.
	Problem, Reportable bool
}

// AccountActivity lists what happened. Its links are of the page itself: ?problems,
// ?after= and ?before= a place, and ?csv. Its buttons post action=ask, do=report and
// id.
type AccountActivity struct {
	Frame AccountFrame
	Deeds []AccountDeed // the newest first
	// Problems: nothing else is shown.
	Problems bool
	// Newer and Older are the places of the pages beside this one; empty where there
	// is none.
	Newer, Older string
	// Keep is how long activity is kept.
	Keep time.Duration
}

type activityView struct {
	About   template.HTML
	Zone    template.HTML
	Choose  link
	Label   string
	Filters []tab
	Caption string
	Columns activityColumns
	Rows    []activityRow
	Problem string
	None    string
	More    string
	Pages   []link
	CSV     *link
	Credits []string
}

type activityColumns struct{ Time, What, Browser, Place, Result string }

type activityRow struct {
	Time, What, Place, Network template.HTML
	Times, Browser, Result     string
	Problem                    bool
	Report                     *actView
}

func (AccountActivity) kind() kind { return account }

func (p AccountActivity) content(s scribe) content {
	v := activityView{
		About:  s.html("activity.about", words.Args{"count": int(p.Keep / (24 * time.Hour))}),
		Zone:   s.html("activity.zone_usual", nil),
		Choose: link{URL: p.Frame.Endpoints + "settings", Label: s.text("activity.zone_change", nil)},
		Label:  s.text("activity.filters", nil), Caption: s.text("activity.caption", nil), None: s.text("activity.none", nil),
		Filters: []tab{
			{URL: p.Frame.own(), Label: s.text("activity.all", nil), Here: !p.Problems},
			{URL: p.Frame.own() + "?problems", Label: s.text("activity.problems", nil), Here: p.Problems},
		},
		Columns: activityColumns{
			Time: s.text("activity.column_time", nil), What: s.text("activity.column_what", nil), Browser: s.text("activity.column_browser", nil),
			Place: s.text("activity.column_place", nil), Result: s.text("activity.column_result", nil),
		},
		Problem: s.text("activity.problem", nil), More: s.text("activity.pages", nil), Pages: p.pages(s),
	}
	if p.Frame.Zone != nil {
		v.Zone = s.html("activity.zone_chosen", words.Args{"zone": p.Frame.Zone.String()})
	}
	if p.Problems {
		v.Caption, v.None = s.text("activity.caption_problems", nil), s.text("activity.none_problems", nil)
	}
	for _, d := range p.Deeds {
		v.Rows = append(v.Rows, p.row(s, d))
		if d.Credit != "" && !d.Near.Private && s.near(d.Near).text != "" && !slices.Contains(v.Credits, d.Credit) {
			v.Credits = append(v.Credits, d.Credit)
		}
	}
	if len(v.Rows) > 0 {
		v.CSV = &link{URL: p.Frame.own() + "?csv", Label: s.text("activity.download", nil)}
	}
	return p.Frame.page(s, "account_activity.html", s.both("activity.heading", nil), v)
}

// pages are the links to the pages beside this one.
func (p AccountActivity) pages(s scribe) (all []link) {
	only := ""
	if p.Problems {
		only = "&problems"
	}
	if p.Newer != "" {
		newest := link{URL: p.Frame.own(), Label: s.text("activity.newest", nil)}
		if p.Problems {
			newest.URL += "?problems"
		}
		all = append(all, newest, link{URL: p.Frame.own() + "?before=" + template.URLQueryEscaper(p.Newer) + only, Label: s.text("activity.newer", nil)})
	}
	if p.Older != "" {
		all = append(all, link{URL: p.Frame.own() + "?after=" + template.URLQueryEscaper(p.Older) + only, Label: s.text("activity.older", nil)})
	}
	return all
}

func (p AccountActivity) row(s scribe, d AccountDeed) activityRow {
	row := activityRow{
		Time: p.Frame.exact(s, d.At).html, What: d.what(s).html, Place: d.place(s).html, Network: isolated(d.Network).html,
		Browser: d.browser(s), Result: d.result(s), Problem: d.Problem,
	}
	if d.Network == "" {
		row.Network = ""
	}
	if d.Times > 1 {
		row.Times = s.text("activity.times", words.Args{"count": d.Times})
	}
	if d.Reportable {
		ask := p.Frame.asks("report", d.ID, s.text("activity.not_me", nil)).plain()
		ask.Aloud = template.HTML(template.HTMLEscapeString(": " + d.what(s).text + ", " + p.Frame.exact(s, d.At).text))
		row.Report = &ask
	}
	return row
}

func (d AccountDeed) browser(s scribe) string {
	if d.Browser == devices.Unknown {
		return s.text("account.unknown_browser", nil)
	}
	return s.browser(d.Browser)
}

// place is where it was; empty when nothing is known.
func (d AccountDeed) place(s scribe) message {
	near := s.near(d.Near)
	if near.text == "" || d.Near.Private {
		return near
	}
	return s.both("mail.approximate", words.Args{"place": near})
}
