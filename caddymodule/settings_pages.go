// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/doorcode/caddy-doorcode/challenge/pages"
	"github.com/doorcode/caddy-doorcode/challenge/words"
)

// Pages say what the pages and mails look like.
type Pages struct {
	// The name of the site, up to 80 characters. Default: the site's host;
	// required where that is a wildcard or missing.
	Name string `json:"name,omitempty"`

	// A file with the logo. Default: none, the name is shown.
	Logo string `json:"logo,omitempty"`

	// The colour of buttons and links, as six or three hexadecimal digits or a
	// basic CSS colour name such as teal. Default: a blue.
	Accent string `json:"accent,omitempty"`

	// Whether pages are `light` or `dark`; `auto` follows the browser.
	// Default: auto.
	Theme string `json:"theme,omitempty"`

	// The language for browsers that ask for none of those that there are, such
	// as `de`; `auto` is English, or the first of `languages`. Default: auto.
	Language string `json:"language,omitempty"`

	// The languages of pages and mails that are offered, such as `en de zh-CN`.
	// Default: all.
	Languages []string `json:"languages,omitempty"`

	// Where people get help, a `mailto:` or `https:` address. Default: none.
	Support string `json:"support,omitempty"`

	// The address of the privacy notice. Default: none.
	Privacy string `json:"privacy,omitempty"`

	// The address of the page that says who runs the site. Default: none.
	Imprint string `json:"imprint,omitempty"`

	// Plain text that every page shows above its card, up to 300 characters.
	// Default: none.
	Announcement string `json:"announcement,omitempty"`

	// A folder with templates that replace those of pages one by one, by the same
	// names, and, in a folder for each language, JSON files with texts; what is
	// not there stays as it is. It is read and checked at each load. Default:
	// none.
	Templates string `json:"templates,omitempty"`

	// A file with a style sheet that comes after that of the pages, up to 16 KiB. It
	// is read at each load. Default: none.
	CSS string `json:"css,omitempty"`
}

var pagesSettings = table[*Pages]{
	"name":         line(1, text(func(p *Pages) *string { return &p.Name })),
	"logo":         line(1, text(func(p *Pages) *string { return &p.Logo })).as("<file>"),
	"accent":       line(1, accent),
	"theme":        line(1, choice(func(p *Pages) *string { return &p.Theme }, "auto", "light", "dark")),
	"language":     line(1, text(func(p *Pages) *string { return &p.Language })).as("auto|<tag>"),
	"languages":    list(addTo(func(p *Pages) *[]string { return &p.Languages })).as("<tag...>"),
	"support":      line(1, text(func(p *Pages) *string { return &p.Support })).as("<mailto:|https:>"),
	"privacy":      line(1, text(func(p *Pages) *string { return &p.Privacy })).as("<url>"),
	"imprint":      line(1, text(func(p *Pages) *string { return &p.Imprint })).as("<url>"),
	"announcement": line(1, text(func(p *Pages) *string { return &p.Announcement })),
	"templates":    line(1, text(func(p *Pages) *string { return &p.Templates })).as("<folder>"),
	"css":          line(1, text(func(p *Pages) *string { return &p.CSS })).as("<file>"),
}

func (p Pages) over(global Pages) Pages {
	return Pages{
		Name:         own(p.Name, global.Name),
		Logo:         own(p.Logo, global.Logo),
		Accent:       own(p.Accent, global.Accent),
		Theme:        own(p.Theme, global.Theme),
		Language:     own(p.Language, global.Language),
		Languages:    ownList(p.Languages, global.Languages),
		Support:      own(p.Support, global.Support),
		Privacy:      own(p.Privacy, global.Privacy),
		Imprint:      own(p.Imprint, global.Imprint),
		Announcement: own(p.Announcement, global.Announcement),
		Templates:    own(p.Templates, global.Templates),
		CSS:          own(p.CSS, global.CSS),
	}
}

func (p *Pages) check() error {
	if err := checkLine("name", p.Name, maxName); err != nil {
		return err
	}
	if err := checkLine("announcement", p.Announcement, pages.MaxAnnouncement); err != nil {
		return err
	}
	if p.Accent != "" {
		if _, err := pages.ParseColor(p.Accent); err != nil {
			return fmt.Errorf("'accent' takes a colour such as 0b5fff or navy, got '%s'", p.Accent)
		}
	}
	return errors.Join(
		optional("theme", p.Theme, "auto", "light", "dark"),
		p.checkLanguages(),
		checkLink("support", p.Support, "mailto", "https"),
		checkLink("privacy", p.Privacy, "https"),
		checkLink("imprint", p.Imprint, "https"),
	)
}

