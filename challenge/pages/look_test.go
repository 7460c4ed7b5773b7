// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages_test

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/doorcode/caddy-doorcode/challenge/pages"
)

// propertyNames are what the one letter of each custom property stands for.
var propertyNames = map[string]string{
	"p": "page", "c": "card", "t": "text", "q": "quiet", "l": "line", "e": "edge", "x": "error", "a": "accent", "o": "on",
}

// palettes reads the custom properties of a page's style, one map for each
// theme.
func palettes(t testing.TB, html string) []map[string]pages.Color {
	t.Helper()
	var found []map[string]pages.Color
	for _, block := range regexp.MustCompile(`:root\{(?:color-scheme:[a-z ]+;)?(--[^}]*)\}`).FindAllStringSubmatch(html, -1) {
		colors := map[string]pages.Color{}
		for _, m := range regexp.MustCompile(`--(\w):(#\w+)`).FindAllStringSubmatch(block[1], -1) {
			c, err := pages.ParseColor(m[2])
			if err != nil {
				t.Fatalf("%s: %v", m[0], err)
			}
			colors[propertyNames[m[1]]] = c
		}
		found = append(found, colors)
	}
	return found
}

// TestEveryAccentCanBeRead checks all that is ever drawn on another colour, for
// any accent, in both themes (WCAG 2.2, 1.4.3 and 1.4.11).
func TestEveryAccentCanBeRead(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		wanted := pages.Color{R: rapid.Uint8().Draw(rt, "r"), G: rapid.Uint8().Draw(rt, "g"), B: rapid.Uint8().Draw(rt, "b")}
		r := renderer(t, func(o *pages.LookOptions) { o.Accent = wanted.String() })
		themes := palettes(t, render(t, r, pages.Begin{}))
		if len(themes) != 2 {
			rt.Fatalf("%d themes, want 2", len(themes))
		}
		for _, p := range themes {
			for _, pair := range [][2]string{
				{"accent", "card"},
				{"on", "accent"},
				{"text", "page"},
				{"text", "card"},
				{"quiet", "card"},
				{"quiet", "page"},
				{"error", "card"},
			} {
				if c := pages.Contrast(p[pair[0]], p[pair[1]]); c < 4.5 {
					rt.Errorf("%s on %s has a contrast of %.2f with accent %s", pair[0], pair[1], c, wanted)
				}
			}
			if c := pages.Contrast(p["edge"], p["card"]); c < 3 {
				rt.Errorf("fields have a contrast of %.2f", c)
			}
		}
		used, adjusted := r.AdjustedAccent()
		if used != themes[0]["accent"] || adjusted != (used != wanted) {
			rt.Errorf("AdjustedAccent = %s, %v; the style has %s for %s", used, adjusted, themes[0]["accent"], wanted)
		}
	})
}

func TestAnAccentThatCanBeReadIsLeftAlone(t *testing.T) {
	tests := []struct {
		accent   string
		adjusted bool
	}{
		{"", false}, {"0b5fff", false}, {"#063", false}, {"navy", false}, {"yellow", true}, {"ffffff", true}, {"Teal", false},
	}
	for _, tt := range tests {
		r := renderer(t, func(o *pages.LookOptions) { o.Accent = tt.accent })
		if used, adjusted := r.AdjustedAccent(); adjusted != tt.adjusted {
			t.Errorf("accent %q becomes %s, adjusted %v", tt.accent, used, adjusted)
		}
	}
}

func TestContrastIsThatOfWCAG(t *testing.T) {
	black, white, gray := pages.Color{}, pages.Color{R: 255, G: 255, B: 255}, pages.Color{R: 0x77, G: 0x77, B: 0x77}
	for _, tt := range []struct {
		a, b pages.Color
		want float64
	}{{black, white, 21}, {white, white, 1}, {gray, white, 4.48}} {
		if got := pages.Contrast(tt.a, tt.b); math.Abs(got-tt.want) > 0.005 {
			t.Errorf("Contrast(%s, %s) = %.3f, want %.2f", tt.a, tt.b, got, tt.want)
		}
	}
}

func TestParseColor(t *testing.T) {
	for in, want := range map[string]string{
		"0b5fff": "#0b5fff", "#0B5FFF": "#0b5fff", "fa0": "#ffaa00", " teal ": "#008080", "Black": "#000000",
	} {
		if c, err := pages.ParseColor(in); err != nil || c.String() != want {
			t.Errorf("ParseColor(%q) = %s, %v, want %s", in, c, err, want)
		}
	}
	for _, in := range []string{"", "#", "ff", "ffff", "0b5ff", "0b5fff00", "+12345", "gggggg", "url(x)", "##0b5ff", "é00"} {
		if c, err := pages.ParseColor(in); !errors.Is(err, pages.ErrAccent) {
			t.Errorf("ParseColor(%q) = %s, %v, want ErrAccent", in, c, err)
		}
	}
}

func TestThemes(t *testing.T) {
	for theme, want := range map[pages.Theme]string{
		"": "color-scheme:light dark", pages.ThemeAuto: "color-scheme:light dark",
		pages.ThemeLight: "color-scheme:light;", pages.ThemeDark: "color-scheme:dark;",
	} {
		html := render(t, renderer(t, func(o *pages.LookOptions) { o.Theme = theme }), pages.Begin{})
		if !strings.Contains(html, want) {
			t.Errorf("theme %q has no %s", theme, want)
		}
		pinned := theme == pages.ThemeLight || theme == pages.ThemeDark
		if n := len(palettes(t, html)); pinned != (n == 1) {
			t.Errorf("theme %q has %d palettes", theme, n)
		}
	}
}

