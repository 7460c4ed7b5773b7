// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule_test

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"text/template"

	"github.com/doorcode/caddy-doorcode/caddymodule"
)

// A writer writes the reference: a page of prose, into which each setting of the
// grammar is put where the prose names it.
type writer struct {
	t        *testing.T
	source   source
	settings []caddymodule.Setting
	shared   []string
	keys     keys
	// order is that of the page.
	order []string
}

func newWriter(t *testing.T) *writer {
	t.Helper()
	s := readSource(t)
	return &writer{t: t, source: s, settings: caddymodule.SiteSettings(), shared: caddymodule.SharedWords(), keys: settled(s)}
}

// page is the whole of docs/caddyfile.md.
func (w *writer) page(prose string) string {
	w.t.Helper()
	text, err := os.ReadFile(prose)
	if err != nil {
		w.t.Fatal(err)
	}
	page, err := template.New("page").Option("missingkey=error").
		Funcs(template.FuncMap{"setting": w.setting, "conditions": w.conditions}).Delims("<<", ">>").Parse(string(text))
	if err != nil {
		w.t.Fatal(err)
	}
	var out bytes.Buffer
	if err := page.Execute(&out, nil); err != nil {
		w.t.Fatal(err)
	}
	return out.String()
}

// setting is the section of one word.
func (w *writer) setting(word string) (string, error) {
	i := slices.IndexFunc(w.settings, func(s caddymodule.Setting) bool { return s.Word == word })
	if i < 0 {
		return "", fmt.Errorf("there is no setting %s", word)
	}
	if slices.Contains(w.order, word) {
		return "", fmt.Errorf("%s stands on the page twice", word)
	}
	w.order = append(w.order, word)
	s := w.settings[i]
	about, _ := w.keys.find(firstPart(s.Keys[0]))
	var out strings.Builder
	fmt.Fprintf(&out, "### `%s`\n\n%s\n\n", word, w.line(s))
	fmt.Fprintf(&out, "%s\n\n", about.meaning)
	switch {
	case len(s.Guests) > 0:
		out.WriteString(w.guests(s))
	case len(s.Inside) > 0 || len(s.Keys) > 1:
		out.WriteString(table(w.rows(s, w.keys)))
	default:
		out.WriteString(standing(about))
	}
	return strings.TrimRight(out.String(), "\n"), nil
}

// line is how a word is written, and where.
func (w *writer) line(s caddymodule.Setting) string {
	text := "`" + strings.TrimRight(s.Word+" "+s.Takes, " ")
	switch {
	case s.Inside == nil:
		text += "`"
	case len(s.Inside) > 0:
		text += " { … }`"
	default:
		text += "`, or with a block of matchers"
	}
	if !slices.Contains(w.shared, s.Word) {
		text += " · in a site only"
	}
	if s.Repeats {
		text += " · may be repeated"
	}
	return text
}

// A row describes one line of a block.
type row struct {
	line, of, standard, meaning, keys string
}

// rows describe the arguments of a word and the words of its block.
func (w *writer) rows(s caddymodule.Setting, of keys) []row {
	var all []row
	if s.Takes != "" {
		all = append(all, w.row(s.Takes, "", s.Keys, of))
	}
	return append(all, w.inner(s.Inside, s.Word+".", "", of)...)
}

func (w *writer) inner(words []caddymodule.Setting, prefix, outer string, of keys) (all []row) {
	for _, inner := range ordered(words, prefix, of) {
		var set []string
		for _, key := range inner.Keys {
			set = append(set, prefix+key)
		}
		r := w.row(strings.TrimRight(inner.Word+" "+inner.Takes, " "), outer, set, of)
		if inner.Repeats {
			r.meaning += " May be repeated."
		}
		all = append(all, r)
		all = append(all, w.inner(inner.Inside, prefix+inner.Word+".", inner.Word, of)...)
	}
	return all
}

// ordered are words in the order of the keys that they set.
func ordered(words []caddymodule.Setting, prefix string, of keys) []caddymodule.Setting {
	place := func(s caddymodule.Setting) int {
		_, at := of.find(prefix + s.Keys[0])
		return at
	}
	return slices.SortedStableFunc(slices.Values(words), func(a, b caddymodule.Setting) int { return cmp.Compare(place(a), place(b)) })
}

func (w *writer) row(line, outer string, set []string, of keys) row {
	r := row{line: "`" + line + "`"}
	if outer != "" {
		r.line += " inside `" + outer + "`"
	}
	var standards, meanings, names []string
	for _, key := range set {
		f, at := of.find(key)
		if at < 0 {
			w.t.Errorf("%s sets the key %s, which does not exist", line, key)
		}
		names = append(names, "`"+key+"`")
		if !slices.Contains(standards, f.shown()) {
			standards = append(standards, f.shown())
		}
		meanings = append(meanings, f.meaning)
	}
	// What the line must have is nothing that a configuration must have.
	if whole, _ := of.find(firstPart(set[0])); whole.whole && slices.Equal(standards, []string{"required"}) {
		standards, meanings = []string{whole.shown()}, slices.Insert(meanings, 0, whole.meaning)
	}
	r.standard, r.meaning, r.keys = strings.Join(standards, ", "), strings.Join(meanings, " "), strings.Join(names, ", ")
	return r
}

