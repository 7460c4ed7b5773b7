// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package sessions_test

import (
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge/sessions"
)

func BenchmarkCheck(b *testing.B) {
	h := newHouse(b)
	for _, algorithm := range algorithms {
		i := h.issuer(algorithm)
		token := h.sign(i, h.session())
		b.Run("alg="+string(algorithm), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := i.Check(token, app, noon); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkCheckRefuses(b *testing.B) {
	h := newHouse(b)
	i, payload := h.issuer(""), h.payload(h.session())
	header := h.header(sessions.ES256)
	for name, token := range map[string]string{
		"an invented id":     h.forge(sessions.ES256, header, with(payload, "sid", sessions.ID{1}.String())),
		"a foreign header":   h.forge(sessions.ES256, with(header, "kid", "x"), payload),
		"a copied id":        h.forge(sessions.HS256, header, payload),
		"a megabyte of dots": strings.Repeat(".", 1<<20),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := i.Check(token, app, noon); err == nil {
					b.Fatal("accepted")
				}
			}
		})
	}
}

func BenchmarkSign(b *testing.B) {
	h := newHouse(b)
	s := h.session()
	for _, algorithm := range algorithms {
		i := h.issuer(algorithm)
		b.Run("alg="+string(algorithm), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := i.Sign(s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
