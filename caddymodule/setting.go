// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"slices"
	"strings"
)

// A setting is one word of the grammar as docs/caddyfile.md describes it. What it
// means and what it is by default stand at the JSON fields, so that there is one
// place for them.
type setting struct {
	Word string
	// Takes are the arguments, such as "<wait> [<max>]"; "" if there are none.
	Takes string
	// Keys are the JSON keys that the line sets, of what holds the block.
	Keys []string
	// Repeats says that the word may stand in a block more than once.
	Repeats bool
	// Inside are the words of the block, nil if there is none.
	Inside []setting
	// Guests are the modules that the first argument may name.
	Guests []setting
}

// settings describes each word of a table.
func (t table[T]) settings() []setting {
	all := make([]setting, 0, len(t))
	for _, word := range t.words() {
		e := t[word]
		keys := e.keys
		if keys == nil {
			keys = []string{word}
		}
		all = append(all, setting{Word: word, Takes: e.takes, Keys: keys, Repeats: e.repeats, Inside: e.inside, Guests: e.guests})
	}
	return all
}

// as is the entry with its arguments in words, and the JSON keys that the line sets
// if it is not one with the name of the word.
func (e entry[T]) as(takes string, keys ...string) entry[T] {
	e.takes = takes
	if len(keys) > 0 {
		e.keys = keys
	}
	return e
}

// syntax is how the arguments of a line are written; those after the first few may
// be missing.
func syntax[T any](least int, values []value[T]) string {
	var text string
	for i, v := range slices.Backward(values) {
		text = strings.TrimRight(v.takes+" "+text, " ")
		if i >= least {
			text = "[" + text + "]"
		}
	}
	return text
}

// inBlocks are the words of the blocks of several guests, each once.
func inBlocks(guests []setting) []setting {
	var all []setting
	for _, g := range guests {
		for _, inner := range g.Inside {
			if !slices.ContainsFunc(all, func(s setting) bool { return s.Word == inner.Word }) {
				all = append(all, inner)
			}
		}
	}
	return all
}
