// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages

import (
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Theme says whether pages are light or dark.
type Theme string

// The themes. The zero value is ThemeAuto.
const (
	ThemeAuto  Theme = "auto" // as the person's system is
	ThemeLight Theme = "light"
	ThemeDark  Theme = "dark"
)

// Faults of LookOptions, besides ErrAccent.
var (
	ErrName    = errors.New("pages need a name of printable text")
	ErrLogo    = errors.New("logo is not an image of at most 16 KiB")
	ErrTheme   = errors.New("theme is not auto, light or dark")
	ErrSupport = errors.New("support is not a mailto: or https: address")
	ErrPrivacy = errors.New("privacy is not an https: address")
	ErrImprint = errors.New("imprint is not an https: address")
	// ErrAnnouncement means an announcement that is too long, or no line of text.
	ErrAnnouncement = errors.New("announcement is not one line of at most 300 characters")
)

const (
	// maxLogo bounds a logo as a data: URI, in bytes. It comes with every page.
	maxLogo = 16 << 10
	// MaxAnnouncement bounds an announcement, in characters.
	MaxAnnouncement = 300
)

// LookOptions are the operator's wishes about a gate's pages.
type LookOptions struct {
	// Name is the app's name as people know it. Required.
	Name string
	// Logo is an image as a data: URI, which Logo makes of a file. Empty: the
	// name with its first letter as a sign.
	Logo string
	// Accent is a colour as ParseColor reads it. Empty: a calm blue.
	Accent string
	// Theme pins light or dark. Zero: ThemeAuto.
	Theme Theme
	// Support is where people get help: a mailto: or https: URL. Empty: none.
	Support string
	// Privacy and Imprint are the https: URLs of the privacy notice and of who runs
	// the site. Empty: none.
	Privacy, Imprint string
	// Announcement is plain text that every page shows above its card. Empty: none.
	Announcement string
	// CSS comes after the style of every page, see [CheckCSS]. Empty: none.
	CSS string
	// Templates are the operator's own. Nil: ours.
	Templates *Templates
}

// look is LookOptions made ready for the templates, which see what is exported.
type look struct {
	Name         string
	Initial      string
	Logo         template.URL
	Support      string
	SupportText  string
	Privacy      string
	Imprint      string
	Announcement string

	supportLink   template.HTML
	styles        [kinds]string // by kind
	styleElements [kinds]template.HTML
	accent        Color
	adjusted      bool
}

// LogoURI makes a data: URI of an image file: PNG, JPEG, GIF, WebP or SVG. An
// SVG is shown as an image, in which nothing runs. It returns ErrLogo.
func LogoURI(file []byte) (string, error) {
	kind, _, _ := strings.Cut(http.DetectContentType(file), ";")
	if strings.HasPrefix(kind, "text/") && strings.Contains(string(file), "<svg") {
		kind = "image/svg+xml"
	}
	uri := "data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(file)
	return uri, checkLogo(uri)
}

func checkLogo(uri string) error {
	if !strings.HasPrefix(uri, "data:image/") || !strings.Contains(uri, ",") || len(uri) > maxLogo {
		return ErrLogo
	}
	return nil
}

func newLook(o LookOptions) (*look, error) {
	name := strings.TrimSpace(o.Name)
	if name == "" || !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) {
		return nil, ErrName
	}
	l := &look{Name: name, Initial: initial(name), Privacy: o.Privacy, Imprint: o.Imprint, Announcement: o.Announcement}
	if o.Logo != "" {
		if err := checkLogo(o.Logo); err != nil {
			return nil, err
		}
		l.Logo = template.URL(o.Logo)
	}
	if err := l.setSupport(o.Support); err != nil {
		return nil, err
	}
	switch {
	case !isLink(o.Privacy):
		return nil, ErrPrivacy
	case !isLink(o.Imprint):
		return nil, ErrImprint
	case utf8.RuneCountInString(o.Announcement) > MaxAnnouncement, !utf8.ValidString(o.Announcement), strings.ContainsFunc(o.Announcement, unicode.IsControl):
		return nil, ErrAnnouncement
	}
	if err := CheckCSS(o.CSS); err != nil {
		return nil, err
	}
	return l, l.setStyles(o.Accent, o.Theme, o.CSS)
}

// isLink reports whether a text can stand in the footer: nothing, or a page that
// is served over https.
func isLink(text string) bool {
	u, err := url.Parse(text)
	return text == "" || err == nil && u.Scheme == "https" && u.Host != ""
}

// initial is the sign of an app without a logo.
func initial(name string) string {
	for _, r := range name {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return string(unicode.ToUpper(r))
		}
	}
	return "•"
}

func (l *look) setSupport(support string) error {
	if support == "" {
		return nil
	}
	u, err := url.Parse(support)
	switch {
	case err != nil:
		return ErrSupport
	case u.Scheme == "mailto" && strings.Contains(u.Opaque, "@"):
		l.SupportText = u.Opaque
		if plain, err := url.PathUnescape(u.Opaque); err == nil {
			l.SupportText = plain
		}
	case u.Scheme == "https" && u.Host != "":
		l.SupportText = strings.TrimSuffix(u.Host+u.Path, "/")
	default:
		return ErrSupport
	}
	l.Support = support
	l.supportLink = template.HTML(fmt.Sprintf(`<a href="%s">%s</a>`,
		template.HTMLEscapeString(u.String()), isolated(l.SupportText).html))
	return nil
}

// requestLink is the support address with a subject filled in, where it is a
// mailbox.
func (l *look) requestLink(subject string) string {
	u, err := url.Parse(l.Support)
	if err != nil || u.Scheme != "mailto" {
		return l.Support
	}
	query := u.Query()
	query.Set("subject", subject)
	// RFC 6068 section 5: a space in mailto: is %20, never +.
	u.RawQuery = strings.ReplaceAll(query.Encode(), "+", "%20")
	return u.String()
}
