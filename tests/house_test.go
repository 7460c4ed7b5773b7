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

const (
	maxFileLines     = 400
	maxFunctionLines = 60
	maxNesting       = 3
	header           = "// SPDX-FileCopyrightText: The Doorcode authors\n// SPDX-License-Identifier: Apache-2.0\n"
)

// drawers are package names that say where a thing is kept, not what it is.
var drawers = []string{
	"base", "common", "core", "helper", "helpers", "interfaces", "lib", "manager", "misc", "models", "shared", "types", "util", "utils",
}

// unfinished is what a comment says of work that is not done.
var unfinished = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X|HA` + `CK)\b`)

func TestTheHouseRulesHold(t *testing.T) {
	for _, fault := range houseFaults(t, os.DirFS("..")) {
		t.Error(fault)
	}
}

func TestEachHouseRuleCanFail(t *testing.T) {
	function := func(body string) string { return header + "\npackage a\n\nfunc a() {\n" + body + "}\n" }
	tests := map[string]struct{ file, source, want string }{
		"a file without its header":               {"a/a.go", "package a\n", "does not begin with the licence header"},
		"a file that is too long":                 {"a/a.go", header + "\npackage a\n" + strings.Repeat("// a\n", maxFileLines), "lines, more than 400"},
		"a function that is too long":             {"a/a.go", function(strings.Repeat("\tb()\n", maxFunctionLines)), "a is 62 lines long, more than 60"},
		"a function that nests too deep":          {"a/a.go", function("if b {\nfor {\nif c {\nif d {\n}\n}\n}\n}\n"), "a nests 4 deep, more than 3"},
		"a package named after a drawer":          {"a/a.go", header + "\npackage util\n", "util says where a thing is kept"},
		"an empty interface":                      {"a/a.go", header + "\npackage a\n\nvar b interface{}\n", "interface{} is spelled any"},
		"a getter that says so":                   {"a/a.go", header + "\npackage a\n\nfunc (b B) GetName() string { return b.name }\n", "GetName is Name"},
		"a sleep":                                 {"a/a.go", "package a\n" + header + "import \"time\"\nfunc a() { time.Sleep(1) }\n", "time.Sleep"},
		"a sleep in a test":                       {"a/a_test.go", header + "\npackage a\n\nimport \"time\"\n\nfunc a() { time.Sleep(1) }\n", "time.Sleep"},
		"unfinished work":                         {"a/a.go", header + "\npackage a\n\n// TO" + "DO: later\n", "is not done"},
		"random numbers that can be guessed":      {"a/a.go", header + "\npackage a\n\nimport _ \"math/rand/v2\"\n", "math/rand/v2 can be guessed"},
		"a package that does not say its purpose": {"a/a.go", header + "\npackage a\n", "package a has no comment"},
		"a package comment of another":            {"a/a.go", header + "\n// Package b is.\npackage a\n", "does not begin with Package a or Command a"},
		"a sleep beside a bubble":                 {"a/a_test.go", header + "\npackage a\n\nfunc a(t *testing.T) {\n\tsynctest.Test(t, func(t *testing.T) {})\n\ttime.Sleep(1)\n}\n", "time.Sleep"},
		"a fuzz target that skips":                {"a/a_test.go", header + "\npackage a\n\nfunc a(f *testing.F) { f.Fuzz(func(t *testing.T) { t.Skip() }) }\n", "skips"},
		"a skipped test":                          {"a/a_test.go", header + "\npackage a\n\nfunc a(t *testing.T) { t.Skip() }\n", "skips"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := houseFaults(t, fstest.MapFS{test.file: {Data: []byte(test.source)}})
			if !slices.ContainsFunc(got, func(fault string) bool { return strings.Contains(fault, test.want) }) {
				t.Errorf("faults = %q, want one with %q", got, test.want)
			}
		})
	}
}

// Two package comments are read as one text, in the order of their files' names.
func TestAPackageHasOneComment(t *testing.T) {
	named := []byte(header + "\n// Package a is.\npackage a\n")
	plain, test := []byte(header+"\npackage a\n"), []byte(header+"\npackage a_test\n")
	for want, tree := range map[string]fstest.MapFS{
		"a/b.go: package a has a comment in a/a.go too": {"a/a.go": {Data: named}, "a/b.go": {Data: named}},
		"": {"a/a.go": {Data: plain}, "a/b.go": {Data: named}, "a/a_test.go": {Data: test}, "b/b_test.go": {Data: test}},
	} {
		if got := strings.Join(houseFaults(t, tree), "\n"); got != want {
			t.Errorf("faults = %q, want %q", got, want)
		}
	}
}

func TestTheHouseRulesLetGoodCodePass(t *testing.T) {
	source := header + `
