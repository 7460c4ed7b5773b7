// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// TestRehearsalsPrintWhatTheirPageSays runs each example of docs/rehearsal.md on the
// files that the page shows.
func TestRehearsalsPrintWhatTheirPageSays(t *testing.T) {
	page, folder := read(t, "../docs/rehearsal.md"), t.TempDir()
	drawAtlas(t, &harness.Caddy{Folder: folder})
	configs := fenced(page, "caddyfile")
	files := map[string][]string{
		"Caddyfile": configs[:1], "Caddyfile.new": configs[1:], "policy.yaml": fenced(page, "yaml"), "audit.log": fenced(page, "json"),
	}
	for name, blocks := range files {
		if len(blocks) != 1 {
			t.Fatalf("%d blocks for %s", len(blocks), name)
		}
		text := strings.ReplaceAll(blocks[0], "/var/lib/GeoIP/GeoLite2-City.mmdb", filepath.Join(folder, "city.mmdb"))
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	examples := fenced(page, "console")
	if len(examples) != 4 {
		t.Errorf("%d examples", len(examples))
	}
	for _, example := range examples {
		command, want, _ := strings.Cut(example, "\n")
		cmd := harness.Command(folder, strings.Fields(strings.TrimPrefix(command, "$ caddy "))...)
		cmd.Dir, cmd.Env = folder, append(cmd.Environ(), "TZ=UTC")
		printed, _ := cmd.Output() // some exit codes are answers
		want, out := passing.ReplaceAllString(want, "50m"), passing.ReplaceAllString(string(printed), "50m")
		if !matches(want, out) {
			t.Errorf("%s (-page +printed):\n%s", command, cmp.Diff(want, out))
		}
	}
}

// passing is what another second changes.
var passing = regexp.MustCompile(`50m(1s)?( is \d+ km/h)?`)

// matches compares what is printed with an example, in which "…" stands for any lines.
func matches(example, printed string) bool {
	parts := strings.Split(example, "…\n")
	for i, part := range parts {
		parts[i] = regexp.QuoteMeta(part)
	}
	return regexp.MustCompile("(?s)^" + strings.Join(parts, ".*") + "$").MatchString(printed)
}

// Each key of a file of tests has a row of the page, and no other row is there.
func TestEveryKeyOfPolicyTestsIsDescribed(t *testing.T) {
	_, config := writeExplainable(t)
	_, section, _ := strings.Cut(read(t, "../docs/rehearsal.md"), "\n## Tests for a pipeline\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var described []string
	for _, row := range regexp.MustCompile("(?m)^\\| (`.*?`) \\|").FindAllStringSubmatch(section, -1) {
		for _, key := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(row[1], -1) {
			described = append(described, key[1])
		}
	}
	var known []string
	for what, text := range map[string]string{"person": "people:\n  ana: {xyzzy: 1, email: a@example.com}\ntests: []\n", "test": "tests:\n  - {xyzzy: 1}\n"} {
		out, _ := check(t, text, "--config", config)
		_, list, found := strings.Cut(out, "there are ")
		if !found {
			t.Fatalf("keys of a %s: %s", what, out)
		}
		list, _, _ = strings.Cut(list, "\n")
		known = append(known, strings.Split(list, ", ")...)
	}
	slices.Sort(known)
	slices.Sort(described)
	if diff := cmp.Diff(known, described); diff != "" {
		t.Errorf("keys (-known +described):\n%s", diff)
	}
}
