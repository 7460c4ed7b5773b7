// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package stencil_test

import (
	"bytes"
	"html/template"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge/stencil"
)

// FuzzPrint puts anything of any kind into every place that a stencil knows: what it
// prints is what html/template makes of it.
func FuzzPrint(f *testing.F) {
	for _, text := range hostile {
		f.Add(text)
	}
	places := template.New("")
	var names []string
	for _, field := range []string{".Text", ".Named", ".HTML", ".Attr", ".URL", ".CSS", ".Number"} {
		for _, place := range [][2]string{
			{`<p>`, `</p>`}, {`<p title="`, `">`}, {`<p title='`, `'>`}, {`<title>`, `</title>`}, {`<a href="`, `">`}, {`<form action="`, `">`}, {`<img src="`, `">`},
		} {
			source := place[0] + "{{" + field + "}}" + place[1]
			template.Must(places.New(source).Parse(source))
			names = append(names, source)
		}
	}
	for _, source := range []string{`<p {{.Attr}}>`, `<style>p{color:{{.CSS}}}</style>`} {
		template.Must(places.New(source).Parse(source))
		names = append(names, source)
	}
	s, err := stencil.CutHTML(places, names...)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, name := range names {
			var got, want bytes.Buffer
			if !s.Print(&got, name, some(text)) {
				continue // html/template's own to print
			}
			if err := places.ExecuteTemplate(&want, name, some(text)); err != nil || got.String() != want.String() {
				t.Errorf("%s of %q is %q, want %q (%v)", name, text, &got, &want, err)
			}
		}
	})
}
