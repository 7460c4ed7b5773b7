// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Package gallery writes every screen and every mail into files that can be looked at
// without a server: an operator sees what people will see, and a translator what a
// sentence looks like. What is written loads nothing and runs nothing.
package gallery

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/doorcode/caddy-doorcode/challenge/mailer"
	"github.com/doorcode/caddy-doorcode/challenge/pages"
	"github.com/doorcode/caddy-doorcode/challenge/words"
)

// Options say what is written, and how a site looks. The zero value is every screen and
// mail of a site called Example, in every language.
type Options struct {
	// Look is that of the pages. A theme other than auto is the only one written.
	Look pages.LookOptions
	// Style is that of the mails. It need not be able to send any.
	Style mailer.Style
	// Origin is that of the site. Default: https://app.example.com.
	Origin string
	// Words are the texts. Default: those that are built in.
	Words *words.Catalogue
	// Languages are the tags that are wanted. Default: all of Words.
	Languages []string
	// Dark leaves out what is light.
	Dark bool
	// Mail names the mails that are wanted, and no screen: "code" is all whose names are
	// that or begin with it and "-". Default: everything.
	Mail string
}

// Written is what there is to look at.
type Written struct {
	Screens, Mails int // of one language
	Languages      int
	Files          int
}

// String says it in words.
func (w Written) String() string {
	text := some(w.Mails, "mail") + " in " + some(w.Languages, "language")
	if w.Screens > 0 {
		text = some(w.Screens, "screen") + " and " + text
	}
	return text
}

func some(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return strconv.Itoa(n) + " " + what
}

// Errors of Write, beside those of the file system.
var (
	// ErrLanguage means a language that there are no texts in.
	ErrLanguage = errors.New("there is no such language")
	// ErrMail means a name that no mail has.
	ErrMail = errors.New("there is no such mail")
)

// Write writes the files into a folder, which it makes. The first to open is
// index.html.
func Write(folder string, o Options) (Written, error) {
	b := book{Options: o, folder: folder}
	if err := b.prepare(); err != nil {
		return Written{}, err
	}
	for _, lex := range b.lexicons {
		if err := b.writeLanguage(lex); err != nil {
			return b.written, err
		}
	}
	return b.written, b.writeIndexes()
}

// A book is what is being written.
type book struct {
	Options
	folder   string
	lexicons []*words.Lexicon
	themes   []themed
	letters  []mailer.Sample
	shown    []picture
	written  Written
}

// themed renders pages in one theme.
type themed struct {
	theme    pages.Theme
	renderer *pages.Renderer
}

// A picture is one screen or mail in one language.
type picture struct {
	Name, Lang string
	Title      string // of a mail: its subject
	Files      []view // of the folder
	Text       string // file of a mail's text part; empty for a screen
}

// A view is a picture in one theme.
type view struct {
	Theme pages.Theme
	File  string // from the folder, with slashes
}

func (b *book) prepare() error {
	if b.Words == nil {
		b.Words = words.Standard()
	}
	if b.Origin == "" {
		b.Origin = "https://app.example.com"
	}
	if b.Look.Name == "" {
		b.Look.Name = "Example"
		b.Look.Support, b.Look.Privacy = "mailto:help@example.com", "https://example.com/privacy"
	}
	tags := b.Languages
	if len(tags) == 0 {
		tags = b.Words.Languages()
	}
	for _, tag := range tags {
		lex, ok := b.Words.In(tag)
		if !ok {
			return fmt.Errorf("%w: '%s'; there are %s", ErrLanguage, tag, strings.Join(b.Words.Languages(), ", "))
		}
		b.lexicons = append(b.lexicons, lex)
	}
	return errors.Join(b.chooseThemes(), b.chooseMails())
}

func (b *book) chooseThemes() error {
	for _, theme := range []pages.Theme{pages.ThemeLight, pages.ThemeDark} {
		pinned := b.Look.Theme == pages.ThemeLight || b.Look.Theme == pages.ThemeDark
		if pinned && b.Look.Theme != theme || !pinned && b.Dark && theme != pages.ThemeDark {
			continue
		}
		look := b.Look
		look.Theme = theme
		renderer, err := pages.New(look)
		if err != nil {
			return err
		}
		b.themes = append(b.themes, themed{theme, renderer})
	}
	return nil
}

func (b *book) chooseMails() error {
	var names []string
	for _, s := range mailer.Samples() {
		names = append(names, s.Name)
		if b.Mail == "" || s.Name == b.Mail || strings.HasPrefix(s.Name, b.Mail+"-") {
			b.letters = append(b.letters, s)
		}
	}
	if len(b.letters) == 0 {
		return fmt.Errorf("%w: '%s'; there are %s", ErrMail, b.Mail, strings.Join(names, ", "))
	}
	return nil
}

