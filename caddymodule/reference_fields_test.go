// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/doorcode/caddy-doorcode/caddymodule"
)

// A field is a JSON key of the configuration as its comment describes it.
type field struct {
	key, meaning, standard string
	// real is what the code applies where the key is missing, "" if nothing.
	real string
	// whole says that the key holds an object, whose keys are described too.
	whole bool
}

// keys are those below one type, in the order of the source.
type keys []field

func (f keys) find(key string) (field, int) {
	for i, one := range f {
		if one.key == key {
			return one, i
		}
	}
	return field{}, -1
}

// A source is what the comments of this package say, by type and field.
type source struct {
	types  map[string]string
	fields map[string]string // "Type.Field"
}

func readSource(t *testing.T) source {
	t.Helper()
	s := source{map[string]string{}, map[string]string{}}
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, declared := range file.Decls {
			general, ok := declared.(*ast.GenDecl)
			if !ok || general.Tok != token.TYPE {
				continue
			}
			for _, spec := range general.Specs {
				s.note(general.Doc.Text(), spec.(*ast.TypeSpec))
			}
		}
	}
	return s
}

func (s source) note(doc string, spec *ast.TypeSpec) {
	structure, ok := spec.Type.(*ast.StructType)
	if !ok {
		return
	}
	s.types[spec.Name.Name] = oneLine(doc)
	for _, f := range structure.Fields.List {
		for _, name := range f.Names {
			s.fields[spec.Name.Name+"."+name.Name] = oneLine(f.Doc.Text())
		}
	}
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// below are the keys of a struct of this package.
func (s source) below(typ reflect.Type, prefix string, real map[string]string) (all keys) {
	for typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	for f := range typ.Fields() {
		key, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		inner := f.Type
		for inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		ours := inner.Kind() == reflect.Struct && inner.PkgPath() == typ.PkgPath()
		switch {
		case f.Anonymous:
			all = append(all, s.below(inner, prefix, real)...)
		case key == "":
		case ours:
			all = append(all, described(prefix+key, s.fields[typ.Name()+"."+f.Name], real, true))
			all = append(all, s.below(inner, prefix+key+".", real)...)
		default:
			all = append(all, described(prefix+key, s.fields[typ.Name()+"."+f.Name], real, false))
		}
	}
	return all
}

var standardAt = regexp.MustCompile(`(Default: |Required[:,] no default)`)

// described takes a comment apart: what the key means, and its default.
func described(key, comment string, real map[string]string, whole bool) field {
	f := field{key: key, meaning: comment, real: real[key], whole: whole}
	places := standardAt.FindAllStringIndex(comment, -1)
	if places == nil {
		return f
	}
	last := places[len(places)-1]
	f.meaning = strings.TrimSpace(comment[:last[0]])
	f.standard = strings.TrimSuffix(comment[last[1]:], ".")
	if strings.HasPrefix(comment[last[0]:], "Required") {
		f.standard = "required" + f.standard
	}
	return f
}

// jsonStandard is how a comment, which is about JSON, spells a default of the
// Caddyfile.
var jsonStandard = map[string]string{"on": "true", "off": "false"}

// said reports whether the comment names the real default, and the rest of what
// it says of it.
func (f field) said() (rest string, same bool) {
	spellings := []string{f.real, strings.TrimRight(f.real, "kmh"), jsonStandard[f.real]}
	if f.real == "off" {
		spellings = append(spellings, "0", "none")
	}
	for _, spelling := range spellings {
		rest, found := strings.CutPrefix(f.standard, spelling)
		if found && spelling != "" && (rest == "" || strings.ContainsAny(rest[:1], ",;:")) {
			return rest, true
		}
	}
	return "", false
}

// shown is the default as the reference has it.
func (f field) shown() string {
	if rest, same := f.said(); same {
		return "`" + f.real + "`" + rest
	}
	return f.standard
}

// settled are the keys of a site with what a gate has that sets nothing.
func settled(s source) keys {
	real := map[string]string{}
	leaves(reflect.ValueOf(caddymodule.WithDefaults(caddymodule.Settings{})), "", real)
	return s.below(reflect.TypeFor[caddymodule.Handler](), "", real)
}

// guestFields are the keys of a module, by its ID.
func guestFields(t *testing.T, s source, id string) (of keys, about string) {
	t.Helper()
	info, err := caddy.GetModule(id)
	if err != nil {
		t.Fatal(err)
	}
	typ := reflect.TypeOf(info.New()).Elem()
	about = strings.TrimPrefix(s.types[typ.Name()], typ.Name()+" ")
	return s.below(typ, "", guestStandards[id]), strings.ToUpper(about[:1]) + about[1:]
}

// leaves writes every setting by its key as the reference does.
func leaves(v reflect.Value, key string, into map[string]string) {
	switch value := v.Interface().(type) {
	case json.RawMessage:
		var module struct{ Backend string }
		_ = json.Unmarshal(value, &module)
		into[key] = module.Backend
		return
	case caddy.Duration:
		into[key] = ""
		if value != 0 {
			into[key] = caddymodule.Brief(time.Duration(value))
		}
		return
	case *caddy.Duration:
		into[key] = map[bool]string{true: "off", false: caddymodule.Brief(time.Duration(*value))}[*value == 0]
		return
	case *bool:
		into[key] = map[bool]string{true: "on", false: "off"}[*value]
		return
	case map[string]string:
		var names []string
		for _, name := range []string{"Remote-User", "Remote-Email", "Remote-Name", "Remote-Groups"} {
			if value[name] == name {
				names = append(names, name)
			}
		}
		into[key] = strings.Join(names, " ")
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		leaves(v.Elem(), key, into)
	case reflect.Struct:
		for f, value := range v.Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			leaves(value, strings.Trim(key+"."+name, "."), into)
		}
	case reflect.Slice, reflect.Map:
		into[key] = strings.Trim(fmt.Sprint(v.Interface()), "[]")
		if v.Len() == 0 {
			into[key] = ""
		}
	case reflect.Int:
		unit := map[string]string{"location.distance": "km", "location.speed": "kmh"}[key]
		into[key] = fmt.Sprint(v.Int()) + unit
		if v.Int() == 0 {
			into[key] = ""
		}
	default:
		into[key] = v.String()
	}
}

// keysOf are the keys that the words of a grammar set, below a prefix.
func keysOf(all []caddymodule.Setting, prefix string) (found []string) {
	for _, s := range all {
		for _, key := range s.Keys {
			found = append(found, prefix+key)
		}
		if s.Guests == nil {
			found = append(found, keysOf(s.Inside, prefix+s.Word+".")...)
		}
	}
	slices.Sort(found)
	return found
}