// guests describes each module that a word may name, and then the settings of all
// in one table: most are the same for several.
func (w *writer) guests(s caddymodule.Setting) string {
	var list strings.Builder
	var all []row
	for _, guest := range s.Guests {
		namespace := map[string]string{"mail": "doorcode.mail.", "storage": "doorcode.storage."}[s.Word]
		of, about := guestFields(w.t, w.source, namespace+guest.Word)
		fmt.Fprintf(&list, "* `%s`: %s\n", strings.Join(strings.Fields(s.Word+" "+guest.Word+" "+guest.Takes), " "), about)
		rows := w.inner(guest.Inside, "", "", of)
		if guest.Takes != "" {
			rows = append([]row{w.row(guest.Takes, "", guest.Keys, of)}, rows...)
		}
		for _, r := range rows {
			r.of = guest.Word
			all = joined(all, r)
		}
	}
	nameMost(all, s.Guests)
	about, _ := w.keys.find(s.Word)
	return standing(about) + "\n" + list.String() + "\n" + table(all)
}

// standing says what holds where the setting is missing, and its key.
func standing(f field) string {
	if f.shown() == "required" {
		return "Required · JSON: `" + f.key + "`\n"
	}
	return "Default: " + f.shown() + " · JSON: `" + f.key + "`\n"
}

// nameMost shortens the names of the modules, where a row is about all that have
// settings.
func nameMost(all []row, guests []caddymodule.Setting) {
	var some []string
	few := "all"
	for _, guest := range guests {
		if len(guest.Inside) > 0 {
			some = append(some, guest.Word)
		} else {
			few += " but " + guest.Word
		}
	}
	for i := range all {
		if all[i].of == strings.Join(some, ", ") {
			all[i].of = few
		}
	}
}

// joined adds a row, to one of another module that says the same if there is one.
func joined(all []row, r row) []row {
	for i, before := range all {
		if before.line == r.line && before.keys == r.keys && before.meaning == r.meaning && before.standard == r.standard {
			all[i].of += ", " + r.of
			return all
		}
	}
	return append(all, r)
}

// conditions are those of the matcher.
func (w *writer) conditions() (string, error) {
	info, _ := guestFields(w.t, w.source, "http.matchers.doorcode")
	all := w.inner(caddymodule.Conditions(), "", "", info)
	return strings.TrimRight(table(all), "\n"), nil
}

// table leaves out the column of modules where nothing has one.
func table(rows []row) string {
	several := slices.ContainsFunc(rows, func(r row) bool { return r.of != "" })
	var out strings.Builder
	out.WriteString(cells(several, "Setting", "Of", "Default", "Meaning", "JSON"))
	out.WriteString(cells(several, "---", "---", "---", "---", "---"))
	for _, r := range rows {
		out.WriteString(cells(several, r.line, r.of, r.standard, r.meaning, r.keys))
	}
	return out.String()
}

func cells(several bool, line, of, standard, meaning, set string) string {
	texts := []string{line, standard, meaning, set}
	if several {
		texts = slices.Insert(texts, 1, of)
	}
	for i := range texts {
		texts[i] = strings.ReplaceAll(texts[i], "|", `\|`)
	}
	return "| " + strings.Join(texts, " | ") + " |\n"
}

func firstPart(key string) string {
	first, _, _ := strings.Cut(key, ".")
	return first
}

// comment is the syntax of the words of a block as a comment shows it.
func comment(all []caddymodule.Setting, depth, prefix string, of keys) (lines []string) {
	width := 0
	for _, s := range all {
		if s.Takes != "" && len(s.Inside) == 0 {
			width = max(width, len(s.Word))
		}
	}
	for _, s := range all {
		line := strings.TrimRight(s.Word+" "+s.Takes, " ")
		switch {
		case len(s.Guests) > 0:
			lines = append(lines, depth+line+" { ... }")
		case len(s.Inside) > 0:
			lines = append(lines, depth+line+" {")
			lines = append(lines, comment(ordered(s.Inside, prefix+s.Word+".", of), depth+"\t", prefix+s.Word+".", of)...)
			lines = append(lines, depth+"}")
		default:
			lines = append(lines, depth+strings.TrimRight(fmt.Sprintf("%-*s %s", width, s.Word, s.Takes), " "))
		}
	}
	return lines
}
