// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package ways_test

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/png"
	"strings"
	"testing"

	"github.com/boombuler/barcode/qr"
	"pgregory.net/rapid"

	"github.com/doorcode/caddy-doorcode/challenge/ways"
)

const quiet = 4 // modules that stay white, ISO/IEC 18004 section 6.3.8

// modulesOf reads the picture of a QR code, and says how many pixels wide a module
// is. It fails unless the picture is square, black and white, and crisp, with its
// margin.
func modulesOf(t rapid.TB, picture []byte) (dark [][]bool, unit int) {
	t.Helper()
	decoded, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		t.Fatal(err)
	}
	bounds := decoded.Bounds()
	if bounds.Dx() != bounds.Dy() || bounds.Min != (image.Point{}) {
		t.Fatalf("the picture is %v", bounds)
	}
	isDark := func(x, y int) bool {
		grey := color.Gray16Model.Convert(decoded.At(x, y)).(color.Gray16).Y
		if grey != 0 && grey != 0xffff {
			t.Fatalf("pixel %d,%d is neither black nor white", x, y)
		}
		return grey == 0
	}
	margin := 0
	for margin < bounds.Dx() && !isDark(margin, margin) {
		margin++
	}
	if unit = margin / quiet; unit == 0 || margin%quiet != 0 || bounds.Dx()%unit != 0 {
		t.Fatalf("a margin of %d pixels in a picture of %d", margin, bounds.Dx())
	}
	size := bounds.Dx()/unit - 2*quiet
	dark = make([][]bool, size)
	for row := range dark {
		dark[row] = make([]bool, size)
	}
	for y := range bounds.Dy() {
		for x := range bounds.Dx() {
			row, column := y/unit-quiet, x/unit-quiet
			inside := row >= 0 && column >= 0 && row < size && column < size
			first := inside && x%unit == 0 && y%unit == 0
			switch {
			case first:
				dark[row][column] = isDark(x, y)
			case inside && isDark(x, y) != dark[row][column]:
				t.Fatalf("module %d,%d is not of one colour", row, column)
			case !inside && isDark(x, y):
				t.Fatalf("pixel %d,%d of the margin is dark", x, y)
			}
		}
	}
	return dark, unit
}

func TestAQRCodeIsCrispAndSmall(t *testing.T) {
	for _, tt := range []struct{ name, issuer, account string }{
		{"short names", "Wiki", "a@b.co"},
		{"usual names", "app.example.com", "ana@example.com"},
		{"long names", "The wiki of our little office", "ana.maria.de.la.cruz+wiki@mail.department.example.com"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			picture, err := ways.NewSeed().QR(tt.issuer, tt.account)
			if err != nil {
				t.Fatal(err)
			}
			dark, unit := modulesOf(t, picture)
			if width := (len(dark) + 2*quiet) * unit; width < 200 || width > 280 || unit < 3 {
				t.Errorf("%d pixels wide, %d a module", width, unit)
			}
			if len(picture) > 1500 {
				t.Errorf("%d bytes", len(picture))
			}
		})
	}
}

// What is on the picture is what the library drew, module for module.
func TestAQRCodeIsThatOfItsURL(t *testing.T) {
	seed := ways.NewSeed()
	picture, err := seed.QR("app.example.com", "ana@example.com")
	if err != nil {
		t.Fatal(err)
	}
	dark, _ := modulesOf(t, picture)
	want, err := qr.Encode(seed.URL("app.example.com", "ana@example.com"), qr.M, qr.Unicode)
	if err != nil {
		t.Fatal(err)
	}
	if want.Bounds().Dx() != len(dark) {
		t.Fatalf("%d modules, want %d", len(dark), want.Bounds().Dx())
	}
	for row := range dark {
		for column := range dark {
			if (want.At(column, row) == color.Black) != dark[row][column] {
				t.Fatalf("module %d,%d differs", row, column)
			}
		}
	}
}

// The reader of qr_reader_test.go knows only the standard.
func TestAQRCodeIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := ways.NewSeed()
		issuer := rapid.StringMatching(`[A-Za-z .-]{0,40}`).Draw(t, "issuer")
		account := rapid.StringMatching(`[a-z.+-]{1,60}@[a-z]{1,20}\.[a-z]{2,6}`).Draw(t, "account")
		picture, err := seed.QR(issuer, account)
		if err != nil {
			t.Fatal(err)
		}
		dark, _ := modulesOf(t, picture)
		if got, want := readQR(t, dark), seed.URL(issuer, account); got != want {
			t.Fatalf("the QR code says %s\nwant             %s", got, want)
		}
	})
}

func TestAQRCodeThatCannotBeDrawn(t *testing.T) {
	for _, tt := range []struct {
		name, account string
		seed          ways.Seed
		want          error
	}{
		{"without a secret", "ana@example.com", ways.Seed{}, ways.ErrNoSeed},
		{"names that do not fit", strings.Repeat("a", 3000), ways.NewSeed(), ways.ErrLongNames},
	} {
		t.Run(tt.name, func(t *testing.T) {
			picture, err := tt.seed.QR("Wiki", tt.account)
			if !errors.Is(err, tt.want) || picture != nil {
				t.Errorf("QR = %d bytes, %v, want %v", len(picture), err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "secret=") {
				t.Errorf("the error shows the secret: %v", err)
			}
		})
	}
}
