// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package words

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"golang.org/x/text/language"
)

// Faults of an operator's texts.
var (
	// ErrUnknownKey means a key that no page and no mail asks for.
	ErrUnknownKey = errors.New("unknown key")
	// ErrIncomplete means a language of the operator's own that lacks texts.
	ErrIncomplete = errors.New("missing texts")
)

// namedKeys is how many missing keys an error names.
const namedKeys = 20

// Custom is the built-in catalogue with an operator's texts in it: a folder for
// each language, as in Open, with any of the keys. Each text needs the
// placeholders and plurals of the one that it replaces. A language that is not
// built in has to be complete. The error joins every fault, with the names of
// file and key: ErrUnknownKey, ErrIncomplete, ErrDuplicate, ErrUnreadable and
// those of messages. A folder without texts changes nothing.
func Custom(fsys fs.FS) (*Catalogue, error) {
	folders, err := languageFolders(fsys)
	faults := []error{err}
	shelf := slices.Clone(Standard().shelf)
	for _, folder := range folders {
		tag, err := language.Parse(folder)
		if err != nil {
			faults = append(faults, fmt.Errorf("the folder %q holds texts and is named by no language: %w", folder, err))
			continue
		}
		i := slices.IndexFunc(shelf, func(v *volume) bool { return v.lang == tag.String() })
		base := emptyLexicon(tag)
		if i >= 0 {
			base = shelf[i].lexicon()
		}
		v, err := base.with(fsys, folder)
		faults = append(faults, err)
		if i >= 0 {
			shelf[i] = v
		} else {
			shelf = append(shelf, v)
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return newCatalogue(shelf, "en"), nil
}

// Over is another catalogue with those texts of this one that Custom has found in its
// folder. Its languages, their order and its fallback stay those of the other one.
func (c *Catalogue) Over(base *Catalogue) *Catalogue {
	shelf := slices.Clone(base.shelf)
	for i, v := range shelf {
		at := slices.IndexFunc(c.shelf, func(own *volume) bool { return own.lang == v.lang })
		if at >= 0 && c.shelf[at].own != nil {
			shelf[i] = v.lexicon().volume(c.shelf[at].own)
		}
	}
	return newCatalogue(shelf, base.shelf[base.fallback].lang)
}

// with is the lexicon with the texts of a folder in it.
func (l *Lexicon) with(fsys fs.FS, folder string) (*volume, error) {
	own := emptyLexicon(l.tag)
	first := Standard().shelf[0].lexicon()
	forms := formsOf(l.tag)
	err := readFolder(fsys, folder, func(_, key string, raw json.RawMessage) error {
		model, known := first.messages[key]
		if !known {
			return fmt.Errorf("%w; the keys are those of challenge/words/en", ErrUnknownKey)
		}
		if err := own.put(key, raw); err != nil {
			return err
		}
		m := own.messages[key]
		return errors.Join(m.fits(model, forms), m.readable(key))
	})
	v := l.volume(own.messages)
	return v, errors.Join(err, v.lexicon().complete(folder, first))
}

// volume is the lexicon with an operator's texts in it.
func (l *Lexicon) volume(own map[string]message) *volume {
	merged := emptyLexicon(l.tag)
	merged.messages = maps.Clone(l.messages)
	maps.Copy(merged.messages, own)
	v := readVolume(merged)
	v.own = own
	return v
}

// complete reports ErrIncomplete with the keys that are missing.
func (l *Lexicon) complete(folder string, first *Lexicon) error {
	missing := slices.DeleteFunc(first.Keys(), l.Has)
	if len(missing) == 0 {
		return nil
	}
	named := strings.Join(missing[:min(len(missing), namedKeys)], ", ")
	if more := len(missing) - namedKeys; more > 0 {
		named += fmt.Sprintf(" and %d more", more)
	}
	return fmt.Errorf("%w: %s is no built-in language and needs every text: %s", ErrIncomplete, folder, named)
}
