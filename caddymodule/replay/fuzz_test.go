// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package replay_test

import (
	"io"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/caddymodule/replay"
)

// Whatever stands in a log, each line is counted once, and nothing of it moves a
// terminal.
func FuzzLog(f *testing.F) {
	for _, text := range []string{stranger, remembered, moved, sensitive, token, `{"event":"loaded","gate":"x","policy":"y"}`, "\x1f\x8b\x08", "{}\n\n{"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		x := replay.New(replay.Options{Gates: []*replay.Gate{gate(nil)}})
		if x.Read("log", strings.NewReader(text)) != nil {
			return // it seems to be compressed, and is not
		}
		report := x.Report()
		if counted := report.Decisions + report.Other + report.Covered + report.Nobody + report.Broken; counted != report.Lines {
			t.Errorf("%d of %d lines are counted: %+v", counted, report.Lines, report)
		}
		judged := report.Decisions
		for _, u := range report.NotJudged {
			judged -= u.Times
		}
		if now := report.Now; now.Passed+now.Asked+now.Refused != judged {
			t.Errorf("%d decisions were judged, and %+v came of it", judged, now)
		}
		var out strings.Builder
		if report.Text(&out) != nil || report.JSON(io.Discard) != nil || strings.ContainsAny(out.String(), "\x1b\u2028\u202e") {
			t.Errorf("printed %q", out.String())
		}
	})
}
