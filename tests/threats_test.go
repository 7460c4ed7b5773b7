// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"
)

// A claim in docs/threats.md, or about faults in docs/operating.md, is as good as
// the test that it names.
func TestEveryThreatNamesATestThatExists(t *testing.T) {
	tree := os.DirFS("..")
	exists := testNames(t, tree)
	threats, err := fs.ReadFile(tree, "docs/threats.md")
	if err != nil {
		t.Fatal(err)
	}
	operating, err := fs.ReadFile(tree, "docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	_, faults, _ := strings.Cut(string(operating), "\n## When something breaks\n")
	faults, _, _ = strings.Cut(faults, "\n## ")
	rows, name := 0, regexp.MustCompile("`(Test[A-Za-z0-9]+)`")
	for line := range strings.Lines(string(threats) + faults) {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| ID ") || strings.HasPrefix(line, "| what ") {
			continue
		}
		rows++
		named := name.FindAllStringSubmatch(line, -1)
		if len(named) == 0 {
			t.Errorf("no test in: %s", line)
		}
		for _, match := range named {
			if !exists[match[1]] {
				t.Errorf("there is no %s", match[1])
			}
		}
	}
	if rows < 50 {
		t.Errorf("%d rows were read, so this test shows nothing", rows)
	}
}

func testNames(t *testing.T, tree fs.FS) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, file := range goFiles(t, tree) {
		if !strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := fs.ReadFile(tree, file)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, source, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, declared := range parsed.Decls {
			if f, ok := declared.(*ast.FuncDecl); ok && f.Recv == nil {
				names[f.Name.Name] = true
			}
		}
	}
	return names
}
