// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages_test

import (
	"bytes"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge/pages"
)

func BenchmarkRender(b *testing.B) {
	r := renderer(b, nil)
	for _, bench := range []struct {
		name string
		page pages.Page
	}{{"email", pages.Email{Endpoints: endpoints, Flow: flow}}, {"code", asked()}, {"unavailable", pages.Unavailable{}}} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			var dst bytes.Buffer
			lex := english()
			for b.Loop() {
				dst.Reset()
				if err := r.Render(&dst, lex, bench.page); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
