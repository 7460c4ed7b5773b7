// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestTheWebsiteCanDocumentEveryModule checks the source as the generator of
// Caddy's module pages reads it. What it does not understand has no page, and
// nobody is told.
func TestTheWebsiteCanDocumentEveryModule(t *testing.T) {
	names, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	sources := map[string]string{}
	for _, name := range names {
		if strings.HasSuffix(name.Name(), ".go") && !strings.HasSuffix(name.Name(), "_test.go") {
			content, err := os.ReadFile(name.Name())
			if err != nil {
				t.Fatal(err)
			}
			sources[name.Name()] = string(content)
		}
	}
	for _, fault := range undocumented(t, sources) {
		t.Error(fault)
	}
}

func TestWhatTheWebsiteCannotDocumentIsFound(t *testing.T) {
	const module = "func (M) CaddyModule() caddy.ModuleInfo { return caddy.ModuleInfo{ID: \"a.m\", New: func() caddy.Module { return new(M) }} }\n"
	const registered = "func init() { caddy.RegisterModule(M{}) }\n"
	const documented = "// M is one.\ntype M struct {\n\t// The key. Default: none.\n\tKey string `json:\"key\"`\n}\n"
	for _, tt := range []struct{ name, source, want string }{
		{"a good module", documented + module + registered, ""},
		{"a registered pointer", documented + module + "func init() { caddy.RegisterModule(&M{}) }\n", "RegisterModule takes T{} or new(T)"},
		{"a registered type of elsewhere", documented + module + "func init() { caddy.RegisterModule(other.M{}) }\n", "RegisterModule takes T{} or new(T)"},
		{"a module that nobody registers", documented + module, "M is not registered"},
		{"a registered type that is no module", documented + registered, "M is no module"},
		{"an ID that is a constant", documented + strings.Replace(module, `"a.m"`, "id", 1) + registered, "the ID of M is no literal"},
		{"an ID that is put together", documented + strings.Replace(module, `"a.m"`, `"a."+"m"`, 1) + registered, "the ID of M is no literal"},
		{"a module that does more than return", documented + strings.Replace(module, "return caddy", "go f(); return caddy", 1) + registered, "the ID of M is no literal"},
		{"a field without a comment", strings.Replace(documented, "// The key. Default: none.", "", 1) + module + registered, "M.Key has no comment"},
		{"a comment behind the field", strings.Replace(documented, "\t// The key. Default: none.\n\tKey string `json:\"key\"`", "\tKey string `json:\"key\"` // The key. Default: none.", 1) + module + registered, "M.Key has no comment"},
		{"a field without its default", strings.Replace(documented, " Default: none.", "", 1) + module + registered, "M.Key does not say its default"},
		{"a comment that begins with the Go name", strings.Replace(documented, "// The key.", "// Key is the key.", 1) + module + registered, "M.Key is described by its Go name"},
		{"a part without a comment", strings.Replace(documented, "Key string", "Key []*Part", 1) + "type Part struct {\n\tLeaf string `json:\"leaf\"`\n}\n" + module + registered, "Part.Leaf has no comment"},
		{"what is no part of a configuration", documented + module + registered + "type Reply struct {\n\tOK bool `json:\"ok\"`\n}\n", ""},
		{"a key that is not in snake_case", strings.Replace(documented, `"key"`, `"theKey"`, 1) + module + registered, "M.Key has the key theKey"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			found := strings.Join(undocumented(t, map[string]string{"m.go": "package m\n" + tt.source}), "\n")
			if tt.want == "" && found != "" || !strings.Contains(found, tt.want) {
				t.Errorf("undocumented = %q, want %q", found, tt.want)
			}
		})
	}
}

// undocumented lists what the generator would leave out or stumble over.
func undocumented(t *testing.T, sources map[string]string) []string {
	t.Helper()
	var faults []string
	registered, modules, structs := map[string]bool{}, map[string]bool{}, map[string]*ast.StructType{}
	files := token.NewFileSet()
	for name, source := range sources {
		file, err := parser.ParseFile(files, name, source, parser.ParseComments)
		if err != nil {
			t.Fatalf("parsing %s: %v", name, err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				faults = append(faults, registration(n, registered)...)
			case *ast.FuncDecl:
				faults = append(faults, declaration(n, modules)...)
			case *ast.TypeSpec:
				if structure, ok := n.Type.(*ast.StructType); ok {
					structs[n.Name.Name] = structure
				}
			}
			return true
		})
	}
	for name := range configured(modules, structs) {
		faults = append(faults, fields(name, structs[name])...)
	}
	for name := range modules {
		if !registered[name] {
			faults = append(faults, name+" is not registered")
		}
	}
	for name := range registered {
		if !modules[name] {
			faults = append(faults, name+" is no module of this package")
		}
	}
	slices.Sort(faults)
	return faults
}

