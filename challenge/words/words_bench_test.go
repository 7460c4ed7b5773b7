// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package words_test

import (
	"os"
	"strconv"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge/words"
)

func BenchmarkMessage(b *testing.B) {
	l := english(b, `{
		"constant": "Check your email",
		"lead": "We sent a {digits}-digit code to **{address}**. Look for the letters **{ref}** in it.",
		"tries": {"one": "You have {count} try left.", "other": "You have {count} tries left."}
	}`)
	args := words.Args{"digits": 6, "address": "ana@example.com", "ref": "7KQ", "count": 3}
	for _, key := range []string{"constant", "lead", "tries"} {
		b.Run("html/"+key, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				l.HTML(key, args)
			}
		})
	}
}

func BenchmarkFor(b *testing.B) {
	b.Run("a header that was sent before", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			words.For("de-AT,de;q=0.9,en-GB;q=0.8,en;q=0.7")
		}
	})
	b.Run("a header that nobody sends", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			words.For("de-AT,de;q=0.9,en-GB;q=0.8,en;q=0." + strconv.Itoa(i))
		}
	})
}

func BenchmarkNear(b *testing.B) {
	l := words.For("en")
	spot := words.Spot{City: "Lisbon", Country: "PT", Radius: 20}
	b.ReportAllocs()
	for b.Loop() {
		l.NearHTML(spot)
	}
}

// BenchmarkReading is what the first page in a language waits for.
func BenchmarkReading(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := words.Open(os.DirFS(".")); err != nil {
			b.Fatal(err)
		}
	}
}
