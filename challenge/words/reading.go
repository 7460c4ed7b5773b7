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

// languageFolders are the folders of fsys that hold texts, English first. A
// name with a dot in front is none: mounted volumes have such of their own.
func languageFolders(fsys fs.FS) ([]string, error) {
	files, err := fs.Glob(fsys, "*/*.json")
	if err != nil {
		return nil, fmt.Errorf("listing languages: %w", err)
	}
	var folders []string
	for _, file := range files {
		folder := path.Dir(file)
		if !strings.HasPrefix(folder, ".") && !slices.Contains(folders, folder) {
			folders = append(folders, folder)
		}
	}
	slices.SortStableFunc(folders, func(a, b string) int { return rank(a) - rank(b) })
	return folders, nil
}

// rank puts English first: it is what everybody gets who asks for no language
// that is here.
func rank(folder string) int {
	if folder == "en" {
		return 0
	}
	return 1
}

func emptyLexicon(tag language.Tag) *Lexicon {
	return &Lexicon{tag: tag, lang: tag.String(), dir: direction(tag), messages: map[string]message{}}
}

// openLexicon merges all files of one language's folder. Both results may be
// set: faulty messages are left out.
func openLexicon(fsys fs.FS, folder string, tag language.Tag) (*Lexicon, error) {
	l := emptyLexicon(tag)
	err := readFolder(fsys, folder, func(_, key string, raw json.RawMessage) error { return l.put(key, raw) })
	return l, err
}

// readFolder gives every text of a folder to put, and joins what put returns,
// each with the name of its file and key.
func readFolder(fsys fs.FS, folder string, put func(file, key string, raw json.RawMessage) error) error {
	names, err := fs.Glob(fsys, path.Join(folder, "*.json"))
	faults := []error{err}
	for _, name := range names {
		content, err := fs.ReadFile(fsys, name)
		if err == nil {
			err = readTexts(content, func(key string, raw json.RawMessage) error { return put(name, key, raw) })
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("reading %s: %w", name, err))
		}
	}
	return errors.Join(faults...)
}

// readTexts walks one file's object token by token, because decoding into a map
// would let the second of two equal keys win unseen.
func readTexts(content []byte, put func(key string, raw json.RawMessage) error) error {
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
		if err := put(fmt.Sprint(key), raw); err != nil {
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
