// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/caddymodule"
)

// commentedOut are settings in the example that need something of the operator's:
// "#" and a word, without a space.
var commentedOut = regexp.MustCompile(`(?m)^(\t*)#(\S|\t)`)

// severalTimes are settings that the example shows more than once: what sites have
// of their own, and words that mean another thing beside another.
var severalTimes = []string{
	"identity", "identity domain", "mail", "storage", "group", "sensitive", "reveal",
	"storage grace", "mail from", "mail token", "mail header", "mail timeout",
}

// TestTheExampleHasEverySetting once: those of a block in that block, those of a
// transport in one that has them, and each transport and storage.
func TestTheExampleHasEverySetting(t *testing.T) {
	content, err := os.ReadFile("../Caddyfile.example")
	if err != nil {
		t.Fatal(err)
	}
	found := writtenIn(commentedOut.ReplaceAllString(string(content), "$1$2"))
	want := map[string]bool{}
	note := func(path string) {
		want[path] = true
		if found[path] == 0 {
			t.Errorf("%q is not in the example", path)
		}
	}
	for _, word := range caddymodule.SiteSettings() {
		note(word.Word)
		for _, guest := range word.Guests {
			note(word.Word + " " + guest.Word)
		}
		for _, path := range paths(word) {
			note(path)
		}
	}
	for path, times := range found {
		switch {
		case !want[path]:
			t.Errorf("%q is in the example and in no table", path)
		case times > 1 && !slices.Contains(severalTimes, path):
			t.Errorf("%q is in the example %d times", path, times)
		}
	}
	for _, path := range severalTimes {
		if found[path] < 2 {
			t.Errorf("%q is in the example only once", path)
		}
	}
}

// paths are the words inside a setting, with the words around them.
func paths(s caddymodule.Setting) (all []string) {
	for _, inner := range s.Inside {
		all = append(all, s.Word+" "+inner.Word)
		for _, path := range paths(inner) {
			all = append(all, s.Word+" "+path)
		}
	}
	return all
}

// writtenIn counts the settings of all gates of a Caddyfile. The words of a
// transport or a storage are counted twice: as its name, and inside "mail" or
// "storage".
func writtenIn(text string) map[string]int {
	found := map[string]int{}
	var blocks []string
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] == "#" {
			continue
		}
		if fields[0] == "}" {
			blocks = blocks[:len(blocks)-1]
			continue
		}
		if gate := slices.Index(blocks, "doorcode"); gate >= 0 {
			found[strings.Join(append(slices.Clone(blocks[gate+1:]), fields[0]), " ")]++
			if fields[0] == "mail" || fields[0] == "storage" {
				found[fields[0]+" "+fields[1]]++
			}
		}
		if fields[len(fields)-1] == "{" {
			blocks = append(blocks, fields[0])
		}
	}
	return found
}
