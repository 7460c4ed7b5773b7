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
		lexicon, err := base.with(fsys, folder)
		faults = append(faults, err)
		if i >= 0 {
			shelf[i] = readVolume(lexicon)
		} else {
			shelf = append(shelf, readVolume(lexicon))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return newCatalogue(shelf, "en"), nil
}

// with is the lexicon with the texts of a folder in it.
func (l *Lexicon) with(fsys fs.FS, folder string) (*Lexicon, error) {
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
	merged := maps.Clone(l.messages)
	maps.Copy(merged, own.messages)
	own.messages = merged
	return own, errors.Join(err, own.complete(folder, first))
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
