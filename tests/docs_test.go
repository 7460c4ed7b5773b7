// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// documents are the pages of the repository, by their paths from its root.
func documents(t *testing.T) map[string]string {
	t.Helper()
	pages := map[string]string{}
	for _, name := range []string{"README.md", "xcaddy.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"} {
		pages[name] = read(t, "../"+name)
	}
	err := filepath.WalkDir("../docs", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(name, ".md") {
			pages[filepath.ToSlash(strings.TrimPrefix(name, "../"))] = read(t, name)
		}
		return err
	})
	if err != nil || len(pages) < 30 {
		t.Fatalf("reading the documentation: %d pages, %v", len(pages), err)
	}
	return pages
}

// fenced are the blocks of a page in one language.
func fenced(page, language string) (blocks []string) {
	for _, match := range regexp.MustCompile("(?ms)^( *)```([a-z]*)\n(.*?)^ *```$").FindAllStringSubmatch(page, -1) {
		if match[2] == language { // in a list, it is indented
			blocks = append(blocks, strings.ReplaceAll("\n"+match[3], "\n"+match[1], "\n")[1:])
		}
	}
	return blocks
}

// TestEveryCaddyfileInTheDocumentationAdapts: whoever copies one gets no error, and
// none that caddy fmt would change. Some are lines of a directive's block.
func TestEveryCaddyfileInTheDocumentationAdapts(t *testing.T) {
	found := 0
	for name, page := range documents(t) {
		for _, block := range fenced(page, "caddyfile") {
			found++
			if formatted := string(caddyfile.Format([]byte(block))); formatted != block {
				t.Errorf("%s: caddy fmt would change\n%s", name, cmp.Diff(block, formatted))
			}
			if _, err := harness.Adapt(wholeCaddyfile(block)); err != nil {
				t.Errorf("%s: %v, adapting\n%s", name, err, block)
			}
		}
	}
	if found < 45 {
		t.Errorf("%d Caddyfiles were found, so this test shows little", found)
	}
}

// wholeCaddyfile puts what is missing around a part of one: a site that uses a
// global option, or the block of a directive.
func wholeCaddyfile(block string) string {
	switch {
	case strings.HasPrefix(block, "{\n") && !strings.Contains(block, "\n}\n\n"):
		return block + "app.example.com {\n\tdoorcode\n}\n"
	case strings.HasPrefix(block, "{\n"), regexp.MustCompile(`(?m)^(https?://)?[a-z0-9.:*-]+(, .*)? \{$`).MatchString(block):
		return block
	}
	return "app.example.com {\n\t@billing path /billing/*\n\tdoorcode {\n" + block + "}\n}\n"
}

var (
	link     = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading  = regexp.MustCompile(`(?m)^#{1,6} (.+)$`)
	anchored = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	codeSpan = regexp.MustCompile("(?s)```.*?```|`[^`\n]*`")
)

// anchors are the places of a page that a link can name, as GitHub makes them.
func anchors(page string) (all []string) {
	page = regexp.MustCompile("(?ms)^```.*?^```$").ReplaceAllString(page, "")
	for _, match := range heading.FindAllStringSubmatch(page, -1) {
		text := regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`).ReplaceAllString(match[1], "$1")
		text = anchored.ReplaceAllString(strings.ToLower(text), "")
		all = append(all, strings.ReplaceAll(text, " ", "-"))
	}
	return all
}

func TestEveryLinkInTheDocumentationLeadsSomewhere(t *testing.T) {
	pages := documents(t)
	for name, page := range pages {
		for _, match := range link.FindAllStringSubmatch(codeSpan.ReplaceAllString(page, ""), -1) {
			target, anchor, _ := strings.Cut(match[1], "#")
			if strings.Contains(target, ":") {
				continue // of another site
			}
			file := name
			if target != "" {
				file = path.Join(path.Dir(name), target)
			}
			if _, err := os.Stat("../" + file); err != nil {
				t.Errorf("%s links to %s, which does not exist", name, match[1])
				continue
			}
			if anchor != "" && !slices.Contains(anchors(pages[file]), anchor) {
				t.Errorf("%s links to %s, and there is no such heading", name, match[1])
			}
		}
	}
}

// TestEveryTestThatTheDocumentationNamesExists, with every file of tests.
func TestEveryTestThatTheDocumentationNamesExists(t *testing.T) {
	known := map[string]bool{}
	for _, file := range goFiles(t, os.DirFS("..")) {
		for _, match := range regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)\w+)\(`).FindAllStringSubmatch(read(t, "../"+file), -1) {
			known[match[1]] = true
		}
	}
	for name, page := range documents(t) {
		for _, match := range regexp.MustCompile("`((?:Test|Fuzz|Benchmark)[A-Z0-9]\\w+)`").FindAllStringSubmatch(page, -1) {
			if !known[match[1]] {
				t.Errorf("%s names %s, which is no test", name, match[1])
			}
		}
		for _, match := range regexp.MustCompile("`(tests/[\\w./-]+)`").FindAllStringSubmatch(page, -1) {
			if _, err := os.Stat("../" + match[1]); err != nil {
				t.Errorf("%s names %s, which does not exist", name, match[1])
			}
		}
	}
}

// TestEveryCommandInTheDocumentationExists, with its flags. docs/commands.md is made
// from the commands themselves.
func TestEveryCommandInTheDocumentationExists(t *testing.T) {
	flags := map[string][]string{}
	var command string
	for line := range strings.Lines(read(t, "../docs/commands.md")) {
		if name, found := strings.CutPrefix(line, "## "); found {
			command = strings.TrimSpace(name)
			flags[command] = []string{"--help"}
		}
		if match := regexp.MustCompile(`^ +(?:-\w, )?(--[a-z-]+)`).FindStringSubmatch(line); match != nil {
			flags[command] = append(flags[command], match[1])
		}
	}
	if len(flags) < 15 {
		t.Fatalf("%d commands were found", len(flags))
	}
	used := regexp.MustCompile("caddy doorcode ([a-z][a-z-]*)((?: [a-z]+)?)([^`\n|;]*)")
	for name, page := range documents(t) {
		for _, match := range used.FindAllStringSubmatch(page, -1) {
			command, known := match[1]+match[2], true
			if flags[command] == nil {
				command = match[1]
			}
			if _, known = flags[command]; !known {
				t.Errorf("%s: there is no command %q", name, match[0])
			}
			for _, flag := range regexp.MustCompile(` (--[a-z-]+)`).FindAllStringSubmatch(match[2]+match[3], -1) {
				if known && !slices.Contains(flags[command], flag[1]) {
					t.Errorf("%s: %q has no %s", name, command, flag[1])
				}
			}
		}
	}
}
