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
	"strings"
	"testing"
)

// byNumber is the heading of the list that finds each ID.
const byNumber = "\n## By number\n\n"

// A claim in docs/threats.md, or about faults in docs/operating.md, is as good as
// the test that it names.
func TestEveryThreatNamesATestThatExists(t *testing.T) {
	tree := os.DirFS("..")
	exists := testNames(t, tree)
	threats, _, _ := strings.Cut(read(t, "../docs/threats.md"), byNumber)
	_, faults, _ := strings.Cut(read(t, "../docs/operating.md"), "\n## When something breaks\n")
	faults, _, _ = strings.Cut(faults, "\n## ")
	rows, name := 0, regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z0-9]+|[a-z]+\\.test\\.mjs)`")
	for line := range strings.Lines(threats + faults) {
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

// families are the IDs of everything that was asked for: how many each has, and which it
// has besides those that are counted through.
var families = []struct {
	prefix string
	last   int
	also   []string
}{
	{"OTC-", 14, nil},
	{"RL-", 12, nil},
	{"ML-", 11, nil},
	{"JWT-", 9, nil},
	{"SES-", 8, nil},
	{"CK-", 6, nil},
	{"HDR-", 9, nil},
	{"PTH-", 11, nil},
	{"RD-", 6, nil},
	{"WEB-", 6, nil},
	{"CSR-", 3, nil},
	{"CCH-", 3, nil},
	{"GEO-", 11, nil},
	{"BKP-", 6, nil},
	{"STP-", 4, nil},
	{"BND-", 4, nil},
	{"WAU-", 2, nil},
	{"LOG-", 5, nil},
	{"OPS-", 4, nil},
	{"DOS-", 4, nil},
	{"L-", 45, []string{"05b", "13b", "20b"}},
	{"F-", 24, nil},
	{"ruling ", 47, nil},
}

// Whatever was asked for by number is answered by number: in a row that names a test, or
// where it is said why no test can show it. The list of where is kept by -update.
func TestEachThreatIsFoundByItsNumber(t *testing.T) {
	const page = "../docs/threats.md"
	text, list, found := strings.Cut(read(t, page), byNumber)
	if !found {
		t.Fatalf("%s has no list by number", page)
	}
	answers := answersIn(text)
	var index strings.Builder
	index.WriteString("| ID | where |\n|---|---|\n")
	for _, family := range families {
		var ids []string
		for n := range family.last {
			ids = append(ids, number(family.prefix, n+1))
			for _, more := range family.also {
				if strings.HasPrefix(more, fmt.Sprintf("%02d", n+1)) {
					ids = append(ids, family.prefix+more)
				}
			}
		}
		for _, id := range ids {
			if answers[id] == "" {
				t.Errorf("nothing in %s answers %s", page, id)
			}
		}
		writeRuns(&index, ids, answers)
	}
	if list == index.String() {
		return
	}
	if !*update {
		t.Errorf("the list by number does not fit; go test ./tests -run ByItsNumber -update writes it:\n%s", index.String())
	} else if err := os.WriteFile(page, []byte(text+byNumber+index.String()), 0o644); err != nil { //nolint:gosec // a page for everybody
		t.Error(err)
	}
}

func number(prefix string, n int) string {
	if strings.HasSuffix(prefix, "-") {
		return fmt.Sprintf("%s%02d", prefix, n)
	}
	return fmt.Sprintf("%s%d", prefix, n)
}

// writeRuns writes one row for neighbours that are answered in the same places.
func writeRuns(to *strings.Builder, ids []string, answers map[string]string) {
	for first := 0; first < len(ids); {
		next := first + 1
		for next < len(ids) && answers[ids[next]] == answers[ids[first]] {
			next++
		}
		name := ids[first]
		if next > first+1 {
			name += " to " + ids[next-1]
		}
		if where := answers[ids[first]]; where != "" {
			fmt.Fprintf(to, "| %s | %s |\n", name, where)
		}
		first = next
	}
}

// answersIn has, for each ID, links to the sections that have a row for it or say why
// there is none.
func answersIn(text string) map[string]string {
	sections, answers := strings.Split(text, "\n## ")[1:], map[string]string{}
	id := regexp.MustCompile(`\b[A-Z]{1,3}-\d\db?\b|\b[Rr]uling \d+\b`)
	for _, section := range sections {
		title, _, _ := strings.Cut(section, "\n")
		link := "[" + title + "](#" + anchors("## " + title + "\n")[0] + ")"
		for line := range strings.Lines(section) {
			cell := strings.Split(line, "|")
			told := title == "What no test can show"
			if !told && (len(cell) < 5 || cell[0] != "") {
				continue
			}
			where := line
			if !told {
				where = cell[1]
			}
			for _, name := range id.FindAllString(where, -1) {
				name = strings.Replace(name, "Ruling", "ruling", 1)
				if !strings.Contains(answers[name], link) {
					answers[name] = strings.TrimPrefix(answers[name]+", "+link, ", ")
				}
			}
		}
	}
	return answers
}

// testNames are those of functions, and of files that run in a browser.
func testNames(t *testing.T, tree fs.FS) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, pattern := range []string{"tests/browser/*.test.mjs", "tests/radicale/*.test.mjs"} {
		files, err := fs.Glob(tree, pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			names[path.Base(file)] = true
		}
	}
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
