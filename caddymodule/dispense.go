// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"maps"
	"slices"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// A table says how the line of each word in a block is read into a T. Unknown,
// repeated and miscounted settings are refused by the table alone.
type table[T any] map[string]entry[T]

type entry[T any] struct {
	// read starts at the word and takes its arguments and block.
	read func(d *caddyfile.Dispenser, to T) error
	// repeats says that the word may stand in a block more than once.
	repeats bool
	// inside holds the words of the entry's own block, nil if it has none.
	inside []string
}

func (t table[T]) words() []string { return slices.Sorted(maps.Keys(t)) }

// readBlock reads the block that opens next, if one does, and reports how many
// settings it held.
func (t table[T]) readBlock(d *caddyfile.Dispenser, owner string, to T) (int, error) {
	seen := map[string]bool{}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		word := d.Val()
		e, known := t[word]
		if !known {
			return 0, d.WrapErr(t.unrecognized(owner, word, d.RemainingArgs()))
		}
		if seen[word] && !e.repeats {
			return 0, d.Errf("'%s' is already set; write it once", word)
		}
		seen[word] = true
		if err := e.take(d, word, to); err != nil {
			return 0, err
		}
	}
	return len(seen), nil
}

// take reads one line, and then checks what is known so far, so that an error
// carries the line that caused it.
func (e entry[T]) take(d *caddyfile.Dispenser, word string, to T) error {
	if err := e.read(d, to); err != nil {
		return err
	}
	if e.inside == nil && blockOpens(d) {
		return d.Errf("'%s' takes no block", word)
	}
	if c, ok := any(to).(checker); ok {
		if err := c.check(); err != nil {
			return d.WrapErr(err)
		}
	}
	return nil
}

// blockOpens looks at the next token without taking it.
func blockOpens(d *caddyfile.Dispenser) bool {
	if !d.Next() {
		return false
	}
	opens := d.Val() == "{" && !d.Token().Quoted()
	d.Prev()
	return opens
}

// lift makes a table for something that holds a T into one for that.
func lift[U, T any](t table[T], of func(U) T) table[U] {
	lifted := make(table[U], len(t))
	for word, e := range t {
		lifted[word] = entry[U]{
			read:    func(d *caddyfile.Dispenser, to U) error { return e.read(d, of(to)) },
			repeats: e.repeats,
			inside:  e.inside,
		}
	}
	return lifted
}

// line reads the arguments of one line, one value each; those after the first
// few may be missing.
func line[T any](least int, values ...value[T]) entry[T] {
	return entry[T]{read: func(d *caddyfile.Dispenser, to T) error {
		_, err := readArgs(d, to, least, values)
		return err
	}}
}

func readArgs[T any](d *caddyfile.Dispenser, to T, least int, values []value[T]) (int, error) {
	word := d.Val()
	args := d.RemainingArgs()
	if len(args) < least || len(args) > len(values) {
		var hint string
		if len(values) > 0 && values[0].hint != nil {
			hint = values[0].hint(args)
		}
		return 0, d.Errf("'%s' takes %s, got %d%s", word, amount(least, len(values)), len(args), hint)
	}
	for i, text := range args {
		if text == "" {
			return 0, d.Errf("'%s' is empty", word)
		}
		if err := values[i].set(to, word, text); err != nil {
			return 0, d.WrapErr(err)
		}
	}
	return len(args), nil
}

// list reads one argument or more, each by add. It may be repeated.
func list[T any](add func(to T, word, text string) error) entry[T] {
	return entry[T]{repeats: true, read: func(d *caddyfile.Dispenser, to T) error {
		word := d.Val()
		args := d.RemainingArgs()
		if len(args) == 0 {
			return d.Errf("'%s' takes at least 1 argument, got 0", word)
		}
		for _, text := range args {
			if err := add(to, word, text); err != nil {
				return d.WrapErr(err)
			}
		}
		return nil
	}}
}

// block reads arguments, which may be missing, and a block with a table of its
// own. Without either the word says nothing and is refused.
func block[T, U any](of func(T) U, least int, values []value[U], inner table[U]) entry[T] {
	return entry[T]{inside: inner.words(), read: func(d *caddyfile.Dispenser, to T) error {
		start := d.Token()
		into := of(to)
		args, err := readArgs(d, into, least, values)
		if err != nil {
			return err
		}
		settings, err := inner.readBlock(d, start.Text, into)
		if err != nil {
			return err
		}
		if args+settings == 0 {
			return at(start).Errf("'%s' needs %s", start.Text, need(len(values)))
		}
		if c, ok := any(into).(completer); ok {
			if err := c.complete(); err != nil {
				return at(start).WrapErr(err)
			}
		}
		return nil
	}}
}

func need(values int) string {
	if values == 0 {
		return "a block with settings"
	}
	return "a value or a block with settings"
}

// at is a dispenser that stands on one token, for errors that concern it.
func at(token caddyfile.Token) *caddyfile.Dispenser {
	d := caddyfile.NewDispenser([]caddyfile.Token{token})
	d.Next()
	return d
}
