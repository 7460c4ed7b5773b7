// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/words"
)

// ActivityCSV writes what happened as comma-separated values (RFC 4180), in UTF-8,
// with a line of headings. Times are those of zone. A cell that a spreadsheet would
// run as a formula begins with an apostrophe, which it takes for text.
func (r *Renderer) ActivityCSV(w io.Writer, lex *words.Lexicon, zone *time.Location, deeds []AccountDeed) error {
	s := r.scribe(lex)
	if zone == nil {
		zone = time.UTC
	}
	out := csv.NewWriter(w)
	out.UseCRLF = true
	err := out.Write([]string{
		s.text("activity.column_time", nil), s.text("activity.column_what", nil), s.text("activity.column_times", nil), s.text("activity.column_browser", nil),
		s.text("activity.column_place", nil), s.text("activity.column_network", nil), s.text("activity.column_result", nil),
	})
	if err != nil {
		return err
	}
	for _, d := range deeds {
		cells := []string{
			d.At.In(zone).Format(time.RFC3339), d.what(s).text, strconv.Itoa(max(1, d.Times)), d.browser(s), d.place(s).text, d.Network, d.result(s),
		}
		for i := range cells {
			cells[i] = plainCell(cells[i])
		}
		if err := out.Write(cells); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// plainCell keeps a cell from being run as a formula.
func plainCell(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if text != "" && strings.ContainsRune("=+-@\t\r\n", rune(text[0])) {
		return "'" + text
	}
	return text
}
