// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package activity_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/doorcode/caddy-doorcode/challenge/activity"
)

// While somebody reads page by page, more happens, and rows are counted on: of what
// was there when they began, nothing is read twice and nothing is left out, but for
// what has become news again.
func TestReadingOnGoesOnWhereItWas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var c activity.Current
		add := func(n int) {
			c.Add(row(fmt.Sprint("row", n), rapid.SampledFrom([]string{"", "", "x"}).Draw(t, "like"), time.Duration(n/2)*time.Minute))
		}
		first := rapid.IntRange(0, 150).Draw(t, "rows")
		for n := range first {
			add(n)
		}
		start := activity.Merge(c.Rows)
		view := activity.View{Rows: rapid.IntRange(1, 20).Draw(t, "page")}
		var read []string
		for older, n := true, first; older; {
			var part []activity.Row
			part, _, older = view.Cut(activity.Merge(c.Rows))
			for _, r := range part {
				if slices.ContainsFunc(start, func(s activity.Row) bool { return s.ID == r.ID }) { // else it came while they read
					read = append(read, r.ID)
				}
			}
			if older {
				view.After = activity.ParseCursor(activity.CursorAt(part[len(part)-1]).String())
			}
			for range rapid.IntRange(0, 3).Draw(t, "more") {
				add(n)
				n++
			}
		}
		if once := slices.Compact(slices.Sorted(slices.Values(read))); len(once) != len(read) {
			t.Fatalf("a row is read twice: %q", read)
		}
		now := map[string]int64{}
		for _, r := range c.Rows {
			now[r.ID] = r.At
		}
		// News of the same time as the last row that was read may come after it: then it is
		// read at its new place, which is not where it was.
		isNews := func(id string) bool {
			return slices.ContainsFunc(start, func(s activity.Row) bool { return s.ID == id && s.At != now[id] })
		}
		var want []string
		for _, r := range start {
			if !isNews(r.ID) {
				want = append(want, r.ID)
			}
		}
		read = slices.DeleteFunc(read, isNews)
		if diff := cmp.Diff(want, read, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("-there +read:\n%s", diff)
		}
	})
}

func TestThereAndBackIsTheSamePage(t *testing.T) {
	var c activity.Current
	for n := range 25 {
		c.Add(row(fmt.Sprint("row", n), "", time.Duration(n)*time.Minute))
	}
	rows := activity.Merge(c.Rows)
	first, newer, older := activity.View{Rows: 10}.Cut(rows)
	if newer || !older || len(first) != 10 || first[0].ID != "row24" {
		t.Errorf("the first page has %d rows from %s, newer %v, older %v", len(first), first[0].ID, newer, older)
	}
	second, newer, older := activity.View{Rows: 10, After: activity.CursorAt(first[9])}.Cut(rows)
	if !newer || !older || second[0].ID != "row14" {
		t.Errorf("the second page begins with %s, newer %v, older %v", second[0].ID, newer, older)
	}
	last, newer, older := activity.View{Rows: 10, After: activity.CursorAt(second[9])}.Cut(rows)
	if !newer || older || len(last) != 5 {
		t.Errorf("the last page has %d rows, newer %v, older %v", len(last), newer, older)
	}
	back, newer, older := activity.View{Rows: 10, Before: activity.CursorAt(last[0])}.Cut(rows)
	if diff := cmp.Diff(second, back); diff != "" || !newer || !older {
		t.Errorf("back again, newer %v, older %v, -was +is:\n%s", newer, older, diff)
	}
}

func TestNoMoreIsReadThanIsNeeded(t *testing.T) {
	rows := []activity.Row{row("c", "", 3*time.Minute), row("b", "", 2*time.Minute), row("a", "", time.Minute)}
	at := func(r activity.Row) int64 { return r.At }
	tests := map[string]struct {
		view activity.View
		rest int64
		want bool
	}{
		"a page and one row more":              {activity.View{Rows: 2}, at(rows[2]) - 1, true},
		"just a page":                          {activity.View{Rows: 3}, 0, false},
		"what is not read may come in between": {activity.View{Rows: 2}, at(rows[1]), false},
		"what comes before counts for nothing": {activity.View{Rows: 2, After: activity.CursorAt(rows[0])}, 0, false},
		"a page back is all newer":             {activity.View{Rows: 2, Before: activity.CursorAt(rows[2])}, at(rows[2]) - 1, true},
		"a page back may not be all there yet": {activity.View{Rows: 2, Before: activity.CursorAt(rows[2])}, at(rows[2]), false},
	}
	for name, test := range tests {
		if got := test.view.Has(rows, test.rest); got != test.want {
			t.Errorf("%s: Has = %v, want %v", name, got, test.want)
		}
	}
}

func FuzzParseCursor(f *testing.F) {
	f.Add("")
	f.Add(activity.CursorAt(row("AAECAwQFBgcICQoLDA0ODw", "", 0)).String())
	f.Add("zz.")
	f.Add("-1.x")
	f.Add("01.x")
	f.Fuzz(func(t *testing.T, text string) {
		if c := activity.ParseCursor(text); !c.IsNone() && c.String() != text {
			t.Errorf("%q is read as %q", text, c)
		}
	})
}
