// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package words

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// Faults of a translation, as Check reports them, besides ErrPlaceholder,
// ErrPlural, ErrUnknownKey and ErrIncomplete.
var (
	// ErrMarks means that ** marks something else than in English.
	ErrMarks = errors.New("other ** than in English")
	// ErrLong means a button that is too wide for a small screen.
	ErrLong = errors.New("too long")
	// ErrUntranslated means an English sentence in another language.
	ErrUntranslated = errors.New("not translated")
	// ErrUnreadable means characters that cannot be seen, or digits in a mail
	// that a phone would take for the code.
	ErrUnreadable = errors.New("unreadable")
)

const (
	// longestShare is how much longer than in English a button may be.
	longestShare = 1.6
	// shortButton is what always fits, in characters: English words of four
	// letters have no counterpart of six in most languages.
	shortButton = 18
	// sameWords is how many texts of one word may be as in English: names such
	// as "Code" or "Browser" are the same in many languages.
	sameWords = 30
	// pluralSample covers every integer rule of CLDR: they look at the last two
	// digits. Rules about millions ("many" of French and Spanish) are out of
	// reach of anything that is counted here.
	pluralSample = 200
)

// Check says what is wrong with the built-in catalogue: the faults that Open
// finds and those of each translation beside English. It returns nil where all is
// well.
func Check() error { return Standard().Check() }

// Check says what is wrong with the catalogue's languages, each compared with
// the fallback: a key that is missing or that nobody asks for, other
// placeholders or ** marks, plurals that are not exactly those of the language,
// buttons that are too long, what was left untranslated, and characters that
// cannot be seen. Each fault names language and key.
func (c *Catalogue) Check() error {
	first := c.shelf[c.fallback].lexicon()
	faults := []error{c.readAll()}
	for _, v := range c.shelf {
		faults = append(faults, v.lexicon().check(first))
	}
	return errors.Join(faults...)
}

func (l *Lexicon) check(first *Lexicon) error {
	forms := formsOf(l.tag)
	var faults []error
	same := 0
	for _, key := range l.Keys() {
		m := l.messages[key]
		model, known := first.messages[key]
		if !known {
			faults = append(faults, fmt.Errorf("%s: %s: %w", l.lang, key, ErrUnknownKey))
			continue
		}
		found := []error{m.fits(model, forms), m.readable(key), m.marks(model)}
		if IsButton(key) {
			found = append(found, m.short(model))
		}
		if l != first && m.equals(model) {
			same++
			found = append(found, m.translated(same))
		}
		if err := errors.Join(found...); err != nil {
			faults = append(faults, fmt.Errorf("%s: %s: %w", l.lang, key, err))
		}
	}
	for _, key := range slices.DeleteFunc(first.Keys(), l.Has) {
		faults = append(faults, fmt.Errorf("%s: %s: %w", l.lang, key, ErrIncomplete))
	}
	return errors.Join(faults...)
}

// pluralForms are the categories that a language needs for whole numbers, with
// how many of the first numbers fall into each; Other is always one of them.
type pluralForms map[plural.Form]int

func formsOf(tag language.Tag) pluralForms {
	forms := pluralForms{plural.Other: 0}
	for n := 0; n <= pluralSample; n++ {
		forms[plural.Cardinal.MatchPlural(tag, n, 0, 0, 0, 0)]++
	}
	return forms
}

// fits reports ErrPlural and ErrPlaceholder where a message cannot stand for its
// model.
func (m message) fits(model message, forms pluralForms) error {
	if m.plurals != model.plurals {
		return fmt.Errorf("%w: it needs %s, as in English", ErrPlural,
			map[bool]string{true: "a text for each plural", false: "one text"}[model.plurals])
	}
	wanted := model.written()
	counted := slices.Contains(wanted, countName)
	var faults []error
	for form, t := range m.forms {
		share, needed := forms[plural.Form(form)]
		if m.plurals && needed != (t != nil) {
			faults = append(faults, fmt.Errorf("%w: the language needs %s", ErrPlural, forms))
			break
		}
		if t == nil {
			continue
		}
		// Where a form is for one number only, as for two in Arabic, the words say it.
		spare := share == 1 || model.omitsCount(plural.Form(form)) && share <= 2
		got := t.placeholders()
		if counted && spare && !slices.Contains(got, countName) {
			got = append(got, countName)
			slices.Sort(got)
		}
		if !slices.Equal(got, wanted) {
			faults = append(faults, fmt.Errorf("%w: {%s} in %q, and {%s} in English",
				ErrPlaceholder, strings.Join(t.placeholders(), "} {"), t.plain(), strings.Join(wanted, "} {")))
		}
	}
	return errors.Join(faults...)
}

// omitsCount reports that the English form for one says so in words. French and
// Portuguese have the same form for none, which is never counted there.
func (m message) omitsCount(form plural.Form) bool {
	t := m.forms[form]
	return form == plural.One && t != nil && !slices.Contains(t.placeholders(), countName)
}

func (f pluralForms) String() string {
	var names []string
	for name, form := range categories {
		if _, ok := f[form]; ok {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int { return pluralOrder(a) - pluralOrder(b) })
	return strings.Join(names, ", ")
}

func pluralOrder(name string) int {
	return slices.Index([]string{"zero", "one", "two", "few", "many", "other"}, name)
}

// longDigits is what phones take for a code.
var longDigits = regexp.MustCompile(`\p{Nd}{4,}`)

// readable reports ErrUnreadable.
func (m message) readable(key string) error {
	for _, t := range m.forms {
		if t == nil {
			continue
		}
		s := t.plain()
		if i := strings.IndexFunc(s, invisible); i >= 0 {
			r, _ := utf8.DecodeRuneInString(s[i:])
			return fmt.Errorf("%w: %U in %q", ErrUnreadable, r, s)
		}
		if strings.HasPrefix(key, "mail.") && longDigits.MatchString(s) {
			return fmt.Errorf("%w: %q has digits that look like a code", ErrUnreadable, s)
		}
	}
	return nil
}

// invisible tells control and format characters, of which the bidirectional ones
// could turn a sentence round.
func invisible(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Zl, unicode.Zp) || r == utf8.RuneError
}

// marks reports ErrMarks where another number of things is strong, or other
// placeholders are.
func (m message) marks(model message) error {
	wanted := model.forms[plural.Other].strong()
	for _, t := range m.forms {
		if t != nil && !slices.Equal(t.strong(), wanted) {
			return fmt.Errorf("%w: %q", ErrMarks, t.plain())
		}
	}
	return nil
}

// short reports ErrLong.
func (m message) short(model message) error {
	most := float64(shortButton)
	for _, t := range model.forms {
		if t != nil {
			most = max(most, longestShare*float64(utf8.RuneCountInString(t.plain())))
		}
	}
	for _, t := range m.forms {
		if t != nil && float64(utf8.RuneCountInString(t.plain())) > most {
			return fmt.Errorf("%w: %q has over %d characters", ErrLong, t.plain(), int(most))
		}
	}
	return nil
}

// equals reports that every form is as in English.
func (m message) equals(model message) bool {
	for form, t := range m.forms {
		if t != nil && (model.forms[form] == nil || t.plain() != model.forms[form].plain()) {
			return false
		}
	}
	return m.forms[plural.Other].words() > 0
}

// translated reports ErrUntranslated of a text that is as in English: a
// sentence never is.
func (m message) translated(same int) error {
	t := m.forms[plural.Other]
	if t.words() > 1 || same > sameWords {
		return fmt.Errorf("%w: %q", ErrUntranslated, t.plain())
	}
	return nil
}
