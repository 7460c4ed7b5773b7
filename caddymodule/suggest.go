// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"fmt"
	"slices"
	"strings"
)

// unrecognized says what to write instead of a word that is not in the table.
func (t table[T]) unrecognized(owner, word string, args []string) error {
	known := t.words()
	if owner == "doorcode" && slices.Contains(siteOnly, word) {
		return fmt.Errorf("'%s' belongs in a site's doorcode directive, not in the global option, because matchers are defined per site", word)
	}
	instead := "there are " + strings.Join(known, ", ")
	if len(known) == 0 {
		instead = fmt.Sprintf("'%s' has no settings", owner)
	}
	near := nearest(word, known)
	if near != "" {
		instead = fmt.Sprintf("did you mean '%s'?", near)
	}
	// One letter is a slip of the finger, also where some block knows the word.
	if homes := t.homes(word); len(homes) > 0 && (near == "" || distance(word, near) > 1) {
		instead = fmt.Sprintf("it belongs inside the block of %s", either(homes))
	}
	if (owner == "redis" || owner == "embedded") && slices.Contains(besideStorage, word) {
		instead = "it stands beside 'storage'"
	}
	if owner == "redis" && slices.Contains(databaseWords, word) {
		instead = "write the database at the end of the URL, such as redis://localhost:6379/2"
	}
	if line := argumentsOf[owner+"."+word]; line != "" {
		instead = fmt.Sprintf("it stands behind the word itself, as in '%s'", line)
	}
	if owner == "doorcode" && word == "path" && len(args) > 0 {
		instead = fmt.Sprintf("to guard only some paths write 'doorcode %s …'", args[0])
	}
	return fmt.Errorf("unrecognized %s subdirective '%s'; %s", owner, word, instead)
}

// argumentsOf are keys of the JSON that a block has no words for, since they are arguments.
var argumentsOf = map[string]string{
	"session.lifetime": "session 12h", "remember.idle": "remember 30d", "remember.most": "remember 30d 90d",
}

// siteOnly are the words with matchers, which only the directive's table has.
var siteOnly = []string{"answer", "page_status", "public", "sensitive"}

// besideStorage are the words that seem to belong to a storage, and databaseWords
// those that other programs have for the number of a database.
var (
	besideStorage = []string{"on_store_failure", "secret"}
	databaseWords = []string{"database", "db"}
)

// homes are the words whose blocks know the given one.
func (t table[T]) homes(word string) []string {
	var homes []string
	for _, name := range t.words() {
		for _, inner := range t[name].inside {
			if inner.Word == word {
				homes = append(homes, "'"+name+"'")
			}
		}
	}
	return homes
}

// nearest is the known word that a typist most likely meant, or "".
func nearest(word string, known []string) string {
	best, closest := "", 1+max(1, len(word)/3)
	for _, candidate := range known {
		if d := distance(word, candidate); d < closest {
			best, closest = candidate, d
		}
	}
	return best
}

// maxTyped bounds the work that a line of nonsense can cause.
const maxTyped = 64

// distance counts the letters that were left out, added, changed or swapped
// with their neighbour.
func distance(a, b string) int {
	if len(a) > maxTyped || len(b) > maxTyped {
		return maxTyped
	}
	before, above, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range above {
		above[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			changed := above[j-1]
			if a[i-1] != b[j-1] {
				changed++
			}
			row[j] = min(changed, above[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, above, row = above, row, before
	}
	return above[len(b)]
}
