// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// A Color is a colour in sRGB.
type Color struct{ R, G, B uint8 }

// String is the colour as CSS writes it: #rrggbb.
func (c Color) String() string { return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B) }

// short is the colour as CSS writes it with the fewest characters.
func (c Color) short() string {
	s := c.String()
	if s[1] == s[2] && s[3] == s[4] && s[5] == s[6] {
		return "#" + s[1:2] + s[3:4] + s[5:6]
	}
	return s
}

// ErrAccent means an accent that is neither a known name nor a hexadecimal
// colour.
var ErrAccent = errors.New("accent is not a colour such as 0b5fff or teal")

// names are the basic colours of CSS (Color Module Level 4, section 6.1), and
// the few others that people expect.
var names = map[string]Color{
	"black": {}, "white": {255, 255, 255}, "gray": {128, 128, 128}, "silver": {192, 192, 192},
	"red": {255, 0, 0}, "maroon": {128, 0, 0}, "crimson": {220, 20, 60}, "tomato": {255, 99, 71},
	"orange": {255, 165, 0}, "gold": {255, 215, 0}, "yellow": {255, 255, 0}, "olive": {128, 128, 0},
	"lime": {0, 255, 0}, "green": {0, 128, 0}, "teal": {0, 128, 128}, "aqua": {0, 255, 255},
	"blue": {0, 0, 255}, "navy": {0, 0, 128}, "royalblue": {65, 105, 225}, "steelblue": {70, 130, 180},
	"indigo": {75, 0, 130}, "purple": {128, 0, 128}, "fuchsia": {255, 0, 255}, "rebeccapurple": {102, 51, 153},
}

// ParseColor reads a colour: three or six hexadecimal digits, with or without
// the # that starts a comment in a Caddyfile, or a name. It returns ErrAccent.
func ParseColor(s string) (Color, error) {
	s = strings.ToLower(strings.TrimSpace(s))
	if c, ok := names[s]; ok {
		return c, nil
	}
	digits := strings.TrimPrefix(s, "#")
	if len(digits) == 3 {
		digits = string([]byte{digits[0], digits[0], digits[1], digits[1], digits[2], digits[2]})
	}
	n, err := strconv.ParseUint(digits, 16, 32)
	if err != nil || len(digits) != 6 {
		return Color{}, ErrAccent
	}
	return Color{uint8(n >> 16), uint8(n >> 8), uint8(n)}, nil
}

// Contrast is the contrast ratio of two colours, 1 to 21 (WCAG 2.2).
func Contrast(a, b Color) float64 {
	la, lb := a.luminance(), b.luminance()
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

func (c Color) luminance() float64 {
	return 0.2126*linear(c.R) + 0.7152*linear(c.G) + 0.0722*linear(c.B)
}

func linear(v uint8) float64 {
	f := float64(v) / 255
	if f <= 0.04045 {
		return f / 12.92
	}
	return math.Pow((f+0.055)/1.055, 2.4)
}

// readable moves a colour towards another, a step of a 256th at a time, until
// it has the wanted contrast to all backgrounds.
func (c Color) readable(towards Color, want float64, backgrounds ...Color) Color {
	for step := range 257 {
		mixed := c.mix(towards, float64(step)/256)
		if enough(mixed, want, backgrounds) {
			return mixed
		}
	}
	return towards
}

func enough(c Color, want float64, backgrounds []Color) bool {
	for _, b := range backgrounds {
		if Contrast(c, b) < want {
			return false
		}
	}
	return true
}

func (c Color) mix(other Color, share float64) Color {
	blend := func(a, b uint8) uint8 {
		return uint8(math.Round(float64(a)*(1-share) + float64(b)*share))
	}
	return Color{blend(c.R, other.R), blend(c.G, other.G), blend(c.B, other.B)}
}
