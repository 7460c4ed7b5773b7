// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages

import (
	"html/template"
	"strings"
)

// palette is the colours of one theme. Texts have a contrast of at least 4.5:1
// to what they stand on, borders of fields 3:1 (WCAG 2.2, 1.4.3 and 1.4.11).
type palette struct {
	page, card, text, quiet, line, edge, error Color
	towards                                    Color // where an accent goes to become readable
	on                                         Color // text on the accent
}

var (
	lightPalette = palette{
		page: Color{0xf4, 0xf5, 0xf7}, card: Color{0xff, 0xff, 0xff},
		text: Color{0x15, 0x18, 0x1e}, quiet: Color{0x56, 0x5e, 0x6c},
		line: Color{0xe1, 0xe4, 0xea}, edge: Color{0x80, 0x88, 0x96},
		error: Color{0xb4, 0x23, 0x18}, towards: Color{0, 0, 0}, on: Color{0xff, 0xff, 0xff},
	}
	darkPalette = palette{
		page: Color{0x0f, 0x11, 0x15}, card: Color{0x19, 0x1c, 0x22},
		text: Color{0xec, 0xee, 0xf2}, quiet: Color{0xa6, 0xae, 0xbb},
		line: Color{0x2d, 0x32, 0x3b}, edge: Color{0x75, 0x7d, 0x8b},
		error: Color{0xff, 0x9a, 0x8f}, towards: Color{0xff, 0xff, 0xff}, on: Color{0x0b, 0x0d, 0x11},
	}
	standardAccent = Color{0x1f, 0x5a, 0xd1}
)

const readableRatio = 4.5

// shortProperties gives the custom properties of the style names of one letter.
var shortProperties = strings.NewReplacer(
	"--page", "--p", "--card", "--c", "--text", "--t", "--quiet", "--q", "--line", "--l", "--edge", "--e",
	"--error", "--x", "--accent", "--a", "--on", "--o", "--bar", "--b",
)

// setStyles makes the styles of a gate. The operator's own comes last.
func (l *look) setStyles(accent string, theme Theme, css string) error {
	wanted := standardAccent
	if accent != "" {
		c, err := ParseColor(accent)
		if err != nil {
			return err
		}
		wanted = c
	}
	light, lightRules := lightPalette.rules(wanted)
	dark, darkRules := darkPalette.rules(wanted)
	var colors, scheme string
	switch theme {
	case "", ThemeAuto:
		scheme, l.accent = "light dark", light
		colors = lightRules + "@media(prefers-color-scheme:dark){:root{" + darkRules + "}"
	case ThemeLight:
		scheme, l.accent, colors = "light", light, lightRules
	case ThemeDark:
		scheme, l.accent, colors = "dark", dark, darkRules
	default:
		return ErrTheme
	}
	l.adjusted = l.accent != wanted
	own := shortProperties.Replace(css)
	for k := range l.styles {
		l.styles[k] = ":root{color-scheme:" + scheme + ";" + colors + sheet(kind(k), l) + own
		l.styleElements[k] = template.HTML("<style>" + l.styles[k] + "</style>")
	}
	return nil
}

// rules are the palette as custom properties up to the end of their block, with
// the accent in a shade that can be read on it: as text on the card, and under
// text itself.
func (p palette) rules(accent Color) (Color, string) {
	accent = accent.readable(p.towards, readableRatio, p.card, p.on)
	var b strings.Builder
	for i, property := range []struct {
		name  string
		value Color
	}{
		{"page", p.page},
		{"card", p.card},
		{"text", p.text},
		{"quiet", p.quiet},
		{"line", p.line},
		{"edge", p.edge},
		{"error", p.error},
		{"accent", accent},
		{"on", p.on},
	} {
		if i > 0 {
			b.WriteByte(';')
		}
		b.WriteString(shortProperties.Replace("--"+property.name) + ":" + property.value.short())
	}
	return accent, b.String() + "}"
}
