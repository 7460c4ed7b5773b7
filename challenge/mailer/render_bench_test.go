// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer_test

import (
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/mailer"
)

// BenchmarkRender tells what it costs to write a mail, in all its parts and encodings:
// the plainest with a code, one with a place, and one without HTML.
func BenchmarkRender(b *testing.B) {
	plain := letter()
	plain.Style.TextOnly = true
	for _, bench := range []struct {
		name   string
		letter mailer.Letter
	}{{"code", letter()}, {"code and place", located(challenge.SignInCode)}, {"text only", plain}} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := bench.letter.Render(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "mails/s")
		})
	}
}
