// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package words

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"golang.org/x/text/language"
)

// maxAccept bounds how much of an Accept-Language header is read, in bytes.
// Browsers send fewer than a hundred; the parser's work grows with the length,
// and anybody may send anything.
const maxAccept = 256

// Faults of a catalogue, as Open and Compare report them.
var (
	// ErrDuplicate means a key that stands twice in one language.
	ErrDuplicate = errors.New("duplicate key")
	// ErrNoLanguage means that no folder is named by a language.
	ErrNoLanguage = errors.New("no language")
	// ErrDiffers means that two languages differ in keys or placeholders.
	ErrDiffers = errors.New("languages differ")
)

// Catalogue is a set of lexicons to choose from. It is safe for concurrent use.
type Catalogue struct {
	lexicons []*Lexicon // the first is the default
	matcher  language.Matcher
}

// Open reads a catalogue: a folder for each language, English first where there
// is one. It returns every fault that it finds, joined (ErrDuplicate,
// ErrNoLanguage and those of messages), together with a catalogue of what could
// be read, which is never nil.
func Open(fsys fs.FS) (*Catalogue, error) {
	var faults []error
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		faults = append(faults, fmt.Errorf("listing languages: %w", err))
	}
	c := &Catalogue{}
	for _, entry := range entries {
		if !entry.IsDir() {
			continue
		}
		lexicon, err := openLexicon(fsys, entry.Name())
		if err != nil {
			faults = append(faults, err)
		}
		if lexicon != nil {
			c.lexicons = append(c.lexicons, lexicon)
		}
	}
	if len(c.lexicons) == 0 {
		faults = append(faults, ErrNoLanguage)
		c.lexicons = []*Lexicon{{tag: language.English, lang: "en", dir: "ltr"}}
	}
	slices.SortStableFunc(c.lexicons, func(a, b *Lexicon) int { return rank(a) - rank(b) })
	tags := make([]language.Tag, len(c.lexicons))
	for i, lexicon := range c.lexicons {
		tags[i] = lexicon.tag
	}
	c.matcher = language.NewMatcher(tags)
	return c, errors.Join(faults...)
}

// rank puts English first: it is what everybody gets who asks for no language
// that is here.
func rank(l *Lexicon) int {
	if l.lang == "en" {
		return 0
	}
	return 1
}

// For chooses a lexicon as the package's For does.
func (c *Catalogue) For(accept string) *Lexicon {
	if len(accept) > maxAccept {
		// The cut may fall inside a tag: what follows the last comma is dropped.
		accept = accept[:max(strings.LastIndexByte(accept[:maxAccept], ','), 0)]
	}
	tags, _, err := language.ParseAcceptLanguage(accept)
	if err != nil || len(tags) == 0 {
		return c.lexicons[0]
	}
	_, i, confidence := c.matcher.Match(tags...)
	if confidence == language.No {
		return c.lexicons[0]
	}
	return c.lexicons[i]
}

// Compare reports ErrDiffers for every key or placeholder that a language has
// and the default lacks, or the other way round.
func (c *Catalogue) Compare() error {
	var faults []error
	first := c.lexicons[0]
	for _, other := range c.lexicons[1:] {
		keys := slices.Concat(first.Keys(), other.Keys())
		slices.Sort(keys)
		for _, key := range slices.Compact(keys) {
			same := slices.Equal(first.Placeholders(key), other.Placeholders(key))
			if !first.Has(key) || !other.Has(key) || !same {
				faults = append(faults, fmt.Errorf("%w: %s: %s", ErrDiffers, other.lang, key))
			}
		}
	}
	return errors.Join(faults...)
}

// openLexicon merges all files of one language's folder. Both results may be
// set: faulty messages are left out.
func openLexicon(fsys fs.FS, folder string) (*Lexicon, error) {
	tag, err := language.Parse(folder)
	if err != nil {
		return nil, fmt.Errorf("reading language %q: %w", folder, err)
	}
	l := &Lexicon{tag: tag, lang: tag.String(), dir: direction(tag), messages: map[string]message{}}
	names, err := fs.Glob(fsys, path.Join(folder, "*.json"))
	faults := []error{err}
	for _, name := range names {
		content, err := fs.ReadFile(fsys, name)
		if err == nil {
			err = l.add(content)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("reading %s: %w", name, err))
		}
	}
	return l, errors.Join(faults...)
}

// add merges one file. It walks the object token by token because decoding into
// a map would let the second of two equal keys win unseen.
func (l *Lexicon) add(content []byte) error {
	d := json.NewDecoder(bytes.NewReader(content))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return fmt.Errorf("looking for an object: %w", errors.Join(err, ErrEmpty))
	}
	var faults []error
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return errors.Join(append(faults, err)...)
		}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return errors.Join(append(faults, err)...)
		}
		if err := l.put(fmt.Sprint(key), raw); err != nil {
			faults = append(faults, fmt.Errorf("%v: %w", key, err))
		}
	}
	_, err := d.Token()
	return errors.Join(append(faults, err)...)
}

func (l *Lexicon) put(key string, raw json.RawMessage) error {
	if l.Has(key) {
		return ErrDuplicate
	}
	m, err := parseMessage(raw)
	if err != nil {
		return err
	}
	l.messages[key] = m
	return nil
}

// direction tells by the script, which x/text finds even where the tag leaves
// it out (CLDR's likely subtags).
func direction(tag language.Tag) string {
	script, _ := tag.Script()
	switch script.String() {
	case "Adlm", "Arab", "Hebr", "Mand", "Mend", "Nkoo", "Rohg", "Samr", "Syrc", "Thaa", "Yezi":
		return "rtl"
	default:
		return "ltr"
	}
}