func TestNewRefusesWhatCannotBeShown(t *testing.T) {
	tests := []struct {
		name   string
		change func(*pages.LookOptions)
		want   error
	}{
		{"no name", func(o *pages.LookOptions) { o.Name = " " }, pages.ErrName},
		{"a name of two lines", func(o *pages.LookOptions) { o.Name = "a\nb" }, pages.ErrName},
		{"a name that is no text", func(o *pages.LookOptions) { o.Name = "\xff" }, pages.ErrName},
		{"an accent that is no colour", func(o *pages.LookOptions) { o.Accent = "}" }, pages.ErrAccent},
		{"an unknown theme", func(o *pages.LookOptions) { o.Theme = "blue" }, pages.ErrTheme},
		{"a logo from elsewhere", func(o *pages.LookOptions) { o.Logo = "https://example.com/l.png" }, pages.ErrLogo},
		{"a logo that is a page", func(o *pages.LookOptions) { o.Logo = "data:text/html,x" }, pages.ErrLogo},
		{"a logo too large", func(o *pages.LookOptions) { o.Logo = "data:image/png," + strings.Repeat("x", 20000) }, pages.ErrLogo},
		{"support by script", func(o *pages.LookOptions) { o.Support = "javascript:alert(1)" }, pages.ErrSupport},
		{"support over http", func(o *pages.LookOptions) { o.Support = "http://example.com" }, pages.ErrSupport},
		{"support without an address", func(o *pages.LookOptions) { o.Support = "mailto:help" }, pages.ErrSupport},
		{"privacy over http", func(o *pages.LookOptions) { o.Privacy = "http://example.com" }, pages.ErrPrivacy},
		{"privacy without a host", func(o *pages.LookOptions) { o.Privacy = "https:" }, pages.ErrPrivacy},
		{"imprint by script", func(o *pages.LookOptions) { o.Imprint = "javascript:alert(1)" }, pages.ErrImprint},
		{"an announcement of two lines", func(o *pages.LookOptions) { o.Announcement = "a\nb" }, pages.ErrAnnouncement},
		{"an announcement too long", func(o *pages.LookOptions) { o.Announcement = strings.Repeat("é", 301) }, pages.ErrAnnouncement},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			options := pages.LookOptions{Name: "Example"}
			tt.change(&options)
			if _, err := pages.New(options); !errors.Is(err, tt.want) {
				t.Errorf("New = %v, want %v", err, tt.want)
			}
		})
	}
}

func TestALogoStandsInThePage(t *testing.T) {
	svg := []byte(`<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`)
	for name, file := range map[string][]byte{
		"image/svg+xml": svg, "image/png": []byte("\x89PNG\r\n\x1a\n123"), "image/gif": []byte("GIF89a123"),
	} {
		uri, err := pages.LogoURI(file)
		if err != nil || !strings.HasPrefix(uri, "data:"+name+";base64,") {
			t.Errorf("LogoURI of %s = %q, %v", name, uri, err)
		}
		html := render(t, renderer(t, func(o *pages.LookOptions) { o.Logo = uri }), asked())
		image := parse(t, html).all("img")
		if len(image) != 1 || image[0].attrs["src"] != uri || image[0].attrs["alt"] != "Example" {
			t.Errorf("page has images %v", image)
		}
	}
	for _, file := range []string{"", "hello", "<html><script>", strings.Repeat("GIF89a", 4000)} {
		if uri, err := pages.LogoURI([]byte(file)); !errors.Is(err, pages.ErrLogo) {
			t.Errorf("LogoURI(%.20q) = %.40q, %v, want ErrLogo", file, uri, err)
		}
	}
}

func TestSupportIsNamedAndLinked(t *testing.T) {
	tests := []struct{ support, href, text, ask string }{
		{"mailto:help@example.com", "mailto:help@example.com", "help@example.com", "mailto:help@example.com?subject=Access%20to%20Example"},
		{"mailto:help@example.com?cc=b@example.com", "mailto:help@example.com?cc=b@example.com", "help@example.com", "mailto:help@example.com?cc=b%40example.com&subject=Access%20to%20Example"},
		{"https://example.com/help/", "https://example.com/help/", "example.com/help", "https://example.com/help/"},
	}
	for _, tt := range tests {
		r := renderer(t, func(o *pages.LookOptions) { o.Support, o.Privacy = tt.support, "" })
		links := parse(t, render(t, r, pages.NoAccess{Address: "ana@example.com"})).all("a")
		if len(links) != 2 || links[0].attrs["href"] != tt.ask || links[1].attrs["href"] != tt.href {
			t.Errorf("support %s: links %v", tt.support, links)
		}
		if html := render(t, r, pages.SignedOut{}); !strings.Contains(html, fmt.Sprintf("<bdi>%s</bdi></a>", tt.text)) {
			t.Errorf("support %s is not called %s", tt.support, tt.text)
		}
	}
	r := renderer(t, func(o *pages.LookOptions) { o.Support, o.Privacy = "", "" })
	if html := render(t, r, asked()); strings.Contains(html, "<footer") {
		t.Error("a footer without anything in it")
	}
	used := code(func(c *pages.Code) { c.Mails, c.MailsUsedUp = 3, true })
	if html := render(t, r, used); !strings.Contains(html, "or contact the people who run Example.") {
		t.Error("nobody to contact")
	}
}
