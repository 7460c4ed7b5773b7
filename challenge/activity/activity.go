// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Package activity keeps what happened to somebody in records of bounded size: the
// latest rows in one that is added to, older ones in full pages beside it. It knows
// nothing of stores, and of a row no more than when it was and what is like it.
//
// There is no update of two records at once. A page is therefore named before it is
// written, and rows leave the current record only once a page has them as they are:
// whatever is interrupted, or done by two machines at once, loses no row. One that is
// then found twice is the same row, see [Merge].
package activity

import (
	"cmp"
	"slices"
	"time"
)

const (
	// PageRows is how many rows a page has.
	PageRows = 50
	// kept is how many of the latest rows stay in the current record, where those
	// that repeat become one.
	kept = 25
	// MostPages is how many full pages are kept of somebody.
	MostPages = 40

	// together is how long rows that are alike become one.
	together = time.Hour
	// once is how long something is no news, see Row.Once.
	once = 24 * time.Hour
	// mostRows bounds the current record where pages cannot be written.
	mostRows = 4 * PageRows
)

// A Row is one thing that happened, or the same thing several times.
type Row struct {
	ID    string `json:"i"`
	At    int64  `json:"t"`           // Unix milliseconds; of several, the last
	First int64  `json:"f,omitempty"` // the first of several
	Ends  int64  `json:"e"`           // Unix seconds; then it is forgotten
	Times int    `json:"n"`
	Like  string `json:"l,omitempty"` // the same for rows that are alike; empty: none is
	Says  string `json:"s"`           // sealed
	// Once: where there is a row that is like it, this one is no news. Never stored.
	Once bool `json:"-"`
}

// newest is the order in which rows are read.
func newest(a, b Row) int { return cmp.Or(cmp.Compare(b.At, a.At), cmp.Compare(a.ID, b.ID)) }

// A Current is the record that is added to.
type Current struct {
	Rows  []Row  `json:"rows,omitempty"`  // oldest first
	Pages []Mark `json:"pages,omitempty"` // that are full, oldest first
}

// A Mark says of a full page where it is and what it reaches to.
type Mark struct {
	Name string `json:"p"`
	To   int64  `json:"t"` // Unix milliseconds of its newest row
	Ends int64  `json:"e"` // Unix seconds; then all of it is forgotten
}

// A Page is a record of rows that is not added to, but by whoever writes the same
// page too.
type Page struct {
	Rows []Row `json:"rows"` // oldest first
}

// Add adds a row, or counts it with one that is like it.
func (c *Current) Add(r Row) {
	if i := c.alike(r); i >= 0 {
		if r.Once {
			return
		}
		before := c.Rows[i]
		if before.First == 0 {
			before.First = before.At
		}
		before.Times += r.Times
		before.At, before.Ends = max(before.At, r.At), max(before.Ends, r.Ends)
		c.Rows = slices.Delete(c.Rows, i, i+1)
		r = before
	}
	r.Once = false
	c.Rows = append(c.Rows, r)
	c.order()
}

// alike finds the row with which another one becomes one.
func (c *Current) alike(r Row) int {
	if r.Like == "" {
		return -1
	}
	for i := len(c.Rows) - 1; i >= 0; i-- {
		before := c.Rows[i]
		within, since := together, cmp.Or(before.First, before.At)
		if r.Once {
			within = once
		}
		if before.Like == r.Like && r.At-since < within.Milliseconds() {
			return i
		}
	}
	return -1
}

// order puts the rows in order, and keeps them within their bound.
func (c *Current) order() {
	slices.SortStableFunc(c.Rows, func(a, b Row) int { return newest(b, a) })
	c.Rows = c.Rows[max(0, len(c.Rows)-mostRows):]
}

// Fill names the next page that is to be written, once there are rows for one. The
// page is named after its oldest row, so that whoever goes on after an interruption
// writes the same one.
func (c *Current) Fill() (name string, page Page) {
	if len(c.Rows) < kept+PageRows {
		return "", Page{}
	}
	page.Rows = slices.Clone(c.Rows[:PageRows])
	name = page.Rows[0].ID
	c.mark(page.mark(name))
	return name, page
}

func (p *Page) mark(name string) Mark {
	m := Mark{Name: name}
	for _, r := range p.Rows {
		m.To, m.Ends = max(m.To, r.At), max(m.Ends, r.Ends)
	}
	return m
}

func (c *Current) mark(m Mark) {
	if i := slices.IndexFunc(c.Pages, func(o Mark) bool { return o.Name == m.Name }); i >= 0 {
		m.To, m.Ends = max(m.To, c.Pages[i].To), max(m.Ends, c.Pages[i].Ends)
		c.Pages[i] = m
	} else {
		c.Pages = append(c.Pages, m)
	}
	slices.SortStableFunc(c.Pages, func(a, b Mark) int { return cmp.Or(cmp.Compare(a.To, b.To), cmp.Compare(a.Name, b.Name)) })
}

// Filled drops the rows that a page has which was written. A row that became another
// one meanwhile stays.
func (c *Current) Filled(page Page) {
	c.Rows = slices.DeleteFunc(c.Rows, func(r Row) bool { return slices.Contains(page.Rows, r) })
}

// Tidy drops what is over and names the pages that can go with it.
func (c *Current) Tidy(now time.Time) (gone []string) {
	c.Rows = slices.DeleteFunc(c.Rows, func(r Row) bool { return r.Ends <= now.Unix() })
	spare := len(c.Pages) - MostPages
	c.Pages = slices.DeleteFunc(c.Pages, func(m Mark) bool {
		spare--
		over := spare >= 0 || m.Ends <= now.Unix()
		if over {
			gone = append(gone, m.Name)
		}
		return over
	})
	return gone
}

// Ends is when the last of it is over, in Unix seconds.
func (c *Current) Ends() (at int64) {
	for _, r := range c.Rows {
		at = max(at, r.Ends)
	}
	for _, m := range c.Pages {
		at = max(at, m.Ends)
	}
	return at
}

// Ends is when the last of it is over, in Unix seconds.
func (p *Page) Ends() int64 { return p.mark("").Ends }

// Take takes in what somebody else has written of the same page.
func (p *Page) Take(o Page) {
	p.Rows = Merge(p.Rows, o.Rows)
	slices.Reverse(p.Rows)
}

// Join takes in what another store keeps of the same person. The same once more
// changes nothing.
func (c *Current) Join(o Current) {
	c.Rows = Merge(c.Rows, o.Rows)
	slices.Reverse(c.Rows)
	c.order()
	for _, m := range o.Pages {
		c.mark(m)
	}
}

// Keeps is for how long its rows are kept, as far as can be told from the newest;
// zero when there is none.
func (c *Current) Keeps() time.Duration {
	if len(c.Rows) == 0 {
		return 0
	}
	last := c.Rows[len(c.Rows)-1]
	return time.Unix(last.Ends, 0).Sub(time.UnixMilli(last.At))
}

// Merge puts rows of several records together, the newest first, each once: of a row
// that is found twice, the one that was counted last.
func Merge(lists ...[]Row) []Row {
	all := slices.Concat(lists...)
	slices.SortStableFunc(all, func(a, b Row) int {
		return cmp.Or(newest(a, b), cmp.Compare(b.Times, a.Times), cmp.Compare(b.Ends, a.Ends))
	})
	seen := make(map[string]bool, len(all))
	return slices.DeleteFunc(all, func(r Row) bool {
		twice := seen[r.ID]
		seen[r.ID] = true
		return twice
	})
}
