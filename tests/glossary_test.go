// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// TestEveryTypeInTheGlossaryExists, so that the words of challenge/doc.go stay those of
// the code.
func TestEveryTypeInTheGlossaryExists(t *testing.T) {
	words, faults := glossary(t, os.DirFS(".."))
	for _, fault := range faults {
		t.Error(fault)
	}
	if words < 25 {
		t.Errorf("%d words were found, so this test shows little", words)
	}
}

func TestEachFaultOfTheGlossaryIsFound(t *testing.T) {
	const types = header + "\npackage challenge\n\ntype Gate struct{}\n\nfunc (g *Gate) Admit() {}\n\ntype spot struct{}\n"
	for name, tt := range map[string]struct{ items, want string }{
		"all is well":                     {"gate ([Gate]): decides.\n//   - gate (gate of other): another.\n//   - spot (spot): where.", ""},
		"a method":                        {"admit ([Gate.Admit]): to decide.", ""},
		"a type that is gone":             {"house ([House]): what is shared.", "house: there is no type House in challenge"},
		"a method that is gone":           {"judge ([Gate.Judge]): to decide.", "judge: there is no type Gate.Judge in challenge"},
		"a type that is gone of another":  {"baton (baton of other): what is told.", "baton: there is no type baton in other"},
		"a package that is gone":          {"baton (baton of nowhere): what is told.", "baton: there is no type baton in nowhere"},
		"a type of tests alone":           {"fake (fake): for tests.", "fake: there is no type fake in challenge"},
		"an exported one without a link":  {"gate (Gate): decides.", "gate: Gate is exported, so that it can be a link"},
		"a link to what is not exported":  {"spot ([spot]): where.", "spot: spot is not exported, so that it is no link"},
		"a word without a type":           {"way: how a person shows who they are.", `"way: how a person shows who they are." names no type`},
		"a word out of order":             {"spot (spot): where.\n//   - gate ([Gate]): decides.", "gate is out of order"},
		"a word that is there once again": {"gate ([Gate]): decides.\n//   - gate ([Gate]): decides.", "gate is out of order"},
	} {
		t.Run(name, func(t *testing.T) {
			doc := header + "\n// Package challenge is.\n//\n// # Words\n//\n// Each with its type.\n//\n//   - " + tt.items + "\n//\n// # More\n//\n//   - no word\npackage challenge\n"
			_, faults := glossary(t, fstest.MapFS{
				"challenge/doc.go":       {Data: []byte(doc)},
				"challenge/gate.go":      {Data: []byte(types)},
				"challenge/fake_test.go": {Data: []byte("package challenge\n\ntype fake struct{}\n")},
				"other/gate.go":          {Data: []byte("package other\n\ntype gate struct{}\n")},
			})
			if got := strings.Join(faults, "\n"); got != tt.want {
				t.Errorf("faults %q, want %q", got, tt.want)
			}
		})
	}
}

// word is how an item of the glossary begins: the word, and the type that carries it.
var word = regexp.MustCompile(`^([a-z ]+) \((\[)?([A-Za-z.]+)\]?(?: of ([a-z/]+))?\): `)

// glossary counts the words of the glossary, and says what is wrong with it.
func glossary(t *testing.T, root fs.FS) (words int, faults []string) {
	t.Helper()
	files := token.NewFileSet()
	_, text, found := strings.Cut(parsed(t, files, root, "challenge/doc.go").Doc.Text(), "# Words\n")
	if !found {
		return 0, []string{"challenge/doc.go has no glossary"}
	}
	text, _, _ = strings.Cut(text, "\n# ")
	last := ""
	for line := range strings.Lines(text) {
		item, begins := strings.CutPrefix(strings.TrimSpace(line), "- ")
		if !begins {
			continue
		}
		words++
		match := word.FindStringSubmatch(item)
		if match == nil {
			faults = append(faults, fmt.Sprintf("%q names no type", item))
			continue
		}
		name, linked, carrier, dir := match[1], match[2] != "", match[3], match[4]
		if dir == "" {
			dir = "challenge"
			if exported := ast.IsExported(carrier); exported && !linked {
				faults = append(faults, fmt.Sprintf("%s: %s is exported, so that it can be a link", name, carrier))
			} else if linked && !exported {
				faults = append(faults, fmt.Sprintf("%s: %s is not exported, so that it is no link", name, carrier))
			}
		}
		if !slices.Contains(declared(t, files, root, dir), carrier) {
			faults = append(faults, fmt.Sprintf("%s: there is no type %s in %s", name, carrier, dir))
		}
		if key := name + " of " + dir + "." + carrier; key <= last {
			faults = append(faults, name+" is out of order")
		} else {
			last = key
		}
	}
	return words, faults
}

// declared are the types of a package, and their methods behind a dot.
func declared(t *testing.T, files *token.FileSet, root fs.FS, dir string) (names []string) {
	t.Helper()
	found, err := fs.Glob(root, path.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range found {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		for _, d := range parsed(t, files, root, name).Decls {
			names = append(names, named(d)...)
		}
	}
	return names
}

func named(d ast.Decl) (names []string) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil {
			return nil
		}
		of := d.Recv.List[0].Type
		if star, ok := of.(*ast.StarExpr); ok {
			of = star.X
		}
		if local, ok := of.(*ast.Ident); ok {
			names = append(names, local.Name+"."+d.Name.Name)
		}
	case *ast.GenDecl:
		for _, s := range d.Specs {
			if s, ok := s.(*ast.TypeSpec); ok {
				names = append(names, s.Name.Name)
			}
		}
	}
	return names
}

func parsed(t *testing.T, files *token.FileSet, root fs.FS, name string) *ast.File {
	t.Helper()
	source, err := fs.ReadFile(root, name)
	if err != nil {
		t.Fatal(err)
	}
	file, err := parser.ParseFile(files, name, source, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	return file
}