package a_test

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestA(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { time.Sleep(time.Hour) })
	if a {
	} else if b {
	} else if c {
	} else if d {
	}
}

func FuzzA(f *testing.F) {
	f.Fuzz(func(t *testing.T, a string) {})
}
`
	for _, fault := range houseFaults(t, fstest.MapFS{"a/a_test.go": {Data: []byte(source)}}) {
		t.Error(fault)
	}
}

// houseFaults lists what breaks the rules of CONTRIBUTING.md that a machine can check.
func houseFaults(t *testing.T, tree fs.FS) (faults []string) {
	said := map[string]string{} // by folder: the file with the package comment
	for _, file := range goFiles(t, tree) {
		source, err := fs.ReadFile(tree, file)
		if err != nil {
			t.Fatal(err)
		}
		files := token.NewFileSet()
		parsed, err := parser.ParseFile(files, file, source, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, fault := range slices.Concat(textFaults(string(source)), fileFaults(parsed, file), codeFaults(parsed), functionFaults(files, parsed, file)) {
			faults = append(faults, file+": "+fault)
		}
		if !strings.HasSuffix(file, "_test.go") {
			faults = append(faults, commentFaults(parsed, file, said)...)
		}
	}
	for dir, file := range said {
		if file == "" {
			faults = append(faults, dir+": package "+path.Base(dir)+" has no comment")
		}
	}
	return faults
}

// commentFaults judges a file's package comment and notes in which file of its
// folder there is one.
func commentFaults(file *ast.File, name string, said map[string]string) (faults []string) {
	dir, pack := path.Dir(name), file.Name.Name
	before := said[dir]
	if said[dir] = before; file.Doc == nil {
		return nil
	}
	if before != "" {
		return []string{fmt.Sprintf("%s: package %s has a comment in %s too", name, pack, before)}
	}
	said[dir] = name
	text := file.Doc.Text()
	if pack == "main" {
		pack = path.Base(dir)
	}
	if !strings.HasPrefix(text, "Package "+pack+" ") && !strings.HasPrefix(text, "Command "+pack+" ") {
		faults = append(faults, fmt.Sprintf("%s: its comment does not begin with Package %s or Command %s", name, pack, pack))
	}
	return faults
}

func textFaults(source string) (faults []string) {
	if !strings.HasPrefix(source, header) {
		faults = append(faults, "does not begin with the licence header")
	}
	if lines := strings.Count(source, "\n"); lines > maxFileLines {
		faults = append(faults, fmt.Sprintf("%d lines, more than %d", lines, maxFileLines))
	}
	return faults
}

func fileFaults(file *ast.File, name string) (faults []string) {
	if drawer := strings.TrimSuffix(file.Name.Name, "_test"); slices.Contains(drawers, drawer) {
		faults = append(faults, "package "+drawer+" says where a thing is kept, not what it is")
	}
	for _, spec := range file.Imports {
		// A test may want the same numbers every time.
		if imported := importPath(spec); isUnder(imported, []string{"math/rand"}) && !strings.HasSuffix(name, "_test.go") {
			faults = append(faults, imported+" can be guessed; use crypto/rand")
		}
	}
	for _, group := range file.Comments {
		if word := unfinished.FindString(group.Text()); word != "" {
			faults = append(faults, word+": what a comment promises is not done")
		}
	}
	return faults
}

func codeFaults(file *ast.File) (faults []string) {
	for _, declared := range file.Decls {
		faults = append(faults, callFaults(declared)...)
		ast.Inspect(declared, func(node ast.Node) bool {
			if empty, ok := node.(*ast.InterfaceType); ok && empty.Methods.NumFields() == 0 {
				faults = append(faults, "interface{} is spelled any")
			}
			return true
		})
		method, ok := declared.(*ast.FuncDecl)
		if !ok || method.Recv == nil || method.Type.Params.NumFields() > 0 {
			continue
		}
		if name, found := strings.CutPrefix(method.Name.Name, "Get"); found && name != "" {
			faults = append(faults, method.Name.Name+" is "+name)
		}
	}
	return faults
}

func callFaults(declared ast.Node) (faults []string) {
	ast.Inspect(declared, func(node ast.Node) bool {
		call, ok := node.(*ast.CallExpr)
		switch {
		case !ok:
		case isCall(call, "synctest", "Test"):
			// In a synctest bubble a sleep moves a clock that is not the real one.
			for _, argument := range call.Args {
				faults = append(faults, slices.DeleteFunc(callFaults(argument), isSleep)...)
			}
			return false
		case isCall(call, "time", "Sleep"):
			faults = append(faults, sleeps)
		case isCall(call, "t", "Skip"), isCall(call, "t", "Skipf"), isCall(call, "t", "SkipNow"):
			faults = append(faults, "skips a test: what is not run shows nothing")
		}
		return true
	})
	return faults
}

const sleeps = "time.Sleep: wait for what you wait for"

func isSleep(fault string) bool { return fault == sleeps }

func isCall(call *ast.CallExpr, on, name string) bool {
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || selector.Sel.Name != name {
		return false
	}
	ident, ok := selector.X.(*ast.Ident)
	return ok && ident.Name == on
}

// functionFaults judges functions outside of tests: a test's table may be long.
func functionFaults(files *token.FileSet, file *ast.File, name string) (faults []string) {
	if strings.HasSuffix(name, "_test.go") || strings.HasPrefix(path.Dir(name), "tests") {
		return nil
	}
	for _, declared := range file.Decls {
		function, ok := declared.(*ast.FuncDecl)
		if !ok || function.Body == nil {
			continue
		}
		if lines := files.Position(function.End()).Line - files.Position(function.Pos()).Line + 1; lines > maxFunctionLines {
			faults = append(faults, fmt.Sprintf("%s is %d lines long, more than %d", function.Name.Name, lines, maxFunctionLines))
		}
		if depth := nesting(function.Body); depth > maxNesting {
			faults = append(faults, fmt.Sprintf("%s nests %d deep, more than %d", function.Name.Name, depth, maxNesting))
		}
	}
	return faults
}

// nesting returns how many statements with a body stand inside one another.
// An else-if is as deep as its if, and a function literal starts anew.
func nesting(body ast.Node) (deepest int) {
	var stack []ast.Node
	depth := 0
	ast.Inspect(body, func(node ast.Node) bool {
		if node == nil {
			depth -= weight(stack, len(stack)-1)
			stack = stack[:len(stack)-1]
			return true
		}
		if literal, ok := node.(*ast.FuncLit); ok {
			deepest = max(deepest, nesting(literal.Body))
			return false
		}
		stack = append(stack, node)
		depth += weight(stack, len(stack)-1)
		deepest = max(deepest, depth)
		return true
	})
	return deepest
}

func weight(stack []ast.Node, at int) int {
	switch node := stack[at].(type) {
	case *ast.IfStmt:
		if parent, ok := stack[max(at-1, 0)].(*ast.IfStmt); ok && parent.Else == node {
			return 0
		}
		return 1
	case *ast.ForStmt, *ast.RangeStmt, *ast.SwitchStmt, *ast.TypeSwitchStmt, *ast.SelectStmt:
		return 1
	}
	return 0
}
