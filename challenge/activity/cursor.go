// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package activity

import (
	"cmp"
	"strconv"
	"strings"
)

// A Cursor is a place among rows: at one of them, whatever becomes of it. The zero
// cursor is none.
type Cursor struct {
	At int64
	ID string
}

// CursorAt is the place of a row.
func CursorAt(r Row) Cursor { return Cursor{r.At, r.ID} }

// String writes the cursor for a URL; empty for none.
func (c Cursor) String() string {
	if c.ID == "" {
		return ""
	}
	return strconv.FormatInt(c.At, 36) + "." + c.ID
}

const longestID = 64

// ParseCursor reads what String wrote. What cannot be read is no cursor.
func ParseCursor(text string) Cursor {
	at, id, found := strings.Cut(text, ".")
	n, err := strconv.ParseInt(at, 36, 64)
	c := Cursor{n, id}
	if !found || err != nil || n < 0 || id == "" || len(id) > longestID || c.String() != text {
		return Cursor{}
	}
	return c
}

// IsNone reports whether there is no place.
func (c Cursor) IsNone() bool { return c.ID == "" }

// compare is negative for a row that is read before the place.
func (c Cursor) compare(r Row) int {
	return cmp.Or(cmp.Compare(c.At, r.At), cmp.Compare(r.ID, c.ID))
}

// A View is a part of rows that are read the newest first.
type View struct {
	After  Cursor // what follows this place; or
	Before Cursor // what comes right before this one
	Rows   int    // at most
}

// Cut takes the view's part of rows. older and newer say whether there are more on
// either side.
func (v View) Cut(rows []Row) (part []Row, newer, older bool) {
	from, to := 0, len(rows)
	switch {
	case !v.Before.IsNone():
		to = 0
		for to < len(rows) && v.Before.compare(rows[to]) < 0 {
			to++
		}
		from = max(0, to-v.Rows)
	case !v.After.IsNone():
		for from < len(rows) && v.After.compare(rows[from]) <= 0 {
			from++
		}
	}
	end := min(to, from+v.Rows)
	return rows[from:end], from > 0, end < len(rows)
}

// Has reports whether what was read of rows is all that the view needs, where every
// other one is from rest (Unix milliseconds) or before.
func (v View) Has(rows []Row, rest int64) bool {
	if !v.Before.IsNone() {
		return rest < v.Before.At
	}
	n := 0
	for _, r := range rows {
		if r.At > rest && (v.After.IsNone() || v.After.compare(r) > 0) {
			n++
		}
	}
	return n > v.Rows // one more says that there is more
}
