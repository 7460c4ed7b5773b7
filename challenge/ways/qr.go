// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package ways

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"

	"github.com/boombuler/barcode"
	"github.com/boombuler/barcode/qr"
)

// Errors of drawing.
var (
	// ErrNoSeed says that there is no secret to be shown.
	ErrNoSeed = errors.New("there is no authenticator secret")
	// ErrLongNames says that issuer and account do not fit into a QR code. The
	// secret can still be typed.
	ErrLongNames = errors.New("the names are too long for a QR code")
)

const (
	qrWidth = 240 // about how wide a QR code is, in pixels
	qrQuiet = 4   // how many modules stay white around it (ISO/IEC 18004 section 6.3.8)
	qrLeast = 3   // the least width of a module, in pixels, that cameras read well
)

// QR returns URL as a QR code: a PNG in black and white, of a few hundred bytes.
// It is about 240 pixels wide, more where names are so long that its modules
// would get too small, and has its white margin within it. Its errors are
// ErrNoSeed and ErrLongNames, the latter from about 2,000 bytes on.
func (s Seed) QR(issuer, account string) (picture []byte, err error) {
	if s.IsZero() {
		return nil, ErrNoSeed
	}
	code, err := qr.Encode(s.URL(issuer, account), qr.M, qr.Unicode)
	if err != nil {
		return nil, ErrLongNames // not the library's own, which may quote the secret
	}
	modules := code.Bounds().Dx()
	unit := max(qrLeast, (qrWidth+(modules+2*qrQuiet)/2)/(modules+2*qrQuiet))
	return encodePNG(code, unit)
}

// encodePNG draws each module as unit by unit pixels, in one bit each.
func encodePNG(code barcode.Barcode, unit int) ([]byte, error) {
	modules := code.Bounds().Dx()
	width := (modules + 2*qrQuiet) * unit
	picture := image.NewPaletted(image.Rect(0, 0, width, width), color.Palette{color.White, color.Black})
	for y := range modules * unit {
		for x := range modules * unit {
			if code.At(x/unit, y/unit) == color.Black {
				picture.SetColorIndex(x+qrQuiet*unit, y+qrQuiet*unit, 1)
			}
		}
	}
	var out bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&out, picture); err != nil {
		return nil, fmt.Errorf("writing a QR code: %w", err)
	}
	return out.Bytes(), nil
}
