// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/activity"
)

// keyActivity begins the names of the records of what happened to people: the
// current one of each, and below its name the full pages.
const keyActivity = "activity/"

func activityKey(who id) string { return keyActivity + who.String() }

func activityPageKey(who id, name string) string { return activityKey(who) + "/" + name }

// An activityNow is the record of the latest that happened to a person. There is
// one only of who has proved their address.
type activityNow struct {
	Version int `json:"v"`
	activity.Current
}

// An activityPage is the record of a full page.
type activityPage struct {
	Version int `json:"v"`
	activity.Page
}

// activityVersion is the format of both.
const activityVersion = 1

func (a *activityNow) format() (is, known int) { return a.Version, activityVersion }

func (a *activityNow) lives(now time.Time) time.Duration { return time.Unix(a.Ends(), 0).Sub(now) }

func (p *activityPage) format() (is, known int) { return p.Version, activityVersion }

func (p *activityPage) lives(now time.Time) time.Duration { return time.Unix(p.Ends(), 0).Sub(now) }

// writeActivity keeps what happened to one person. Who has never proved the address
// has no record, and nothing is kept.
func (h *House) writeActivity(ctx context.Context, who id, list []happening) error {
	_, err := h.store.Get(ctx, keyPerson+who.String())
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	rows := make([]activity.Row, len(list))
	for i := range list {
		rows[i] = h.rowOf(&list[i])
	}
	var full fullPage
	var gone []string
	err = change(ctx, h.store, activityKey(who), func(a *activityNow, now time.Time) error {
		a.Version = activityVersion
		for i, r := range rows {
			if list[i].keep == 0 {
				keep := orDuration(a.Keeps(), auditKeep)
				r.Ends = time.UnixMilli(r.At).Add(keep).Unix()
			}
			a.Add(r)
		}
		full.name, full.page = a.Fill()
		gone = a.Tidy(now)
		return nil
	})
	if errors.Is(err, errUnreadable) {
		return nil // of a later version, or damaged: it stays as it is, and nothing waits for it
	}
	if err != nil {
		return err
	}
	h.turnPage(ctx, who, full, gone)
	return nil
}

// rowOf is a happening as it is stored.
func (h *House) rowOf(of *happening) activity.Row {
	name := newID()
	return activity.Row{
		ID: name.String(), At: of.at, Ends: time.UnixMilli(of.at).Add(of.keep).Unix(), Times: 1, Like: h.alike(of), Once: of.once,
		Says: h.sealTale(of.tale, of.who, name),
	}
}

// A fullPage is a page that is to be written.
type fullPage struct {
	name string // empty: none is full
	page activity.Page
}

// turnPage writes a full page, takes its rows off the current record, and removes
// pages that are too old. Where the store fails in between, all rows are still
// there, and the next time comes to the same.
func (h *House) turnPage(ctx context.Context, who id, full fullPage, gone []string) {
	for _, name := range gone {
		_ = h.dropPage(ctx, who, name)
	}
	if full.name == "" {
		return
	}
	err := change(ctx, h.store, activityPageKey(who, full.name), func(p *activityPage, _ time.Time) error {
		p.Version = activityVersion
		p.Take(full.page)
		return nil
	})
	if err != nil {
		return
	}
	_ = change(ctx, h.store, activityKey(who), func(a *activityNow, _ time.Time) error {
		a.Filled(full.page)
		return nil
	})
}

func (h *House) dropPage(ctx context.Context, who id, name string) error {
	return h.store.Update(ctx, activityPageKey(who, name), func([]byte, time.Time) ([]byte, time.Duration, error) { return nil, 0, nil })
}

// readActivity reads what happened to a person, the newest first, until there is
// enough of it: rest is when the newest happened that is not read.
func (h *House) readActivity(ctx context.Context, who id, enough func(rows []activity.Row, rest int64) bool) ([]activity.Row, error) {
	current, err := read[activityNow](ctx, h.store, activityKey(who))
	if err != nil {
		return nil, err
	}
	rows := activity.Merge(current.Rows)
	for i := len(current.Pages) - 1; i >= 0 && !enough(rows, current.Pages[i].To); i-- {
		page, err := read[activityPage](ctx, h.store, activityPageKey(who, current.Pages[i].Name))
		if err != nil {
			return nil, err
		}
		rows = activity.Merge(rows, page.Rows)
	}
	return rows, nil
}

// eraseActivity forgets what happened to a person: the pages, and then what names
// them.
func (h *House) eraseActivity(ctx context.Context, who id) error {
	h.journal.take(who)
	var dropped []activity.Mark
	for {
		current, err := read[activityNow](ctx, h.store, activityKey(who))
		if err != nil {
			return err
		}
		for _, m := range marksBeside(current.Pages, dropped) {
			if err := h.dropPage(ctx, who, m.Name); err != nil {
				return err
			}
		}
		dropped = current.Pages
		more := false
		err = change(ctx, h.store, activityKey(who), func(a *activityNow, _ time.Time) error {
			if more = len(marksBeside(a.Pages, dropped)) > 0; !more {
				*a = activityNow{}
			}
			return nil
		})
		if err != nil || !more {
			return err
		}
	}
}

func marksBeside(all, known []activity.Mark) (left []activity.Mark) {
	names := map[string]bool{}
	for _, m := range known {
		names[m.Name] = true
	}
	for _, m := range all {
		if !names[m.Name] {
			left = append(left, m)
		}
	}
	return left
}

// sealTale makes what is stored of a tale. It opens for its own row of its own
// person.
func (h *House) sealTale(t tale, who, row id) string {
	plain, err := json.Marshal(t)
	if err != nil {
		panic("challenge: encoding plain data: " + err.Error())
	}
	return h.ring.SealString(labelActivity, plain, append(who[:], row[:]...))
}

// openTale reads what sealTale made. What cannot be read says nothing.
func (h *House) openTale(sealed string, who, row id) (t tale, ok bool) {
	plain, err := h.ring.OpenString(labelActivity, sealed, append(who[:], row[:]...))
	if err != nil || json.Unmarshal(plain, &t) != nil {
		return tale{}, false
	}
	return t, true
}
