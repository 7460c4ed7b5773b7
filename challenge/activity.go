// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/activity"
)

// An ActivityKind says what happened to a person's account.
type ActivityKind string

// The kinds of activity.
const (
	ActivityCodeSent        ActivityKind = "code_sent"
	ActivityEntered         ActivityKind = "entered"    // by a code; Way says which
	ActivityConfirmed       ActivityKind = "confirmed"  // a session, or a change
	ActivityWrong           ActivityKind = "wrong"      // a wrong code
	ActivityCodeCancelled   ActivityKind = "cancelled"  // too many wrong tries ended a code
	ActivityLocked          ActivityKind = "locked"     // too many wrong codes
	ActivityStopped         ActivityKind = "stopped"    // by the person
	ActivityUnstopped       ActivityKind = "unstopped"  // which was a mistake
	ActivityRemembered      ActivityKind = "remembered" // a browser, from now on
	ActivityRenewed         ActivityKind = "renewed"    // a remembered browser signed in
	ActivitySignedOut       ActivityKind = "signed_out" // by the person, in that browser
	ActivityEndedElsewhere  ActivityKind = "ended"      // by the person, from another browser
	ActivityReplayed        ActivityKind = "replayed"   // a copy of a browser's cookie was used
	ActivityUnproved        ActivityKind = "unproved"   // a browser did not prove the key that it has
	ActivityRenamed         ActivityKind = "renamed"    // a browser
	ActivityChanged         ActivityKind = "changed"    // Change says what
	ActivityWaits           ActivityKind = "waits"      // a change that takes effect later
	ActivityChangeCancelled ActivityKind = "undone"     // a change that was cancelled
	ActivityGuarded         ActivityKind = "guarded"
	ActivityUnguarded       ActivityKind = "unguarded"
	ActivityLetIn           ActivityKind = "let_in"   // an operator gave out a code
	ActivityUnlocked        ActivityKind = "unlocked" // by an operator
	ActivityEndedByOperator ActivityKind = "ended_by_operator"
)

// An ActivityRow is one thing that happened, or the same thing several times within
// an hour.
type ActivityRow struct {
	ID      string // names it in forms
	At      time.Time
	Kind    ActivityKind
	Way     Way
	Change  ChangeKind
	Times   int    // at least 1
	Browser string // from a fixed vocabulary; empty where none did it
	City    string
	Country string
	Radius  int
	Private bool
	Credit  string
	Network string // as far as the operator lets it be kept; empty when unknown
	Name    string // the person's own name for the browser or token; else empty
	// Problem: it did not go well. Reportable: the person may say that it was not
	// them, see ReportRow.
	Problem, Reportable bool
}

// ActivityQuery is what is to be read.
type ActivityQuery struct {
	Problems bool   // nothing else
	After    string // ActivityPage.Next of the page before; empty: from the newest
	Before   string // ActivityPage.Prev of the page after; wins over After
	Rows     int    // at most; default 50, at most 500
}

// An ActivityPage is a part of a person's activity, the newest first. A place that it
// names stays where it is, whatever happens meanwhile.
type ActivityPage struct {
	Rows []ActivityRow
	Next string // empty: there is nothing older
	Prev string // empty: there is nothing newer
}

const (
	usualActivity = 50
	mostActivity  = 500
)

// Activity reads what happened to the account of a session's person. Its errors
// are ErrUnavailable.
func (g *Gate) Activity(ctx context.Context, v *Visit, a *Admission, q ActivityQuery) (ActivityPage, error) {
	who := g.house.personID(a.Identity.Email)
	g.house.journal.settle(ctx, g.house, who)
	view := activity.View{
		After: activity.ParseCursor(q.After), Before: activity.ParseCursor(q.Before), Rows: min(orInt(max(q.Rows, 0), usualActivity), mostActivity),
	}
	told := teller{house: g.house, who: who, keep: g.policy.Audit.Keep, now: v.Now, problems: q.Problems, tales: map[string]tale{}}
	rows, err := g.house.readActivity(ctx, who, func(rows []activity.Row, rest int64) bool { return view.Has(told.wants(rows), rest) })
	if err != nil {
		return ActivityPage{}, unavailable(err)
	}
	p, err := read[person](ctx, g.house.store, g.house.personKey(a.Identity.Email))
	if err != nil {
		return ActivityPage{}, unavailable(err)
	}
	p.tidy(v.Now)
	part, newer, older := view.Cut(told.wants(rows))
	page := ActivityPage{Rows: make([]ActivityRow, len(part))}
	for i, r := range part {
		page.Rows[i] = told.row(r)
		page.Rows[i].Reportable = p.reportable(told.tales[r.ID].Entry, a.Live) != nil
	}
	if newer && len(part) > 0 {
		page.Prev = activity.CursorAt(part[0]).String()
	}
	if older && len(part) > 0 {
		page.Next = activity.CursorAt(part[len(part)-1]).String()
	}
	return page, nil
}

// A teller turns rows of one person into what they are told.
type teller struct {
	house    *House
	who      id
	keep     time.Duration
	now      time.Time
	problems bool            // nothing else is wanted
	tales    map[string]tale // of the rows that were looked at
}

// wants are those of the rows that are wanted, and are not over. A row that cannot
// be read is none.
func (t *teller) wants(rows []activity.Row) (wanted []activity.Row) {
	for _, r := range rows {
		if time.UnixMilli(r.At).Add(t.keep).Before(t.now) || r.Ends <= t.now.Unix() {
			continue
		}
		if said, ok := t.said(r); ok && (!t.problems || said.Kind.problem()) {
			wanted = append(wanted, r)
		}
	}
	return wanted
}

func (t *teller) said(r activity.Row) (said tale, ok bool) {
	if said, ok = t.tales[r.ID]; ok {
		return said, said.Kind != ""
	}
	var name id
	if name.UnmarshalText([]byte(r.ID)) == nil {
		said, _ = t.house.openTale(r.Says, t.who, name)
	}
	t.tales[r.ID] = said
	return said, said.Kind != ""
}

func (t *teller) row(r activity.Row) ActivityRow {
	said, _ := t.said(r)
	a := said.Asked
	return ActivityRow{
		ID: r.ID, At: time.UnixMilli(r.At), Kind: said.Kind, Way: said.Way, Change: said.Change, Times: max(1, r.Times),
		Browser: a.Browser, City: a.City, Country: a.Country, Radius: a.Radius, Private: a.Private, Credit: a.Credit, Network: a.Network,
		Name: said.Name, Problem: said.Kind.problem(),
	}
}

// problem reports whether something did not go well.
func (k ActivityKind) problem() bool {
	switch k {
	case ActivityWrong, ActivityCodeCancelled, ActivityLocked, ActivityStopped, ActivityReplayed, ActivityUnproved, ActivityGuarded:
		return true
	default:
		return false
	}
}

// allActivity reads all that happened to a person, the newest first.
func (h *House) allActivity(ctx context.Context, who id) ([]ActivityRow, error) {
	h.journal.settle(ctx, h, who)
	rows, err := h.readActivity(ctx, who, func([]activity.Row, int64) bool { return false })
	if err != nil {
		return nil, err
	}
	told := teller{house: h, who: who, keep: keepAll, now: h.now(), tales: map[string]tale{}}
	var all []ActivityRow
	for _, r := range told.wants(rows) {
		all = append(all, told.row(r))
	}
	return all, nil
}

// keepAll is longer than any gate keeps activity.
const keepAll = 10 * 365 * day
