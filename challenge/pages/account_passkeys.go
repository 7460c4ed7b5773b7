// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages

import (
	"html/template"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/words"
)

// An AccountPasskey is one that a person has.
type AccountPasskey struct {
	ID, Name string
	Made     time.Time
	Used     time.Time // zero: never
	// Suspended: it does not work, since it is newer than what was reported. Cloned: it
	// does not work, since a copy of it was used.
	Suspended, Cloned bool
	// Elsewhere is the site that it is for, where that is another one; empty otherwise.
	Elsewhere string
	// Leaving is when it stops working; zero: nothing changes. LeavingID names that
	// change.
	Leaving   time.Time
	LeavingID string
}

// A PasskeyWaiting is one that begins to work later. ID is of the change.
type PasskeyWaiting struct {
	ID, Name string
	Due      time.Time
}

// AccountPasskeys lists a person's passkeys. Its buttons post action=ask, do=rename and
// id, or action=start, change=remove_passkey and id; the last one action=start and
// change=add_passkey.
type AccountPasskeys struct {
	Frame    AccountFrame
	Passkeys []AccountPasskey
	Waiting  []PasskeyWaiting
	// Full: there are as many as there can be.
	Full bool
	// Renamed: one has just been.
	Renamed bool
}

type passkeysView struct {
	About, Unable template.HTML
	None          string
	Waiting       []waitingView
	Caption       string
	Columns       passkeyColumns
	Rows          []passkeyRow
	Full          template.HTML
	Add           *actView
}

type passkeyColumns struct{ Name, Used, Made, Actions string }

type passkeyRow struct {
	Name   string
	States []template.HTML
	Used   template.HTML
	Ago    string
	Made   template.HTML
	Acts   []actView
}

func (AccountPasskeys) kind() kind { return account }

func (p AccountPasskeys) content(s scribe) content {
	v := passkeysView{
		About: s.html("account_passkeys.about", nil), Unable: s.html("account_passkeys.unable", nil),
		None: s.text("account_passkeys.none", nil), Caption: s.text("account_passkeys.caption", nil),
		Columns: passkeyColumns{
			Name: s.text("account_passkeys.column_name", nil), Used: s.text("account.column_last", nil),
			Made: s.text("account_passkeys.column_made", nil), Actions: s.text("account.column_actions", nil),
		},
	}
	for _, w := range p.Waiting {
		v.Waiting = append(v.Waiting, p.waiting(s, "account_passkeys.waiting", w.Name, w.ID, w.Due))
	}
	for _, k := range p.Passkeys {
		if !k.Leaving.IsZero() {
			v.Waiting = append(v.Waiting, p.waiting(s, "account_passkeys.leaving", k.Name, k.LeavingID, k.Leaving))
		}
		v.Rows = append(v.Rows, p.row(s, k))
	}
	if p.Full {
		v.Full = s.html("account_passkeys.full", nil)
	} else {
		v.Add = &actView{
			URL: p.Frame.own(), Label: s.text("account_passkeys.add", nil), Form: p.Frame.form("start", Field{"change", "add_passkey"}),
			Second: len(p.Passkeys) > 0,
		}
	}
	c := p.Frame.page(s, "account_passkeys.html", s.both("account_passkeys.heading", nil), v)
	if p.Renamed {
		return c.notes(s.html("account.renamed", nil))
	}
	return c
}

func (p AccountPasskeys) waiting(s scribe, key, name, id string, due time.Time) waitingView {
	view := waitingView{
		Text:   s.both(key, words.Args{"name": isolated(name), "date": p.Frame.exact(s, due)}).html,
		Cancel: p.Frame.cancels(id, s.text("account.cancel_change", nil)).plain(),
	}
	view.Cancel.Aloud = " " + isolated(name).html
	return view
}

func (p AccountPasskeys) row(s scribe, k AccountPasskey) passkeyRow {
	row := passkeyRow{Name: k.Name, Used: p.Frame.exact(s, k.Used).html, Ago: p.Frame.ago(s, k.Used), Made: p.Frame.exact(s, k.Made).html}
	if k.Used.IsZero() {
		row.Used = s.html("account_tokens.never", nil)
	}
	switch {
	case k.Cloned:
		row.States = append(row.States, s.html("account_passkeys.cloned", nil))
	case k.Suspended:
		row.States = append(row.States, s.html("account_passkeys.suspended", nil))
	}
	if k.Elsewhere != "" {
		row.States = append(row.States, s.both("account_passkeys.elsewhere", words.Args{"site": isolated(k.Elsewhere)}).html)
	}
	row.Acts = []actView{p.Frame.asks("rename", k.ID, s.text("account.rename", nil))}
	if k.Leaving.IsZero() {
		row.Acts = append(row.Acts, actView{
			URL: p.Frame.own(), Label: s.text("account_passkeys.remove", nil),
			Form: p.Frame.form("start", Field{"change", "remove_passkey"}, Field{"id", k.ID}),
		})
	}
	for i := range row.Acts {
		row.Acts[i] = row.Acts[i].plain()
		row.Acts[i].Aloud = " " + isolated(k.Name).html
	}
	return row
}

// AccountPasskeyMake has the browser make a passkey, by a script. It posts
// action=confirm, change=add_passkey, offer, name and credential.
type AccountPasskeyMake struct {
	Frame AccountFrame
	// Options are what the browser needs, as JSON.
	Options string
	// Offer is what the door needs to know them again.
	Offer string
	// Name is what the passkey is called unless its person says otherwise, in at most
	// Most characters.
	Name string
	Most int
	// Refused: what the browser made of the options last was not accepted.
	Refused bool
}

type passkeyMakeView struct {
	Text, Unable              template.HTML
	URL                       string
	Form                      []Field
	Label, Hint, Name         string
	Most                      int
	Options, Had, Failed, Add string
	Cancel                    link
}

func (AccountPasskeyMake) kind() kind { return accountKey }

func (p AccountPasskeyMake) content(s scribe) content {
	v := passkeyMakeView{
		Text: s.html("account_passkeys.show_text", nil), Unable: s.html("account_passkeys.unable", nil),
		URL: p.Frame.own(), Form: p.Frame.form("confirm", Field{"change", "add_passkey"}, Field{"offer", p.Offer}),
		Label: s.text("account_passkeys.name", nil), Hint: s.text("account_passkeys.name_hint", nil), Name: p.Name, Most: p.Most,
		Options: p.Options, Had: s.text("account_passkeys.had", nil), Failed: s.text("account_passkeys.failed", nil),
		Add:    s.text("account_passkeys.add", nil),
		Cancel: link{URL: p.Frame.stays(), Label: s.text("account_ways.keep", nil)},
	}
	c := p.Frame.page(s, "account_passkey.html", s.both("account_passkeys.make_heading", nil), v)
	c.keyed = &keyed{Endpoints: p.Frame.Endpoints}
	if p.Refused {
		return c.alerts(s.html("account_passkeys.failed", nil))
	}
	return c
}
