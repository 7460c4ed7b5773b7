// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Package stencil prints what templates of html/template and text/template would
// write, byte for byte and several times as fast.
//
// Those packages look up each name and call each escaper by reflection whenever a
// template is executed. Which escapers a value needs where it stands is decided only
// once, though: html/template writes them into the parsed template before it executes
// it for the first time. A [Stencil] is cut from the template after that. Which escaper
// stands where is html/template's choice; what each writes is written again here, and
// compared by tests. In HTML, a value without an escaper that is known here cannot be cut.
//
// Templates and values that a stencil does not understand are left to the package that
// they are from, see [Stencil.Print].
package stencil

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"io"
	"reflect"
	texttemplate "text/template"
	"text/template/parse"
)

// ErrUnfit means a template that has something in it which no stencil understands.
var ErrUnfit = errors.New("template cannot be cut")

// A Stencil prints templates. It never changes but for what it learns of types, and is
// safe for concurrent use.
type Stencil struct {
	sheets map[string]*sheet
}

// CutHTML makes a stencil of templates that are executed by their names. Errors are
// those of templates that are unfit (ErrUnfit); the stencil, which is never nil, prints
// all others.
func CutHTML(set *template.Template, names ...string) (*Stencil, error) {
	c := cutter{html: true, sheets: map[string]*sheet{}, find: func(name string) *parse.Tree {
		if t := set.Lookup(name); t != nil {
			return t.Tree
		}
		return nil
	}}
	for _, name := range names {
		// That there are no data stops it, but not before the escapers are written.
		_ = set.ExecuteTemplate(io.Discard, name, nil)
	}
	return c.cut(names)
}

// CutText is CutHTML for templates that escape nothing.
func CutText(set *texttemplate.Template, names ...string) (*Stencil, error) {
	c := cutter{sheets: map[string]*sheet{}, find: func(name string) *parse.Tree {
		if t := set.Lookup(name); t != nil {
			return t.Tree
		}
		return nil
	}}
	return c.cut(names)
}

func (c *cutter) cut(names []string) (*Stencil, error) {
	s := &Stencil{sheets: make(map[string]*sheet, len(names))}
	var faults []error
	for _, name := range names {
		sheet, err := c.sheet(name)
		if err != nil {
			faults = append(faults, fmt.Errorf("cutting %s: %w", name, err))
			continue
		}
		s.sheets[name] = sheet
	}
	return s, errors.Join(faults...)
}

// Print appends to dst what a template writes for data. It reports false, and appends
// nothing, where the template was unfit or a value is of a kind that only the template
// itself can print, or not even that.
func (s *Stencil) Print(dst *bytes.Buffer, name string, data any) (ok bool) {
	sheet, ok := s.sheets[name]
	if !ok {
		return false
	}
	start := dst.Len()
	defer func() {
		if recover() != nil { // a method of a value: the template makes an error of it
			dst.Truncate(start)
			ok = false
		}
	}()
	p := printer{dst: dst, vars: make([]reflect.Value, 0, usualVars)}
	if !sheet.print(&p, reflect.ValueOf(data)) {
		dst.Truncate(start)
		return false
	}
	return true
}

// maxDepth is how many templates may include each other. Ours are three deep; one that
// includes itself without end is the template's own to complain of.
const maxDepth = 32

// usualVars are enough for most templates: one for each that is included in another.
const usualVars = 6

// A printer prints one template, with all that it includes.
type printer struct {
	dst   *bytes.Buffer
	vars  []reflect.Value // of all sheets that are being printed
	first int             // the first variable of the innermost, which is its data
	depth int
}

// A sheet is one template.
type sheet struct {
	steps []step
	vars  int  // how many variables it has at most
	unfit bool // found only after another had included it
}

// A step prints something, or reports that it cannot.
type step interface {
	print(p *printer, dot reflect.Value) bool
}

func (s *sheet) print(p *printer, data reflect.Value) bool {
	if s.unfit || p.depth == maxDepth {
		return false
	}
	outer := p.first
	p.first = len(p.vars)
	p.vars = append(p.vars, make([]reflect.Value, s.vars)...)
	p.vars[p.first] = data
	p.depth++
	ok := print(s.steps, p, data)
	p.depth--
	p.vars = p.vars[:p.first]
	p.first = outer
	return ok
}

func print(steps []step, p *printer, dot reflect.Value) bool {
	for _, s := range steps {
		if !s.print(p, dot) {
			return false
		}
	}
	return true
}

// A literal is text that stands in the template.
type literal []byte

func (l literal) print(p *printer, _ reflect.Value) bool {
	p.dst.Write(l)
	return true
}

// A value is printed as the place allows where it stands.
type value struct {
	of expression
	as escaper
}

func (v value) print(p *printer, dot reflect.Value) bool {
	found, ok := v.of.find(p, dot)
	if !ok {
		return false
	}
	text, kind, ok := read(found)
	return ok && v.as(p.dst, text, kind)
}

// A setting gives a variable its value.
type setting struct {
	variable int
	to       expression
}

func (s setting) print(p *printer, dot reflect.Value) bool {
	_, ok := s.find(p, dot)
	return ok
}

// A branch prints one thing or the other; with makes what it depends on the dot.
type branch struct {
	on          expression
	with        bool
	then, other []step
}

func (b branch) print(p *printer, dot reflect.Value) bool {
	found, ok := b.on.find(p, dot)
	switch {
	case !ok:
		return false
	case !holds(found):
		return print(b.other, p, dot)
	case b.with:
		return print(b.then, p, found)
	default:
		return print(b.then, p, dot)
	}
}

// A loop prints its steps for each element of a list.
type loop struct {
	over        expression
	each, other []step
}

func (l loop) print(p *printer, dot reflect.Value) bool {
	list, ok := l.over.find(p, dot)
	if !ok || list.Kind() != reflect.Slice && list.Kind() != reflect.Array {
		return false
	}
	for i := range list.Len() {
		if !print(l.each, p, settle(list.Index(i))) {
			return false
		}
	}
	return list.Len() > 0 || print(l.other, p, dot)
}

// An inclusion prints another template.
type inclusion struct {
	of   *sheet
	data expression
}

func (i inclusion) print(p *printer, dot reflect.Value) bool {
	data, ok := i.data.find(p, dot)
	return ok && i.of.print(p, data)
}