func (b *book) writeLanguage(lex *words.Lexicon) error {
	b.written.Languages++
	b.written.Screens, b.written.Mails = 0, 0
	if b.Mail == "" {
		for _, s := range pages.Samples() {
			if err := b.writeScreen(lex, s); err != nil {
				return fmt.Errorf("writing screen %s in %s: %w", s.Name, lex.Lang(), err)
			}
			b.written.Screens++
		}
	}
	for _, s := range b.letters {
		if err := b.writeMail(lex, s); err != nil {
			return fmt.Errorf("writing mail %s in %s: %w", s.Name, lex.Lang(), err)
		}
		b.written.Mails++
	}
	return nil
}

func (b *book) writeScreen(lex *words.Lexicon, s pages.Sample) error {
	p := picture{Name: s.Name, Lang: lex.Lang()}
	for _, t := range b.themes {
		var page bytes.Buffer
		if err := t.renderer.Render(&page, lex, s.Page); err != nil {
			return err
		}
		file := path.Join(lex.Lang(), string(t.theme), s.Name+".html")
		if err := b.put(file, still(page.String())); err != nil {
			return err
		}
		p.Files = append(p.Files, view{t.theme, file})
	}
	b.shown = append(b.shown, p)
	return nil
}

func (b *book) writeMail(lex *words.Lexicon, s mailer.Sample) error {
	m, err := b.letter(s.Letter, lex.Lang()).Render()
	if err != nil {
		return err
	}
	p := picture{Name: s.Name, Lang: lex.Lang(), Title: m.Subject, Text: path.Join(lex.Lang(), "mail", s.Name+".txt")}
	header := "From: " + m.FromName + " <" + m.From + ">\nTo: " + m.To + "\nSubject: " + m.Subject + "\n\n"
	if err := b.put(p.Text, header+m.Text); err != nil {
		return err
	}
	for _, t := range b.themes {
		if m.HTML == "" {
			break // the style has no HTML part
		}
		file := path.Join(lex.Lang(), "mail", s.Name+"."+string(t.theme)+".html")
		if err := b.put(file, still(inTheme(m.HTML, t.theme))); err != nil {
			return err
		}
		p.Files = append(p.Files, view{t.theme, file})
	}
	b.shown = append(b.shown, p)
	return nil
}

// letter is a sample as the site writes it.
func (b *book) letter(l mailer.Letter, lang string) mailer.Letter {
	l.Notice.Language = lang
	_, l.Notice.Host, _ = strings.Cut(b.Origin, "://")
	l.Notice.App = b.Look.Name
	if l.Notice.Stop != "" {
		l.Notice.Stop = b.Origin + l.Notice.Stop[strings.Index(l.Notice.Stop, "/.doorcode/"):]
	}
	if b.Style.From.Address == "" {
		return l
	}
	textOnly := l.Style.TextOnly
	l.Style = b.Style
	l.Style.TextOnly = l.Style.TextOnly || textOnly
	l.Style.DKIM = nil // nobody receives it
	return l
}

// put writes one file.
func (b *book) put(file, content string) error {
	name := filepath.Join(b.folder, filepath.FromSlash(file))
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	b.written.Files++
	return os.WriteFile(name, []byte(content), 0o644)
}

// Vacant reports whether a folder can be written into without mixing the files with
// others: it does not exist, is empty, or holds what Write has written before.
func Vacant(folder string) error {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	index, err := os.ReadFile(filepath.Join(folder, "index.html"))
	if err == nil && bytes.Contains(index, []byte(mark)) {
		return nil
	}
	return fmt.Errorf("%s holds other files; name a folder that does not exist yet", folder)
}

// mark stands in each index, so that Vacant knows it again.
const mark = `<meta name="generator" content="doorcode preview">`

const quiet = `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; form-action 'none'">`

var head = regexp.MustCompile(`(?i)<head[^>]*>`)

// still keeps a page from running or asking anything: behind it there is no server.
func still(page string) string {
	at := head.FindStringIndex(page)
	if at == nil {
		return quiet + page
	}
	return page[:at[1]] + "\n" + quiet + page[at[1]:]
}

var (
	inDark  = regexp.MustCompile(`\(\s*prefers-color-scheme\s*:\s*dark\s*\)`)
	inLight = regexp.MustCompile(`\(\s*prefers-color-scheme\s*:\s*light\s*\)`)
	schemes = regexp.MustCompile(`(content="|color-scheme:\s*)(?:light dark|dark light)`)
)

// inTheme shows a mail as a reader in this theme does, whatever the one who looks at it
// has chosen.
func inTheme(html string, theme pages.Theme) string {
	on, off := inDark, inLight
	if theme == pages.ThemeLight {
		on, off = inLight, inDark
	}
	html = on.ReplaceAllString(html, "(min-width:0)")
	html = off.ReplaceAllString(html, "(max-width:0)")
	return schemes.ReplaceAllString(html, "${1}"+string(theme))
}
