// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package activity_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/doorcode/caddy-doorcode/challenge/activity"
)

var start = time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)

// row happens so long after the start, and is kept for 90 days.
func row(id, like string, after time.Duration) activity.Row {
	at := start.Add(after)
	return activity.Row{ID: id, Like: like, At: at.UnixMilli(), Ends: at.Add(90 * 24 * time.Hour).Unix(), Times: 1}
}

func once(r activity.Row) activity.Row {
	r.Once = true
	return r
}

// told is rows as somebody reads them, the newest first.
func told(rows []activity.Row) (all []string) {
	for _, r := range activity.Merge(rows) {
		all = append(all, fmt.Sprint(r.ID, " x", r.Times, " ", time.UnixMilli(r.At).Sub(start)))
	}
	return all
}

func TestRowsThatRepeatBecomeOne(t *testing.T) {
	tests := map[string]struct {
		rows []activity.Row
		want []string
	}{
		"what is alike within an hour is one row, at the time of the last": {
			[]activity.Row{row("a", "x", 0), row("b", "x", 20*time.Minute), row("c", "x", 59*time.Minute)}, []string{"a x3 59m0s"},
		},
		"an hour counts from the first, so that a row which repeats for days is told of again": {
			[]activity.Row{row("a", "x", 0), row("b", "x", 40*time.Minute), row("c", "x", 61*time.Minute)}, []string{"c x1 1h1m0s", "a x2 40m0s"},
		},
		"what is not alike stays apart": {
			[]activity.Row{row("a", "x", 0), row("b", "y", time.Minute), row("c", "x", 2*time.Minute)}, []string{"a x2 2m0s", "b x1 1m0s"},
		},
		"rows that are like none never become one": {
			[]activity.Row{row("a", "", 0), row("b", "", time.Second)}, []string{"b x1 1s", "a x1 0s"},
		},
		"what is news once is not counted again for a day": {
			[]activity.Row{once(row("a", "x", 0)), once(row("b", "x", 23*time.Hour)), once(row("c", "x", 25*time.Hour))}, []string{"c x1 25h0m0s", "a x1 0s"},
		},
		"a row that comes late takes its place by its time": {
			[]activity.Row{row("a", "", time.Minute), row("b", "", 0)}, []string{"a x1 1m0s", "b x1 0s"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var c activity.Current
			for _, r := range test.rows {
				c.Add(r)
			}
			if diff := cmp.Diff(test.want, told(c.Rows)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// A shelf is a store of one person's records, as text.
type shelf struct {
	current []byte
	pages   map[string][]byte
}

func newShelf() *shelf { return &shelf{pages: map[string][]byte{}} }

func (s *shelf) edit(t rapid.TB, edit func(*activity.Current)) {
	var c activity.Current
	if len(s.current) > 0 {
		if err := json.Unmarshal(s.current, &c); err != nil {
			t.Fatal(err)
		}
	}
	edit(&c)
	s.current, _ = json.Marshal(c)
}

func (s *shelf) page(t rapid.TB, name string) (p activity.Page) {
	if raw := s.pages[name]; raw != nil {
		if err := json.Unmarshal(raw, &p); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func (s *shelf) take(t rapid.TB, name string, page activity.Page) {
	p := s.page(t, name)
	p.Take(page)
	s.pages[name], _ = json.Marshal(p)
}

// all reads everything that the current record leads to.
func (s *shelf) all(t rapid.TB) (rows []activity.Row, pages int) {
	s.edit(t, func(c *activity.Current) {
		rows, pages = activity.Merge(c.Rows), len(c.Pages)
		for _, m := range c.Pages {
			rows = activity.Merge(rows, s.page(t, m.Name).Rows)
		}
	})
	return rows, pages
}

// likes are few, so that rows of a page which is about to be written are counted on.
var likes = []string{"", "", "", "", "", "x", "y", "z"}

// Machines write at once, and stop in the middle, as they like: as long as there is
// room, each row is there, counted as often as it happened.
func TestNoRowIsLostWhateverIsInterrupted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newShelf()
		type work struct {
			name string
			page activity.Page
			done int
		}
		var begun []*work // pages that machines are about to write
		happened := 0
		now := start
		for n := range rapid.IntRange(1, 200).Draw(t, "rows") {
			now = now.Add(time.Duration(rapid.IntRange(0, 90).Draw(t, "seconds")) * time.Second)
			r := row(fmt.Sprint("row", n), rapid.SampledFrom(likes).Draw(t, "like"), now.Sub(start))
			w := new(work)
			s.edit(t, func(c *activity.Current) {
				c.Add(r)
				w.name, w.page = c.Fill()
				c.Tidy(now)
			})
			happened++
			if w.name != "" {
				begun = append(begun, w)
			}
			// Whoever began a page goes on now, later or never.
			for _, w := range begun[max(0, len(begun)-3):] {
				switch step := rapid.IntRange(0, 3).Draw(t, "step"); {
				case step == 1 && w.done == 0:
					s.take(t, w.name, w.page)
					w.done = 1
				case step == 2 && w.done == 1:
					s.edit(t, func(c *activity.Current) { c.Filled(w.page) })
					w.done = 2
				}
			}
		}
		rows, pages := s.all(t)
		counted := 0
		for _, r := range rows {
			counted += r.Times
		}
		if counted != happened {
			t.Fatalf("%d of %d are there", counted, happened)
		}
		named := map[string]bool{}
		s.edit(t, func(c *activity.Current) {
			for _, m := range c.Pages {
				named[m.Name] = true
			}
			if len(c.Rows) > 4*activity.PageRows {
				t.Fatalf("the current record has %d rows", len(c.Rows))
			}
		})
		for name := range s.pages {
			if !named[name] {
				t.Fatalf("page %s is written, and nothing leads to it", name)
			}
		}
		if pages > activity.MostPages {
			t.Fatalf("%d pages", pages)
		}
	})
}

func TestOldPagesGo(t *testing.T) {
	s := newShelf()
	now := start
	for n := range 3000 {
		now = now.Add(time.Minute)
		var name string
		var page activity.Page
		s.edit(t, func(c *activity.Current) {
			c.Add(row(fmt.Sprint("row", n), "", now.Sub(start)))
			name, page = c.Fill()
			for _, gone := range c.Tidy(now) {
				delete(s.pages, gone)
			}
		})
		if name != "" {
			s.take(t, name, page)
			s.edit(t, func(c *activity.Current) { c.Filled(page) })
		}
	}
	rows, pages := s.all(t)
	if pages != activity.MostPages || len(s.pages) != pages {
		t.Errorf("%d pages are named and %d there, want %d", pages, len(s.pages), activity.MostPages)
	}
	if rows[0].ID != "row2999" || len(rows) < activity.MostPages*activity.PageRows {
		t.Errorf("%d rows, the newest is %s", len(rows), rows[0].ID)
	}
	s.edit(t, func(c *activity.Current) {
		if c.Ends() != rows[0].Ends {
			t.Errorf("Ends = %d, want that of the newest row, %d", c.Ends(), rows[0].Ends)
		}
		if gone := c.Tidy(now.Add(90 * 24 * time.Hour)); len(gone) != pages || len(c.Rows)+len(c.Pages) != 0 {
			t.Errorf("90 days later %d of %d pages go, and %d rows and %d pages stay", len(gone), pages, len(c.Rows), len(c.Pages))
		}
	})
}

func TestTwoStoresBecomeOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) (c activity.Current) {
			for n := range rapid.IntRange(0, 60).Draw(t, name) {
				c.Add(row(fmt.Sprint("row", rapid.IntRange(0, 80).Draw(t, "id")), rapid.SampledFrom([]string{"", "x"}).Draw(t, "like"), time.Duration(n)*time.Minute))
			}
			if rapid.Bool().Draw(t, "a page") {
				c.Pages = append(c.Pages, activity.Mark{Name: "page of " + name, To: 1}, activity.Mark{Name: "page", To: 2})
			}
			return c
		}
		ours, theirs := draw("ours"), draw("theirs")
		both := activity.Merge(ours.Rows, theirs.Rows)
		ours.Join(theirs)
		if diff := cmp.Diff(told(both), told(ours.Rows)); diff != "" {
			t.Fatalf("-both +joined:\n%s", diff)
		}
		again := activity.Current{Rows: append([]activity.Row(nil), ours.Rows...), Pages: append([]activity.Mark(nil), ours.Pages...)}
		again.Join(theirs)
		if diff := cmp.Diff(ours, again); diff != "" {
			t.Fatalf("the same once more changes\n%s", diff)
		}
	})
}