// placeholder finds what Caddy replaces elsewhere, also where it has made
// http.request of a short form.
var placeholder = regexp.MustCompile(`\{(?:env|file|system|http)\.`)

// checkLine refuses what is not one line of up to so many characters, and what people
// would see as nobody meant it.
func checkLine(word, text string, most int) error {
	if utf8.RuneCountInString(text) > most {
		return fmt.Errorf("'%s' takes up to %d characters", word, most)
	}
	if strings.ContainsFunc(text, unicode.IsControl) || !utf8.ValidString(text) {
		return fmt.Errorf("'%s' takes one line of text", word)
	}
	if placeholder.MatchString(text) {
		return fmt.Errorf("'%s' is shown as it is: placeholders are not replaced; write the text, or {$NAME}", word)
	}
	return nil
}

func (p *Pages) checkLanguages() error {
	if p.fallback() != "" && !words.IsTag(p.Language) {
		return fmt.Errorf("'language' takes auto or a language such as de or zh-CN, got '%s'; there are %s", p.Language, strings.Join(words.Standard().Languages(), ", "))
	}
	for i, tag := range p.Languages {
		if !words.IsTag(tag) {
			return fmt.Errorf("'languages' takes languages such as de or zh-CN, got '%s'; there are %s", tag, strings.Join(words.Standard().Languages(), ", "))
		}
		if slices.Contains(p.Languages[:i], tag) {
			return fmt.Errorf("'languages' names %s twice", tag)
		}
	}
	return nil
}

// fallback is the language for who asks for none that there is; empty where nobody
// chose one.
func (p *Pages) fallback() string {
	if p.Language == "auto" {
		return ""
	}
	return p.Language
}

// speak chooses the languages among those of a catalogue.
func (p *Pages) speak(c *words.Catalogue) (*words.Catalogue, error) {
	isFallback := func(tag string) bool { return strings.EqualFold(tag, p.fallback()) }
	if p.fallback() != "" && len(p.Languages) > 0 && !slices.ContainsFunc(p.Languages, isFallback) {
		return nil, fmt.Errorf("'language %s' must be among 'languages', which are %s", p.Language, strings.Join(p.Languages, ", "))
	}
	chosen, err := c.Only(p.Languages, p.fallback())
	if err != nil {
		return nil, fmt.Errorf("pages: %w%s", err, p.fuller(c.Languages()))
	}
	return chosen, nil
}

// fuller suggests the whole tag of a language for its beginning, such as zh-CN for zh.
func (p *Pages) fuller(known []string) string {
	for _, said := range append(slices.Clone(p.Languages), p.fallback()) {
		begins := func(tag string) bool {
			return said != "" && strings.HasPrefix(strings.ToLower(tag), strings.ToLower(said)+"-")
		}
		has := func(tag string) bool { return strings.EqualFold(tag, said) }
		if i := slices.IndexFunc(known, begins); i >= 0 && !slices.ContainsFunc(known, has) {
			return "; did you mean '" + known[i] + "'?"
		}
	}
	return ""
}

// A dress is what the files say of a gate's pages.
type dress struct {
	css       string
	templates *pages.Templates // nil: ours
	words     *words.Catalogue
}

// dressed reads the files that the pages name. A folder that several sites share is
// read once.
func (f *folders) dressed(p Pages) (dress, error) {
	d := dress{words: words.Standard()}
	if p.CSS != "" {
		content, err := os.ReadFile(p.CSS)
		if err != nil {
			return dress{}, fmt.Errorf("css: %w", err)
		}
		if err := pages.CheckCSS(string(content)); err != nil {
			return dress{}, fmt.Errorf("css %s: %w", p.CSS, err)
		}
		d.css = string(content)
	}
	if p.Templates != "" {
		folder, err := f.read(p.Templates)
		if err != nil {
			return dress{}, err
		}
		d.templates, d.words = folder.templates, folder.words
	}
	var err error
	d.words, err = p.speak(d.words)
	return d, err
}

// folders are those with templates that a configuration has read.
type folders struct {
	mu    sync.Mutex // guards below
	known map[string]dress
}

func (f *folders) read(path string) (dress, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if d, ok := f.known[path]; ok {
		return d, nil
	}
	if _, err := os.ReadDir(path); err != nil {
		return dress{}, fmt.Errorf("templates: %w", err)
	}
	var d dress
	var err error
	if d.templates, err = pages.ReadTemplates(os.DirFS(path)); err != nil {
		return dress{}, fmt.Errorf("templates %s: %w", path, err)
	}
	if d.words, err = words.Custom(os.DirFS(path)); err != nil {
		return dress{}, fmt.Errorf("templates %s: %w", path, err)
	}
	if f.known == nil {
		f.known = map[string]dress{}
	}
	f.known[path] = d
	return d, nil
}
