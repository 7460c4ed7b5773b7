// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/doorcode/caddy-doorcode/challenge/stencil"
)

// maxTemplate bounds one template, in bytes.
const maxTemplate = 64 << 10

// maxFaults is how many faults of templates are told at once.
const maxFaults = 12

// ErrTemplate means a template that cannot take the place of ours.
var ErrTemplate = errors.New("templates do not fit")

// builtIn are our own templates.
var (
	ownSources = readOwn()
	builtIn    = newTemplates(template.Must(parseTemplates(ownSources)))
)

// readOwn reads the templates that are built in, by their names.
func readOwn() map[string]string {
	sources := map[string]string{}
	names, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		panic("pages: " + err.Error())
	}
	for _, name := range names {
		content, err := templateFiles.ReadFile(name)
		if err != nil {
			panic("pages: " + err.Error())
		}
		sources[path.Base(name)] = string(content)
	}
	return sources
}

// parseTemplates makes one set of templates, in the order of their names, so that
// of two with one name the same always counts.
func parseTemplates(sources map[string]string) (*template.Template, error) {
	set := template.New("")
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		if _, err := set.New(name).Parse(sources[name]); err != nil {
			return nil, err //nolint:wrapcheck // it names the file and the line
		}
	}
	return set, nil
}

// Templates are ours with an operator's in place of some. They never change once
// they are read.
type Templates struct {
	set *template.Template
	cut func() (*stencil.Stencil, error) // once; the stencil is never nil
}

// newTemplates takes templates that nobody has executed.
func newTemplates(set *template.Template) *Templates {
	return &Templates{set: set, cut: sync.OnceValues(func() (*stencil.Stencil, error) { return stencil.CutHTML(set, TemplateNames()...) })}
}

// execute appends what a template writes. What a stencil cannot print, such as a function
// that an operator's template calls, takes longer.
func (t *Templates) execute(dst *bytes.Buffer, name string, data any) error {
	if s, _ := t.cut(); s.Print(dst, name, data) {
		return nil
	}
	return t.set.ExecuteTemplate(dst, name, data) //nolint:wrapcheck // it names the file and the line
}

// TemplateNames are the names of the files that can be replaced.
func TemplateNames() []string { return slices.Sorted(maps.Keys(ownSources)) }

// ReadTemplates reads the files of a folder whose names end in .html, each in
// place of ours of that name, and renders every screen with them. It returns
// ErrTemplate, with file, line and what is wrong, where one does not parse, lacks a
// form, a field, an attribute that the script needs, or the places of style and
// script, or brings anything of that kind itself. Folders and other files are left
// alone.
func ReadTemplates(fsys fs.FS) (*Templates, error) {
	own, err := readSources(fsys)
	if err != nil {
		return nil, err
	}
	sources := maps.Clone(ownSources)
	maps.Copy(sources, own)
	set, err := parseTemplates(sources)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTemplate, err)
	}
	t := newTemplates(set)
	if len(own) == 0 {
		return t, nil
	}
	faults, err := inspect(t, own)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTemplate, err)
	}
	if len(faults) == 0 {
		return t, nil
	}
	if more := len(faults) - maxFaults; more > 0 {
		faults = append(faults[:maxFaults:maxFaults], fmt.Sprintf("and %d more", more))
	}
	return nil, fmt.Errorf("%w: %s", ErrTemplate, strings.Join(faults, "\n"))
}

func readSources(fsys fs.FS) (map[string]string, error) {
	names, err := fs.Glob(fsys, "*.html")
	if err != nil {
		return nil, fmt.Errorf("listing templates: %w", err)
	}
	own := map[string]string{}
	for _, name := range names {
		if ownSources[name] == "" {
			return nil, fmt.Errorf("%w: %s takes the place of none; there are %s", ErrTemplate, name, strings.Join(TemplateNames(), ", "))
		}
		content, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, fmt.Errorf("reading template: %w", err)
		}
		if len(content) > maxTemplate {
			return nil, fmt.Errorf("%w: %s has %d bytes, and may have %d", ErrTemplate, name, len(content), maxTemplate)
		}
		own[name] = string(content)
	}
	return own, nil
}
