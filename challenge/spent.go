// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"slices"
	"time"
)

// A spent is a code that was right. The link in its mail, and in the mail before
// it, then leads to the entry that it made: whoever was talked out of a code has
// that link and maybe no other.
type spent struct {
	Mark    id    `json:"m"`          // of the code's link
	Earlier id    `json:"e,omitzero"` // of the link in the mail before
	Person  id    `json:"p"`          // whose record has the entry; a keyed hash
	At      int64 `json:"t"`          // Unix seconds
}

// maxSpent is as many as there are entries for them to lead to.
const maxSpent = maxEntries

// spends notes that the code of a challenge was right, and returns its mark.
func (h *House) spends(d *door, c *pending, person id, now time.Time) (mark id) {
	s := spent{Mark: h.stopMark(stopCode, c.ID), Person: person, At: now.Unix()}
	if c.Earlier != nil {
		s.Earlier = h.stopMark(stopCode, c.Earlier.ID)
	}
	d.Spent = append(d.Spent, s)
	d.Spent = d.Spent[max(0, len(d.Spent)-maxSpent):]
	d.need(now.Add(entriesKept))
	return s.Mark
}

// spentBy finds the code that a link in a mail was about.
func (d *door) spentBy(mark id) *spent {
	i := slices.IndexFunc(d.Spent, func(s spent) bool { return s.Mark == mark || s.Earlier == mark })
	if i < 0 {
		return nil
	}
	return &d.Spent[i]
}
