// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package stencil

import (
	"reflect"
	"slices"
	"sync/atomic"
)

// An expression finds a value, or reports that it cannot.
type expression interface {
	find(p *printer, dot reflect.Value) (reflect.Value, bool)
}

// dot is the value that the template is about where it stands.
type dot struct{}

func (dot) find(_ *printer, dot reflect.Value) (reflect.Value, bool) { return dot, true }

// A variable is known by its place. The first one is the template's data.
type variable int

func (v variable) find(p *printer, _ reflect.Value) (reflect.Value, bool) {
	return p.vars[p.first+int(v)], true
}

func (s setting) find(p *printer, dot reflect.Value) (reflect.Value, bool) {
	found, ok := s.to.find(p, dot)
	p.vars[p.first+s.variable] = found
	return found, ok
}

// A constant stands in the template.
type constant struct{ value reflect.Value }

func (c constant) find(*printer, reflect.Value) (reflect.Value, bool) { return c.value, true }

// A choice is the first of its values that holds, or, of all, the first that does not;
// else the last one.
type choice struct {
	among []expression
	all   bool
}

func (c choice) find(p *printer, dot reflect.Value) (found reflect.Value, ok bool) {
	for _, one := range c.among {
		if found, ok = one.find(p, dot); !ok || holds(found) != c.all {
			break
		}
	}
	return found, ok
}

// A denial holds where its value does not.
type denial struct{ of expression }

func (d denial) find(p *printer, dot reflect.Value) (reflect.Value, bool) {
	found, ok := d.of.find(p, dot)
	return reflect.ValueOf(!holds(found)), ok
}

// A member is a field of a value, or what one of its methods returns.
type member struct {
	of    expression
	name  string
	args  []expression
	known atomic.Pointer[[]place] // for each type that it was looked for in
}

// A place is where a type has a member.
type place struct {
	of        reflect.Type
	addressed bool          // methods of a pointer to the type count
	method    reflect.Value // takes the receiver first; invalid for a field
	field     []int         // nil and no method: there is no such member
}

func (m *member) find(p *printer, dot reflect.Value) (reflect.Value, bool) {
	v, ok := m.of.find(p, dot)
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	if !ok || v.Kind() != reflect.Struct {
		return v, false
	}
	switch at := m.placeIn(v.Type(), v.CanAddr()); {
	case at.method.IsValid():
		return m.call(p, dot, v, at)
	case at.field == nil || len(m.args) > 0:
		return v, false
	default:
		return settle(v.FieldByIndex(at.field)), true
	}
}

// call asks a method.
func (m *member) call(p *printer, dot, of reflect.Value, at place) (reflect.Value, bool) {
	kind := at.method.Type()
	if kind.NumIn() != 1+len(m.args) || kind.IsVariadic() || kind.NumOut() != 1 {
		return of, false
	}
	args := make([]reflect.Value, 1, 1+len(m.args))
	args[0] = of
	if at.addressed {
		args[0] = of.Addr()
	}
	for i, arg := range m.args {
		found, ok := arg.find(p, dot)
		if !ok || !found.IsValid() || !found.Type().AssignableTo(kind.In(1+i)) {
			return of, false
		}
		args = append(args, found)
	}
	return settle(at.method.Call(args)[0]), true
}

// settle looks into what may be anything, as templates do.
func settle(v reflect.Value) reflect.Value {
	if v.Kind() == reflect.Interface {
		return v.Elem()
	}
	return v
}

// placeIn looks a type up once. Few types have a member of one name, so that a list
// is searched faster than a map.
func (m *member) placeIn(t reflect.Type, addressed bool) place {
	if known := m.known.Load(); known != nil {
		for _, at := range *known {
			if at.of == t && at.addressed == addressed {
				return at
			}
		}
	}
	return m.learn(t, addressed)
}

// learn adds a place. Of two that learn at once, one learns again later.
func (m *member) learn(t reflect.Type, addressed bool) place {
	at := locate(m.name, t, addressed)
	var known []place
	if list := m.known.Load(); list != nil {
		known = *list
	}
	known = append(slices.Clip(known), at)
	m.known.Store(&known)
	return at
}

// locate finds a member as templates do: methods come first.
func locate(name string, t reflect.Type, addressed bool) place {
	at := place{of: t, addressed: addressed}
	receiver := t
	if addressed {
		receiver = reflect.PointerTo(t)
	}
	if method, ok := receiver.MethodByName(name); ok {
		at.method = method.Func
		return at
	}
	field, ok := t.FieldByName(name)
	if !ok || !field.IsExported() {
		return at
	}
	for i := range field.Index[:len(field.Index)-1] { // what is behind a pointer may be missing
		if t.FieldByIndex(field.Index[:i+1]).Type.Kind() != reflect.Struct {
			return at
		}
	}
	at.field = field.Index
	return at
}

// holds reports what templates take for true: what is not empty, zero or missing.
func holds(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Invalid:
		return false
	case reflect.Slice, reflect.Map, reflect.Array, reflect.String:
		return v.Len() > 0
	case reflect.Struct:
		return true
	default:
		return !v.IsZero()
	}
}
