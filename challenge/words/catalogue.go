// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package words

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"golang.org/x/text/language"
)

// maxAccept bounds how much of an Accept-Language header is read, in bytes.
// Browsers send fewer than a hundred; the parser's work grows with the length,
// and anybody may send anything.
const maxAccept = 256

// Faults of a catalogue.
var (
	// ErrDuplicate means a key that stands twice in one language.
	ErrDuplicate = errors.New("duplicate key")
	// ErrNoLanguage means that no folder is named by a language.
	ErrNoLanguage = errors.New("no language")
	// ErrUnknownLanguage means a language that a catalogue has no texts in.
	ErrUnknownLanguage = errors.New("there are no texts in this language")
)

// Catalogue is a set of lexicons to choose from. It is safe for concurrent use.
type Catalogue struct {
	shelf    []*volume
	fallback int // the volume for whoever asks for nothing that is here
	matcher  language.Matcher
	chosen   *choices
}

// volume is a lexicon that may not have been read yet. Reading one takes longer
// than starting a gate should, and most gates need two or three.
type volume struct {
	tag  language.Tag
	lang string
	read func() (*Lexicon, error) // once; the lexicon is never nil
	own  map[string]message       // those of an operator; nil: none
}

// Open reads a catalogue: a folder for each language, English first where there
// is one. It returns every fault that it finds, joined (ErrDuplicate,
// ErrNoLanguage and those of messages), together with a catalogue of what could
// be read, which is never nil.
func Open(fsys fs.FS) (*Catalogue, error) {
	c, err := shelve(fsys)
	return c, errors.Join(err, c.readAll())
}

// shelve finds the languages of a folder without reading them.
func shelve(fsys fs.FS) (*Catalogue, error) {
	folders, err := languageFolders(fsys)
	var shelf []*volume
	faults := []error{err}
	for _, folder := range folders {
		tag, err := language.Parse(folder)
		if err != nil {
			faults = append(faults, fmt.Errorf("reading language %q: %w", folder, err))
			continue
		}
		shelf = append(shelf, newVolume(tag, func() (*Lexicon, error) { return openLexicon(fsys, folder, tag) }))
	}
	if len(shelf) == 0 {
		faults = append(faults, ErrNoLanguage)
		shelf = []*volume{readVolume(emptyLexicon(language.English))}
	}
	return newCatalogue(shelf, "en"), errors.Join(faults...)
}

func newVolume(tag language.Tag, read func() (*Lexicon, error)) *volume {
	return &volume{tag: tag, lang: tag.String(), read: sync.OnceValues(read)}
}

func readVolume(l *Lexicon) *volume {
	return newVolume(l.tag, func() (*Lexicon, error) { return l, nil })
}

// newCatalogue puts the fallback first, and else the first volume.
func newCatalogue(shelf []*volume, fallback string) *Catalogue {
	c := &Catalogue{shelf: shelf, chosen: newChoices()}
	c.fallback = max(slices.IndexFunc(shelf, func(v *volume) bool { return v.lang == fallback }), 0)
	// The matcher takes the first tag for what suits everybody.
	tags := []language.Tag{shelf[c.fallback].tag}
	for i, v := range shelf {
		if i != c.fallback {
			tags = append(tags, v.tag)
		}
	}
	c.matcher = language.NewMatcher(tags)
	return c
}

// lexicon serves a volume with a fault as far as it could be read: the fault is
// Check's to tell, and a person at the door is better served by a key than by a
// crash.
func (v *volume) lexicon() *Lexicon {
	l, _ := v.read()
	return l
}

func (c *Catalogue) readAll() error {
	var faults []error
	for _, v := range c.shelf {
		if _, err := v.read(); err != nil {
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}

// For chooses the language that suits an Accept-Language header best (RFC 9110
// section 12.5.4), and the catalogue's fallback where none does or the header
// is absent, malformed or absurd.
func (c *Catalogue) For(accept string) *Lexicon {
	if len(accept) > maxAccept {
		// The cut may fall inside a tag: what follows the last comma is dropped.
		accept = accept[:max(strings.LastIndexByte(accept[:maxAccept], ','), 0)]
	}
	return c.chosen.of(accept, c.choose).lexicon()
}

// choose is For without what was chosen before.
func (c *Catalogue) choose(accept string) *volume {
	tags, _, err := language.ParseAcceptLanguage(accept)
	if err != nil {
		return c.shelf[c.fallback]
	}
	tags = slices.DeleteFunc(tags, c.otherScript)
	if len(tags) > 0 {
		if v, confidence := c.match(tags...); confidence != language.No {
			return v
		}
	}
	return c.shelf[c.fallback]
}

// otherScript reports that a language is here, but not in the script that is
// asked for: who reads zh-TW does not want zh-CN before the next on their list.
func (c *Catalogue) otherScript(wanted language.Tag) bool {
	v, confidence := c.match(wanted)
	if confidence == language.No {
		return false
	}
	base, _ := wanted.Base()
	script, _ := wanted.Script()
	ours, _ := v.tag.Base()
	written, _ := v.tag.Script()
	return base == ours && script != written
}

// match undoes the order that newCatalogue gave the matcher.
func (c *Catalogue) match(tags ...language.Tag) (*volume, language.Confidence) {
	_, i, confidence := c.matcher.Match(tags...)
	switch {
	case i == 0:
		i = c.fallback
	case i <= c.fallback:
		i--
	}
	return c.shelf[i], confidence
}

// In is the lexicon of a language by its exact tag, and false where there is
// none.
func (c *Catalogue) In(tag string) (*Lexicon, bool) {
	for _, v := range c.shelf {
		if v.lang == tag {
			return v.lexicon(), true
		}
	}
	return nil, false
}

// Languages are the tags of the catalogue's languages, in the order in which
// they are offered.
func (c *Catalogue) Languages() []string {
	tags := make([]string, len(c.shelf))
	for i, v := range c.shelf {
		tags[i] = v.lang
	}
	return tags
}

// Several reports whether there is a language to choose.
func (c *Catalogue) Several() bool { return len(c.shelf) > 1 }

// Only is the catalogue with some of its languages, in the given order; without
// tags, all. Who asks for none of them gets the fallback, which has to be one of
// them; "" is English where it is there, and else the first. It returns
// ErrUnknownLanguage.
func (c *Catalogue) Only(tags []string, fallback string) (*Catalogue, error) {
	shelf := c.shelf
	if len(tags) > 0 {
		shelf = nil
	}
	for _, tag := range tags {
		i := slices.IndexFunc(c.shelf, func(v *volume) bool { return strings.EqualFold(v.lang, tag) })
		if i < 0 {
			return nil, fmt.Errorf("%w: %q; there are %s", ErrUnknownLanguage, tag, strings.Join(c.Languages(), ", "))
		}
		if !slices.Contains(shelf, c.shelf[i]) {
			shelf = append(shelf, c.shelf[i])
		}
	}
	chosen := newCatalogue(shelf, "en")
	if fallback == "" {
		return chosen, nil
	}
	i := slices.IndexFunc(shelf, func(v *volume) bool { return strings.EqualFold(v.lang, fallback) })
	if i < 0 {
		return nil, fmt.Errorf("%w: %q; there are %s", ErrUnknownLanguage, fallback, strings.Join(chosen.Languages(), ", "))
	}
	return newCatalogue(shelf, shelf[i].lang), nil
}
