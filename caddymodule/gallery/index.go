// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package gallery

import (
	_ "embed"
	"html/template"
	"path"
	"slices"
	"strings"

	"github.com/doorcode/caddy-doorcode/challenge/words"
)

//go:embed index.html
var indexHTML string

var index = template.Must(template.New("index").Parse(indexHTML))

// A leaf is one of the indexes.
type leaf struct {
	Mark    template.HTML
	Title   string
	Root    string // leads from the leaf to the folder
	Written Written
	// Links lead to the other leaves; Names to one for each picture.
	Links, Names []link
	Pictures     []picture
	ByLanguage   bool // Pictures are of one name
}

// A link leads to another leaf.
type link struct{ Text, File string }

// writeIndexes writes the page to begin with, one for each language, and one for each
// screen or mail that shows it in all of them.
func (b *book) writeIndexes() error {
	top := leaf{Title: "Every screen and mail", Names: b.namesOf()}
	for _, lex := range b.lexicons {
		top.Links = append(top.Links, link{words.OwnName(lex.Lang()) + " (" + lex.Lang() + ")", lex.Lang() + "/index.html"})
	}
	for _, lex := range b.lexicons {
		lang := lex.Lang()
		one := leaf{Title: words.OwnName(lang), Root: "../", Links: top.Links}
		one.Pictures = b.picturesOf(func(p picture) bool { return p.Lang == lang })
		if err := b.putIndex(lang+"/index.html", one); err != nil {
			return err
		}
	}
	for _, n := range top.Names {
		one := leaf{Title: n.Text, Root: "../", Links: top.Links, ByLanguage: true}
		one.Pictures = b.picturesOf(func(p picture) bool { return fileOf(p) == n.File })
		if err := b.putIndex(n.File, one); err != nil {
			return err
		}
	}
	top.Written = b.written
	top.Written.Files++ // this one
	return b.putIndex("index.html", top)
}

func (b *book) picturesOf(wanted func(picture) bool) []picture {
	return slices.DeleteFunc(slices.Clone(b.shown), func(p picture) bool { return !wanted(p) })
}

// namesOf are the screens and mails, each once.
func (b *book) namesOf() (names []link) {
	for _, p := range b.shown {
		one := link{p.Name, fileOf(p)}
		if p.Text != "" {
			one.Text = "mail " + p.Name
		}
		if !slices.Contains(names, one) {
			names = append(names, one)
		}
	}
	return names
}

// fileOf is the index that shows a picture in every language. A mail may have the name
// of a screen.
func fileOf(p picture) string {
	if p.Text != "" {
		return path.Join("all", "mail-"+p.Name+".html")
	}
	return path.Join("all", p.Name+".html")
}

func (b *book) putIndex(file string, l leaf) error {
	l.Mark = template.HTML(mark)
	var page strings.Builder
	if err := index.Execute(&page, l); err != nil {
		return err
	}
	return b.put(file, page.String())
}