// registration notes the type in RegisterModule(T{}) or RegisterModule(new(T)).
func registration(call *ast.CallExpr, registered map[string]bool) []string {
	name, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || name.Sel.Name != "RegisterModule" || len(call.Args) != 1 {
		return nil
	}
	var of ast.Expr
	switch arg := call.Args[0].(type) {
	case *ast.CompositeLit:
		of = arg.Type
	case *ast.CallExpr:
		if builtin, ok := arg.Fun.(*ast.Ident); ok && builtin.Name == "new" {
			of = arg.Args[0]
		}
	}
	if local, ok := of.(*ast.Ident); ok {
		registered[local.Name] = true
		return nil
	}
	return []string{"RegisterModule takes T{} or new(T) of a type of this package"}
}

// declaration wants CaddyModule to be one return with a literal ID.
func declaration(f *ast.FuncDecl, modules map[string]bool) []string {
	if f.Recv == nil || f.Name.Name != "CaddyModule" {
		return nil
	}
	receiver := f.Recv.List[0].Type
	if star, ok := receiver.(*ast.StarExpr); ok {
		receiver = star.X
	}
	name := receiver.(*ast.Ident).Name
	modules[name] = true
	if hasLiteralID(f.Body.List) {
		return nil
	}
	return []string{fmt.Sprintf("the ID of %s is no literal in one return", name)}
}

func hasLiteralID(body []ast.Stmt) bool {
	if len(body) != 1 {
		return false
	}
	result, ok := body[0].(*ast.ReturnStmt)
	if !ok || len(result.Results) != 1 {
		return false
	}
	info, ok := result.Results[0].(*ast.CompositeLit)
	if !ok {
		return false
	}
	for _, element := range info.Elts {
		pair, ok := element.(*ast.KeyValueExpr)
		if !ok {
			return false
		}
		if key, ok := pair.Key.(*ast.Ident); ok && key.Name == "ID" {
			_, literal := pair.Value.(*ast.BasicLit)
			return literal
		}
	}
	return false
}

// configured are the structs that a configuration consists of: the modules and
// what their exported fields hold.
func configured(modules map[string]bool, structs map[string]*ast.StructType) map[string]bool {
	found := map[string]bool{}
	open := slices.Collect(maps.Keys(modules))
	for len(open) > 0 {
		name := open[0]
		open = open[1:]
		structure, known := structs[name]
		if !known || found[name] {
			continue
		}
		found[name] = true
		for _, field := range structure.Fields.List {
			if len(field.Names) > 0 && !field.Names[0].IsExported() {
				continue
			}
			ast.Inspect(field.Type, func(n ast.Node) bool {
				if part, ok := n.(*ast.Ident); ok {
					open = append(open, part.Name)
				}
				return true
			})
		}
	}
	return found
}

// fields wants a comment with the default above every key.
func fields(owner string, structure *ast.StructType) []string {
	var faults []string
	for _, field := range structure.Fields.List {
		key := jsonKey(field)
		if key == "" || key == "-" {
			continue
		}
		name := owner + "." + field.Names[0].Name
		comment := strings.TrimSpace(field.Doc.Text())
		switch {
		case key != strings.ToLower(key) || len(field.Names) != 1:
			faults = append(faults, fmt.Sprintf("%s has the key %s, not one in snake_case", name, key))
		case comment == "":
			faults = append(faults, name+" has no comment above it")
		case strings.HasPrefix(comment, field.Names[0].Name+" "):
			faults = append(faults, name+" is described by its Go name, but the page shows the key")
		case !strings.Contains(strings.Join(strings.Fields(comment), " "), "Default:") && !strings.Contains(comment, "Required"):
			faults = append(faults, name+" does not say its default")
		}
	}
	return faults
}

func jsonKey(field *ast.Field) string {
	if field.Tag == nil {
		return ""
	}
	tag, err := strconv.Unquote(field.Tag.Value)
	if err != nil {
		return ""
	}
	key, _, _ := strings.Cut(reflect.StructTag(tag).Get("json"), ",")
	return key
}
